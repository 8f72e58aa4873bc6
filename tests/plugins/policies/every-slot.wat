;; Names as many as it may, one slot after the other, wanted or not.
;;; module
(global $next (mut i32) (i32.const 0))
;;; step
(local $nth i32)
(loop $more
    (i32.store $memory
        (i32.add (i32.const 4096) (i32.shl (local.get $nth) (i32.const 2)))
        (global.get $next))
    (global.set $next
        (i32.rem_u (i32.add (global.get $next) (i32.const 1)) (global.get $max-entries)))
    (local.set $nth (i32.add (local.get $nth) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $nth) (global.get $max-victims))))
(call $victims (i32.const 4096) (global.get $max-victims))
