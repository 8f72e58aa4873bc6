//! The gRPC clients of `examples/clients`, in other languages than Rust.

mod with_clients;
