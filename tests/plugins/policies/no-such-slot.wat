;; Names a slot that can't be: 2^32 - 1.
;;; step
(i32.store $memory (i32.const 4096) (i32.const -1))
(call $victims (i32.const 4096) (i32.const 1))
