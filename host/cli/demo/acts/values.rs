//! Steps about values: loaded once, cached, removed, expired, and kept while the policy
//! changes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use tonic::Request;

use super::{STUDENTS, heading, ms, table};
use crate::cli::demo::stage::{Actor, GROUP, Stage};
use crate::cli::output::line;
use crate::proto::swap_policy_request::Part;
use crate::proto::{Origin, RemoveRequest, SetRequest, SwapPolicyHeader, SwapPolicyRequest};

const CALLERS_EACH: usize = 5;

/// Fifteen concurrent callers cause three loads in the whole cluster.
pub(in crate::cli::demo) async fn one_load_for_many(stage: &Stage) -> Result<()> {
    heading(2, "Fifteen callers ask for Tom, Jack and Sam at once, five at each node.")?;
    let begin = Instant::now();
    let callers = stage.actors().iter().flat_map(|actor| [actor; CALLERS_EACH]);
    let gets = callers.zip(STUDENTS.iter().cycle());
    let replies = try_join_all(gets.map(|(actor, student)| actor.get(student))).await?;
    for (student, reply) in STUDENTS.iter().zip(&replies) {
        line(&format!("   {student} has {}", reply.value))?;
    }
    let loads = stage.loads().await?;
    let (count, took_ms) = (replies.len(), begin.elapsed().as_millis());
    line(&format!(
        "   {count} answers in {took_ms} ms; the source was asked {loads} times, once for each key."
    ))?;
    ensure!(loads == STUDENTS.len() as u64, "the source was asked {loads} times");
    Ok(())
}

/// Gets the same key at every node: the owner has it in memory, and the others ask the owner.
pub(in crate::cli::demo) async fn through_each_node(stage: &Stage) -> Result<()> {
    heading(3, "Tom again, through each node: any node answers for any key.")?;
    let before = stage.loads().await?;
    let ring = stage.ring().await?;
    let owner = stage.owner(&ring, "Tom")?.name();
    for actor in stage.actors() {
        let reply = actor.get("Tom").await?;
        let (name, value) = (actor.name(), reply.value);
        let whence = match reply.origin {
            Origin::Hit => "from its own memory".to_owned(),
            Origin::Peer => format!("from the owner, {owner}"),
            other => format!("in another way ({})", other.as_str_name()),
        };
        line(&format!("   {name} answers {value} {whence}, after {:.1} ms.", ms(reply.took)))?;
        let expected = if name == owner { Origin::Hit } else { Origin::Peer };
        ensure!(reply.origin == expected, "{name} should have answered otherwise");
    }
    ensure!(stage.loads().await? == before, "the source was asked again");
    Ok(line("   The source was not asked.")?)
}

/// After one remove at any node, every node returns the new value of the source.
pub(in crate::cli::demo) async fn one_remove_reaches_all(stage: &mut Stage) -> Result<()> {
    heading(4, "Tom sits the exam again: the source now says 701.")?;
    stage.rewrite_source(&table(701)).await?;
    let before = at_every_node(stage, "Tom").await?;
    line(&format!("   The cache can't know; the nodes still answer {}.", before.join(", ")))?;
    let request = RemoveRequest { group: GROUP.into(), key: "Tom".into() };
    let asked = stage.any();
    asked.cache().remove(request).await?;
    let after = at_every_node(stage, "Tom").await?;
    line(&format!(
        "   After one `remove {GROUP} Tom` at {} they answer {}.",
        asked.name(),
        after.join(", ")
    ))?;
    ensure!(before.iter().all(|value| value == "630"), "a node has lost Tom");
    ensure!(after.iter().all(|value| value == "701"), "the remove did not reach every node");
    Ok(())
}

async fn at_every_node(stage: &Stage, key: &str) -> Result<Vec<String>> {
    let replies = try_join_all(stage.actors().iter().map(|actor| actor.get(key))).await?;
    Ok(replies.into_iter().map(|reply| reply.value).collect())
}

/// A value with a time to live expires by itself.
pub(in crate::cli::demo) async fn a_value_expires(stage: &Stage) -> Result<()> {
    const TTL: Duration = Duration::from_millis(300);
    heading(5, "Ada is set with 300 ms to live.")?;
    let ring = stage.ring().await?;
    let owner = stage.owner(&ring, "Ada")?;
    let before = owner.group().await?;
    let ttl_ms = TTL.as_millis() as u64;
    let request = SetRequest {
        group: GROUP.into(),
        key: "Ada".into(),
        value: "1815".into(),
        ttl_ms,
        ..SetRequest::default()
    };
    stage.any().cache().set(request).await?;
    let (value, name) = (stage.any().get("Ada").await?.value, owner.name());
    let with = owner.group().await?.bytes;
    line(&format!("   Ada has {value}; her owner, {name}, holds {with} bytes."))?;
    let deadline = Instant::now() + 20 * TTL;
    let mut group = owner.group().await?;
    while group.expirations == before.expirations {
        ensure!(Instant::now() < deadline, "the value did not expire");
        tokio::time::sleep(TTL / 10).await;
        group = owner.group().await?;
    }
    line(&format!(
        "   Nobody asks for her, and her bytes are freed all the same: {} are left.",
        group.bytes
    ))?;
    ensure!(group.bytes < with, "an expired value still takes room");
    Ok(())
}

/// Changes the policy on every node, while the entries stay.
pub(in crate::cli::demo) async fn another_policy(stage: &Stage) -> Result<()> {
    heading(8, "The eviction policy is swapped for lruk.wasm while the nodes serve.")?;
    let before = stage.loads().await?;
    for actor in stage.actors() {
        let swapped = swap(actor, "lruk").await?;
        let policy = actor.group().await?.policy.context("a group without a policy")?.name;
        line(&format!("   {}: {swapped} handed to {policy}.", actor.name()))?;
        ensure!(policy.starts_with("lruk"), "the policy is {policy}");
    }
    let reply = stage.any().get("Tom").await?;
    line(&format!("   Tom still has {}, after {:.1} ms.", reply.value, ms(reply.took)))?;
    ensure!(stage.loads().await? == before, "an entry was lost in the swap");
    Ok(())
}

async fn swap(actor: &Actor, policy: &str) -> Result<String> {
    let header = SwapPolicyHeader {
        group: GROUP.into(),
        name: policy.into(),
        ..SwapPolicyHeader::default()
    };
    let request = SwapPolicyRequest { part: Some(Part::Header(header)) };
    let request = Request::new(tokio_stream::once(request));
    let swap = actor.admin().swap_policy(request).await?.into_inner();
    Ok(format!("in {} ms {} entries were", swap.duration_ms, swap.entries))
}
