;; A policy that wants something of a host that is not this one.
(component
    (import "my:host/secrets@1.0.0" (instance (export "read" (func))))
    (instance $policy)
    (export "psycache:plugin/policy@0.1.0" (instance $policy)))
