;; Traps in each fetch.
;;; fetch
unreachable
