//! What keeps a node from holding what it owns, in words for operators.

use parking_lot::MutexGuard;

use crate::sync::Mutex;

/// What keeps a node from holding what it owns, in words.
#[derive(Default)]
pub(super) struct Problems(Mutex<Known>);

#[derive(Default)]
pub(super) struct Known {
    /// Of the registry; empty while it answers.
    pub(super) registry: String,
    pub(super) joining: Option<String>,
    pub(super) list: Option<String>,
    /// What an operator should know of the registry's version.
    pub(super) warning: Option<String>,
    pub(super) ignored_keys: usize,
}

impl Problems {
    /// Answers whether it is another one than before.
    pub(super) fn set_registry(&self, problem: &str) -> bool {
        let mut known = self.0.lock();
        let is_news = known.registry != problem;
        problem.clone_into(&mut known.registry);
        is_news
    }

    pub(super) fn read(&self) -> MutexGuard<'_, Known> {
        self.0.lock()
    }

    pub(super) fn registry_answers(&self) -> bool {
        self.0.lock().registry.is_empty()
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
