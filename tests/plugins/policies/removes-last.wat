;; An LRU that looks at what was removed after what was admitted: a slot in both is lost.
;;; module
{{lru}}
;;; step
(local $stride i32)
(call $touch-all (local.get $touched) (local.get $touched-len))
(if (local.get $admitted-len) (then (local.set $stride (i32.shl
    (i32.div_u (local.get $attributes-len) (local.get $admitted-len)) (i32.const 2)))))
(call $admit-all (local.get $admitted) (local.get $admitted-len) (local.get $attributes)
    (local.get $stride))
(call $remove-all (local.get $removed) (local.get $removed-len))
(call $name (local.get $need))
