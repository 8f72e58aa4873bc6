//! Collects the fields of an event: its message, and the others in their order.

use std::fmt::{Debug, Write};

use serde_json::Value;
use tracing::field::{Field, Visit};

/// The fields of one event.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) message: String,
    pub(super) others: Vec<(&'static str, Value)>,
}

impl Fields {
    /// The text of a field; `None` if the field is missing or is not a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.others.iter().find(|(own, _)| *own == name).and_then(|(_, value)| value.as_str())
    }

    fn push(&mut self, field: &Field, value: impl Into<Value>) {
        self.others.push((field.name(), value.into()));
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            _ => self.push(field, value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => write!(self.message, "{value:?}").expect("a string takes all"),
            _ => self.push(field, format!("{value:?}")),
        }
    }
}
