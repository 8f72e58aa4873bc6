;; Opens sockets until it gets no more and closes none: each is one of the node's few
;; file descriptors.
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
(core instance $wasi (export "create" (func $create)))
;;; with
(with "wasi" (instance $wasi)) (with "shelf" (instance $shelf))
;;; import
(import "wasi" "create" (func $create (param i32 i32)))
(import "shelf" "memory" (memory $shelf 2))
;;; fetch
(loop $more
    (call $create (i32.const 0) (i32.const 2048))
    (br_if $more (i32.eqz (i32.load8_u $shelf (i32.const 2048)))))
(call $value (i32.const 8192) (i32.const 100))
