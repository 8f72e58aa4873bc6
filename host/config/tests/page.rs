//! `docs/configuration.md`, written from the definitions of the settings.

use std::fmt::Write;
use std::path::Path;

use clap::{Arg, Args, Command};

use super::{file_error, flags};
use crate::config::limits::LimitSettings;
use crate::config::settings::{
    ClusterSettings, GroupSettings, PolicySettings, PoolSettings, RetrieverSettings, Settings,
    TelemetrySettings, TlsSettings,
};
use crate::config::{Config, with_variable};

const REWRITE: &str = "PSYCACHE_WRITE_DOCS=1 cargo test --release --lib page_of_settings";

const INTRODUCTION: &str = "\
# Settings of `psycache serve`

A flag beats its environment variable, and the variable beats the file that `--config FILE`
or `PSYCACHE_CONFIG` names. The file is TOML. A key that does not exist is an error.

* `SIZE` is a number of bytes: `64MiB`, `1.5GB`, `1000000`.
* `D` is a time: `300ms`, `10m`, `1h 30m`.
* A secret is never written out. `env:NAME` names the variable that has it, `file:PATH` the file.
* The variables of options and secrets have one in each line: `K=V`, newline, `K=V`. A line that
  begins with a space goes on with the one before it.
* *reload* says whether a change of the file takes effect at `psycache reload` or SIGHUP, without a restart.
";

const SECTIONS: [Section; 9] = [
    Section {
        title: "The node",
        about: "The keys stand at the top of the file.",
        opening: "",
        define: Settings::augment_args,
    },
    Section {
        title: "A group: `[[group]]`",
        about: "The file has a table for each group, and `name` is required there. Flags change \
                the group that `--group` names, or the file's only one.",
        opening: "[[group]]\n",
        define: GroupSettings::augment_args,
    },
    Section {
        title: "The pool of a group: `pool = { … }`",
        about: "How many loads reach the source at a time. [sources.md](sources.md) says how they \
                play together.",
        opening: "[[group]]\n[group.pool]\n",
        define: PoolSettings::augment_args,
    },
    Section {
        title: "The policy of a group: `policy = { … }`",
        about: "`options` is a table. The flag is given once for each option.",
        opening: "[[group]]\n[group.policy]\n",
        define: PolicySettings::augment_args,
    },
    Section {
        title: "The retriever of a group: `retriever = { … }`",
        about: "`options` and `secrets` are tables, and `allow-net` is a list. Flags add to them. A \
                flag that names another plugin drops all that the file says to its own.",
        opening: "[[group]]\n[group.retriever]\n",
        define: RetrieverSettings::augment_args,
    },
    Section {
        title: "TLS: `[tls]`",
        about: "The files are read again when they change, and at a reload. \
                [security.md](security.md) says who is asked for what.",
        opening: "[tls]\n",
        define: TlsSettings::augment_args,
    },
    Section {
        title: "Limits of clients: `[limits]`",
        about: "What the clients of the listeners may take. [security.md](security.md#limits) says \
                what each protects from.",
        opening: "[limits]\n",
        define: LimitSettings::augment_args,
    },
    Section {
        title: "The cluster: `[cluster]`",
        about: "`peers` and `etcd` are lists; a node with neither is alone. A flag that gives one of \
                them replaces both of the file.",
        opening: "[cluster]\n",
        define: ClusterSettings::augment_args,
    },
    Section {
        title: "Logs and traces: `[telemetry]`",
        about: "Logs go to standard error.",
        opening: "[telemetry]\n",
        define: TelemetrySettings::augment_args,
    },
];

struct Section {
    title: &'static str,
    about: &'static str,
    /// What stands before its keys in the file.
    opening: &'static str,
    define: fn(Command) -> Command,
}

