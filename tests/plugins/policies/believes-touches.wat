;; An LRU that takes each slot that was touched for a resident one.
;;; module
{{lru}}
;;; touch-unknown
(call $insert (local.get $link) (i32.const 1))
;;; step
(call $step-of-lru
    (local.get $touched) (local.get $touched-len)
    (local.get $removed) (local.get $removed-len)
    (local.get $admitted) (local.get $admitted-len)
    (local.get $attributes) (local.get $attributes-len)
    (local.get $need))
