//! The WebAssembly side of policies and retrievers; the only place that names wasmtime.
