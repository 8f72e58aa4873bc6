;; Waits for a timer of three hundred years, inside of the node.
;;; component
(import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
(alias export $poll "pollable" (type $pollable))
(import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $pollable))
    (export "pollable" (type $pollable' (eq $pollable)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable'))))))
(core func $block (canon lower (func $poll "[method]pollable.block")))
(core func $timer (canon lower (func $clock "subscribe-duration")))
(core instance $wasi (export "block" (func $block)) (export "timer" (func $timer)))
;;; with
(with "wasi" (instance $wasi))
;;; import
(import "wasi" "block" (func $block (param i32)))
(import "wasi" "timer" (func $timer (param i64) (result i32)))
;;; fetch
(call $block (call $timer (i64.const 0x7fffffffffffffff)))
unreachable
