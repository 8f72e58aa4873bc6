//! Wiring: one node from its configuration.
