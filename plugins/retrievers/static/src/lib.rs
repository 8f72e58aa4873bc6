//! A data source with a fixed table, for demonstrations and tests.
//!
//! Options: `data`, either CSV whose header is `key,value` or a JSON object from keys
//! to strings or numbers (`data=@scores.csv` makes the node read a file); without it
//! the scores of Tom, Jack and Sam. `latency-ms` (0): how long each fetch pretends to
//! take, at most its timeout.

mod csv;
mod json;

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use psycache_plugin::{
    ConfigError, FetchError, Fetched, Retriever, RetrieverConfig, export_retriever,
};

const SCORES: &str = "key,value\nTom,630\nJack,589\nSam,567\n";

/// A fixed table.
#[derive(Debug)]
pub struct Table {
    values: HashMap<String, String>,
    latency_ms: u32,
}

impl Retriever for Table {
    fn configure(config: &RetrieverConfig) -> Result<Self, ConfigError> {
        let options = config.options();
        let data = options.text("data").unwrap_or(SCORES);
        let latency_ms = options.parse("latency-ms", 0, 0..=3_600_000)?;
        options.finish()?;
        config.secrets().finish()?;
        let values = read(data).map_err(|problem| ConfigError::invalid("data", problem))?;
        Ok(Self { values, latency_ms })
    }

    #[expect(clippy::disallowed_methods, reason = "a pretended latency is what was asked for")]
    fn fetch(&mut self, key: &str, timeout_ms: u32) -> Result<Option<Fetched>, FetchError> {
        if self.latency_ms > 0 {
            thread::sleep(Duration::from_millis(self.latency_ms.min(timeout_ms).into()));
        }
        if self.latency_ms > timeout_ms {
            let late = format!("latency-ms is {}, the timeout {timeout_ms} ms", self.latency_ms);
            return Err(FetchError::Unavailable(late));
        }
        let value = self.values.get(key).map(|value| value.clone().into_bytes());
        Ok(value.map(|value| Fetched { value, ttl_ms: None }))
    }
}

/// Tells JSON from CSV by its first character.
fn read(data: &str) -> Result<HashMap<String, String>, String> {
    let data = data.trim_start_matches('\u{feff}');
    match data.trim_start().starts_with('{') {
        true => json::read(data),
        false => csv::read(data),
    }
}

export_retriever!(Table);

#[cfg(test)]
mod tests;
