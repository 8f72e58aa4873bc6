//! The rules: what each asks, and how to mend what breaks it.

/// A rule of the kit, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    Survives,
    MaxVictims,
    Resident,
    Unique,
    Need,
    NeedZero,
    Surplus,
    Unknown,
    Overwrite,
    Reuse,
    Attributes,
    Deterministic,
    Drain,
    Snapshot,
    Statistics,
    Options,
    Batches,
    Instructions,
    Memory,
    Ghosts,
    Latency,
}

use Rule::{
    Attributes, Batches, Deterministic, Drain, Ghosts, Instructions, Latency, MaxVictims, Memory,
    Need, NeedZero, Options, Overwrite, Resident, Reuse, Snapshot, Statistics, Surplus, Survives,
    Unique, Unknown,
};

impl Rule {
    /// The rules that a script can show to be broken.
    pub(super) const SCRIPTED: [Self; 14] = [
        Survives,
        MaxVictims,
        Resident,
        Unique,
        Need,
        NeedZero,
        Surplus,
        Unknown,
        Overwrite,
        Reuse,
        Attributes,
        Deterministic,
        Drain,
        Snapshot,
    ];

    /// Whether one run of a script shows it, by the victims alone.
    pub(super) fn is_about_answers(self) -> bool {
        matches!(self, Survives | MaxVictims | Resident | Unique | Need | NeedZero | Surplus)
    }

    /// Its name in the report.
    pub(super) fn name(self) -> &'static str {
        match self {
            Survives => "survives",
            MaxVictims => "max-victims",
            Resident => "resident",
            Unique => "unique",
            Need => "need",
            NeedZero => "need-zero",
            Surplus => "surplus",
            Unknown => "unknown",
            Overwrite => "overwrite",
            Reuse => "reuse",
            Attributes => "attributes",
            Deterministic => "deterministic",
            Drain => "drain",
            Snapshot => "snapshot",
            Statistics => "statistics",
            Options => "options",
            Batches => "batches",
            Instructions => "instructions",
            Memory => "memory",
            Ghosts => "ghosts",
            Latency => "latency",
        }
    }

    /// The scripted rule of that name.
    pub(super) fn scripted(name: &str) -> Option<Self> {
        Self::SCRIPTED.into_iter().find(|rule| rule.name() == name)
    }

    /// How to mend a policy that breaks it.
    pub(super) fn mend(self) -> &'static str {
        match self {
            Survives => {
                "a node ends such an instance, and after three of them in a minute evicts by \
                 itself; what the policy printed stands above"
            }
            MaxVictims => "stop at the max-victims of `configure`",
            Resident => "forget a slot when it is in `removed` or was named as a victim",
            Unique => "forget a slot when it was named as a victim",
            Need => {
                "go on until the weights of the victims add up to `need` or there are max-victims; \
                 take the weight of an entry that is overwritten from its new attributes"
            }
            NeedZero => "return an empty list if `need` is 0",
            Surplus => "stop when the weights of the victims add up to `need`",
            Unknown => "ignore slots in `touched` and `removed` that are not resident",
            Overwrite => "treat a slot in `admitted` that is resident as an access",
            Reuse => "apply `removed` before `admitted`, and start a slot in both as a new entry",
            Attributes => "take attributes.len / admitted.len as the stride of the attributes",
            Deterministic => {
                "take the time from `now` and random numbers from `seed`; a hash map whose order \
                 is random counts too"
            }
            Drain => "name every entry, as often as there is a `need`",
            Snapshot => {
                "save all that decides about victims, and answer false to a format that is not \
                 the policy's own"
            }
            Statistics => "give each statistic a name of its own, and a finite value",
            Options => {
                "answer `unknown-option` and `invalid-value`; do not trap. The SDK does that with \
                 `config.options()` and `finish()`"
            }
            Batches => {
                "use nothing that needs each access by itself: a node sends them in batches, and \
                 some get lost"
            }
            Instructions => "do not search: keep the order in linked lists or in a heap",
            Memory => {
                "keep numbers in flat arrays by slot; a node gives a policy 64 MiB and 256 bytes for \
                 each of max-entries"
            }
            Ghosts => "bound what is kept about entries that are gone, by the resident ones say",
            Latency => "do not do work for all entries in one step",
        }
    }
}
