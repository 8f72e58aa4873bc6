;; Keeps 8 MiB more with each fetch, and traps when it gets no more.
;;; fetch
(if (i32.eq (i32.const -1) (memory.grow $memory (i32.const 128))) (then unreachable))
(call $value (i32.const 8192) (i32.const 100))
