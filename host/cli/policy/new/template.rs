//! What the folders of all languages have in common, and what each brings for that.

/// A path below the folder, and the text that goes there.
pub(super) type File = (String, String);

/// What a README says that differs between languages.
pub(super) struct Page {
    /// Paths of the policy and of its tests.
    pub(super) policy: &'static str,
    pub(super) tests: &'static str,
    /// What is run before `policy build`, a line each.
    pub(super) commands: &'static str,
    /// What has to be installed.
    pub(super) tools: &'static str,
    /// The function that is called once.
    pub(super) configure: &'static str,
    /// How state is kept.
    pub(super) hints: &'static str,
    /// Rows of the table of files.
    pub(super) files: &'static str,
}

const README: &str = include_str!("template/README.md");
const REQUESTS: u64 = 5_000;

/// The page of the policy.
pub(super) fn readme(language: &str, page: &Page) -> String {
    [
        ("{{language}}", language),
        ("{{policy}}", page.policy),
        ("{{tests}}", page.tests),
        ("{{commands}}", page.commands),
        ("{{tools}}", page.tools),
        ("{{configure}}", page.configure),
        ("{{hints}}", page.hints),
        ("{{files}}", page.files),
    ]
    .into_iter()
    .fold(README.to_owned(), |text, (hole, filling)| text.replace(hole, filling))
}

/// Puts the policy's name, and that of its component, into a text.
pub(super) fn named(text: &str, name: &str) -> String {
    text.replace("{{name}}", name).replace("{{component}}", &name.replace('-', "_"))
}

/// Keys of uneven popularity, a line each.
pub(super) fn trace() -> String {
    let key = |at: u64| {
        let random = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        format!("key-{}\n", random % (random % 1_500 + 1))
    };
    (0..REQUESTS).map(key).collect()
}
