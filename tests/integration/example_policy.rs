//! The example policy in Rust, built as its README says, does what it says.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::run;
use crate::readme::{TARGET, has_target, shell};

/// Requests of uneven popularity, and the keys in a file.
fn trace(file: &Path) -> Vec<u64> {
    let draw = |at: u64| at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let keys: Vec<u64> = (0..20_000).map(|at| draw(at) % (draw(at) % 3_000 + 1)).collect();
    let lines: Vec<String> = keys.iter().map(u64::to_string).collect();
    fs::write(file, lines.join("\n")).unwrap();
    keys
}

/// Segmented LRU over plain queues, the newest first; four fifths may be protected.
fn hit_ratio(keys: &[u64], capacity: usize) -> f64 {
    let (mut probation, mut protected, mut hits) = (VecDeque::new(), VecDeque::new(), 0);
    for &key in keys {
        if !probation.contains(&key) && !protected.contains(&key) {
            if probation.len() + protected.len() == capacity {
                probation.pop_back().or_else(|| protected.pop_back());
            }
            probation.push_front(key);
            continue;
        }
        hits += 1;
        let limit = ((probation.len() + protected.len()) as f64 * 0.8) as usize;
        probation.retain(|resident| *resident != key);
        protected.retain(|resident| *resident != key);
        protected.push_front(key);
        if protected.len() > limit {
            protected.pop_back().into_iter().for_each(|coldest| probation.push_front(coldest));
        }
    }
    f64::from(hits) / keys.len() as f64
}

#[test]
fn it_is_built_and_is_exact() {
    if !has_target() {
        eprintln!("LEFT OUT: the example policy (`rustup target add {TARGET}` would let it run)");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Where the README's policy is built, which depends on the same.
    let built: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
    let build = format!(
        "cargo build --release --locked --target {TARGET} --target-dir '{}'",
        built.display()
    );
    let output = shell(&build, &root.join("examples/policies/slru")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let folder = tempfile::tempdir().unwrap();
    let keys = trace(&folder.path().join("trace.txt"));
    let component = built.join(TARGET).join("release/slru.wasm");
    let replay =
        format!("psycache sim --policy '{}' --capacity 100,700 trace.txt", component.display());
    let output = run(shell(&replay, folder.path()), b"");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for capacity in [100, 700] {
        let expected = format!("{:.6}", hit_ratio(&keys, capacity));
        let row = printed.lines().find(|row| row.contains(&format!(",{capacity},"))).unwrap();
        assert!(row.ends_with(&expected), "{row}, expected {expected}");
    }
    let check = format!("psycache policy check '{}'", component.display());
    let output = run(shell(&check, folder.path()), b"");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains(" 0 failures, "), "{printed}");
}
