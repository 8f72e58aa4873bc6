//! The terminal while it is ours. However the program ends, the terminal is as it was before.

use std::io;
use std::mem::ManuallyDrop;

use anyhow::Context;
use ratatui::DefaultTerminal;
use ratatui::buffer::Buffer;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, enable_raw_mode};
use ratatui::layout::Rect;
use rustix::process::{Signal, getpid, kill_process};

/// The whole terminal, in raw mode and on its alternate screen. Dropped, or in a panic, it is
/// given back.
///
/// The terminal of ratatui is never dropped: where the real one is gone it would panic.
pub(super) struct FullScreen(ManuallyDrop<DefaultTerminal>);

impl FullScreen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// It can't be taken. It is as before then.
    pub(super) fn enter() -> anyhow::Result<Self> {
        // From here a panic gives the terminal back before it says anything.
        ratatui::try_init()
            .inspect_err(|_| give_back())
            .map(|terminal| Self(ManuallyDrop::new(terminal)))
            .context("the terminal can't be taken; psycache top --once needs none")
    }

    /// Draws a whole screen, of which only what has changed is written.
    ///
    /// # Errors
    /// The terminal can't be written to.
    pub(super) fn draw(&mut self, draw: impl FnOnce(Rect, &mut Buffer)) -> io::Result<()> {
        self.0.draw(|frame| draw(frame.area(), frame.buffer_mut()))?;
        Ok(())
    }

    /// The next draw writes everything.
    ///
    /// # Errors
    /// The terminal can't be written to.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        // `clear` would ask the terminal where its cursor is, and the keys' thread would get the
        // answer.
        let all = self.0.size()?.into();
        self.0.resize(all)
    }

    /// Gives the terminal to the shell until the process is continued.
    ///
    /// # Errors
    /// The process can't be stopped, or the terminal not be taken again.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        give_back();
        let stopped = kill_process(getpid(), Signal::TSTP);
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen)?;
        stopped?;
        self.forget()
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        give_back();
    }
}

/// A failure can't be told on a terminal that is not there any more.
fn give_back() {
    let _ = ratatui::try_restore();
    let _ = execute!(io::stdout(), Show);
}
