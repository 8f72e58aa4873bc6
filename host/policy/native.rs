//! A policy written with the plugin kit, run as native code: the baseline for
//! measurements of the same policy as a component.

use std::marker::PhantomData;
use std::sync::Arc;

use psycache_plugin::{Config, Step, Stepped};

use super::{Batch, Failure, Keys, Policy, PolicyConfig, PolicySource};

/// Makes native instances of `P`.
pub struct Native<P> {
    name: String,
    policy: PhantomData<fn() -> P>,
}

impl<P> Native<P> {
    /// `name` is what status and metrics show.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), policy: PhantomData }
    }
}

impl<P: psycache_plugin::Policy + Send + 'static> PolicySource for Native<P> {
    fn name(&self) -> &str {
        &self.name
    }

    fn instantiate(
        &self,
        config: &PolicyConfig,
        _keys: Arc<dyn Keys>,
    ) -> Result<Box<dyn Policy>, Failure> {
        let config = Config {
            capacity: config.capacity,
            max_entries: config.max_entries,
            max_victims: config.max_victims,
            seed: config.seed,
            pairs: config.options.clone(),
        };
        match Stepped::<P>::new(&config) {
            Ok(stepped) => Ok(Box::new(NativeInstance(stepped))),
            Err(refused) => Err(Failure::Refused(refused.to_string())),
        }
    }
}

struct NativeInstance<P>(Stepped<P>);

impl<P: psycache_plugin::Policy + Send> Policy for NativeInstance<P> {
    fn step(
        &mut self,
        batch: &Batch,
        need: u64,
        now_ms: u64,
        victims: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        let Batch { touched, removed, admitted, hashes, attributes } = batch;
        let step = Step { touched, removed, admitted, hashes, attributes, need, now: now_ms };
        self.0.step(&step, victims);
        Ok(())
    }
}
