;; Names the first slot that it was told of, twice.
;;; step
(if (i32.eqz (local.get $admitted-len))
    (then (return (call $victims (i32.const 0) (i32.const 0)))))
(i32.store $memory (i32.const 4096) (i32.load $memory (local.get $admitted)))
(i32.store $memory (i32.const 4100) (i32.load $memory (local.get $admitted)))
(call $victims (i32.const 4096) (i32.const 2))
