;; Works for a hundred steps, then traps.
;;; step
(if (i32.gt_u (global.get $steps) (i32.const 100)) (then unreachable))
(call $victims (i32.const 0) (i32.const 0))
