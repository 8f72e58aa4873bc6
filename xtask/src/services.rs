//! The real services and compilers that tests use: found, or installed if that is allowed.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step::run as step;

/// A program that tests start, and the Debian package that brings it.
struct Service {
    program: &'static str,
    package: &'static str,
}

const SERVICES: [Service; 16] = [
    Service { program: "etcd", package: "etcd-server" },
    Service { program: "mariadbd", package: "mariadb-server" },
    Service { program: "postgres", package: "postgresql" },
    Service { program: "pgbouncer", package: "pgbouncer" },
    Service { program: "redis-server", package: "redis-server" },
    Service { program: "redis-benchmark", package: "redis-tools" },
    Service { program: PYTHON_REDIS, package: "python3-redis" },
    Service { program: "go", package: "golang-go" },
    Service { program: "node", package: "nodejs" },
    Service { program: "npm", package: "npm" },
    Service { program: "python3", package: "python3-venv" },
    Service { program: "javac", package: "default-jdk-headless" },
    Service { program: "mvn", package: "maven" },
    Service { program: "cc", package: "gcc" },
    Service { program: "prometheus", package: "prometheus" },
    Service { program: "chromium-headless-shell", package: "chromium-headless-shell" },
];

/// Not a program: redis-py, where Debian's python3 finds it.
const PYTHON_REDIS: &str = "/usr/lib/python3/dist-packages/redis/__init__.py";

/// What npm, pip and Maven bring: the tools that `psycache policy build` runs for JavaScript,
/// Python, Zig and C, and clients in Python and Java. They are installed below `target/`, for the
/// tests alone. Go keeps grpcurl in its own cache, as Maven does the libraries of the example in
/// Java: they are fetched here, because two runs of Maven that fetch at a time can disturb each
/// other.
const TOOLS: [&str; 6] = [
    "npm install --no-audit --no-fund --prefer-offline --prefix target/tools/javascript \
     componentize-qjs@0.4.5",
    "python3 -m venv target/tools/python",
    "target/tools/python/bin/pip install --quiet componentize-py==0.25.1 grpcio==1.85.3 \
     ziglang==0.17.1",
    "go run github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3 -version",
    "mvn --quiet --batch-mode --file examples/clients/java/pom.xml compile \
     dependency:copy-dependencies",
    "mvn --quiet --batch-mode --file tests/integration/redis/with_clients/jedis/pom.xml \
     dependency:copy-dependencies -DoutputDirectory=../../../../../target/tools/jedis",
];

/// Makes sure that every service can be started and every compiler run.
///
/// # Errors
/// One is missing and can't be installed; the text says how to go on.
pub(crate) fn ensure() -> Result<()> {
    ensure_programs()?;
    for line in TOOLS {
        step(".", line).context(
            "tests of policies and clients in other languages need it; `cargo xtask test --no-services` \
             leaves them out",
        )?;
    }
    Ok(())
}

fn ensure_programs() -> Result<()> {
    let missing: Vec<_> = SERVICES.iter().filter(|service| !installed(service.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|service| service.package).collect();
    eprintln!("installing {}", packages.join(" and "));
    install(&packages).with_context(|| {
        format!(
            "tests need {0}, which can't be installed from here; install {0}, or leave these \
             tests out with `cargo xtask test --no-services`",
            packages.join(" and ")
        )
    })
}

fn installed(program: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/local/sbin"]);
    // Debian has a folder for each version of PostgreSQL.
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = versions.map(|version| version.path().join("bin"));
    let mut folders = folders.map(PathBuf::from).chain(versions);
    folders.any(|folder| folder.join(program).is_file())
}

fn install(packages: &[&str]) -> Result<()> {
    apt_get(&["update", "-qq"])?;
    let arguments = ["install", "-qq", "--yes", "--no-install-recommends"];
    apt_get(&[arguments.as_slice(), packages].concat())
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    if !installed("apt-get") {
        bail!("this system has no apt-get");
    }
    let root = Command::new("id").arg("-u").output()?.stdout == b"0\n";
    let mut command = match root {
        true => Command::new("apt-get"),
        false => {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "apt-get"]);
            sudo
        }
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
    match command.status()?.success() {
        true => Ok(()),
        false => bail!("`apt-get {}` failed", arguments.join(" ")),
    }
}
