;; Runs for ever when it is configured.
;;; configure
(loop (br 0)) unreachable
