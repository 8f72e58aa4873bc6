;; An LRU that takes any option, and has none.
;;; configure
(i32.const 48)
;;; module
{{lru}}
;;; step
(call $step-of-lru
    (local.get $touched) (local.get $touched-len)
    (local.get $removed) (local.get $removed-len)
    (local.get $admitted) (local.get $admitted-len)
    (local.get $attributes) (local.get $attributes-len)
    (local.get $need))
