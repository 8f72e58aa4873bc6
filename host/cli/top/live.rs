//! The loop: the node's news, keys, signals and the clock, each followed by a new screen.

use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::draw::{self, Look};
use super::keys::{self, Typed};
use super::screen::FullScreen;
use super::view::View;
use super::watch::{News, Watch};

/// The screen says how long ago the node answered.
const TICK: Duration = Duration::from_secs(1);

/// Shows the node until the reader has seen enough, or a signal ends the program.
///
/// # Errors
/// The terminal can't be read or written.
pub(super) async fn run(watch: Watch, mut view: View, look: Look) -> anyhow::Result<()> {
    // Taken over first, so that a signal finds the terminal given back.
    let mut signals = Signals::new().context("no signal can be awaited")?;
    let mut screen = FullScreen::enter()?;
    let mut typed = keys::typed();
    let (tell, mut news) = mpsc::channel(1);
    tokio::spawn(watch.tell(tell));
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        screen.draw(|area, buffer| draw::frame(&view, look, area, buffer)).context(GONE)?;
        tokio::select! {
            Some(told) = news.recv() => match told {
                News::Seen(seen) => view.take(*seen),
                News::Lost(lost) => view.lose(lost),
            },
            key = typed.recv() => match key.transpose().context(GONE)? {
                Some(Typed::Key(key)) if view.press(key) => {}
                Some(Typed::Suspend) => screen.suspend().context(GONE)?,
                Some(Typed::Redraw) => screen.forget().context(GONE)?,
                Some(Typed::Key(_)) | None => return Ok(()),
            },
            () = signals.one() => return Ok(()),
            _ = ticks.tick() => {}
        }
    }
}

const GONE: &str = "the terminal is gone";

/// The signals that end the program as a key does.
struct Signals([Signal; 4]);

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
            signal(SignalKind::quit())?,
        ]))
    }

    async fn one(&mut self) {
        let [interrupt, terminate, hang_up, quit] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
            _ = quit.recv() => {}
        }
    }
}
