;; Computes for ever.
;;; fetch
(loop (br 0)) unreachable
