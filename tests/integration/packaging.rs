//! The files of `packaging/`: what they promise of a node is in them, and the tools that read
//! them find no fault.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::harness::{run, stderr, stdout};

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name);
    fs::read_to_string(path).expect("the file is there")
}

#[test]
fn the_unit_takes_from_the_node_what_it_does_not_need() {
    let unit = file("psycache.service");
    let lines: Vec<&str> = unit.lines().collect();
    for line in [
        "CapabilityBoundingSet=",
        "DynamicUser=yes",
        "LimitCORE=0",
        "NoNewPrivileges=yes",
        "PrivateTmp=yes",
        "ProtectHome=yes",
        "ProtectSystem=strict",
        "ExecReload=/bin/kill -HUP $MAINPID",
    ] {
        assert!(lines.contains(&line), "no {line}");
    }
    // As many files as the default of max-connections takes for three listeners.
    let files = lines.iter().find_map(|line| line.strip_prefix("LimitNOFILE=")).expect("a limit");
    assert!(files.parse::<u32>().expect("a number") > 3 * 10_000 + 256, "{files}");
}

/// The unit as systemd would read it, with the binary of this build.
fn installed(folder: &Path) -> PathBuf {
    let path = folder.join("psycache.service");
    let binary = env!("CARGO_BIN_EXE_psycache");
    fs::write(&path, file("psycache.service").replace("/usr/local/bin/psycache", binary))
        .expect("it can be written");
    path
}

#[test]
fn systemd_finds_no_fault_in_the_unit_and_calls_it_safe() {
    let found = Command::new("systemd-analyze").arg("--version").output();
    if found.is_err() {
        eprintln!("LEFT OUT: systemd-analyze is not on this machine");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let unit = installed(folder.path());
    let said = systemd_analyze(&["verify"], &unit);
    assert!(said.status.success() && stderr(&said).is_empty(), "{}", stderr(&said));
    // The exposure of a unit without any hardening is 96; systemd calls up to 20 safe.
    let said = systemd_analyze(&["security", "--offline=yes", "--threshold=20"], &unit);
    assert!(said.status.success(), "{}{}", stdout(&said), stderr(&said));
}

fn systemd_analyze(flags: &[&str], unit: &Path) -> Output {
    let mut command = Command::new("systemd-analyze");
    command.args(flags).arg(unit);
    run(command, b"")
}

#[test]
fn the_image_runs_as_nobody_and_writes_only_to_its_temporary_folder() {
    let recipe = file("Containerfile");
    let last = recipe.rsplit("\nFROM ").next().expect("a stage");
    assert!(last.contains("\nUSER 65534:65534\n"), "{last}");
    assert!(last.contains("\nENV XDG_CACHE_HOME=/tmp\n"), "{last}");
    for line in recipe.lines().filter(|line| line.starts_with("COPY") || line.starts_with("ADD")) {
        assert!(line == "COPY . ." || line.starts_with("COPY --from=build"), "{line}");
    }
    assert!(recipe.contains("--read-only --tmpfs /tmp --cap-drop all"), "{recipe}");
}
