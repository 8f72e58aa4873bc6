//! The connection that an instance keeps from one fetch to the next.

use std::io::BufReader;
use std::time::Instant;

use super::{Failure, Place, deadline};
use crate::FetchError;

/// A connection that notices bytes which nobody asked for. They would be read as the next answer.
pub trait Quiet {
    /// Whether nothing has come since the last answer was read to its end, not even the end of
    /// the connection. It does not wait.
    fn is_quiet(&mut self) -> bool;
}

impl<C: Quiet> Quiet for BufReader<C> {
    fn is_quiet(&mut self) -> bool {
        self.buffer().is_empty() && self.get_mut().is_quiet()
    }
}

/// A connection while no fetch runs on it, or none.
#[derive(Debug)]
pub struct Kept<C>(Option<C>);

impl<C> Default for Kept<C> {
    fn default() -> Self {
        Self(None)
    }
}

impl<C: Quiet> Kept<C> {
    /// Asks the source at `place` within `timeout_ms`, as [`ask`](Self::ask) does. `open` and
    /// `ask` get the deadline.
    ///
    /// # Errors
    /// That of opening or asking, which says that it is about `place`.
    pub fn ask_within<T>(
        &mut self,
        place: &Place,
        timeout_ms: u32,
        open: impl FnOnce(Instant) -> Result<C, FetchError>,
        mut ask: impl FnMut(&mut C, Instant) -> Result<T, Failure>,
    ) -> Result<T, FetchError> {
        let deadline = deadline(timeout_ms);
        let asked = self.ask(deadline, || open(deadline), |connection| ask(connection, deadline));
        asked.map_err(|error| place.told(error))
    }

    /// Asks on the kept connection, or on a new one where there is none, it is not quiet or turns
    /// out to be closed. A connection is kept if it is not broken.
    ///
    /// # Errors
    /// That of opening or asking. What has taken the source too long is told at `deadline`.
    pub fn ask<T>(
        &mut self,
        deadline: Instant,
        open: impl FnOnce() -> Result<C, FetchError>,
        mut ask: impl FnMut(&mut C) -> Result<T, Failure>,
    ) -> Result<T, FetchError> {
        if let Some(mut connection) = self.0.take()
            && connection.is_quiet()
        {
            match ask(&mut connection) {
                // Closed while idle, most likely; a new one shows whether the source is there.
                Err(Failure::Broken(_)) if Instant::now() < deadline => {}
                answered => return self.keep(connection, answered, deadline),
            }
        }
        let mut connection = open()?;
        let answered = ask(&mut connection);
        self.keep(connection, answered, deadline)
    }

    fn keep<T>(
        &mut self,
        connection: C,
        answered: Result<T, Failure>,
        deadline: Instant,
    ) -> Result<T, FetchError> {
        if !matches!(answered, Err(Failure::Broken(_))) {
            self.0 = Some(connection);
        }
        if let Err(Failure::OutOfTime(_)) = answered {
            // The source has ended it just before the timeout, and that is what to tell.
            wait_until(deadline);
        }
        Ok(answered?)
    }
}

#[expect(clippy::disallowed_methods, reason = "nothing happens before the deadline any more")]
fn wait_until(deadline: Instant) {
    std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The number of a connection, which is quiet if that is below ten.
    struct Numbered(u32);

    impl Quiet for Numbered {
        fn is_quiet(&mut self) -> bool {
            self.0 < 10
        }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_connection_is_opened_once_and_again_where_it_was_closed() {
        let (mut kept, mut opened) = (Kept::default(), 0);
        for expected in [1, 1, 2] {
            let closed = opened == 1 && expected == 2;
            let answer = kept.ask(
                soon(),
                || {
                    opened += 1;
                    Ok(Numbered(opened))
                },
                |Numbered(number)| match closed && *number == 1 {
                    true => Err(Failure::Broken("closed".into())),
                    false => Ok(*number),
                },
            );
            assert_eq!(answer, Ok(expected));
        }
    }

    #[test]
    fn one_that_breaks_when_new_is_told_and_not_kept() {
        let mut kept = Kept::default();
        let broken: Result<(), _> =
            kept.ask(soon(), || Ok(Numbered(1)), |_| Err(Failure::Broken("reset".into())));
        assert_eq!(broken, Err(FetchError::Unavailable("reset".into())));
        assert_eq!(kept.ask(soon(), || Ok(Numbered(2)), |connection| Ok(connection.0)), Ok(2));
    }

    #[test]
    fn one_that_answers_with_an_error_is_kept() {
        let mut kept = Kept::default();
        let refused: Result<(), _> = kept.ask(
            soon(),
            || Ok(Numbered(1)),
            |_| Err(Failure::Answered(FetchError::Rejected("no".into()))),
        );
        assert_eq!(refused, Err(FetchError::Rejected("no".into())));
        assert_eq!(kept.ask(soon(), || Ok(Numbered(2)), |connection| Ok(connection.0)), Ok(1));
    }

    #[test]
    fn one_that_said_what_nobody_asked_is_not_used_again() {
        let mut kept = Kept::default();
        for (number, expected) in [(10, 10), (1, 1), (2, 1)] {
            let asked = kept.ask(soon(), || Ok(Numbered(number)), |connection| Ok(connection.0));
            assert_eq!(asked, Ok(expected));
        }
    }
}
