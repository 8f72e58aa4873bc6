;; Traps in every step.
;;; step
unreachable
