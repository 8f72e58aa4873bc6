//! Errors of the network in words that mean the same to a reader on every system.

use std::io;

/// What went wrong, without the number of the error: WASI has numbers of its own, which a
/// reader would look up in a list of Linux.
///
/// ```
/// # use psycache_plugin::io_words;
/// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// assert_eq!(io_words(&refused), "connection refused");
/// ```
#[must_use]
pub fn io_words(error: &io::Error) -> String {
    let words = error.to_string();
    match words.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_shown() {
        for number in 1..80 {
            let words = io_words(&io::Error::from_raw_os_error(number));
            assert!(!words.contains("os error") && !words.is_empty(), "{words}");
        }
    }
}
