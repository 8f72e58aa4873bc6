;; Names one more than it may.
;;; step
(call $victims (i32.const 4096) (i32.add (global.get $max-victims) (i32.const 1)))
