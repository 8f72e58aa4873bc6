//! Policies at work: what they may do, and what becomes of those that do more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::guests::Guest;
use super::{TenKeys, config, engines, limits};
use crate::plugin::PolicyComponent;
use crate::policy::{Batch, Failure, Policy, PolicySource};

/// An instance of its own, without the trial that loading begins with.
fn instance(guest: &Guest) -> Box<dyn Policy> {
    let component = PolicyComponent::compile(engines(), guest.plugin(), limits()).unwrap();
    component.instantiate(&config(), Arc::new(TenKeys)).unwrap()
}

fn step(policy: &mut dyn Policy) -> Result<Vec<u32>, Failure> {
    let mut victims = Vec::new();
    let batch = Batch { touched: vec![1, 2, 3], ..Batch::default() };
    policy.step(&batch, 1, 1, &mut victims).map(|()| victims)
}

fn step_of(code: &'static str) -> Result<Vec<u32>, Failure> {
    step(&mut *instance(&Guest { step: code, ..Guest::default() }))
}

/// The answer at 16: a list at 4096 of so many victims.
macro_rules! victims {
    ($count:literal) => {
        concat!(
            "(i32.store (i32.const 16) (i32.const 4096))",
            "(i32.store (i32.const 20) (i32.const ",
            $count,
            ")) i32.const 16"
        )
    };
}

#[test]
fn victims_come_back() {
    assert_eq!(step_of("i32.const 16"), Ok(vec![]));
    assert_eq!(step_of(victims!("4")), Ok(vec![0; 4]));
}

#[test]
fn a_loop_is_stopped_at_the_deadline() {
    let start = Instant::now();
    assert_eq!(step_of("(loop (br 0)) unreachable"), Err(Failure::Deadline { limit_ms: 20 }));
    assert!(start.elapsed() >= Duration::from_millis(20));
}

#[test]
fn a_trap_is_a_failure_and_so_is_every_call_after_it() {
    let mut policy = instance(&Guest { step: "unreachable", ..Guest::default() });
    for _ in 0..2 {
        let failure = step(&mut *policy).unwrap_err();
        assert!(matches!(failure, Failure::Trap(_)), "{failure:?}");
    }
}

#[test]
fn a_refused_growth_is_the_reason_of_the_trap_after_it() {
    let grow = "(if (i32.eq (memory.grow (i32.const 100)) (i32.const -1)) (then unreachable))
        i32.const 16";
    assert_eq!(step_of(grow), Err(Failure::Memory { limit_bytes: 2 << 20 }));
}

#[test]
fn a_guest_may_live_with_a_refused_growth() {
    assert_eq!(step_of("(drop (memory.grow (i32.const 100))) i32.const 16"), Ok(vec![]));
}

#[test]
fn more_victims_than_allowed_are_refused() {
    assert_eq!(step_of(victims!("5")), Err(Failure::TooManyVictims { count: 5, limit: 4 }));
}

#[test]
fn a_list_that_fills_the_memory_is_refused_before_it_is_copied() {
    // 250,000 of them lie inside the memory of 1 MiB, beyond what may be handed over.
    let failure = step_of(victims!("250000")).unwrap_err();
    assert_eq!(failure, Failure::TooManyVictims { count: 16385, limit: 4 });
}

#[test]
fn a_list_outside_the_memory_is_a_trap() {
    for answer in [victims!("0x10000000"), "i32.const -4", "i32.const 17"] {
        let failure = step_of(answer).unwrap_err();
        assert!(!matches!(failure, Failure::Deadline { .. }), "{failure:?}");
    }
}

#[test]
fn a_stack_overflow_is_a_trap() {
    let guest = Guest {
        items: "(func $deep (call $deep) (call $deep))",
        step: "(call $deep) i32.const 16",
        ..Guest::default()
    };
    let failure = step(&mut *instance(&guest)).unwrap_err();
    assert!(matches!(&failure, Failure::Trap(text) if text.contains("stack")), "{failure:?}");
}

#[test]
fn an_option_that_a_plugin_does_not_have_changes_nothing() {
    let mut policy = instance(&Guest::default());
    assert_eq!(policy.statistics(), Ok(vec![]));
    assert!(policy.save().unwrap().is_none());
    let state = crate::policy::Snapshot { format: "x".into(), bytes: vec![1] };
    assert_eq!(policy.restore(&state), Ok(false));
}

