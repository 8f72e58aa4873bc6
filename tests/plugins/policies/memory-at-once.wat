;; Wants 2 GiB of memory to begin with.
;;; pages
32768
