;; Names those that it was just told have come: nothing new ever stays.
;;; step
(call $victims (local.get $admitted) (call $allowed (local.get $admitted-len)))
