;; Says that 2^28 victims lie in its memory of 2 MiB; only after a hundred steps.
;;; step
(if (i32.gt_u (global.get $steps) (i32.const 100))
    (then (return (call $victims (i32.const 4096) (i32.const 0x10000000)))))
(call $victims (i32.const 0) (i32.const 0))
