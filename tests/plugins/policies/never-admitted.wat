;; Names the last slots that there could be, which nobody has filled yet.
;;; step
(local $nth i32)
(loop $more
    (i32.store $memory
        (i32.add (i32.const 4096) (i32.shl (local.get $nth) (i32.const 2)))
        (i32.sub (global.get $max-entries) (i32.add (local.get $nth) (i32.const 1))))
    (local.set $nth (i32.add (local.get $nth) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $nth) (i32.const 16))))
(call $victims (i32.const 4096) (i32.const 16))
