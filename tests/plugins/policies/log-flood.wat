;; Prints a thousand lines in each step.
;;; component
(import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
(alias export $errors "error" (type $error))
(import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $stream (sub resource)))
    (alias outer 1 $error (type $error'))
    (export "error" (type $error (eq $error')))
    (type $failure' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $failure (eq $failure')))
    (export "[method]output-stream.blocking-write-and-flush" (func
        (param "self" (borrow $stream)) (param "contents" (list u8))
        (result (result (error $failure)))))))
(alias export $streams "output-stream" (type $stream))
(import "wasi:cli/stderr@0.2.0" (instance $stderr
    (alias outer 1 $stream (type $stream'))
    (export "output-stream" (type $stream (eq $stream')))
    (export "get-stderr" (func (result (own $stream))))))
(core func $get-stderr (canon lower (func $stderr "get-stderr")))
(core func $write (canon lower
    (func $streams "[method]output-stream.blocking-write-and-flush")
    (memory $shelf-memory) (realloc $shelf-realloc)))
(core instance $wasi (export "get-stderr" (func $get-stderr)) (export "write" (func $write)))
;;; with
(with "wasi" (instance $wasi)) (with "shelf" (instance $shelf))
;;; import
(import "wasi" "get-stderr" (func $get-stderr (result i32)))
(import "wasi" "write" (func $write (param i32 i32 i32 i32)))
(import "shelf" "memory" (memory $shelf 2))
(data (memory $shelf) (i32.const 4096) "buy \22more\22 \5c\1b!!\n")
;;; module
(global $stderr (mut i32) (i32.const 0))
;;; step
(local $left i32)
(if (i32.eqz (global.get $stderr)) (then (global.set $stderr (call $get-stderr))))
(local.set $left (i32.const 1000))
(loop $more
    (call $write (global.get $stderr) (i32.const 4096) (i32.const 16) (i32.const 2048))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $more (local.get $left)))
(call $victims (i32.const 0) (i32.const 0))
