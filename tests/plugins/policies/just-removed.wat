;; Names those that it was just told are gone.
;;; step
(call $victims (local.get $removed) (call $allowed (local.get $removed-len)))
