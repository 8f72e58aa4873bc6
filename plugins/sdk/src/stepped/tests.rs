//! The order of a step, shown by a policy that writes down what it is told.

use super::*;

/// Evicts the smallest slot and logs every call.
struct Logged {
    resident: Vec<u32>,
    log: String,
}

impl Logged {
    fn note(&mut self, word: &str) {
        self.log += word;
        self.log.push(' ');
    }
}

impl Policy for Logged {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        config.options().finish()?;
        Ok(Self { resident: Vec::new(), log: String::new() })
    }

    fn begin_step(&mut self, now_ms: u64) {
        self.log = format!("@{now_ms} ");
    }

    fn touch(&mut self, slot: u32) {
        self.note(&format!("touch{slot}"));
    }

    fn insert(&mut self, slot: u32, entry: &Entry) {
        assert!(!self.resident.contains(&slot));
        self.resident.push(slot);
        self.note(&format!("insert{slot}:{}", entry.hash));
    }

    fn overwrite(&mut self, slot: u32, entry: &Entry) {
        self.note(&format!("over{slot}:{}", entry.hash));
    }

    fn remove(&mut self, slot: u32) {
        self.resident.retain(|resident| *resident != slot);
        self.note(&format!("remove{slot}"));
    }

    fn victim(&mut self) -> Option<u32> {
        let slot = self.resident.iter().copied().min()?;
        self.resident.retain(|resident| *resident != slot);
        self.note(&format!("evict{slot}"));
        Some(slot)
    }
}

fn stepped(max_victims: u32) -> Stepped<Logged> {
    let config = Config { max_victims, ..Config::new(100, 10) };
    Stepped::new(&config).expect("no options")
}

/// Admits `slots` with hashes 10, 11, … and the weights given, and returns log and victims.
fn admit(
    policy: &mut Stepped<Logged>,
    slots: &[u32],
    weight: u32,
    step: Step<'_>,
) -> (String, Vec<u32>) {
    let hashes: Vec<u64> = (10..).take(slots.len()).collect();
    let attributes = [weight, 0, 0].repeat(slots.len());
    let mut victims = vec![99];
    policy.step(
        &Step { admitted: slots, hashes: &hashes, attributes: &attributes, ..step },
        &mut victims,
    );
    (policy.policy.log.trim_end().to_owned(), victims)
}

#[test]
fn unknown_slots_are_ignored() {
    let mut policy = stepped(8);
    let step =
        Step { touched: &[3, 9_999_999], removed: &[4, u32::MAX], now: 5, ..Step::default() };
    assert_eq!(admit(&mut policy, &[3], 1, step), ("@5 insert3:10".to_owned(), vec![]));
}

#[test]
fn old_entries_go_before_new_ones_come() {
    let mut policy = stepped(8);
    admit(&mut policy, &[5], 1, Step::default());
    let (log, victims) = admit(&mut policy, &[0], 1, Step { need: 1, ..Step::default() });
    assert_eq!((log.as_str(), victims), ("@0 evict5 insert0:10", vec![5]));
}

#[test]
fn new_entries_go_where_the_old_do_not_suffice() {
    let mut policy = stepped(8);
    admit(&mut policy, &[5], 1, Step::default());
    let (log, victims) = admit(&mut policy, &[0, 1], 1, Step { need: 2, ..Step::default() });
    assert_eq!((log.as_str(), victims), ("@0 evict5 insert0:10 insert1:11 evict0", vec![5, 0]));
}

#[test]
fn an_admitted_resident_is_overwritten_and_may_then_leave() {
    let mut policy = stepped(8);
    admit(&mut policy, &[1, 2], 1, Step::default());
    // Slot 1 weighs 7 now, which is what its eviction frees; it is not admitted anew.
    let (log, victims) = admit(&mut policy, &[3, 1], 7, Step { need: 7, ..Step::default() });
    assert_eq!((log.as_str(), victims), ("@0 over1:11 evict1 insert3:10", vec![1]));
}

#[test]
fn a_removed_and_admitted_slot_is_reused() {
    let mut policy = stepped(8);
    admit(&mut policy, &[1], 1, Step::default());
    let step = Step { touched: &[1], removed: &[1, 1], ..Step::default() };
    assert_eq!(admit(&mut policy, &[1], 1, step).0, "@0 touch1 remove1 insert1:10");
}

#[test]
fn need_is_weight_and_max_victims_binds() {
    let mut policy = stepped(2);
    admit(&mut policy, &[1, 2, 3, 4], 3, Step::default());
    let mut victims = Vec::new();
    policy.step(&Step { need: 4, ..Step::default() }, &mut victims);
    assert_eq!(victims, [1, 2], "3 is less than 4, 6 is enough");
    admit(&mut policy, &[1, 2], 3, Step::default());
    policy.step(&Step { need: u64::MAX, ..Step::default() }, &mut victims);
    assert_eq!(victims, [1, 2], "no more than two a step");
    policy.step(&Step { need: u64::MAX, ..Step::default() }, &mut victims);
    policy.step(&Step { need: u64::MAX, ..Step::default() }, &mut victims);
    assert!(victims.is_empty(), "nothing is left, and old victims are cleared");
}

