;; Takes 10 ms for each step. It is no idler: it names, like a FIFO that is short of
;; memory, those that it was told of in the step before.
;;; component
(import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (export "now" (func (result u64)))))
(core func $now (canon lower (func $clock "now")))
(core instance $wasi (export "now" (func $now)))
;;; with
(with "wasi" (instance $wasi))
;;; import
(import "wasi" "now" (func $now (result i64)))
;;; module
(global $known (mut i32) (i32.const 0))
;;; step
(local $until i64) (local $known i32)
(local.set $until (i64.add (call $now) (i64.const 10000000)))
(loop $wait (br_if $wait (i64.lt_u (call $now) (local.get $until))))
;; The answer at 4096 is what 16384 kept since the last step.
(local.set $known (global.get $known))
(memory.copy $memory $memory (i32.const 4096) (i32.const 16384)
    (i32.shl (local.get $known) (i32.const 2)))
(global.set $known (call $allowed (local.get $admitted-len)))
(memory.copy $memory $memory (i32.const 16384) (local.get $admitted)
    (i32.shl (global.get $known) (i32.const 2)))
(if (i64.eqz (local.get $need)) (then (return (call $victims (i32.const 0) (i32.const 0)))))
(call $victims (i32.const 4096) (local.get $known))
