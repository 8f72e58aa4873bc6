;; Asks for a socket, the folders and the arguments in every step, and traps should
;; it get any of them. The clock it gets: telling the time harms nobody.
;;; component
(import "wasi:sockets/network@0.2.0" (instance $network
    (type $code (enum "unknown" "access-denied" "not-supported" "invalid-argument"
        "out-of-memory" "timeout" "concurrency-conflict" "not-in-progress" "would-block"
        "invalid-state" "new-socket-limit" "address-not-bindable" "address-in-use"
        "remote-unreachable" "connection-refused" "connection-reset" "connection-aborted"
        "datagram-too-large" "name-unresolvable" "temporary-resolver-failure"
        "permanent-resolver-failure"))
    (export "error-code" (type (eq $code)))
    (type $family (enum "ipv4" "ipv6"))
    (export "ip-address-family" (type (eq $family)))))
(alias export $network "error-code" (type $code))
(alias export $network "ip-address-family" (type $family))
(import "wasi:sockets/tcp@0.2.0" (instance $tcp
    (export "tcp-socket" (type (sub resource)))))
(alias export $tcp "tcp-socket" (type $socket))
(import "wasi:sockets/tcp-create-socket@0.2.0" (instance $sockets
    (alias outer 1 $code (type $code))
    (export "error-code" (type $code' (eq $code)))
    (alias outer 1 $family (type $family))
    (export "ip-address-family" (type $family' (eq $family)))
    (alias outer 1 $socket (type $socket))
    (export "tcp-socket" (type $socket' (eq $socket)))
    (export "create-tcp-socket" (func (param "address-family" $family')
        (result (result (own $socket') (error $code')))))))
(core func $create (canon lower (func $sockets "create-tcp-socket") (memory $shelf-memory)))
(import "wasi:filesystem/types@0.2.0" (instance $files
    (export "descriptor" (type (sub resource)))))
(alias export $files "descriptor" (type $descriptor))
(import "wasi:filesystem/preopens@0.2.0" (instance $preopens
    (alias outer 1 $descriptor (type $descriptor))
    (export "descriptor" (type $descriptor' (eq $descriptor)))
    (export "get-directories" (func (result (list (tuple (own $descriptor') string)))))))
(import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))))
(import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (export "now" (func (result u64)))))
(core func $folders (canon lower (func $preopens "get-directories")
    (memory $shelf-memory) (realloc $shelf-realloc)))
(core func $variables (canon lower (func $environment "get-environment")
    (memory $shelf-memory) (realloc $shelf-realloc)))
(core func $now (canon lower (func $clock "now")))
(core instance $wasi (export "create" (func $create)) (export "folders" (func $folders))
    (export "variables" (func $variables)) (export "now" (func $now)))
;;; with
(with "wasi" (instance $wasi)) (with "shelf" (instance $shelf))
;;; import
(import "wasi" "create" (func $create (param i32 i32)))
(import "wasi" "folders" (func $folders (param i32)))
(import "wasi" "variables" (func $variables (param i32)))
(import "wasi" "now" (func $now (result i64)))
(import "shelf" "memory" (memory $shelf 2))
;;; step
(call $create (i32.const 0) (i32.const 2048))
(if (i32.eqz (i32.load8_u $shelf (i32.const 2048))) (then unreachable))
(call $folders (i32.const 2048))
(if (i32.load $shelf (i32.const 2052)) (then unreachable))
(call $variables (i32.const 2048))
(if (i32.load $shelf (i32.const 2052)) (then unreachable))
(drop (call $now))
(call $victims (i32.const 0) (i32.const 0))
