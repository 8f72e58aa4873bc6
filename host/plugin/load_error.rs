//! The errors of loading a plugin, each with a hint how to fix it.

use crate::policy::Failure;

/// Why a plugin can't be used. `plugin` is the name or file as it was given.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Neither a built-in's name nor a file.
    #[error(
        "there is no plugin {plugin:?}: {}the built-in ones are {}; \
         for one of your own give the path of its .wasm file",
        hint(nearest),
        known.join(", ")
    )]
    Unknown {
        /// What was asked for.
        plugin: String,
        /// The built-in whose name is most like it.
        nearest: Option<&'static str>,
        /// All of them.
        known: Vec<&'static str>,
    },
    /// The file can't be read.
    #[error("{plugin} can't be read: {problem}")]
    Unreadable {
        /// The file.
        plugin: String,
        /// What the system says, and what to do.
        problem: String,
    },
    /// More bytes than a component may have.
    #[error(
        "{plugin} has {bytes} bytes, and at most {limit} are loaded; \
         strip its debug sections (`wasm-tools strip`) or raise the limit"
    )]
    TooLarge {
        /// The file.
        plugin: String,
        /// Its size.
        bytes: u64,
        /// The largest size that is loaded.
        limit: u64,
    },
    /// The bytes are not those that the settings name.
    #[error(
        "{plugin} has the SHA-256 digest {found}, and the settings (sha256) allow only {}; give \
         the file that they name, or add its digest",
        pinned.join(", ")
    )]
    OtherDigest {
        /// The plugin.
        plugin: String,
        /// Its digest.
        found: String,
        /// The digests that are allowed.
        pinned: Vec<String>,
    },
    /// Not WebAssembly in binary form.
    #[error("{plugin} is no WebAssembly component: it {found}")]
    NotWasm {
        /// The file.
        plugin: String,
        /// What it looks like, and what to do.
        found: &'static str,
    },
    /// A core module.
    #[error(
        "{plugin} is a core WebAssembly module, not a component; wrap it with \
         `wasm-tools component new`, or build it for wasm32-wasip2"
    )]
    CoreModule {
        /// The file.
        plugin: String,
    },
    /// Invalid, or uses what the engine does not support.
    #[error("{plugin} does not compile: {problem}; {mend}")]
    Invalid {
        /// The file.
        plugin: String,
        /// The error message of the compiler.
        problem: String,
        /// What to do.
        mend: &'static str,
    },
    /// The component is of another kind.
    #[error("{plugin} is no {wanted}: it exports {}; {mend}", listed(exports))]
    WrongWorld {
        /// The file.
        plugin: String,
        /// "policy" or "retriever".
        wanted: &'static str,
        /// Names of all its exports.
        exports: Vec<String>,
        /// What to do.
        mend: String,
    },
    /// The component was built for another version of the contract.
    #[error(
        "{plugin} exports {found}, and this node speaks {speaks}; \
         build it against the psycache-plugin.wit of this node's version"
    )]
    OtherVersion {
        /// The file.
        plugin: String,
        /// The interface it exports.
        found: String,
        /// The interface that is wanted.
        speaks: &'static str,
    },
    /// The component imports something that the node does not provide.
    #[error("{plugin} imports {}, which this node does not offer; {mend}", listed(imports))]
    UnknownImport {
        /// The file.
        plugin: String,
        /// Names of the imports.
        imports: Vec<String>,
        /// What to do.
        mend: &'static str,
    },
    /// An interface has the right name, but another type.
    #[error(
        "{plugin} has another idea of {interface}: {problem}; \
         build it against the psycache-plugin.wit of this node's version"
    )]
    OtherShape {
        /// The file.
        plugin: String,
        /// The interface.
        interface: &'static str,
        /// What does not fit.
        problem: String,
    },
    /// The plugin trapped or exceeded a limit in its trial instantiation.
    #[error("{plugin} failed while it was set up: it {failure}{mend}")]
    Start {
        /// The file.
        plugin: String,
        /// What happened.
        failure: Failure,
        /// What to do.
        mend: &'static str,
    },
    /// The plugin was instantiated, and then failed in its trial steps.
    #[error("{plugin} failed in its first steps: it {failure}; what it printed stands in the log")]
    Trial {
        /// The file.
        plugin: String,
        /// What happened.
        failure: Failure,
    },
    /// The plugin refused its options.
    #[error("{plugin} refused its options: {problem}")]
    Refused {
        /// The file.
        plugin: String,
        /// Names the option, and those that exist where they are known.
        problem: String,
    },
    /// No plugin can be loaded at all.
    #[error("plugins can't be run: {0}")]
    Engine(String),
}

fn hint(nearest: &Option<&str>) -> String {
    nearest.map(|name| format!("did you mean {name}? ")).unwrap_or_default()
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}
