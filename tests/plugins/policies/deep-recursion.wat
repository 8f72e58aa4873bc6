;; Calls itself until there is no stack left.
;;; module
(func $deep (call $deep) (call $deep))
;;; step
(if (i32.gt_u (global.get $steps) (i32.const 100)) (then (call $deep)))
(call $victims (i32.const 0) (i32.const 0))
