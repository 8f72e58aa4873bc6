;; Uses the network as its group may not. The key says how, by its first letter: binds an address of
;; its own, listens, opens a socket of UDP, looks a name up, or else connects, to this machine at
;; the port at the key's end. Answers with a value where it is let, and else with the error.
;;; component
(import "wasi:sockets/network@0.2.0" (instance $network
    (export "network" (type (sub resource)))
    (type $code (enum "unknown" "access-denied" "not-supported" "invalid-argument"
        "out-of-memory" "timeout" "concurrency-conflict" "not-in-progress" "would-block"
        "invalid-state" "new-socket-limit" "address-not-bindable" "address-in-use"
        "remote-unreachable" "connection-refused" "connection-reset" "connection-aborted"
        "datagram-too-large" "name-unresolvable" "temporary-resolver-failure"
        "permanent-resolver-failure"))
    (export "error-code" (type (eq $code)))
    (type $family (enum "ipv4" "ipv6"))
    (export "ip-address-family" (type (eq $family)))
    (type $v4 (record (field "port" u16) (field "address" (tuple u8 u8 u8 u8))))
    (export "ipv4-socket-address" (type $v4' (eq $v4)))
    (type $v6 (record (field "port" u16) (field "flow-info" u32)
        (field "address" (tuple u16 u16 u16 u16 u16 u16 u16 u16)) (field "scope-id" u32)))
    (export "ipv6-socket-address" (type $v6' (eq $v6)))
    (type $place (variant (case "ipv4" $v4') (case "ipv6" $v6')))
    (export "ip-socket-address" (type (eq $place)))))
(alias export $network "network" (type $net))
(alias export $network "error-code" (type $code))
(alias export $network "ip-address-family" (type $family))
(alias export $network "ip-socket-address" (type $place))
(import "wasi:sockets/instance-network@0.2.0" (instance $instance
    (alias outer 1 $net (type $net))
    (export "network" (type $net' (eq $net)))
    (export "instance-network" (func (result (own $net'))))))
(import "wasi:io/streams@0.2.0" (instance $streams
    (export "input-stream" (type (sub resource)))
    (export "output-stream" (type (sub resource)))))
(alias export $streams "input-stream" (type $input))
(alias export $streams "output-stream" (type $output))
(import "wasi:sockets/tcp@0.2.0" (instance $tcp
    (alias outer 1 $net (type $net))
    (export "network" (type $net' (eq $net)))
    (alias outer 1 $code (type $code))
    (export "error-code" (type $code' (eq $code)))
    (alias outer 1 $place (type $place))
    (export "ip-socket-address" (type $place' (eq $place)))
    (alias outer 1 $input (type $input))
    (export "input-stream" (type $input' (eq $input)))
    (alias outer 1 $output (type $output))
    (export "output-stream" (type $output' (eq $output)))
    (export "tcp-socket" (type $socket (sub resource)))
    (export "[method]tcp-socket.start-bind" (func (param "self" (borrow $socket))
        (param "network" (borrow $net')) (param "local-address" $place')
        (result (result (error $code')))))
    (export "[method]tcp-socket.finish-bind" (func (param "self" (borrow $socket))
        (result (result (error $code')))))
    (export "[method]tcp-socket.start-listen" (func (param "self" (borrow $socket))
        (result (result (error $code')))))
    (export "[method]tcp-socket.start-connect" (func (param "self" (borrow $socket))
        (param "network" (borrow $net')) (param "remote-address" $place')
        (result (result (error $code')))))
    (export "[method]tcp-socket.finish-connect" (func (param "self" (borrow $socket))
        (result (result (tuple (own $input') (own $output')) (error $code')))))))
(alias export $tcp "tcp-socket" (type $tcp-socket))
(import "wasi:sockets/tcp-create-socket@0.2.0" (instance $tcp-sockets
    (alias outer 1 $code (type $code))
    (export "error-code" (type $code' (eq $code)))
    (alias outer 1 $family (type $family))
    (export "ip-address-family" (type $family' (eq $family)))
    (alias outer 1 $tcp-socket (type $socket))
    (export "tcp-socket" (type $socket' (eq $socket)))
    (export "create-tcp-socket" (func (param "address-family" $family')
        (result (result (own $socket') (error $code')))))))
(import "wasi:sockets/udp@0.2.0" (instance $udp
    (export "udp-socket" (type (sub resource)))))
(alias export $udp "udp-socket" (type $udp-socket))
(import "wasi:sockets/udp-create-socket@0.2.0" (instance $udp-sockets
    (alias outer 1 $code (type $code))
    (export "error-code" (type $code' (eq $code)))
    (alias outer 1 $family (type $family))
    (export "ip-address-family" (type $family' (eq $family)))
    (alias outer 1 $udp-socket (type $socket))
    (export "udp-socket" (type $socket' (eq $socket)))
    (export "create-udp-socket" (func (param "address-family" $family')
        (result (result (own $socket') (error $code')))))))
(import "wasi:sockets/ip-name-lookup@0.2.0" (instance $names
    (alias outer 1 $net (type $net))
    (export "network" (type $net' (eq $net)))
    (alias outer 1 $code (type $code))
    (export "error-code" (type $code' (eq $code)))
    (export "resolve-address-stream" (type $addresses (sub resource)))
    (export "resolve-addresses" (func (param "network" (borrow $net')) (param "name" string)
        (result (result (own $addresses) (error $code')))))))
(core func $net (canon lower (func $instance "instance-network")))
(core func $tcp (canon lower (func $tcp-sockets "create-tcp-socket") (memory $shelf-memory)))
(core func $udp (canon lower (func $udp-sockets "create-udp-socket") (memory $shelf-memory)))
(core func $bind
    (canon lower (func $tcp "[method]tcp-socket.start-bind") (memory $shelf-memory)))
(core func $bound
    (canon lower (func $tcp "[method]tcp-socket.finish-bind") (memory $shelf-memory)))
(core func $listen
    (canon lower (func $tcp "[method]tcp-socket.start-listen") (memory $shelf-memory)))
(core func $connect
    (canon lower (func $tcp "[method]tcp-socket.start-connect") (memory $shelf-memory)))
(core func $connected
    (canon lower (func $tcp "[method]tcp-socket.finish-connect") (memory $shelf-memory)))
(core func $look-up (canon lower (func $names "resolve-addresses") (memory $shelf-memory)))
(core func $drop-network (canon resource.drop $net))
(core func $drop-socket (canon resource.drop $tcp-socket))
(core instance $wasi
    (export "network" (func $net)) (export "tcp" (func $tcp)) (export "udp" (func $udp))
    (export "bind" (func $bind)) (export "bound" (func $bound))
    (export "listen" (func $listen)) (export "connect" (func $connect))
    (export "connected" (func $connected)) (export "look-up" (func $look-up))
    (export "drop-network" (func $drop-network)) (export "drop-socket" (func $drop-socket)))
;;; with
(with "wasi" (instance $wasi)) (with "shelf" (instance $shelf))
;;; import
;; A socket, the network, a place (IPv4, the port, four bytes, the rest of IPv6), an answer.
(type $to-place
    (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
(import "wasi" "network" (func $network (result i32)))
(import "wasi" "tcp" (func $tcp (param i32 i32)))
(import "wasi" "udp" (func $udp (param i32 i32)))
(import "wasi" "bind" (func $bind (type $to-place)))
(import "wasi" "bound" (func $bound (param i32 i32)))
(import "wasi" "listen" (func $listen (param i32 i32)))
(import "wasi" "connect" (func $connect (type $to-place)))
(import "wasi" "connected" (func $connected (param i32 i32)))
(import "wasi" "look-up" (func $look-up (param i32 i32 i32 i32)))
(import "wasi" "drop-network" (func $drop-network (param i32)))
(import "wasi" "drop-socket" (func $drop-socket (param i32)))
(import "shelf" "memory" (memory $shelf 2))
;;; module
(data (memory $memory) (i32.const 8192) "let inaccess-deniedanother error")
(data (memory $shelf) (i32.const 4096) "secret.attacker.example")
;; The number at the end of the key.
(func $port (param $key i32) (param $len i32) (result i32)
    (local $port i32) (local $digit i32)
    (loop $next
        (if (local.get $len) (then
            (local.set $digit (i32.sub (i32.load8_u $memory (local.get $key)) (i32.const 48)))
            (local.set $port (select
                (i32.add (i32.mul (local.get $port) (i32.const 10)) (local.get $digit))
                (i32.const 0)
                (i32.lt_u (local.get $digit) (i32.const 10))))
            (local.set $key (i32.add (local.get $key) (i32.const 1)))
            (local.set $len (i32.sub (local.get $len) (i32.const 1)))
            (br $next))))
    (local.get $port))
;; What to say of the answer at 2048, whose error stands at `$code`.
(func $answer (param $code i32) (result i32)
    (i32.store8 $memory (i32.const 16) (i32.const 0))
    (if (i32.eqz (i32.load8_u $shelf (i32.const 2048)))
        (then (return (call $value (i32.const 8192) (i32.const 6)))))
    (i32.store8 $memory (i32.const 16) (i32.const 1))
    ;; Rejected where access was denied, and else unavailable.
    (i32.store8 $memory (i32.const 24)
        (i32.eq (i32.load8_u $shelf (local.get $code)) (i32.const 1)))
    (if (i32.eq (i32.load8_u $shelf (local.get $code)) (i32.const 1))
        (then
            (i32.store $memory (i32.const 28) (i32.const 8198))
            (i32.store $memory (i32.const 32) (i32.const 13)))
        (else
            (i32.store $memory (i32.const 28) (i32.const 8211))
            (i32.store $memory (i32.const 32) (i32.const 13))))
    (i32.const 16))
(func $reach-out (param $how i32) (param $port i32) (result i32)
    (local $network i32) (local $answer i32)
    (local.set $network (call $network))
    (local.set $answer (call $answer-by (local.get $how) (local.get $port) (local.get $network)))
    (if (global.get $socket) (then (call $drop-socket (global.get $socket))))
    (global.set $socket (i32.const 0))
    (call $drop-network (local.get $network))
    (local.get $answer))
(global $socket (mut i32) (i32.const 0))
(func $answer-by (param $how i32) (param $port i32) (param $network i32) (result i32)
    (local $socket i32)
    (if (i32.eq (local.get $how) (i32.const 0x75)) (then ;; u
        (call $udp (i32.const 0) (i32.const 2048))
        (return (call $answer (i32.const 2052)))))
    (if (i32.eq (local.get $how) (i32.const 0x6e)) (then ;; n
        (call $look-up (local.get $network) (i32.const 4096) (i32.const 23) (i32.const 2048))
        (return (call $answer (i32.const 2052)))))
    (call $tcp (i32.const 0) (i32.const 2048))
    (local.set $socket (i32.load $shelf (i32.const 2052)))
    (global.set $socket (local.get $socket))
    (if (i32.eq (local.get $how) (i32.const 0x62)) (then ;; b
        (call $bind (local.get $socket) (local.get $network)
            (i32.const 0) (local.get $port)
            (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 2048))
        (return (call $answer (i32.const 2049)))))
    (if (i32.eq (local.get $how) (i32.const 0x6c)) (then ;; l
        ;; No address and no port in particular, as before a connect.
        (call $bind (local.get $socket) (local.get $network)
            (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 2048))
        (call $bound (local.get $socket) (i32.const 2048))
        (call $listen (local.get $socket) (i32.const 2048))
        (return (call $answer (i32.const 2049)))))
    ;; Port 0 is refused for another reason.
    (call $connect (local.get $socket) (local.get $network)
        (i32.const 0) (select (local.get $port) (i32.const 1) (local.get $port))
        (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 2048))
    (loop $more
        (call $connected (local.get $socket) (i32.const 2048))
        ;; It would block.
        (br_if $more (i32.and
            (i32.load8_u $shelf (i32.const 2048))
            (i32.eq (i32.load8_u $shelf (i32.const 2052)) (i32.const 8)))))
    ;; One that is connected has streams, and can't be dropped before them.
    (if (i32.eqz (i32.load8_u $shelf (i32.const 2048)))
        (then (global.set $socket (i32.const 0))))
    (call $answer (i32.const 2052)))
;;; fetch
(call $reach-out
    (i32.load8_u $memory (local.get $key))
    (call $port (local.get $key) (local.get $key-len)))
