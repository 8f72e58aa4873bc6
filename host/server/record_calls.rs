//! The messages of a recording. Keys leave the node as hashes under the secret of the caller.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use sha2::{Digest, Sha256};
use tonic::Status;

use super::groups::Groups;
use super::sent_policy::refused;
use super::status::status;
use crate::error::Error;
use crate::group::{RecordedPart, Recording};
use crate::proto::{RecordRequest, RecordResponse, RecordedAccess, RecordedOperation};
use crate::store::{Access, AccessKind};

/// The longest recording.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);

/// A secret that can't be tried out.
const SHORTEST_SECRET: usize = 16;

/// Begins a recording, and tells its parts.
pub(super) fn record(
    groups: &Groups,
    request: RecordRequest,
) -> Result<impl Stream<Item = Result<RecordResponse, Status>> + Send + use<>, Status> {
    let RecordRequest { group, one_in, for_ms, secret } = request;
    let recording = begin(groups, &group, one_in, for_ms, &secret);
    let recording = recording.map_err(|error| status(&error, &group))?;
    let gone = {
        let problem = "it was removed while it was recorded".to_owned();
        status(&Error::InvalidArgument { argument: "group", problem }, &group)
    };
    Ok(stream::unfold(Some(recording), move |recording| {
        let (secret, gone) = (secret.clone(), gone.clone());
        async move {
            let mut recording = recording?;
            match recording.next().await {
                Some(part) if part.is_last => Some((Ok(told(&recording, part, &secret)), None)),
                Some(part) => Some((Ok(told(&recording, part, &secret)), Some(recording))),
                None => Some((Err(gone), None)),
            }
        }
    }))
}

fn begin(
    groups: &Groups,
    group: &[u8],
    one_in: u32,
    for_ms: u64,
    secret: &[u8],
) -> Result<Recording, Error> {
    let group = groups.of_request(group)?;
    let span = Duration::from_millis(for_ms);
    if span.is_zero() || span > LONGEST {
        return Err(refused("for_ms", "a recording takes from 1 ms to 7 days"));
    }
    if (1..SHORTEST_SECRET).contains(&secret.len()) {
        return Err(refused("secret", "it must have at least 16 bytes, or none"));
    }
    group.record(NonZeroU32::new(one_in), span)
}

fn told(recording: &Recording, part: RecordedPart, secret: &[u8]) -> RecordResponse {
    let RecordedPart { accesses, now_ms, since_ms, gets: [found, gets], lost, is_last } = part;
    let accesses = accesses.into_iter().map(|access| {
        let ttl_ms = access.deadline_ms.map_or(0, |at_ms| at_ms.saturating_sub(now_ms).max(1));
        RecordedAccess {
            operation: operation(access.kind).into(),
            at_ms: since_ms,
            size: access.weight,
            // 0 is no limit, and so is what takes weeks.
            ttl_ms: u32::try_from(ttl_ms).unwrap_or(0),
            load_us: access.cost_us,
            ..named(access, secret)
        }
    });
    RecordResponse {
        one_in: recording.one_in().get(),
        until_ms: since_ms,
        accesses: accesses.collect(),
        gets,
        found,
        lost,
        is_last,
    }
}

/// The key alone.
fn named(access: Access, secret: &[u8]) -> RecordedAccess {
    let key = access.key.unwrap_or_default();
    if secret.is_empty() {
        return RecordedAccess {
            key: Bytes::from(key.into_string().into_bytes()),
            ..RecordedAccess::default()
        };
    }
    let digest = Sha256::new().chain_update(secret).chain_update(key.as_bytes()).finalize();
    let mut hash = [0; 8];
    hash.copy_from_slice(&digest[..8]);
    RecordedAccess { hash: u64::from_le_bytes(hash), ..RecordedAccess::default() }
}

fn operation(kind: AccessKind) -> RecordedOperation {
    match kind {
        AccessKind::Hit => RecordedOperation::Hit,
        AccessKind::Miss => RecordedOperation::Miss,
        AccessKind::Loaded => RecordedOperation::Loaded,
        AccessKind::Set => RecordedOperation::Set,
        AccessKind::Removed => RecordedOperation::Removed,
        AccessKind::Cleared => RecordedOperation::Cleared,
    }
}