impl Section {
    /// The settings of this section itself: their keys and their flags.
    fn settings(&self) -> Vec<(String, Arg)> {
        let tables =
            ["group", "pool", "policy", "retriever", "tls", "limits", "cluster", "telemetry"];
        let refused = file_error(&format!("{}- = 0", self.opening));
        let (_, keys) = refused.split_once("the keys are ").expect("`-` is no key");
        let keys = keys.split(", ").filter(|key| !tables.contains(key)).map(str::to_owned);
        // Both have the order of the struct's fields, where the sections inside stand last.
        let command = (self.define)(Command::new("section")).mut_args(with_variable);
        keys.zip(command.get_arguments().cloned().collect::<Vec<_>>()).collect()
    }
}

/// What an argument's help says, and the default at its end.
fn help_and_default(arg: &Arg) -> (String, Option<String>) {
    let help = arg.get_help().expect("a setting has a help").to_string();
    match help.split_once(" [default: ") {
        Some((help, default)) => (help.into(), Some(default.trim_end_matches(']').into())),
        None => (help, None),
    }
}

/// A default that the flag could be given, and not a description of it.
fn is_value(default: &str) -> bool {
    !default.contains(' ')
}

/// Whether [`Node::reload`](crate::node::Node::reload) applies the key.
fn reloads(opening: &str, key: &str) -> bool {
    let of_groups = [
        "capacity",
        "max-entries",
        "ttl",
        "ttl-jitter",
        "negative-ttl",
        "stale-if-error",
        "stale-while-revalidate",
        "refresh-ahead",
        "load-timeout",
        "retries",
        "breaker",
        "max-loads",
    ];
    opening.contains("group.retriever")
        || opening.contains("group.pool")
        || key == "log"
        || of_groups.contains(&key)
}

fn page() -> String {
    let mut page = format!("<!-- Written by `{REWRITE}`. -->\n\n{INTRODUCTION}");
    for section in SECTIONS {
        let header =
            "| key | flag | variable | default | what it is | reload |\n|---|---|---|---|---|---|";
        write!(page, "\n## {}\n\n{}\n\n{header}\n", section.title, section.about).unwrap();
        for (key, arg) in section.settings() {
            let (help, default) = help_and_default(&arg);
            let default = match default {
                Some(value) if is_value(&value) => format!("`{value}`"),
                described => described.unwrap_or_default(),
            };
            let reload = if reloads(section.opening, &key) { "yes" } else { "no" };
            let flag = arg.get_long().unwrap();
            let value = arg.get_value_names().unwrap()[0].replace('|', "\\|");
            let variable = arg.get_env().unwrap().display();
            writeln!(
                page,
                "| `{key}` | `--{flag} {value}` | `{variable}` | {default} | {help} | {reload} |"
            )
            .unwrap();
        }
    }
    page
}

#[test]
fn the_page_of_settings_is_what_the_definitions_give() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let page = page();
    if std::env::var_os("PSYCACHE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "docs/configuration.md is out of date; rewrite it: {REWRITE}");
}

#[test]
fn every_flag_has_the_key_of_its_field() {
    let mut count = 0;
    for (key, arg) in SECTIONS.iter().flat_map(Section::settings) {
        let id = arg.get_id().as_str().replace('_', "-");
        let of_a_section = ["pool", "policy", "retriever", "tls", "cluster"]
            .iter()
            .any(|section| id.starts_with(section));
        assert!(id == key || of_a_section && arg.get_long() == Some(&id), "{key} is not {id}");
        count += 1;
    }
    let all = Settings::augment_args(Command::new("all"));
    assert_eq!(count, all.get_arguments().count());
}

#[test]
fn the_defaults_in_the_help_are_those_of_the_configuration() {
    // Settings of etcd need one.
    let mut said = vec!["--etcd".to_owned(), "http://127.0.0.1:2379".to_owned()];
    let nothing = Config::from_settings(flags(&[&said[0], &said[1]]), None).unwrap();
    for (_, arg) in SECTIONS.iter().flat_map(Section::settings) {
        if let (_, Some(default)) = help_and_default(&arg)
            && is_value(&default)
        {
            said.extend([format!("--{}", arg.get_long().unwrap()), default]);
        }
    }
    assert!(said.len() > 20, "{said:?}");
    let said: Vec<&str> = said.iter().map(String::as_str).collect();
    assert_eq!(Config::from_settings(flags(&said), None).unwrap(), nothing);
}
