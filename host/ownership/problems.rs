//! What keeps a node from holding what it owns, in words for operators.

use parking_lot::MutexGuard;

use crate::sync::Mutex;

/// What keeps a node from holding what it owns, in words.
#[derive(Default)]
pub(super) struct Problems(Mutex<Known>);

#[derive(Default)]
pub(super) struct Known {
    /// The problem of each part of the registry; empty while it answers.
    registry: [String; 2],
    pub(super) joining: Option<String>,
    pub(super) list: Option<String>,
    /// A warning about the registry's version.
    pub(super) warning: Option<String>,
    pub(super) ignored_keys: usize,
}

/// The parts of the registry that can fail independently.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Watch,
    Lease,
}

impl Known {
    /// The first problem of the registry; empty while it answers.
    pub(super) fn registry(&self) -> &str {
        self.registry.iter().find(|problem| !problem.is_empty()).map_or("", String::as_str)
    }
}

impl Problems {
    /// Returns whether the registry's problem has changed.
    pub(super) fn set_registry(&self, part: Part, problem: &str) -> bool {
        let known = &mut *self.0.lock();
        let before = known.registry().to_owned();
        problem.clone_into(&mut known.registry[part as usize]);
        known.registry() != before
    }

    pub(super) fn read(&self) -> MutexGuard<'_, Known> {
        self.0.lock()
    }

    pub(super) fn registry_answers(&self) -> bool {
        self.0.lock().registry().is_empty()
    }

    pub(super) fn set_joining(&self, problem: Option<String>) -> bool {
        replace(&mut self.0.lock().joining, problem)
    }

    pub(super) fn set_list(&self, problem: Option<String>) -> bool {
        replace(&mut self.0.lock().list, problem)
    }

    pub(super) fn set_warning(&self, warning: Option<String>) -> bool {
        replace(&mut self.0.lock().warning, warning)
    }

    pub(super) fn set_ignored_keys(&self, count: usize) -> bool {
        std::mem::replace(&mut self.0.lock().ignored_keys, count) != count
    }
}

fn replace(known: &mut Option<String>, next: Option<String>) -> bool {
    let is_news = *known != next;
    *known = next;
    is_news
}
