;; WASI 0.1 for modules that can't do without it, such as those of Go: each call is answered
;; here, so the component imports nothing. Nothing it reads comes from outside: no arguments,
;; no environment, no files, a clock that moves by being read, random numbers that are the
;; same each time. What is written goes nowhere. no_system.wasm is made of this, by a test of
;; wrap.rs.
;;
;; The adapter that wit-component offers would call the node instead. Go calls the system
;; while it makes room for arguments, where the component model allows no calls to the node.
(module
  (import "env" "memory" (memory 0))
  (global $now (mut i64) (i64.const 1000000000))
  (global $random (mut i64) (i64.const 0x2545F4914F6CDD1D))

  ;; Each look is a microsecond later.
  (func (export "clock_time_get") (param $id i32) (param $precision i64) (param $time i32) (result i32)
    (global.set $now (i64.add (global.get $now) (i64.const 1000)))
    (i64.store (local.get $time) (global.get $now))
    (i32.const 0))

  ;; Xorshift (G. Marsaglia 2003), a byte a turn.
  (func (export "random_get") (param $at i32) (param $len i32) (result i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $len)))
      (global.set $random (i64.xor (global.get $random) (i64.shl (global.get $random) (i64.const 13))))
      (global.set $random (i64.xor (global.get $random) (i64.shr_u (global.get $random) (i64.const 7))))
      (global.set $random (i64.xor (global.get $random) (i64.shl (global.get $random) (i64.const 17))))
      (i32.store8 (local.get $at) (i32.wrap_i64 (global.get $random)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $len (i32.sub (local.get $len) (i32.const 1)))
      (br $next)))
    (i32.const 0))

  ;; All that is waited for has come, ten milliseconds later. An event has its subscription's
  ;; user data and no error.
  (func (export "poll_oneoff") (param $in i32) (param $out i32) (param $len i32) (param $events i32) (result i32)
    (local $left i32)
    (local.set $left (local.get $len))
    (global.set $now (i64.add (global.get $now) (i64.const 10000000)))
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $left)))
      (i64.store (local.get $out) (i64.load (local.get $in)))
      (i64.store offset=8 (local.get $out) (i64.const 0))
      (i64.store offset=16 (local.get $out) (i64.const 0))
      (i64.store offset=24 (local.get $out) (i64.const 0))
      (local.set $in (i32.add (local.get $in) (i32.const 48)))
      (local.set $out (i32.add (local.get $out) (i32.const 32)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next)))
    (i32.store (local.get $events) (local.get $len))
    (i32.const 0))

  (func (export "sched_yield") (result i32) (i32.const 0))
  (func (export "proc_exit") (param i32) (unreachable))

  ;; There are none, and their texts have no bytes.
  (func $no_texts (param $count i32) (param $bytes i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $bytes) (i32.const 0))
    (i32.const 0))
  (export "args_sizes_get" (func $no_texts))
  (export "environ_sizes_get" (func $no_texts))
  (func $nothing_to_write (param i32 i32) (result i32) (i32.const 0))
  (export "args_get" (func $nothing_to_write))
  (export "environ_get" (func $nothing_to_write))

  ;; Error 8: there is no such file.
  (func $no_file (param i32 i32) (result i32) (i32.const 8))
  (export "fd_prestat_get" (func $no_file))
  (export "fd_fdstat_get" (func $no_file))
  (export "fd_fdstat_set_flags" (func $no_file))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_close") (param i32) (result i32) (i32.const 8))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32) (i32.const 8))

  ;; All of it is taken, and dropped.
  (func (export "fd_write") (param $file i32) (param $parts i32) (param $len i32) (param $written i32) (result i32)
    (local $sum i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $len)))
      (local.set $sum (i32.add (local.get $sum) (i32.load offset=4 (local.get $parts))))
      (local.set $parts (i32.add (local.get $parts) (i32.const 8)))
      (local.set $len (i32.sub (local.get $len) (i32.const 1)))
      (br $next)))
    (i32.store (local.get $written) (local.get $sum))
    (i32.const 0))
)
