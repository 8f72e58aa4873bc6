//! The data source of the tests: what it answers stands in the key.

use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use psycache::retriever::{FetchError, Fetched, Retriever};
use tokio::sync::{mpsc, oneshot};

type Fetch = Result<Option<Fetched>, FetchError>;

/// Answers at once, but for keys that begin with `slow`.
pub(super) struct Source {
    slow: mpsc::UnboundedSender<Load>,
}

/// A load of a slow key.
pub(crate) struct Load {
    pub(crate) key: String,
    answer: oneshot::Sender<()>,
}

impl Source {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Load>) {
        let (slow, loads) = mpsc::unbounded_channel();
        (Self { slow }, loads)
    }
}

impl Load {
    /// Lets the source answer.
    pub(crate) fn finish(self) {
        self.answer.send(()).expect("somebody waits for the load");
    }

    /// Waits until nobody waits for the load any more.
    pub(crate) async fn given_up(mut self) {
        self.answer.closed().await;
    }
}

impl Retriever for Source {
    fn fetch<'a>(&'a self, key: &'a str, timeout: Duration) -> BoxFuture<'a, Fetch> {
        async move {
            let value = || Bytes::from(format!("value of {key}"));
            match key {
                "missing" => Ok(None),
                "down" => Err(FetchError::Unavailable("connection refused".into())),
                "forbidden" => Err(FetchError::Rejected("no such user".into())),
                "unusable" => Err(FetchError::BadValue("a row of two columns".into())),
                "late" => Err(FetchError::Timeout(timeout)),
                "panics" => panic!("the source panics, as the test wants it"),
                "brief" => {
                    let ttl = Some(Duration::from_secs(60));
                    Ok(Some(Fetched::new(value(), ttl)))
                }
                _ => {
                    if key.starts_with("slow") {
                        let (answer, finished) = oneshot::channel();
                        let load = Load { key: key.into(), answer };
                        self.slow.send(load).expect("the test listens");
                        finished.await.expect("the test ends what it keeps waiting");
                    }
                    Ok(Some(Fetched::new(value(), None)))
                }
            }
        }
        .boxed()
    }

    fn name(&self) -> &str {
        "source"
    }
}
