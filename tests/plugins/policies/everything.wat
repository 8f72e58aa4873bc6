;; No hostile one: it uses all that a policy may have. It reads the key of each entry
;; that comes, tells how many keys it has read, and hands that number over.
;;; component
(import "psycache:plugin/entries@{{version}}" (instance $entries
    (export "key" (func (param "slot" u32) (result (option string))))))
(core func $key (canon lower (func $entries "key") (memory $shelf-memory)
    (realloc $shelf-realloc)))
(core instance $node (export "key" (func $key)))
;;; with
(with "node" (instance $node)) (with "shelf" (instance $shelf))
;;; import
(import "node" "key" (func $key (param i32 i32)))
(import "shelf" "memory" (memory $shelf 2))
;;; module
(global $keys (mut i64) (i64.const 0))
(data (memory $memory) (i32.const 8192) "keys-read" "a number")
(func (export "stats") (result i32)
    (i32.store $memory (i32.const 8256) (i32.const 8192))
    (i32.store $memory (i32.const 8260) (i32.const 9))
    (f64.store $memory (i32.const 8264) (f64.convert_i64_u (global.get $keys)))
    (call $victims (i32.const 8256) (i32.const 1)))
(func (export "save") (result i32)
    (i64.store $memory (i32.const 8320) (global.get $keys))
    (i32.store $memory (i32.const 8328) (i32.const 8201))
    (i32.store $memory (i32.const 8332) (i32.const 8))
    (i32.store $memory (i32.const 8336) (i32.const 8320))
    (i32.store $memory (i32.const 8340) (i32.const 8))
    (i32.const 8328))
(func (export "restore") (param $format i32) (param $format-len i32)
    (param $bytes i32) (param $bytes-len i32) (result i32)
    (if (i64.ne (i64.load $memory (local.get $format)) (i64.load $memory (i32.const 8201)))
        (then (return (i32.const 0))))
    (global.set $keys (i64.load $memory (local.get $bytes)))
    (i32.const 1))
;;; step
(loop $next
    (if (local.get $admitted-len) (then
        (call $key (i32.load $memory (local.get $admitted)) (i32.const 2048))
        ;; Some, and not empty.
        (if (i32.and (i32.load8_u $shelf (i32.const 2048))
                (i32.ne (i32.const 0) (i32.load $shelf (i32.const 2056))))
            (then (global.set $keys (i64.add (global.get $keys) (i64.const 1)))))
        (local.set $admitted (i32.add (local.get $admitted) (i32.const 4)))
        (local.set $admitted-len (i32.sub (local.get $admitted-len) (i32.const 1)))
        (br $next))))
(call $victims (i32.const 0) (i32.const 0))
;;; export
(type $statistic' (record (field "name" string) (field "value" f64)))
(export $statistic "statistic" (type $statistic'))
(func $stats (result (list $statistic))
    (canon lift (core func $core "stats") (memory $memory)))
(instance $introspect (export "stats" (func $stats)))
(export "psycache:plugin/introspect@{{version}}" (instance $introspect))
(type $state' (record (field "format" string) (field "bytes" (list u8))))
(export $state "state" (type $state'))
(func $save (result $state) (canon lift (core func $core "save") (memory $memory)))
(func $restore (param "state" $state) (result bool)
    (canon lift (core func $core "restore") (memory $memory) (realloc $realloc)))
(instance $snapshot (export "save" (func $save)) (export "restore" (func $restore)))
(export "psycache:plugin/snapshot@{{version}}" (instance $snapshot))
