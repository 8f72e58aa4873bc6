//! The telemetry of a client that is built without a node: the trace of a request, if the feature
//! `traces` is on.

#[cfg(feature = "traces")]
pub(crate) mod propagation;
#[cfg(not(feature = "traces"))]
#[path = "untraced.rs"]
pub(crate) mod propagation;
