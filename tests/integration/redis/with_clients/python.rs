//! redis-py, of Debian.

use std::path::Path;
use std::process::Command;

use super::Pair;

#[test]
fn redis_py_works() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/redis/with_clients");
    let mut python = Command::new("/usr/bin/python3");
    python.arg(folder.join("redis_py.py"));
    Pair::start().run(python);
}
