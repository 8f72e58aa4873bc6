;; An LRU that hears of the first touch of a step only.
;;; module
{{lru}}
;;; step
(call $step-of-lru
    (local.get $touched) (select (i32.const 1) (local.get $touched-len) (local.get $touched-len))
    (local.get $removed) (local.get $removed-len)
    (local.get $admitted) (local.get $admitted-len)
    (local.get $attributes) (local.get $attributes-len)
    (local.get $need))
