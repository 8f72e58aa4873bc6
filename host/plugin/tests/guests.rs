//! Guests in WebAssembly text: what a test needs of one is a few lines.

use crate::plugin::Plugin;

/// A policy that does nothing, and what to change about it.
pub(super) struct Guest {
    /// The interface it exports.
    pub(super) exports: &'static str,
    /// Component-level items before anything else: imports.
    pub(super) imports: &'static str,
    /// Items of the core module.
    pub(super) items: &'static str,
    /// Pages of memory to begin with.
    pub(super) pages: u32,
    /// What it imports into its core module, as `(with …)`.
    pub(super) with: &'static str,
    /// Core instructions that leave the address of the answer, which is zeroed.
    pub(super) configure: &'static str,
    /// The same; 12 parameters as the canonical ABI flattens them.
    pub(super) step: &'static str,
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            exports: "psycache:plugin/policy@0.1.0",
            imports: "",
            items: "",
            pages: 16,
            with: "",
            configure: "i32.const 16",
            step: "i32.const 16",
        }
    }
}

impl Guest {
    pub(super) fn plugin(&self) -> Plugin {
        plugin("guest.wasm", &self.text())
    }

    fn text(&self) -> String {
        let Self { exports, imports, items, pages, with, configure, step } = self;
        format!(
            r#"(component
            {imports}
            (core module $guest
                {items}
                (memory $guest (export "memory") {pages})
                ;; Every list goes to the second page; nobody here reads one.
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 65536)
                (func (export "configure") (param i64 i32 i32 i64 i32 i32) (result i32) {configure})
                (func (export "step")
                    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i64) (result i32) {step}))
            (core instance $core (instantiate $guest {with}))
            (alias core export $core "memory" (core memory $memory))
            (type $pair' (record (field "name" string) (field "value" string)))
            (export $pair "option-pair" (type $pair'))
            (type $bad' (record (field "name" string) (field "problem" string)))
            (export $bad "bad-option" (type $bad'))
            (type $error' (variant (case "unknown-option" string)
                (case "invalid-value" $bad) (case "missing-option" string)))
            (export $error "config-error" (type $error'))
            (type $config' (record (field "capacity" u64) (field "max-entries" u32)
                (field "max-victims" u32) (field "seed" u64) (field "options" (list $pair))))
            (export $config "config" (type $config'))
            (func $configure (param "config" $config) (result (result (error $error)))
                (canon lift (core func $core "configure") (memory $memory)
                    (realloc (core func $core "realloc"))))
            (func $step (param "touched" (list u32)) (param "removed" (list u32))
                (param "admitted" (list u32)) (param "hashes" (list u64))
                (param "attributes" (list u32)) (param "need" u64) (param "now" u64)
                (result (list u32))
                (canon lift (core func $core "step") (memory $memory)
                    (realloc (core func $core "realloc"))))
            (instance $policy (export "configure" (func $configure)) (export "step" (func $step)))
            (export "{exports}" (instance $policy)))"#
        )
    }
}

/// A plugin from WebAssembly text.
pub(super) fn plugin(name: &str, text: &str) -> Plugin {
    let bytes = wat::parse_str(text).unwrap();
    Plugin::from_bytes(name, bytes).unwrap()
}

/// A retriever that knows no key, and what to change about it.
pub(super) struct RetrieverGuest {
    /// Items of the core module.
    pub(super) items: &'static str,
    /// Core instructions that leave the address of the answer, which is zeroed.
    pub(super) fetch: &'static str,
}

impl Default for RetrieverGuest {
    fn default() -> Self {
        Self { items: "", fetch: "i32.const 16" }
    }
}

impl RetrieverGuest {
    pub(super) fn plugin(&self) -> Plugin {
        let Self { items, fetch } = self;
        let text = format!(
            r#"(component
            (core module $guest
                {items}
                (memory (export "memory") 64)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 65536)
                (func (export "configure") (param i32 i32 i32 i32 i32 i32) (result i32)
                    i32.const 16)
                (func (export "fetch") (param i32 i32 i32) (result i32) {fetch}))
            (core instance $core (instantiate $guest))
            (alias core export $core "memory" (core memory $memory))
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
                (canon lift (core func $core "configure") (memory $memory)
                    (realloc (core func $core "realloc"))))
            (func $fetch (param "key" string) (param "timeout-ms" u32)
                (result (result (option $fetched) (error $error)))
                (canon lift (core func $core "fetch") (memory $memory)
                    (realloc (core func $core "realloc"))))
            (instance $retriever (export "configure" (func $configure))
                (export "fetch" (func $fetch)))
            (export "psycache:plugin/retriever@0.1.0" (instance $retriever)))"#
        );
        plugin("guest.wasm", &text)
    }
}
