;; No hostile one: answers any key with a hundred bytes, so that a group is soon full.
;;; fetch
(call $value (i32.const 8192) (i32.const 100))
