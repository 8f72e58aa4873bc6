;; An LRU that remembers 8 bytes of each entry that it has evicted, and never forgets one.
;;; module
{{lru}}
(memory $ghosts 1)
(global $remembered (mut i32) (i32.const 0))
;;; gone
(if (i32.ge_u (i32.add (global.get $remembered) (i32.const 8))
        (i32.shl (memory.size $ghosts) (i32.const 16)))
    (then (if (i32.eq (i32.const -1) (memory.grow $ghosts (i32.const 1))) (then unreachable))))
(i64.store $ghosts (global.get $remembered) (i64.extend_i32_u (local.get $link)))
(global.set $remembered (i32.add (global.get $remembered) (i32.const 8)))
;;; step
(call $step-of-lru
    (local.get $touched) (local.get $touched-len)
    (local.get $removed) (local.get $removed-len)
    (local.get $admitted) (local.get $admitted-len)
    (local.get $attributes) (local.get $attributes-len)
    (local.get $need))
