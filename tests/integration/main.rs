//! Whole parts against real services, in one binary.

mod etcd;

mod cluster_registry;
