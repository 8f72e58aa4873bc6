//! The bytes of a config file: settings, a node's whole configuration, or an error
//! that says where and what, and never a secret.

use std::path::Path;

use psycache::config::{Config, Error, PolicyChoice, RetrieverChoice, Settings};

const PATH: &str = "node.toml";

/// Runs one input.
///
/// # Panics
/// An error does not say where it is, or a configuration came out that no node
/// could run.
pub fn run(input: &[u8]) {
    let lines = 1 + input.iter().filter(|byte| **byte == b'\n').count();
    match Settings::parse(Path::new(PATH), input.to_vec()) {
        Ok(settings) => match Config::from_settings(Settings::default(), Some(settings)) {
            Ok(config) => check(&config),
            Err(error) => told(&error, lines),
        },
        Err(error) => told(&error, lines),
    }
}

/// What everything behind the configuration relies on.
fn check(config: &Config) {
    let mut names: Vec<&str> =
        config.groups.iter().map(|group| group.group.name.as_str()).collect();
    assert!(!names.is_empty());
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "two groups of one name");
    for group in &config.groups {
        group.group.check().expect("what the file's parsers let through, a group takes");
        assert!(group.store.capacity_bytes > 0 && group.store.max_entries != Some(0));
        let is_named = |policy: &PolicyChoice| matches!(policy, PolicyChoice::Plugin(plugin) if !plugin.plugin.is_empty());
        assert!(is_named(&group.policy));
    }
    assert!((1..=1000).contains(&config.cluster.weight));
    // No secret is shown: whatever it is, it would be between quotes here.
    let plugins = config.groups.iter().filter_map(|group| match &group.retriever {
        Some(RetrieverChoice::Plugin(plugin)) => Some(plugin),
        _ => None,
    });
    for (name, secret) in plugins.flat_map(|plugin| &plugin.secrets) {
        let shown = format!("{secret:?}");
        assert_eq!(shown, "Secret(…)", "{name}");
    }
}

fn told(error: &Error, lines: usize) {
    let text = error.to_string();
    match error {
        Error::InFile { line, .. } => {
            assert!((1..=lines).contains(line), "line {line} of {lines}: {text}");
            assert!(text.starts_with(&format!("{PATH}:{line}: ")), "{text}");
        }
        Error::Unreadable { .. } => assert!(text.contains(PATH), "{text}"),
        Error::Conflict(problem) => assert!(!problem.is_empty()),
    }
    assert!(text.lines().count() <= 1, "an error is one line: {text:?}");
}
