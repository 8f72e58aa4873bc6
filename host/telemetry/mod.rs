//! Traces, metrics and logs; the only place that names opentelemetry.
