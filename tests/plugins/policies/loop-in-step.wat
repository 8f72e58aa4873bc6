;; Runs for ever in every step.
;;; step
(loop (br 0)) unreachable
