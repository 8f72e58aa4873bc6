;; An LRU for which an entry has three attributes, and never more.
;;; module
{{lru}}
;;; step
(call $step-of-lru
    (local.get $touched) (local.get $touched-len)
    (local.get $removed) (local.get $removed-len)
    (local.get $admitted) (local.get $admitted-len)
    (local.get $attributes) (i32.mul (local.get $admitted-len) (i32.const 3))
    (local.get $need))
