//! The keys, and what each asks for.

use std::io;
use std::thread;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use tokio::sync::mpsc;

/// Events that may wait.
const WAITING: usize = 64;

/// What a key asks of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Back,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Open,
    Help,
}

/// What came from the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Key(Key),
    /// The process is to be stopped for a while.
    Suspend,
    /// The screen is to be drawn anew: it has another size, or another program wrote on it.
    Redraw,
}

/// The keys for people, with what they do.
pub(super) const KEYS: [(&str, &str); 7] = [
    ("↑ ↓  k j", "choose the group above or below"),
    ("PgUp PgDn", "ten groups up or down"),
    ("Home End", "the first or the last group"),
    ("Enter Tab", "the chosen group alone, and back"),
    ("Esc", "back to all, and from there the end"),
    ("? h", "these keys"),
    ("q Ctrl-C", "the end"),
];

/// Reads the terminal in a thread of its own, which lasts as long as the process.
pub(super) fn typed() -> mpsc::Receiver<io::Result<Typed>> {
    let (tell, told) = mpsc::channel(WAITING);
    thread::spawn(move || {
        loop {
            let read = event::read();
            let is_over = read.is_err();
            let told = match read.map(|event| meaning(&event)) {
                Ok(None) => continue,
                Ok(Some(typed)) => Ok(typed),
                Err(problem) => Err(problem),
            };
            if tell.blocking_send(told).is_err() || is_over {
                return;
            }
        }
    });
    told
}

fn meaning(event: &Event) -> Option<Typed> {
    match event {
        Event::Resize(..) => Some(Typed::Redraw),
        Event::Key(key) if !key.is_release() => of_key(*key),
        _ => None,
    }
}

fn of_key(KeyEvent { code, modifiers, .. }: KeyEvent) -> Option<Typed> {
    if modifiers.contains(KeyModifiers::CONTROL) {
        return match code {
            KeyCode::Char('c') => Some(Typed::Key(Key::Quit)),
            KeyCode::Char('z') => Some(Typed::Suspend),
            KeyCode::Char('l') => Some(Typed::Redraw),
            _ => None,
        };
    }
    let key = match code {
        KeyCode::Char('q' | 'Q') => Key::Quit,
        KeyCode::Esc => Key::Back,
        KeyCode::Up | KeyCode::Char('k') => Key::Up,
        KeyCode::Down | KeyCode::Char('j') => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home | KeyCode::Char('g') => Key::First,
        KeyCode::End | KeyCode::Char('G') => Key::Last,
        KeyCode::Enter | KeyCode::Tab => Key::Open,
        KeyCode::Char('?' | 'h') => Key::Help,
        _ => return None,
    };
    Some(Typed::Key(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_c_ends_it_and_a_c_does_nothing() {
        let pressed = |code, modifiers| meaning(&Event::Key(KeyEvent::new(code, modifiers)));
        let c = KeyCode::Char('c');
        assert_eq!(pressed(c, KeyModifiers::CONTROL), Some(Typed::Key(Key::Quit)));
        assert_eq!(pressed(c, KeyModifiers::NONE), None);
        assert_eq!(pressed(KeyCode::Char('G'), KeyModifiers::SHIFT), Some(Typed::Key(Key::Last)));
        assert_eq!(meaning(&Event::Resize(1, 1)), Some(Typed::Redraw));
    }
}
