//! Clients and tools that were written for Redis, unmodified.
