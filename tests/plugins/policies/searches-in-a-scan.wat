;; An LRU that spares what was used lately: among the touches of the last eighth of as many as
;; there are entries. It looks for its victim from the coldest on. That is one look as long
;; as entries are used; while a scan runs nothing is, and it looks at an eighth of all.
;;; module
{{lru}}
;;; coldest
(local.set $link (global.get $back))
(loop $warmer
    (if (i32.eqz (local.get $link)) (then (return (global.get $back))))
    (if (i32.eqz (i32.load $state offset=12 (call $at (local.get $link))))
        (then (return (local.get $link))))
    (if (i32.ge_u
            (i32.sub (global.get $touches)
                (i32.load $state offset=12 (call $at (local.get $link))))
            (i32.shr_u (global.get $count) (i32.const 3)))
        (then (return (local.get $link))))
    (local.set $link (i32.load $state (call $at (local.get $link))))
    (br $warmer))
(unreachable)
;;; step
(call $step-of-lru
    (local.get $touched) (local.get $touched-len)
    (local.get $removed) (local.get $removed-len)
    (local.get $admitted) (local.get $admitted-len)
    (local.get $attributes) (local.get $attributes-len)
    (local.get $need))
