//! The contract as wit-bindgen sees it, and the way between its types and ours.

use crate::{ConfigError, FetchError, Fetched, RetrieverConfig};

/// Only for the type of the component, which `export_policy_world` puts into it: the
/// functions of a policy are in `exported.rs`.
#[allow(missing_docs, unsafe_code, reason = "generated")]
pub mod policy {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "policy-plugin-keys",
        pub_export_macro: true,
        export_macro_name: "export_policy_world",
    });
}

/// As [`policy`], for policies that tell statistics. The worlds of a component add up.
#[allow(missing_docs, unsafe_code, reason = "generated")]
pub mod introspect {
    wit_bindgen::generate!({
        inline: "package psycache:sdk; world introspecting { export psycache:plugin/introspect@0.1.0; }",
        path: "../../wit",
        pub_export_macro: true,
        export_macro_name: "export_introspect_world",
    });
}

/// As [`policy`], for policies that hand over their state.
#[allow(missing_docs, unsafe_code, reason = "generated")]
pub mod snapshot {
    wit_bindgen::generate!({
        inline: "package psycache:sdk; world saving { export psycache:plugin/snapshot@0.1.0; }",
        path: "../../wit",
        pub_export_macro: true,
        export_macro_name: "export_snapshot_world",
    });
}

#[allow(missing_docs, unsafe_code, reason = "generated")]
pub mod retriever {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "retriever-plugin-batch",
        pub_export_macro: true,
        export_macro_name: "export_retriever_world",
    });
}

impl From<ConfigError> for retriever::psycache::plugin::types::ConfigError {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::UnknownOption(name) => Self::UnknownOption(name),
            ConfigError::MissingOption(name) => Self::MissingOption(name),
            ConfigError::InvalidValue { name, problem } => {
                Self::InvalidValue(retriever::psycache::plugin::types::BadOption { name, problem })
            }
        }
    }
}

impl From<retriever::psycache::plugin::types::OptionPair> for (String, String) {
    fn from(pair: retriever::psycache::plugin::types::OptionPair) -> Self {
        (pair.name, pair.value)
    }
}

impl From<retriever::exports::psycache::plugin::retriever::Config> for RetrieverConfig {
    fn from(config: retriever::exports::psycache::plugin::retriever::Config) -> Self {
        Self {
            group: config.group,
            pairs: config.options.into_iter().map(Into::into).collect(),
            secret_pairs: config.secrets.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Fetched> for retriever::exports::psycache::plugin::retriever::Fetched {
    fn from(fetched: Fetched) -> Self {
        Self { value: fetched.value, ttl_ms: fetched.ttl_ms }
    }
}

impl From<FetchError> for retriever::exports::psycache::plugin::retriever::FetchError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Unavailable(message) => Self::Unavailable(message),
            FetchError::Rejected(message) => Self::Rejected(message),
            FetchError::BadKey(message) => Self::BadKey(message),
            FetchError::BadValue(message) => Self::BadValue(message),
        }
    }
}
