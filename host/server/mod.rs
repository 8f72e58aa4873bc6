//! The servers of a node: gRPC, Redis and HTTP, and the one place that maps errors to statuses.
//!
//! A call arrives in `cache_service` (unary) or `session` (many on one stream) and goes
//! through `cache_call` to a [`Group`](crate::group::Group). `status` maps its error.

mod config;
mod connections;
mod incoming;
mod serve;

mod callers;
mod gated;
mod recheck;

mod cache_call;
mod cache_service;
mod groups;
mod keys;
mod session;

mod redis;

mod local_node;
mod peer_answers;
mod peer_gate;
mod peer_request;
mod peer_service;
mod peer_stream;

mod admin_service;
mod group_report;
mod lasting;
mod operations;
mod record_calls;
mod recorded;
mod sent_policy;
mod shadow_calls;
mod trial_calls;

mod deadline;
mod limit;
mod status;

mod health;
mod health_service;
mod http;
mod http_token;
mod in_flight;
#[cfg(feature = "page")]
mod page;
#[cfg(feature = "page")]
mod page_http;
#[cfg(any(feature = "cli", feature = "page"))]
mod samples;
mod until_draining;

pub use callers::Callers;
pub use config::ServerConfig;
pub use connections::{ConnectionLimits, Connections};
pub use groups::Groups;
pub use health::{Health, Phase};
pub use local_node::LocalNode;
pub use operations::{Operations, PolicySwapped, Reloaded};
pub use peer_gate::PeerGate;
pub use peer_service::PeerService;
pub use redis::{RedisConnections, RedisService};
#[cfg(feature = "cli")]
pub(crate) use samples::{Interval, Sample, push};
pub use sent_policy::PolicySwap;
pub use serve::{Listeners, Security, Services, routes, serve};
pub use shadow_calls::{GroupShadow, ShadowStart};
pub use trial_calls::{PolicyTrial, TrialNews, TrialState};
