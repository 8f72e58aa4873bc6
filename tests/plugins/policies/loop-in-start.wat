;; Runs for ever before anything is called.
;;; module
(func $spin (loop (br 0)))
(start $spin)
