;; Answers with a value of 200 MiB that it really has.
;;; fetch
(if (i32.eq (i32.const -1) (memory.grow $memory (i32.const 3200))) (then unreachable))
(call $value (i32.const 8192) (i32.const 0xc800000))