#[test]
fn later_attributes_are_stepped_over() {
    let mut policy = stepped(8);
    let attributes = [1, 0, 0, 77, 5, 0, 0, 77];
    let step =
        Step { admitted: &[1, 2], hashes: &[1, 2], attributes: &attributes, ..Step::default() };
    policy.step(&step, &mut Vec::new());
    assert_eq!((policy.residents.weight(1), policy.residents.weight(2)), (1, 5));
}

#[test]
#[should_panic(expected = "not below max-entries")]
fn a_slot_out_of_bounds_takes_no_memory() {
    admit(&mut stepped(1), &[10], 1, Step::default());
}

/// Evicts entries in pairs.
struct Pairs {
    resident: Vec<u32>,
    second: Option<u32>,
}

impl Policy for Pairs {
    fn configure(_config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { resident: Vec::new(), second: None })
    }

    fn touch(&mut self, _slot: u32) {}

    fn insert(&mut self, slot: u32, _entry: &Entry) {
        self.resident.push(slot);
    }

    fn remove(&mut self, slot: u32) {
        self.resident.retain(|resident| *resident != slot);
    }

    fn victim(&mut self) -> Option<u32> {
        self.second.take().or_else(|| {
            let first = self.resident.pop();
            self.second = self.resident.pop();
            first
        })
    }

    fn victim_beyond_need(&mut self) -> Option<u32> {
        self.second.take()
    }
}

#[test]
fn a_second_entry_leaves_beyond_the_need_but_not_beyond_the_limit() {
    let mut policy = Stepped::<Pairs>::new(&Config { max_victims: 2, ..Config::new(9, 9) })
        .expect("any options");
    let mut victims = Vec::new();
    let (admitted, hashes, attributes) = ([0, 1, 2, 3, 4, 5, 6], [0; 7], [1; 21]);
    let admit = Step { admitted: &admitted, hashes: &hashes, attributes: &attributes, ..step(0) };
    policy.step(&admit, &mut victims);
    assert!(victims.is_empty(), "nobody leaves where there is no need");
    policy.step(&step(1), &mut victims);
    assert_eq!(victims, [6, 5]);
    policy.policy.second = policy.policy.resident.pop();
    policy.step(&step(2), &mut victims);
    // 4 was left from before; 3 fills the step, and 2 has to wait.
    assert_eq!(victims, [4, 3]);
    policy.step(&step(1), &mut victims);
    assert_eq!(victims, [2]);
}

/// FIFO with a state that can be saved.
struct Saving(crate::SlotQueue);

impl Policy for Saving {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self(crate::SlotQueue::new(config.max_entries)))
    }

    fn touch(&mut self, _slot: u32) {}

    fn insert(&mut self, slot: u32, _entry: &Entry) {
        self.0.push_front(slot);
    }

    fn remove(&mut self, slot: u32) {
        self.0.remove(slot);
    }

    fn victim(&mut self) -> Option<u32> {
        self.0.pop_back()
    }
}

impl Snapshot for Saving {
    const FORMAT: &'static str = "saving 1";

    fn save(&self, bytes: &mut Vec<u8>) {
        self.0.save(bytes);
    }

    fn restore(config: &Config, state: &mut State<'_>) -> Option<Self> {
        crate::SlotQueue::restore(config.max_entries, state).map(Self)
    }
}

#[test]
fn a_restored_policy_goes_on_as_the_saved_one() {
    let config = Config::new(100, 10);
    let mut old = Stepped::<Saving>::new(&config).expect("any options");
    let mut victims = Vec::new();
    let (admitted, hashes) = ([3, 9, 1], [0; 3]);
    let attributes = [2, 0, 0, 5, 0, 0, 1, 0, 0];
    let admit = Step { admitted: &admitted, hashes: &hashes, attributes: &attributes, ..step(0) };
    old.step(&admit, &mut victims);
    old.step(&Step { removed: &[9], ..step(0) }, &mut victims);
    let state = old.save();
    let mut new = Stepped::<Saving>::restore(&config, &state).expect("its own state");
    // Weights are known, and what is not resident still is not.
    new.step(&Step { touched: &[9], removed: &[9], ..step(2) }, &mut victims);
    assert_eq!(victims, [3]);
    new.step(&step(2), &mut victims);
    assert_eq!(victims, [1]);
    assert_eq!(Stepped::<Saving>::restore(&config, &new.save()).expect("empty").save(), new.save());

    let restores =
        |config: &Config, state: &[u8]| Stepped::<Saving>::restore(config, state).is_some();
    for cut in 0..state.len() {
        assert!(!restores(&config, &state[..cut]), "{cut} bytes");
    }
    assert!(!restores(&config, &[&state[..], b"0"].concat()), "a byte too many");
    assert!(!restores(&Config::new(100, 3), &state), "slots are out of bounds");
}

fn step(need: u64) -> Step<'static> {
    Step { need, ..Step::default() }
}
