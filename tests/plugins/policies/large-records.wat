;; An LRU that takes 400 bytes for an entry.
;;; record
400
;;; module
{{lru}}
;;; step
(call $step-of-lru
    (local.get $touched) (local.get $touched-len)
    (local.get $removed) (local.get $removed-len)
    (local.get $admitted) (local.get $admitted-len)
    (local.get $attributes) (local.get $attributes-len)
    (local.get $need))
