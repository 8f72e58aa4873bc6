;; Works for a hundred steps, if naming nobody is work; then one takes for ever.
;;; step
(if (i32.gt_u (global.get $steps) (i32.const 100)) (then (loop (br 0))))
(call $victims (i32.const 0) (i32.const 0))
