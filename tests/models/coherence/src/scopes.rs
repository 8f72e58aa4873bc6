//! The scopes by name: who is there at first, and how many faults of each kind.

use crate::names::N;
use crate::scope::Scope;
use crate::state::Kind;

/// How many members there are at first: without data the addresses differ in nothing.
const SIZES: &[u8] =
    if N == 3 { &[0b000, 0b001, 0b011, 0b111] } else { &[0b0000, 0b0001, 0b0011, 0b0111, 0b1111] };

/// Any set of first members, or with four addresses some of the cases.
const STARTS: &[u8] = if N == 3 {
    &[0b000, 0b001, 0b010, 0b011, 0b100, 0b101, 0b110, 0b111]
} else {
    &[0b0000, 0b0001, 0b1000, 0b0110, 0b1110, 0b1011, 0b1111]
};

const UP_TO_ONE: &[u8] = &[0b000, 0b001, 0b010, 0b100];
const UP_TO_TWO: &[u8] = &[0b000, 0b001, 0b010, 0b100, 0b011, 0b101, 0b110];

const BASE: Scope = Scope {
    name: "",
    flaw: None,
    starts: STARTS,
    lag: 2,
    crashes: 0,
    joins: 1,
    leaves: 0,
    deletes: 0,
    wipes: 0,
    restores: 0,
    vouching: false,
    changes: 0,
    kinds: &[Kind::Remove, Kind::Set],
    inheritance: false,
    copies: false,
    exclusive: true,
    early_reads: false,
    fine: false,
};

const REMOVES: &[Kind] = &[Kind::Remove];
const CLEARS: &[Kind] = &[Kind::Clear(1), Kind::Clear(2)];

/// All scopes.
pub(crate) fn scopes() -> Vec<Scope> {
    [rights(), losses(), vouching(), data(), optional()].concat()
}

/// The same, the largest ones with smaller bounds: with all mutants they take two cores
/// less than two minutes.
pub(crate) fn ci_scopes() -> Vec<Scope> {
    let smaller = |scope: Scope| match scope.name {
        "rights-losses" => Scope { joins: 2, ..scope },
        "delete-restore" | "first-restore" => Scope { lag: 2, ..scope },
        "vouch-fine" | "heir-vouch" => Scope { lag: 1, ..scope },
        "data" | "data-changes" | "data-wipe" => Scope { starts: UP_TO_TWO, ..scope },
        "data-joins" | "data-restore" => Scope { starts: UP_TO_ONE, ..scope },
        "heir-crash" => Scope { starts: &[0b100], ..scope },
        _ => scope,
    };
    scopes().into_iter().map(smaller).collect()
}

/// Who may hold, without data.
fn rights() -> Vec<Scope> {
    let base = Scope { starts: SIZES, joins: 2, ..BASE };
    vec![
        Scope { name: "rights-few", ..base },
        Scope { name: "rights", crashes: 1, leaves: 1, ..base },
        Scope { name: "rights-joins", joins: 3, lag: 3, ..base },
        Scope { name: "rights-delete", deletes: 1, ..base },
        Scope { name: "rights-wide", joins: 3, lag: 3, crashes: 2, leaves: 1, ..base },
    ]
}

/// What a joiner may believe when etcd may have lost its data (rule 3).
fn losses() -> Vec<Scope> {
    let base = Scope { starts: SIZES, joins: 2, ..BASE };
    let vouched = Scope { vouching: true, early_reads: true, ..base };
    vec![
        Scope { name: "rights-wipe", joins: 3, wipes: 1, crashes: 1, ..base },
        Scope { name: "rights-restore", lag: 3, restores: 1, ..base },
        Scope {
            name: "rights-losses",
            joins: 3,
            lag: 3,
            wipes: 1,
            restores: 1,
            starts: &[0b001, 0b011],
            ..base
        },
        Scope { name: "delete-wipe", lag: 3, joins: 1, deletes: 1, wipes: 1, ..base },
        Scope {
            name: "delete-restore",
            lag: 3,
            joins: 1,
            deletes: 1,
            restores: 1,
            starts: &[0b001, 0b011],
            ..base
        },
        Scope {
            name: "first-delete",
            joins: 1,
            deletes: 1,
            wipes: 1,
            lag: 3,
            starts: &[0b001, 0b011],
            ..vouched
        },
        Scope { name: "first-start", crashes: 1, ..vouched },
        Scope { name: "first-wipe", wipes: 1, lag: 3, starts: &[0b000, 0b001, 0b011], ..vouched },
        Scope {
            name: "first-restore",
            restores: 1,
            lag: 3,
            joins: 1,
            starts: &[0b001, 0b011],
            ..vouched
        },
    ]
}

