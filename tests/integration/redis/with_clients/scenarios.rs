//! The scenario in the languages that others write in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Pair;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/redis/with_clients")
}

/// A folder in which a client is built, kept for the next run.
fn built(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("the target folder can be written to");
    folder
}

/// Runs a command that builds a client.
fn build(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn redis_py_works() {
    let mut python = Command::new("/usr/bin/python3");
    python.arg(folder().join("redis_py.py"));
    Pair::start().run(python);
}

#[test]
fn go_redis_works() {
    let program = built("go_redis").join("scenario");
    let mut go = Command::new("go");
    build(go.args(["build", "-o"]).arg(&program).current_dir(folder().join("go_redis")));
    Pair::start().run(Command::new(program));
}

#[test]
fn jedis_works() {
    let jedis = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/jedis");
    assert!(jedis.is_dir(), "`cargo xtask test` installs Jedis");
    let mut java = Command::new("java");
    java.arg("--class-path").arg(jedis.join("*")).arg(folder().join("jedis/Scenario.java"));
    Pair::start().run(java);
}

#[test]
fn node_redis_works() {
    let built = built("node_redis");
    for file in ["package.json", "package-lock.json", "scenario.mjs"] {
        fs::copy(folder().join("node_redis").join(file), built.join(file)).unwrap();
    }
    let mut npm = Command::new("npm");
    build(npm.args(["ci", "--no-audit", "--no-fund", "--prefer-offline"]).current_dir(&built));
    let mut node = Command::new("node");
    node.arg(built.join("scenario.mjs"));
    Pair::start().run(node);
}
