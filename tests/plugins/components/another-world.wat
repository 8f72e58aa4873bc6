;; A component of another world.
(component)