/// The same, with vouching (rule 7).
fn vouching() -> Vec<Scope> {
    let base = Scope { starts: SIZES, vouching: true, ..BASE };
    vec![
        Scope { name: "vouch-few", ..base },
        Scope { name: "vouch", joins: 2, ..base },
        Scope { name: "vouch-crash", crashes: 1, ..base },
        Scope { name: "vouch-delete", deletes: 1, ..base },
        Scope { name: "vouch-lag", joins: 3, lag: 3, starts: &[0b001, 0b011], ..base },
        Scope { name: "vouch-wide", joins: 2, crashes: 1, leaves: 1, ..base },
        Scope { name: "vouch-fine", fine: true, starts: &[0b001, 0b011], ..base },
        Scope {
            name: "all-faults",
            joins: 2,
            crashes: 1,
            deletes: 1,
            starts: &[0b001, 0b011],
            ..base
        },
    ]
}

/// The promise.
fn data() -> Vec<Scope> {
    let base = Scope { changes: 2, ..BASE };
    let vouched = Scope { changes: 1, vouching: true, ..base };
    vec![
        Scope { name: "data", crashes: 1, leaves: 1, ..base },
        Scope { name: "data-joins", joins: 2, ..base },
        Scope { name: "data-changes", changes: 3, ..base },
        Scope { name: "data-fine", fine: true, starts: &[0b001, 0b010, 0b011], ..base },
        Scope { name: "data-wipe", changes: 1, joins: 2, wipes: 1, ..base },
        Scope { name: "data-restore", changes: 1, lag: 3, restores: 1, starts: UP_TO_TWO, ..base },
        Scope { name: "data-vouch", starts: &[0b001, 0b011, 0b110], ..vouched },
        Scope { name: "clear", kinds: CLEARS, starts: &[0b001, 0b010, 0b011], ..vouched },
    ]
}

/// The promise, with inheritance (rule 9) or copies (rule 10).
fn optional() -> Vec<Scope> {
    let base = Scope { changes: 1, ..BASE };
    let copies = Scope { copies: true, ..base };
    let heirs = Scope { inheritance: true, kinds: REMOVES, ..base };
    vec![
        Scope { name: "copies", leaves: 1, starts: &[0b001, 0b010, 0b011, 0b110], ..copies },
        Scope { name: "copies-crash", crashes: 1, starts: &[0b001, 0b011, 0b110], ..copies },
        Scope { name: "copies-clear", kinds: CLEARS, starts: &[0b010, 0b011], ..copies },
        Scope { name: "copies-wipe", wipes: 1, starts: &[0b001, 0b010, 0b011], ..copies },
        Scope { name: "copies-delete", deletes: 1, crashes: 1, starts: &[0b001, 0b010], ..copies },
        Scope { name: "heir-joins", joins: 2, starts: &[0b100], ..heirs },
        Scope { name: "heir-leaves", leaves: 1, starts: &[0b011, 0b101, 0b111], ..heirs },
        Scope { name: "heir-crash", joins: 2, crashes: 1, starts: &[0b100, 0b110], ..heirs },
        Scope {
            name: "heir-vouch",
            vouching: true,
            leaves: 1,
            starts: &[0b100, 0b110, 0b011],
            ..heirs
        },
        Scope { name: "heir-clear", kinds: CLEARS, leaves: 1, starts: &[0b010, 0b011], ..heirs },
    ]
}
