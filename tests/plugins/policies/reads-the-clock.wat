;; An LRU that asks the clock, and not `now` or `seed`, whether the coldest entry leaves or
;; the one before it.
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
{{lru}}
;;; coldest
(if (i32.eqz (global.get $back)) (then (return (i32.const 0))))
(local.set $link (i32.load $state (call $at (global.get $back))))
(select (local.get $link) (global.get $back)
    (i32.and (i32.ne (local.get $link) (i32.const 0))
        (i32.wrap_i64 (i64.and (call $now) (i64.const 1)))))
;;; step
(call $step-of-lru
    (local.get $touched) (local.get $touched-len)
    (local.get $removed) (local.get $removed-len)
    (local.get $admitted) (local.get $admitted-len)
    (local.get $attributes) (local.get $attributes-len)
    (local.get $need))
