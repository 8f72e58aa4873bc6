;; A source whose every row changes all the time: the value is when it was read, in
;; nanoseconds since 1970, eight bytes with the lowest first. The answer takes two
;; milliseconds.
;;; component
(import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
(alias export $poll "pollable" (type $pollable))
(import "wasi:clocks/monotonic-clock@0.2.0" (instance $timers
    (alias outer 1 $pollable (type $pollable))
    (export "pollable" (type $pollable' (eq $pollable)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable'))))))
(import "wasi:clocks/wall-clock@0.2.0" (instance $wall
    (type $datetime' (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $datetime')))
    (export "now" (func (result $datetime)))))
(core func $block (canon lower (func $poll "[method]pollable.block")))
(core func $timer (canon lower (func $timers "subscribe-duration")))
(core func $drop (canon resource.drop $pollable))
(core func $now (canon lower (func $wall "now") (memory $shelf-memory)))
(core instance $wasi (export "block" (func $block)) (export "timer" (func $timer))
    (export "drop" (func $drop)) (export "now" (func $now))
    (export "memory" (memory $shelf-memory)))
;;; with
(with "wasi" (instance $wasi))
;;; import
(import "wasi" "block" (func $block (param i32)))
(import "wasi" "timer" (func $timer (param i64) (result i32)))
(import "wasi" "drop" (func $drop (param i32)))
(import "wasi" "now" (func $now (param i32)))
(import "wasi" "memory" (memory $shelf 2))
;;; fetch
(local $timer i32)
(call $now (i32.const 1024))
(i64.store $memory (i32.const 8192)
    (i64.add
        (i64.mul (i64.load $shelf (i32.const 1024)) (i64.const 1000000000))
        (i64.extend_i32_u (i32.load $shelf (i32.const 1032)))))
(local.set $timer (call $timer (i64.const 2000000)))
(call $block (local.get $timer))
(call $drop (local.get $timer))
(call $value (i32.const 8192) (i32.const 8))
