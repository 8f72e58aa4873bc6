;; An LRU that does nothing about an entry that is overwritten: it stays where it was, with
;; the weight that it had.
;;; module
{{lru}}
;;; overwrite
(nop)
;;; step
(call $step-of-lru
    (local.get $touched) (local.get $touched-len)
    (local.get $removed) (local.get $removed-len)
    (local.get $admitted) (local.get $admitted-len)
    (local.get $attributes) (local.get $attributes-len)
    (local.get $need))
