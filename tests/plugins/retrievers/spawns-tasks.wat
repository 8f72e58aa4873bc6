;; Is built for the concurrent calls of a later component model, in which a guest may
;; leave tasks behind that run on after its answer.
;;; lift
async
