;; Takes 1 MiB more in every step, and traps when it gets none.
;;; step
(if (i32.eq (i32.const -1) (memory.grow $memory (i32.const 16))) (then unreachable))
(call $victims (i32.const 0) (i32.const 0))
