//! The code blocks of the README, and of the pages of operations, policies and security.

pub(crate) const TEXT: &str = concat!(
    include_str!("../../../README.md"),
    include_str!("../../../docs/operations.md"),
    include_str!("../../../docs/policies.md"),
    include_str!("../../../docs/security.md")
);

/// Commands that build the project or install what builds it: whoever runs this test
/// has done that, and `cargo xtask test` is what runs it.
const LEFT_OUT: [&str; 7] = [
    "cargo build --release",
    "export PATH=\"$PWD/target/release:$PATH\"",
    "rustup target add wasm32-wasip2",
    "rustup target add wasm32-unknown-unknown",
    // There is nothing to replay while the page's policy breaks no rule.
    "psycache policy check mine/mine.wasm --replay mine.overwrite.jsonl",
    // It takes twenty minutes; `shadow/trial.rs` runs it for seconds.
    "psycache policy swap default adaptive --if-better 1pp --for 10m",
    "cargo xtask test",
];

/// A command with the output that is shown under it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) command: String,
    /// Empty where none is shown.
    pub(crate) output: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// See [`LEFT_OUT`].
    LeftOut,
    /// Runs until it is stopped.
    Serve,
    /// Compiles, for as long as that takes.
    Builds,
    /// Ends by itself, soon.
    Ends,
}

impl Shown {
    /// How it is run.
    ///
    /// # Panics
    /// It is of no kind that is known here.
    pub(crate) fn kind(&self) -> Kind {
        let command = self.command.as_str();
        match command {
            _ if LEFT_OUT.contains(&command) => Kind::LeftOut,
            _ if serves(command) => Kind::Serve,
            "cargo build --release --target wasm32-wasip2" => Kind::Builds,
            _ if command.starts_with("cargo test --manifest-path") => Kind::Builds,
            _ if command.starts_with("psycache policy build") => Kind::Builds,
            _ if ["psycache ", "head ", "tail "].iter().any(|of| command.starts_with(of)) => {
                Kind::Ends
            }
            _ => panic!("no test knows what to do with `{command}`"),
        }
    }
}

/// Whether it is a node.
pub(super) fn serves(command: &str) -> bool {
    command.starts_with("psycache serve")
}

/// All commands of the pages, in their order.
pub(crate) fn commands() -> Vec<Shown> {
    blocks()
        .flat_map(|(language, text)| match language {
            "console" => console(text),
            "sh" => script(text),
            _ => Vec::new(),
        })
        .collect()
}

/// The commands about several nodes, which are run in front of a real etcd.
pub(crate) fn cluster() -> Vec<Shown> {
    about("cluster")
}

/// The commands in blocks that are marked so, because they need something more.
pub(crate) fn about(mark: &str) -> Vec<Shown> {
    let blocks = blocks().filter(|(language, _)| language.strip_prefix("console ") == Some(mark));
    blocks.flat_map(|(_, text)| console(text)).collect()
}

/// The block in `language` that begins with `beginning`.
pub(crate) fn block(language: &str, beginning: &str) -> &'static str {
    let found = blocks().find(|(of, text)| *of == language && text.starts_with(beginning));
    found.unwrap_or_else(|| panic!("no {language} block begins with {beginning}")).1
}

/// Language and text of each block between fences.
fn blocks() -> impl Iterator<Item = (&'static str, &'static str)> {
    fenced(TEXT)
}

/// The same of any page.
pub(crate) fn fenced(page: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').expect("a fence ends its line"))
}

/// Commands behind a prompt, each with what it prints.
pub(crate) fn console(text: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix("$ ") else {
            let last = all.last_mut().expect("a console block begins with a command");
            last.output.push_str(if last.output.is_empty() { "" } else { "\n" });
            last.output.push_str(line);
            continue;
        };
        let mut command = command.to_owned();
        while command.ends_with('\\') {
            command.push('\n');
            command.push_str(lines.next().expect("a command goes on after a backslash"));
        }
        all.push(Shown { command, output: String::new() });
    }
    all
}

/// Commands without a prompt, each with a comment. Cargo's detour to the binary is
/// left away.
fn script(text: &str) -> Vec<Shown> {
    let command = |line: &str| {
        let command = line.split(" #").next().unwrap_or(line).trim();
        command.replace("cargo run --release --", "psycache")
    };
    let shown = |line| Shown { command: command(line), output: String::new() };
    text.lines().map(shown).collect()
}

#[test]
fn commands_go_on_over_lines_and_have_their_output_under_them() {
    let all = console("$ one \\\n    more\nsaid\nso\n$ two\n");
    let all: Vec<_> = all.iter().map(|shown| (&*shown.command, &*shown.output)).collect();
    assert_eq!(all, [("one \\\n    more", "said\nso"), ("two", "")]);
    assert_eq!(script("cargo run --release -- demo   # see\n")[0].command, "psycache demo");
}

#[test]
#[should_panic(expected = "no test knows what to do with `make install`")]
fn a_command_of_an_unknown_kind_is_noticed() {
    console("$ make install\n")[0].kind();
}
