;; A core module, as a compiler makes one that was not told of components.
(module (func (export "step") (result i32) (i32.const 0)))
