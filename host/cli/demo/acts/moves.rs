//! Steps about ownership: the owner of each key, and how it changes when a node leaves or
//! joins.

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;

use super::{OTHERS, STUDENTS, heading, other, times};
use crate::cli::demo::stage::{Actor, Stage};
use crate::cli::output::line;
use crate::membership::rendezvous::Ring;

const NEWCOMER: &str = "D";

/// Every key has one owner, and all nodes know it.
pub(in crate::cli::demo) async fn who_owns_what(stage: &Stage) -> Result<()> {
    heading(1, "Each key has one owner, which all nodes work out alike.")?;
    let ring = stage.ring().await?;
    for actor in stage.actors() {
        let (name, share) = (actor.name(), share(&ring, actor)?);
        line(&format!("   {name} owns {:.1}% of all keys.", share * 100.0))?;
        ensure!((0.25..0.42).contains(&share), "{name} has not its third");
    }
    let owner = |student| Ok::<_, anyhow::Error>(stage.owner(&ring, student)?.name());
    let [tom, jack, sam] = STUDENTS;
    Ok(line(&format!(
        "   Here {tom} belongs to {}, {jack} to {} and {sam} to {}.",
        owner(tom)?,
        owner(jack)?,
        owner(sam)?
    ))?)
}

/// When a node leaves, only its keys move, and it hands their values to the other nodes.
pub(in crate::cli::demo) async fn a_node_leaves(stage: &mut Stage) -> Result<()> {
    let before = stage.ring().await?;
    let leaver = stage.owner(&before, "Tom")?.name();
    heading(6, &format!("{leaver}, which owns Tom, leaves, as a node does at SIGTERM."))?;
    let keys = keys();
    let values = ask_all(stage.any(), &keys).await?;
    let old_owners = owners(stage, &before, &keys)?;
    stage.exit(leaver).await?;
    let after = stage.ring().await?;
    let loads = stage.loads().await?;
    ensure!(ask_all(stage.any(), &keys).await? == values, "a value has changed");
    let loads = stage.loads().await? - loads;
    let new_owners = owners(stage, &after, &keys)?;
    let (moved, strays) = moves(&old_owners, &new_owners, |old, _| old == leaver);
    let count = keys.len();
    line(&format!(
        "   {moved} of {count} students were its own. It has given them to the others, who own \
         them now; no other has moved."
    ))?;
    line(&format!(
        "   All {count} are asked for again, and all are answered; the source was asked {}.",
        times(loads)
    ))?;
    ensure!(strays == 0, "{strays} students of nodes that stay have moved");
    ensure!(loads < moved, "the source was asked {loads} times for {moved} students");
    Ok(())
}

/// The new node gets its share of the keys, and asks their former owners before the source.
pub(in crate::cli::demo) async fn a_node_joins(stage: &mut Stage) -> Result<()> {
    heading(7, &format!("A new node, {NEWCOMER}, joins."))?;
    let keys = keys();
    let before = stage.ring().await?;
    let old_owners = owners(stage, &before, &keys)?;
    stage.enter(NEWCOMER).await?;
    let after = stage.ring().await?;
    let new_owners = owners(stage, &after, &keys)?;
    let (moved, strays) = moves(&old_owners, &new_owners, |_, new| new == NEWCOMER);
    let newcomer = stage.actors().last().context("the stage is empty")?;
    line(&format!(
        "   It owns {:.1}% of all keys, and {moved} of the {} students. No other has moved.",
        share(&after, newcomer)? * 100.0,
        keys.len()
    ))?;
    let loads = stage.loads().await?;
    ask_all(newcomer, &keys).await?;
    let loads = stage.loads().await? - loads;
    line(&format!(
        "   All are asked for through {NEWCOMER}, which looks first at those that owned its keys; \
         it asked the source {}.",
        times(loads)
    ))?;
    ensure!(strays == 0, "{strays} students have moved between nodes that were there");
    ensure!(loads < moved, "the source was asked {loads} times for {moved} students");
    Ok(())
}

fn keys() -> Vec<String> {
    let named = STUDENTS.iter().map(ToString::to_string);
    named.chain((0..OTHERS).map(other)).collect()
}

async fn ask_all(actor: &Actor, keys: &[String]) -> Result<Vec<String>> {
    let replies = try_join_all(keys.iter().map(|key| actor.get(key))).await?;
    Ok(replies.into_iter().map(|reply| reply.value).collect())
}

fn owners(stage: &Stage, ring: &Ring, keys: &[String]) -> Result<Vec<&'static str>> {
    keys.iter().map(|key| Ok(stage.owner(ring, key)?.name())).collect()
}

/// How many keys changed their owner, and for how many of them the change from the old owner to
/// the new one is not `meant`.
fn moves(old: &[&str], new: &[&str], meant: impl Fn(&str, &str) -> bool) -> (u64, u64) {
    let changed = old.iter().zip(new).filter(|(old, new)| old != new);
    changed.fold((0, 0), |(moved, strays), (old, new)| {
        (moved + 1, strays + u64::from(!meant(old, new)))
    })
}

fn share(ring: &Ring, actor: &Actor) -> Result<f64> {
    let address = actor.address().to_string();
    let at = ring.nodes().iter().position(|node| *node.address == *address);
    Ok(ring.shares()[at.context("a node is not in its own ring")?])
}
