//! The scopes by name.

use super::scope::Scope;

const BASE: Scope = Scope { name: "", flaw: None, changes: 2, moves: 0, restarts: 0, drops: 0 };

/// All scopes.
pub(crate) fn scopes() -> Vec<Scope> {
    vec![
        Scope { name: "sets", ..BASE },
        Scope { name: "sets-moves", moves: 2, ..BASE },
        Scope { name: "sets-restart", moves: 1, restarts: 1, ..BASE },
        Scope { name: "sets-dropped", drops: 1, ..BASE },
        Scope { name: "sets-three", changes: 3, moves: 2, ..BASE },
        Scope { name: "sets-faults", moves: 2, restarts: 1, drops: 1, ..BASE },
    ]
}
