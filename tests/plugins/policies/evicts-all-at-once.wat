;; An LRU that names as many victims as it may as soon as there is any need.
;;; module
{{lru}}
;;; step
(call $step-of-lru
    (local.get $touched) (local.get $touched-len)
    (local.get $removed) (local.get $removed-len)
    (local.get $admitted) (local.get $admitted-len)
    (local.get $attributes) (local.get $attributes-len)
    (select (i64.const 0x1fffffffffffff) (i64.const 0) (i64.ne (local.get $need) (i64.const 0))))
