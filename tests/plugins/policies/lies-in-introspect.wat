;; Tells statistics that can't be: a name twice, one with a line break and a quote in
;; it, a number that is none, and one that is endless.
;;; module
(data (i32.const 8192) "same" "a\22b\0a# HELP psycache_gets x")
(func $statistic (param $nth i32) (param $name i32) (param $name-len i32) (param $value f64)
    (local $at i32)
    (local.set $at (i32.add (i32.const 12288) (i32.shl (local.get $nth) (i32.const 4))))
    (i32.store $memory (local.get $at) (local.get $name))
    (i32.store $memory offset=4 (local.get $at) (local.get $name-len))
    (f64.store $memory offset=8 (local.get $at) (local.get $value)))
(func (export "stats") (result i32)
    (call $statistic (i32.const 0) (i32.const 8192) (i32.const 4) (f64.const 1))
    (call $statistic (i32.const 1) (i32.const 8192) (i32.const 4) (f64.const 2))
    (call $statistic (i32.const 2) (i32.const 8196) (i32.const 27) (f64.const nan))
    (call $statistic (i32.const 3) (i32.const 8192) (i32.const 3) (f64.const inf))
    (call $victims (i32.const 12288) (i32.const 4)))
;;; step
(call $victims (i32.const 0) (i32.const 0))
;;; export
(type $statistic' (record (field "name" string) (field "value" f64)))
(export $statistic "statistic" (type $statistic'))
(func $stats (result (list $statistic))
    (canon lift (core func $core "stats") (memory $memory)))
(instance $introspect (export "stats" (func $stats)))
(export "psycache:plugin/introspect@{{version}}" (instance $introspect))
