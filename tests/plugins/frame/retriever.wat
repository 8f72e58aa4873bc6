;; What the retrievers of this museum have in common, as frame/policy.wat has it for
;; the policies.
(component
    (core module $shelf
        ;; Memory that the node may write to before the guest is there.
        (memory (export "memory") 2)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $shelf (instantiate $shelf))
    (alias core export $shelf "memory" (core memory $shelf-memory))
    (alias core export $shelf "realloc" (core func $shelf-realloc))
    {{component}}
    (core module $guest
        {{import}}
        (memory $memory (export "memory") {{pages}})
        ;; A key has at most 1,024 bytes, and nobody here reads one.
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
        ;; The answer of `fetch`: the value of so many bytes that lies there.
        (func $value (param $at i32) (param $bytes i32) (result i32)
            (i32.store8 $memory (i32.const 24) (i32.const 1))
            (i32.store $memory (i32.const 32) (local.get $at))
            (i32.store $memory (i32.const 36) (local.get $bytes))
            (i32.const 16))
        {{module}}
        ;; What `configure` answers: it takes any option.
        (func $configured (result i32) (i32.const 32))
        (func (export "configure") (param i32 i32 i32 i32 i32 i32) (result i32)
            {{configure}})
        (func (export "fetch") (param $key i32) (param $key-len i32) (param $timeout-ms i32)
            (result i32)
            {{fetch}}))
    (core instance $core (instantiate $guest {{with}}))
    (alias core export $core "memory" (core memory $memory))
    (alias core export $core "realloc" (core func $realloc))
    (type $pair' (record (field "name" string) (field "value" string)))
    (export $pair "option-pair" (type $pair'))
    (type $bad' (record (field "name" string) (field "problem" string)))
    (export $bad "bad-option" (type $bad'))
    (type $refusal' (variant (case "unknown-option" string)
        (case "invalid-value" $bad) (case "missing-option" string)))
    (export $refusal "config-error" (type $refusal'))
    (type $config' (record (field "group" string) (field "options" (list $pair))
        (field "secrets" (list $pair))))
    (export $config "config" (type $config'))
    (type $fetched' (record (field "value" (list u8)) (field "ttl-ms" (option u64))))
    (export $fetched "fetched" (type $fetched'))
    (type $error' (variant (case "unavailable" string) (case "rejected" string)
        (case "bad-key" string) (case "bad-value" string)))
    (export $error "fetch-error" (type $error'))
    (func $configure (param "config" $config) (result (result (error $refusal)))
        (canon lift (core func $core "configure") (memory $memory) (realloc $realloc)))
    (func $fetch (param "key" string) (param "timeout-ms" u32)
        (result (result (option $fetched) (error $error)))
        (canon lift (core func $core "fetch") (memory $memory) (realloc $realloc)
            {{lift}}))
    (instance $retriever (export "configure" (func $configure)) (export "fetch" (func $fetch)))
    (export "psycache:plugin/retriever@{{version}}" (instance $retriever))
    {{more}})
