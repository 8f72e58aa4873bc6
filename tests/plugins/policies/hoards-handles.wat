;; Opens its standard error ten times in each step and closes it never: each
;; handle is memory of the node's, not of its own.
;;; component
(import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type (sub resource)))))
(alias export $streams "output-stream" (type $stream))
(import "wasi:cli/stderr@0.2.0" (instance $stderr
    (alias outer 1 $stream (type $stream))
    (export "output-stream" (type $stream' (eq $stream)))
    (export "get-stderr" (func (result (own $stream'))))))
(core func $get-stderr (canon lower (func $stderr "get-stderr")))
(core instance $wasi (export "get-stderr" (func $get-stderr)))
;;; with
(with "wasi" (instance $wasi))
;;; import
(import "wasi" "get-stderr" (func $get-stderr (result i32)))
;;; step
(local $left i32)
(local.set $left (i32.const 10))
(loop $more
    (drop (call $get-stderr))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $more (local.get $left)))
(call $victims (i32.const 0) (i32.const 0))
