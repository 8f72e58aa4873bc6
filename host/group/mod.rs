//! The read path of one group, and what changes it: set, remove, clear.
