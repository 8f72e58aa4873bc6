//! A connection to one origin.

use std::io::{BufReader, Write};
use std::time::Instant;

use psycache_plugin::FetchError;
use psycache_plugin::net::{Failure, Link};

use crate::body::{self, Framing, LARGEST_VALUE_BYTES};
use crate::head::Head;
use crate::settings::Settings;
use crate::target::{Origin, Target};

/// What is read of an answer that is no value, so that the connection can go on.
const LARGEST_REMARK_BYTES: u64 = 64 << 10;

/// An answer. One that is no value has no body.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

/// A connection, closed once an answer has ended it.
pub(crate) struct Connection(Option<BufReader<Link>>);

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
        Ok(Self(Some(BufReader::new(link))))
    }

    /// Asks for `target`. The connection is closed but after an answer that was read to its end.
    pub(crate) fn ask(
        &mut self,
        settings: &Settings,
        target: &Target,
        deadline: Instant,
    ) -> Result<Answer, Failure> {
        let closed = || Failure::Broken("it has closed the connection".to_owned());
        let mut link = self.0.take().ok_or_else(closed)?;
        link.get_mut().until(deadline);
        link.get_mut().write_all(&settings.request(target))?;
        let head = Head::read(&mut link)?;
        let framing = Framing::of(&head)?;
        let is_value = (200..=299).contains(&head.status);
        if !is_value {
            return Ok(self.remark(link, head, &framing));
        }
        if let Some(coding) = head.members("content-encoding").find(|coding| !is_plain(coding)) {
            let problem = format!("it is encoded as `{coding}`, which nobody asked for");
            return Err(Failure::Answered(FetchError::BadValue(problem)));
        }
        let body = body::read(&mut link, &framing, LARGEST_VALUE_BYTES)?;
        self.keep(link, &head, &framing);
        Ok(Answer { head, body })
    }

    /// An answer without a value. Its body is read only to keep the connection.
    fn remark(&mut self, mut link: BufReader<Link>, head: Head, framing: &Framing) -> Answer {
        let is_short =
            matches!(framing, Framing::Length(..=LARGEST_REMARK_BYTES) | Framing::Chunked);
        if is_short && body::read(&mut link, framing, LARGEST_REMARK_BYTES).is_ok() {
            self.keep(link, &head, framing);
        }
        Answer { head, body: Vec::new() }
    }

    /// Keeps the link for another request, if both ends agree on where this answer ended.
    fn keep(&mut self, link: BufReader<Link>, head: &Head, framing: &Framing) {
        let is_over = *framing != Framing::UntilClosed && link.buffer().is_empty();
        if is_over && head.goes_on() {
            self.0 = Some(link);
        }
    }
}

fn is_plain(coding: &str) -> bool {
    coding.is_empty() || coding.eq_ignore_ascii_case("identity")
}
