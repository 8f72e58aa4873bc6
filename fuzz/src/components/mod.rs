//! The bytes of a component: inspected, and when it loads, put to work under its
//! limits.

mod work;

use std::sync::{Arc, LazyLock};

use psycache::plugin::{CompileCache, Engines, Inspection, Kind, Plugin};

/// Longest text about a plugin: parts of it come from its names.
const LONGEST_TEXT: usize = 4 << 10;

/// One pair of engines for all inputs, as one serves all groups of a node.
static ENGINES: LazyLock<Arc<Engines>> =
    LazyLock::new(|| Engines::new(&CompileCache::Off).expect("engines can be made"));

/// Runs one input.
///
/// # Panics
/// The answer does not say what is wrong, or a plugin gets further than it may.
pub fn run(input: &[u8]) {
    let Ok(plugin) = Plugin::from_bytes("input.wasm", input.to_vec()) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    let looked = async {
        let seen = Inspection::of(&ENGINES, plugin.clone(), &[]).await;
        check(&seen, input.len());
        match seen.kind.filter(|_| seen.loads) {
            Some(Kind::Policy) => work::as_policy(&ENGINES, plugin),
            Some(Kind::Retriever) => work::as_retriever(&ENGINES, plugin).await,
            None => {}
        }
    };
    #[allow(clippy::disallowed_methods, reason = "a fuzz target is a main")]
    runtime.block_on(looked);
}

fn check(seen: &Inspection, size: usize) {
    assert_eq!(seen.size, size as u64);
    assert_eq!(seen.loads, seen.problem.is_none());
    assert!(!seen.loads || (seen.kind.is_some() && seen.contract.is_some()));
    if let Some(problem) = &seen.problem {
        assert!(problem.contains("input.wasm"), "{problem}");
        assert!(problem.len() <= LONGEST_TEXT, "{} bytes about {size}", problem.len());
        assert!(is_printable(problem), "{problem:?}");
    }
    // What goes to a terminal moves no cursor there.
    assert!(seen.imports.iter().chain(&seen.exports).all(|name| is_printable(name)), "{seen:?}");
}

fn is_printable(text: &str) -> bool {
    !text.contains(char::is_control)
}
