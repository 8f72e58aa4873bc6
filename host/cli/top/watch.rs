//! Asks a node again and again. A node that goes away is connected to anew, with pauses that grow.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::seen::Seen;
use crate::backoff::Backoff;
use crate::cli::connect::{DEFAULT_TIMEOUT, Node, NodeArgs};
use crate::cli::exit::Failure;

/// The longest pause before a node that is away is asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What came of a look at the node.
pub(super) enum News {
    Seen(Box<Seen>),
    Lost(Lost),
}

/// Why the node did not answer.
pub(super) struct Lost {
    pub(super) problem: String,
    /// When it is asked again.
    pub(super) again_at: Instant,
}

/// A node that is watched.
pub(super) struct Watch {
    args: NodeArgs,
    every: Duration,
    /// What the samples count their time from.
    began: Instant,
    /// `None`: it has to be connected to.
    node: Option<Node>,
}

impl Watch {
    pub(super) fn new(args: NodeArgs, every: Duration, began: Instant) -> Self {
        Self { args, every, began, node: None }
    }

    /// Asks the node once, and connects to it where that has to be.
    ///
    /// # Errors
    /// It does not answer. The next look connects anew.
    pub(super) async fn look(&mut self) -> Result<Seen, Failure> {
        let node = match self.node.take() {
            Some(node) => node.renewed(),
            None => self.args.connect(DEFAULT_TIMEOUT).await?,
        };
        let seen = Seen::ask(&node, self.began).await?;
        self.node = Some(node);
        Ok(seen)
    }

    /// Tells what it sees until nobody listens.
    pub(super) async fn tell(mut self, news: mpsc::Sender<News>) {
        let mut backoff = Backoff::new(self.every.min(LONGEST_PAUSE), LONGEST_PAUSE);
        let mut pause = self.every;
        loop {
            tokio::time::sleep(pause).await;
            let told = match self.look().await {
                Ok(seen) => {
                    backoff.reset();
                    pause = self.every;
                    News::Seen(Box::new(seen))
                }
                Err(failure) => {
                    pause = backoff.pause();
                    // What follows the first line is for somebody who typed an address.
                    let problem = failure.to_string().lines().next().unwrap_or_default().to_owned();
                    News::Lost(Lost { problem, again_at: Instant::now() + pause })
                }
            };
            if news.send(told).await.is_err() {
                return;
            }
        }
    }
}
