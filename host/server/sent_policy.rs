//! A policy that an operator sends: its name and options, and maybe its component.

use std::collections::HashMap;
use std::fmt::Write;

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tonic::{Status, Streaming};

use super::groups::Groups;
use super::limit::restated;
use super::status::status;
use crate::error::Error;
use crate::proto::SwapPolicyHeader;

/// A request to use a policy for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySwap {
    /// Name of the group.
    pub group: String,
    /// Name in status and metrics. Without a component it names a built-in policy.
    pub name: String,
    /// The component, checked against its digest; `None` for the built-in policy `name`.
    pub component: Option<Bytes>,
    /// Names and values, sorted by name.
    pub options: Vec<(String, String)>,
}

/// Reads the rest of a request after its header: a component of at most `limit` bytes, or nothing.
/// `bytes` are those of a message; `None` if it is no part of a component. The caller has the role
/// for the group.
pub(super) async fn read<T>(
    header: SwapPolicyHeader,
    mut parts: Streaming<T>,
    bytes: impl Fn(T) -> Option<Bytes>,
    groups: &Groups,
    limit: usize,
) -> Result<PolicySwap, Status> {
    let SwapPolicyHeader { group, name, sha256, options } = header;
    let told = |error: Error| status(&error, &group);
    let of_group = groups.of_request(&group).map_err(told)?.name().to_owned();
    let mut component = BytesMut::new();
    while let Some(request) = parts.message().await.map_err(restated)? {
        let problem = "only parts of the component may follow the header";
        let part = bytes(request).ok_or_else(|| told(refused("component", problem)))?;
        grow(&mut component, &part, limit).map_err(told)?;
    }
    checked(of_group, name, &sha256, options, component).map_err(told)
}

/// Appends a part to a component of at most `limit` bytes.
pub(super) fn grow(component: &mut BytesMut, part: &[u8], limit: usize) -> Result<(), Error> {
    component.extend_from_slice(part);
    if component.len() > limit {
        return Err(Error::TooLarge {
            bytes: component.len() as u64,
            limit: limit as u64,
            what: "the longest component that this node takes",
        });
    }
    Ok(())
}

/// The policy whose component, if it has one, is what was sent.
pub(super) fn checked(
    group: String,
    name: String,
    sha256: &str,
    options: HashMap<String, String>,
    component: BytesMut,
) -> Result<PolicySwap, Error> {
    let built_in = component.is_empty();
    if name.is_empty() {
        return Err(refused("name", "it is empty; name a built-in or the component's file"));
    }
    if built_in != sha256.is_empty() {
        let problem = "it goes with a component, and only with one; a built-in has neither";
        return Err(refused("sha256", problem));
    }
    if !built_in {
        let digest = hexadecimal(&Sha256::digest(&component));
        if !digest.eq_ignore_ascii_case(sha256) {
            let problem = format!("the component that arrived has {digest}; send it again");
            return Err(refused("sha256", problem));
        }
    }
    let mut options: Vec<_> = options.into_iter().collect();
    options.sort();
    let component = (!built_in).then(|| component.freeze());
    Ok(PolicySwap { group, name, component, options })
}

/// The error for a wrong argument.
pub(super) fn refused(argument: &'static str, problem: impl Into<String>) -> Error {
    Error::InvalidArgument { argument, problem: problem.into() }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string can't fail");
        text
    })
}