/// Asks for the key of slot 7 and answers with its length as a victim.
#[test]
fn a_policy_may_ask_for_keys() {
    let guest = Guest {
        imports: r#"(import "psycache:plugin/entries@0.1.0" (instance $entries
                (export "key" (func (param "slot" u32) (result (option string))))))
            (core func $key (canon lower (func $entries "key") (memory $shelf-memory)
                (realloc $shelf-realloc)))
            (core instance $asks (export "key" (func $key)))"#,
        with: r#"(with "asks" (instance $asks)) (with "shelf" (instance $shelf))"#,
        items: r#"(import "asks" "key" (func $key (param i32 i32)))
            (import "shelf" "memory" (memory $shelf 2))"#,
        // The answer at 2048 of the shelf: some, address, length.
        step: "(call $key (i32.const 7) (i32.const 2048))
            (i32.store $memory (i32.const 16) (i32.const 4096))
            (i32.store $memory (i32.const 20) (i32.const 1))
            (i32.store $memory (i32.const 4096) (i32.load $shelf (i32.const 2056)))
            i32.const 16",
        ..Guest::default()
    };
    assert_eq!(step(&mut *instance(&guest)), Ok(vec!["key-7".len() as u32]));
}

/// Asks WASI for something, and answers with what came back.
fn wasi(
    import: &'static str,
    items: &'static str,
    step: &'static str,
) -> Result<Vec<u32>, Failure> {
    let with = r#"(with "wasi" (instance $wasi))"#;
    let guest = Guest { imports: import, with, items, step, ..Guest::default() };
    self::step(&mut *instance(&guest))
}

#[test]
fn a_policy_that_sleeps_is_stopped_at_once() {
    let failure = wasi(
        r#"(import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
        (alias export $poll "pollable" (type $pollable))
        (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
            (alias outer 1 $pollable (type $p))
            (export "pollable" (type $own (eq $p)))
            (export "subscribe-duration" (func (param "when" u64) (result (own $own))))))
        (core func $sleep (canon lower (func $clock "subscribe-duration")))
        (core instance $wasi (export "sleep" (func $sleep)))"#,
        r#"(import "wasi" "sleep" (func $sleep (param i64) (result i32)))"#,
        "(drop (call $sleep (i64.const 1000000000000))) i32.const 16",
    );
    let failure = failure.unwrap_err();
    assert!(
        matches!(&failure, Failure::Trap(text) if text.contains("may not sleep")),
        "{failure:?}"
    );
}

#[test]
fn wasi_gives_no_folder_and_no_environment() {
    for (interface, function, item) in [
        ("filesystem/preopens", "get-directories", "(tuple (own $item) string)"),
        ("cli/environment", "get-environment", "(tuple string string)"),
        ("cli/environment", "get-arguments", "string"),
    ] {
        let imports = format!(
            r#"(import "wasi:filesystem/types@0.2.0" (instance $types
                (export "descriptor" (type (sub resource)))))
            (alias export $types "descriptor" (type $descriptor))
            (import "wasi:{interface}@0.2.0" (instance $offer
                (alias outer 1 $descriptor (type $d))
                (export "descriptor" (type $item (eq $d)))
                (export "{function}" (func (result (list {item}))))))
            (core func $ask (canon lower (func $offer "{function}") (memory $shelf-memory)
                (realloc $shelf-realloc)))
            (core instance $wasi (export "ask" (func $ask)))"#
        );
        let imports: &'static str = imports.leak();
        let guest = Guest {
            imports,
            with: r#"(with "wasi" (instance $wasi)) (with "shelf" (instance $shelf))"#,
            items: r#"(import "wasi" "ask" (func $ask (param i32)))
                (import "shelf" "memory" (memory $shelf 2))"#,
            // The answer at 2048 of the shelf: address, length. Its length is our victim.
            step: "(i32.store $shelf (i32.const 2052) (i32.const 99))
                (call $ask (i32.const 2048))
                (i32.store $memory (i32.const 16) (i32.const 4096))
                (i32.store $memory (i32.const 20) (i32.const 1))
                (i32.store $memory (i32.const 4096) (i32.load $shelf (i32.const 2052)))
                i32.const 16",
            ..Guest::default()
        };
        assert_eq!(step(&mut *instance(&guest)), Ok(vec![0]), "{interface}.{function}");
    }
}

#[test]
fn the_clock_of_the_guests_sleeps_when_none_runs() {
    let own = crate::plugin::Engines::new(&crate::plugin::CompileCache::Off).unwrap();
    drop(own.ticker.run());
    let start = Instant::now();
    while own.ticker.is_awake() {
        assert!(start.elapsed() < Duration::from_secs(10), "it never sleeps");
        std::thread::yield_now();
    }
    let running = own.ticker.run();
    assert!(own.ticker.is_awake());
    drop(running);
}
