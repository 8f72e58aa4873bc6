//! What a node is told: flags, environment and file, as one checked whole.
