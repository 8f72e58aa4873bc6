//! Guests in WebAssembly text: what a test needs of one is a few lines.

#[path = "../../../tests/plugins/frame.rs"]
mod frame;

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
    /// The same.
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
        let frame = frame::POLICY.replace("psycache:plugin/policy@{{version}}", self.exports);
        let bytes = frame::filled(
            &frame,
            &[
                ("component", self.imports),
                ("import", self.items),
                ("pages", &self.pages.to_string()),
                ("with", self.with),
                ("configure", self.configure),
                ("step", self.step),
            ],
        );
        Plugin::from_bytes("guest.wasm", bytes).unwrap()
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
    /// Items of the component, after its interface.
    pub(super) more: &'static str,
}

impl Default for RetrieverGuest {
    fn default() -> Self {
        Self { items: "", fetch: "i32.const 16", more: "" }
    }
}

impl RetrieverGuest {
    pub(super) fn plugin(&self) -> Plugin {
        let holes =
            [("import", self.items), ("pages", "64"), ("fetch", self.fetch), ("more", self.more)];
        Plugin::from_bytes("guest.wasm", frame::filled(frame::RETRIEVER, &holes)).unwrap()
    }
}
