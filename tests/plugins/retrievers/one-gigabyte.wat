;; Answers with a value of 1 GiB, in a memory of as much.
;;; fetch
(drop (memory.grow $memory (i32.const 16384)))
(call $value (i32.const 8192) (i32.const 0x40000000))
