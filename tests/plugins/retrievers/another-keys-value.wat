;; Answers any key with one and the same value, as if it were the key's. That is its
;; right: what a key's value is, only the source knows.
;;; module
(data (i32.const 8192) "the value of somebody else")
;;; fetch
(call $value (i32.const 8192) (i32.const 26))
