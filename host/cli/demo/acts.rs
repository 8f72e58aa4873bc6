//! The demo step by step: what is done, and what is seen. A step that does not
//! see what it announces fails.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use tonic::Request;

use super::stage::{GROUP, LATENCY, Stage};
use crate::cli::output::line;
use crate::proto::swap_policy_request::Part;
use crate::proto::{RemoveRequest, SetRequest, SwapPolicyHeader, SwapPolicyRequest};

const STUDENTS: [&str; 3] = ["Tom", "Jack", "Sam"];
const CALLERS_EACH: usize = 5;

fn heading(number: u32, text: &str) -> Result<()> {
    Ok(line(&format!("\n{number}. {text}"))?)
}

/// Fifteen callers at once, three loads.
pub(super) async fn one_load_for_many(stage: &Stage) -> Result<()> {
    line(&format!(
        "A node is serving at {}. Its group {GROUP:?} has the policy lru.wasm and the",
        stage.address()
    ))?;
    line(&format!("source static.wasm, which takes {} ms to answer.", LATENCY.as_millis()))?;
    heading(1, "Fifteen callers ask for Tom, Jack and Sam at the same time.")?;
    let begin = Instant::now();
    let callers = STUDENTS.iter().cycle().take(STUDENTS.len() * CALLERS_EACH);
    let replies = try_join_all(callers.map(|student| stage.get(student))).await?;
    for (student, reply) in STUDENTS.iter().zip(&replies) {
        line(&format!("   {student} has {}", reply.value))?;
    }
    let loads = stage.status().await?.loads;
    let (count, took_ms) = (replies.len(), begin.elapsed().as_millis());
    line(&format!(
        "   {count} answers in {took_ms} ms; the source was asked {loads} times, once for each key."
    ))?;
    ensure!(loads == STUDENTS.len() as u64, "the source was asked {loads} times");
    Ok(())
}

/// The same again, from memory.
pub(super) async fn from_memory(stage: &Stage) -> Result<()> {
    heading(2, "Tom again: now the answer comes from memory.")?;
    let reply = stage.get("Tom").await?;
    let loads = stage.status().await?.loads;
    line(&format!(
        "   Tom has {}, after {:.1} ms; the source was not asked.",
        reply.value,
        ms(reply.took)
    ))?;
    ensure!(loads == STUDENTS.len() as u64, "the source was asked again");
    Ok(())
}

/// A change in the source is seen after a remove.
pub(super) async fn remove_shows_the_new_value(stage: &Stage) -> Result<()> {
    heading(3, "Tom sits the exam again: the source now says 701.")?;
    stage.rewrite_source("key,value\nTom,701\nJack,589\nSam,567\n").await?;
    let before = stage.get("Tom").await?.value;
    line(&format!("   The cache can't know and still answers {before}."))?;
    let request = RemoveRequest { group: GROUP.into(), key: "Tom".into() };
    stage.cache().remove(request).await?;
    let after = stage.get("Tom").await?.value;
    line(&format!("   After `remove {GROUP} Tom` it answers {after}."))?;
    ensure!((before.as_str(), after.as_str()) == ("630", "701"), "the remove was not seen");
    Ok(())
}

/// A value with a time to live goes by itself.
pub(super) async fn a_value_expires(stage: &Stage) -> Result<()> {
    const TTL: Duration = Duration::from_millis(300);
    heading(4, "Ada is set with 300 ms to live.")?;
    let before = stage.status().await?;
    let ttl_ms = TTL.as_millis() as u64;
    let request =
        SetRequest { group: GROUP.into(), key: "Ada".into(), value: "1815".into(), ttl_ms };
    stage.cache().set(request).await?;
    let (value, with) = (stage.get("Ada").await?.value, stage.status().await?.bytes);
    line(&format!("   Ada has {value}; the group holds {with} bytes."))?;
    let deadline = Instant::now() + 20 * TTL;
    let mut status = stage.status().await?;
    while status.expirations == before.expirations {
        ensure!(Instant::now() < deadline, "the value did not expire");
        tokio::time::sleep(TTL / 10).await;
        status = stage.status().await?;
    }
    line(&format!(
        "   Nobody asks for her, and her bytes are freed all the same: {} are left.",
        status.bytes
    ))?;
    ensure!(status.bytes < with, "an expired value still takes room");
    Ok(())
}

/// The policy is changed under the entries.
pub(super) async fn another_policy(stage: &Stage) -> Result<()> {
    heading(5, "The eviction policy is swapped for lruk.wasm while the node serves.")?;
    let header = SwapPolicyHeader {
        group: GROUP.into(),
        name: "lruk".into(),
        ..SwapPolicyHeader::default()
    };
    let request = SwapPolicyRequest { part: Some(Part::Header(header)) };
    let swap =
        stage.admin().swap_policy(Request::new(tokio_stream::once(request))).await?.into_inner();
    let loads = stage.status().await?.loads;
    let reply = stage.get("Tom").await?;
    let status = stage.status().await?;
    let policy = status.policy.unwrap_or_default().name;
    line(&format!(
        "   {} entries were handed to {policy} in {} ms. Tom still has {}, after {:.1} ms.",
        swap.entries,
        swap.duration_ms,
        reply.value,
        ms(reply.took)
    ))?;
    ensure!(policy.starts_with("lruk"), "the policy is {policy}");
    ensure!(status.loads == loads, "an entry was lost in the swap");
    Ok(())
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
