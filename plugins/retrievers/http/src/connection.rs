//! A connection to one origin.

use std::io::{BufReader, Write};
use std::time::{Duration, Instant};

use psycache_plugin::FetchError;
use psycache_plugin::net::{Failure, Link, Quiet};

use crate::body::{self, Framing, LARGEST_VALUE_BYTES};
use crate::head::Head;
use crate::settings::Settings;
use crate::target::{Origin, Target};

/// What is read of an answer that is no value, so that the connection can go on.
const LARGEST_REMARK_BYTES: u64 = 64 << 10;
/// How long the rest of it is waited for when the connection is wanted again. Another connection
/// would take about as long.
const REMARK_TIME: Duration = Duration::from_millis(10);

/// An answer. One that is no value has no body.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

/// A connection, closed once an answer has ended it.
pub(crate) struct Connection {
    link: Option<BufReader<Link>>,
    /// What is still to be read of the last answer.
    remark: Option<Framing>,
}

impl Connection {
    pub(crate) fn open(
        settings: &Settings,
        origin: &Origin,
        deadline: Instant,
    ) -> Result<Self, FetchError> {
        let connected_by = (Instant::now() + settings.connect_timeout).min(deadline);
        let place = &origin.place;
        let mut link = Link::open(place, connected_by, connected_by)?;
        if origin.secure {
            link.secure(&place.host, settings.authorities.as_deref())?;
        }
        Ok(Self { link: Some(BufReader::new(link)), remark: None })
    }

    /// Asks for `target`. The connection is closed but after an answer whose end is known.
    pub(crate) fn ask(
        &mut self,
        settings: &Settings,
        target: &Target,
        deadline: Instant,
    ) -> Result<Answer, Failure> {
        let closed = || Failure::Broken("it has closed the connection".to_owned());
        let mut link = self.link.take().ok_or_else(closed)?;
        link.get_mut().until(deadline);
        link.get_mut().write_all(&settings.request(target))?;
        let head = Head::read(&mut link)?;
        let framing = Framing::of(&head)?;
        let is_value = (200..=299).contains(&head.status);
        if !is_value {
            // Its head says all. The rest may never come.
            if matches!(framing, Framing::Length(..=LARGEST_REMARK_BYTES) | Framing::Chunked) {
                self.keep(link, &head, Some(framing));
            }
            return Ok(Answer { head, body: Vec::new() });
        }
        if let Some(coding) = head.members("content-encoding").find(|coding| !is_plain(coding)) {
            let problem = format!("it is encoded as `{coding}`, which nobody asked for");
            return Err(Failure::Answered(FetchError::BadValue(problem)));
        }
        let body = body::read(&mut link, &framing, LARGEST_VALUE_BYTES)?;
        if framing != Framing::UntilClosed {
            self.keep(link, &head, None);
        }
        Ok(Answer { head, body })
    }

    /// Keeps the link for another request, if the other end does, too.
    fn keep(&mut self, link: BufReader<Link>, head: &Head, remark: Option<Framing>) {
        if head.goes_on() {
            (self.link, self.remark) = (Some(link), remark);
        }
    }
}

impl Quiet for Connection {
    /// Whether both ends agree on where the last answer ended.
    fn is_quiet(&mut self) -> bool {
        let Some(link) = &mut self.link else { return false };
        if let Some(framing) = self.remark.take() {
            link.get_mut().until(Instant::now() + REMARK_TIME);
            if body::read(link, &framing, LARGEST_REMARK_BYTES).is_err() {
                return false;
            }
        }
        link.is_quiet()
    }
}

fn is_plain(coding: &str) -> bool {
    coding.is_empty() || coding.eq_ignore_ascii_case("identity")
}
