;; Hands over a state that means nothing, and takes any state for its own: it then
;; knows nobody, and nobody tells it.
;;; module
(data (i32.const 8192) "anything")
(func (export "save") (result i32)
    (i32.store $memory (i32.const 8256) (i32.const 8192))
    (i32.store $memory (i32.const 8260) (i32.const 8))
    (i32.store $memory (i32.const 8264) (i32.const 8192))
    (i32.store $memory (i32.const 8268) (i32.const 50000))
    (i32.const 8256))
(func (export "restore") (param i32 i32 i32 i32) (result i32) (i32.const 1))
;;; step
(call $victims (i32.const 0) (i32.const 0))
;;; export
(type $state' (record (field "format" string) (field "bytes" (list u8))))
(export $state "state" (type $state'))
(func $save (result $state) (canon lift (core func $core "save") (memory $memory)))
(func $restore (param "state" $state) (result bool)
    (canon lift (core func $core "restore") (memory $memory) (realloc $realloc)))
(instance $snapshot (export "save" (func $save)) (export "restore" (func $restore)))
(export "psycache:plugin/snapshot@{{version}}" (instance $snapshot))
