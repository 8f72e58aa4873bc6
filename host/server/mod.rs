//! gRPC in: the services, and the one place where errors become statuses.
