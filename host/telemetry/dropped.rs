//! Counts the spans that did not reach the collector, and logs why.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::LogLimiter;
use crate::sync::Mutex;

/// The shortest time between two log lines. A batch is sent every five seconds.
const LOGGED_EACH: Duration = Duration::from_secs(60);

static LOG: LogLimiter = LogLimiter::every(LOGGED_EACH);

/// One counter for the process, as there is one exporter.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Number of spans that could not be sent.
pub(crate) fn dropped_spans() -> u64 {
    DROPPED.load(Relaxed)
}

/// An exporter whose failures are counted and logged.
#[derive(Debug)]
pub(super) struct Reporting<E> {
    pub(super) exporter: E,
    /// The collector, as configured.
    pub(super) url: String,
    pub(super) cause: Cause,
}

/// Why the last request by HTTP failed, which the exporter does not say in its error. The lock is
/// held only to put it there or to take it.
#[derive(Clone, Debug, Default)]
pub(super) struct Cause(Arc<Mutex<Option<String>>>);

impl Cause {
    /// Notes the innermost cause of an error.
    pub(super) fn note(&self, mut error: &(dyn std::error::Error + 'static)) {
        while let Some(source) = error.source() {
            error = source;
        }
        *self.0.lock() = Some(error.to_string());
    }
}

impl<E: SpanExporter> SpanExporter for Reporting<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let sent = self.exporter.export(batch).await;
        if let Err(error) = &sent {
            let dropped = DROPPED.fetch_add(spans, Relaxed) + spans;
            if let Some(suppressed) = LOG.admit() {
                let problem = match self.cause.0.lock().take() {
                    Some(cause) => format!("{}: {cause}", reason(error)),
                    None => reason(error),
                };
                tracing::warn!(
                    collector = self.url,
                    problem,
                    dropped,
                    suppressed,
                    "Traces did not reach the collector; see whether it runs, and --otlp"
                );
            }
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// What happened, without the words that the library puts around it.
fn reason(error: &OTelSdkError) -> String {
    match error {
        OTelSdkError::InternalFailure(reason) => reason.clone(),
        error => error.to_string(),
    }
}
