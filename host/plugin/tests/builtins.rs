//! The components that come with the binary.

use std::collections::VecDeque;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{TenKeys, engines};
use crate::plugin::{LoadError, Plugin, PolicyComponent, PolicyLimits};
use crate::policy::{Attributes, Batch, Policy, PolicyConfig, PolicySource};

const POLICIES: [&str; 9] =
    ["fifo", "lru", "lfu", "lruk", "twoq", "sieve", "s3fifo", "gdsf", "adaptive"];

fn load(plugin: &str, options: &[(&str, &str)]) -> Result<Box<dyn Policy>, LoadError> {
    let options = options.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let config =
        PolicyConfig { capacity: 100, max_entries: 128, max_victims: 64, seed: 7, options };
    let plugin = Plugin::resolve(plugin)?;
    let component = PolicyComponent::load(engines(), plugin, &config, PolicyLimits::default())?;
    Ok(component.instantiate(&config, Arc::new(TenKeys)).unwrap())
}

const PLAIN: Attributes = Attributes { weight: 1, cost_us: 0, ttl_ms: 0 };

#[test]
fn every_builtin_policy_evicts_what_it_was_given() {
    for name in POLICIES {
        let mut policy = load(name, &[]).unwrap();
        let mut batch = Batch::default();
        (0..100).for_each(|slot| batch.admit(slot, u64::from(slot) * 7919, PLAIN));
        let mut victims = Vec::new();
        policy.step(&batch, 10, 1, &mut victims).unwrap();
        assert_eq!(victims.len(), 10, "{name}");
        batch.clear();
        batch.removed = (0..50).collect();
        let mut rest = Vec::new();
        policy.step(&batch, 1000, 2, &mut rest).unwrap();
        assert!(rest.iter().all(|slot| *slot >= 50 && !victims.contains(slot)), "{name}: {rest:?}");
    }
}

#[test]
fn the_lru_component_is_the_textbooks_lru() {
    let mut policy = load("lru", &[]).unwrap();
    let mut model: VecDeque<u32> = VecDeque::new();
    let mut random = StdRng::seed_from_u64(1);
    for now in 1..20_000 {
        let slot = random.random_range(0..128);
        let mut batch = Batch::default();
        let resident = model.contains(&slot);
        model.retain(|other| *other != slot);
        match random.random_range(0..10) {
            0 if resident => batch.removed.push(slot),
            _ if resident => {
                batch.touched.push(slot);
                model.push_back(slot);
            }
            _ => {
                batch.admit(slot, u64::from(slot), PLAIN);
                model.push_back(slot);
            }
        }
        let need = model.len().saturating_sub(100) as u64;
        let expected: Vec<u32> = (0..need).map(|_| model.pop_front().unwrap()).collect();
        let mut victims = Vec::new();
        policy.step(&batch, need, now, &mut victims).unwrap();
        assert_eq!(victims, expected, "step {now}");
    }
}

#[test]
fn a_builtin_is_found_by_name_and_with_its_ending() {
    for name in ["lruk", "lruk.wasm"] {
        let plugin = Plugin::resolve(name).unwrap();
        assert!(plugin.is_builtin());
        assert_eq!(plugin.name(), "lruk");
        assert_eq!(plugin.sha256().len(), 64);
    }
}

#[test]
fn a_misspelt_name_gets_a_hint_and_the_names_there_are() {
    let text = Plugin::resolve("lrukk").unwrap_err().to_string();
    assert!(text.contains("there is no plugin \"lrukk\": did you mean lruk?"), "{text}");
    assert!(
        text.contains("fifo, lru, lfu, lruk, twoq, sieve, s3fifo, gdsf, adaptive, static, http, mysql, postgres, redis"),
        "{text}"
    );
    let text = Plugin::resolve("zebra.wasm").unwrap_err().to_string();
    assert!(!text.contains("did you mean"), "{text}");
}

#[test]
fn a_misspelt_option_gets_the_options_there_are() {
    let text = load("lruk", &[("histori", "1")]).err().unwrap().to_string();
    assert_eq!(text, "lruk refused its options: it has no option histori (known: k, history)");
    let text = load("twoq", &[("in", "much")]).err().unwrap().to_string();
    assert!(text.contains("the value of option in is wrong"), "{text}");
    let text = load("gdsf", &[("value", "time")]).err().unwrap().to_string();
    assert!(text.contains("it must be load-time, objects or bytes"), "{text}");
    for name in ["sieve", "s3fifo", "adaptive"] {
        let text = load(name, &[("k", "2")]).err().unwrap().to_string();
        let expected = format!("{name} refused its options: it has no option k");
        assert_eq!(text, format!("{expected} (there are no options)"));
    }
}
