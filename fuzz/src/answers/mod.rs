//! A policy that answers anything at all, against the real store and worker.
//!
//! After every operation the store holds what it was given and nothing else,
//! within its budget; whenever the worker has come to rest, it and the policy know
//! of the same entries and there is room for the next insert.

mod policy;
mod world;

use arbitrary::{Arbitrary, Result, Unstructured};

use policy::Life;
use world::World;

#[derive(Debug)]
enum Operation {
    Set {
        key: u8,
        length: u16,
        ttl_ms: Option<u16>,
    },
    Get(u8),
    Remove(u8),
    Clear,
    Expire(u8),
    Advance(u16),
    /// The clock's jump over hours, so that the rounds of the wheel are met too.
    Leap(u8),
    Turns(u8),
    Rest,
    Swap(Vec<Life>),
    Statistics,
}

impl<'a> Arbitrary<'a> for Operation {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=31)? {
            0..=11 => {
                let (key, length, ttl_ms) = u.arbitrary()?;
                Self::Set { key, length, ttl_ms }
            }
            12..=16 => Self::Get(u.arbitrary()?),
            17..=19 => Self::Remove(u.arbitrary()?),
            20 => Self::Clear,
            21 | 22 => Self::Expire(u.arbitrary()?),
            23 => Self::Advance(u.arbitrary()?),
            24 => Self::Leap(u.arbitrary()?),
            25..=28 => Self::Turns(u.arbitrary()?),
            29 => Self::Rest,
            30 => Self::Swap(u.arbitrary()?),
            _ => Self::Statistics,
        })
    }
}

const HOUR_MS: u64 = 3_600_000;

/// Most operations of one input: enough for every state, and an end.
const OPERATIONS: usize = 400;

/// Runs one input.
///
/// # Panics
/// An invariant does not hold.
pub fn run(input: &[u8]) {
    let mut u = Unstructured::new(input);
    // Of the first policy's instances, one after the other.
    let lives: Vec<Life> = u.arbitrary().unwrap_or_default();
    let mut world = World::new(lives);
    for operation in u.arbitrary_iter().into_iter().flatten().map_while(Result::ok).take(OPERATIONS)
    {
        apply(&mut world, operation);
        world.check();
    }
    world.rest();
    world.check();
}

fn apply(world: &mut World, operation: Operation) {
    match operation {
        Operation::Set { key, length, ttl_ms } => world.set(key, length, ttl_ms),
        Operation::Get(key) => world.get(key),
        Operation::Remove(key) => world.remove(key),
        Operation::Clear => world.clear(),
        Operation::Expire(limit) => world.expire(limit.into()),
        Operation::Advance(ms) => world.clock.advance(ms.into()),
        Operation::Leap(hours) => world.clock.advance(u64::from(hours) * HOUR_MS),
        Operation::Turns(count) => {
            for _ in 0..count % 8 {
                world.turn();
            }
        }
        Operation::Rest => world.rest(),
        Operation::Swap(lives) => world.swap(lives),
        Operation::Statistics => world.ask_statistics(),
    }
}
