//! The functions that `host/ARCHITECTURE.md` names exist, and their counts are right.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::{Source, names_after, sources};

const PAGE: &str = "host/ARCHITECTURE.md";

/// A file below `host/`, without its `.rs`, and a function in it.
type Function<'a> = (&'a str, &'a str);

/// Numbered lines of one way, up to their count.
struct List<'a> {
    way: &'a str,
    functions: BTreeSet<Function<'a>>,
    /// The number of its last line.
    end: usize,
    /// The count after it.
    told: Option<&'a str>,
}

/// The page as far as it was read.
#[derive(Default)]
struct Reader<'a> {
    /// Empty where no way is described.
    way: &'a str,
    /// What each numbered line of a way names or refers to.
    steps: BTreeMap<(&'a str, usize), BTreeSet<Function<'a>>>,
    lists: Vec<List<'a>>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, number: usize, line: &'a str) {
        if line.starts_with('#') {
            // "### A policy swap" begins the way "policy".
            let title = line.strip_prefix("### A ").unwrap_or_default();
            self.way = title.split(' ').next().unwrap_or_default();
        } else if let Some((step, text)) = line.split_once(". ")
            && let Ok(step) = step.parse()
            && !self.way.is_empty()
        {
            self.read_step(number, step, text);
        } else if line.starts_with(|c: char| c.is_ascii_digit())
            && let Some(list) = self.uncounted()
        {
            (list.end, list.told) = (number, Some(line));
        }
    }

    fn read_step(&mut self, number: usize, step: usize, text: &'a str) {
        let mut functions: BTreeSet<_> = named(text).collect();
        for (way, step) in referred(text) {
            let Some(known) = self.steps.get(&(way, step)) else {
                panic!("{PAGE}:{number}: there is no line {step} of a {way} before this");
            };
            functions.extend(known);
        }
        if self.uncounted().is_none() {
            let functions = BTreeSet::new();
            self.lists.push(List { way: self.way, functions, end: number, told: None });
        }
        let list = self.uncounted().expect("one was begun");
        list.functions.extend(&functions);
        list.end = number;
        self.steps.insert((self.way, step), functions);
    }

    /// The list that has no count yet.
    fn uncounted(&mut self) -> Option<&mut List<'a>> {
        self.lists.last_mut().filter(|list| list.way == self.way && list.told.is_none())
    }
}

/// The functions that a line names: each as `file.rs: name` in backticks.
fn named(line: &str) -> impl Iterator<Item = Function<'_>> {
    line.split('`').skip(1).step_by(2).filter_map(|code| code.split_once(".rs: "))
}

/// The lines to which a line refers: "lines 4 to 6 of a hit", "line 9 of a hit".
fn referred(line: &str) -> Vec<(&str, usize)> {
    let words = line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let of = |at: usize| {
        let number = |word: &str| word.parse::<usize>().ok();
        let (way, lines) = match words[at..] {
            ["line" | "Line", one, "of", "a", way, ..] => (way, vec![number(one)?]),
            ["lines" | "Lines", one, "and", other, "of", "a", way, ..] => {
                (way, vec![number(one)?, number(other)?])
            }
            ["lines" | "Lines", from, "to", to, "of", "a", way, ..] => {
                (way, (number(from)?..=number(to)?).collect())
            }
            _ => return None,
        };
        Some(lines.into_iter().map(move |line| (way, line)))
    };
    (0..words.len()).filter_map(of).flatten().collect()
}

fn lists(page: &str) -> Vec<List<'_>> {
    let mut reader = Reader::default();
    (1..).zip(page.lines()).for_each(|(number, line)| reader.read(number, line));
    reader.lists
}

/// The right count of `list`: what the lists `before` it have of the same way is not counted again.
fn count(list: &List<'_>, before: &[List<'_>]) -> String {
    let of_way = before.iter().filter(|other| other.way == list.way);
    let known: BTreeSet<Function<'_>> = of_way.flat_map(|other| other.functions.clone()).collect();
    let functions = list.functions.difference(&known).count();
    let files = files(&list.functions).difference(&files(&known)).count();
    let more = if known.is_empty() { "" } else { "more " };
    format!("{functions} {more}functions in {files} {more}files.")
}

fn files<'a>(functions: &BTreeSet<Function<'a>>) -> BTreeSet<&'a str> {
    functions.iter().map(|(file, _)| *file).collect()
}

/// The counts that are wrong, a line each.
fn wrong_counts(page: &str) -> Vec<String> {
    let lists = lists(page);
    let counts = lists.iter().enumerate().map(|(at, list)| (list, count(list, &lists[..at])));
    let wrong = counts.filter(|(list, count)| list.told != Some(count));
    let fault = |(list, count): (&List<'_>, String)| {
        let told = list.told.unwrap_or("nothing");
        format!("{PAGE}:{}: write {count:?}, not {told:?}", list.end)
    };
    wrong.map(fault).collect()
}

/// The names that no function has, a line each.
fn wrong_names(page: &str, sources: &[Source]) -> Vec<String> {
    let exists = |(file, name): Function<'_>| {
        let source = sources.iter().find(|s| s.path.strip_suffix(".rs") == Some(file));
        source.is_some_and(|source| {
            source.code().any(|(_, line)| names_after(line, "fn ").any(|known| known == name))
        })
    };
    let names = (1..).zip(page.lines());
    let names = names.flat_map(|(number, line)| named(line).map(move |name| (number, name)));
    names
        .filter(|(_, name)| !exists(*name))
        .map(|(number, (file, name))| format!("{PAGE}:{number}: host/{file}.rs has no fn {name}"))
        .collect()
}

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    fs::read_to_string(page).expect("the page is there")
}

#[test]
fn each_function_that_is_named_exists() {
    let wrong = wrong_names(&page(), &sources());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_counts_of_the_four_ways_are_right() {
    let page = page();
    let ways: BTreeSet<&str> = lists(&page).iter().map(|list| list.way).collect();
    assert_eq!(ways.len(), 4, "{ways:?}");
    let wrong = wrong_counts(&page);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_wrong_name_or_count_is_noticed() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    let sources = [source("a.rs", "fn one() {}\n// fn two()\nfn three<T>() {}\n")];
    let names = |page: &str| wrong_names(page, &sources).len();
    assert_eq!(names("`a.rs: one` and `a.rs: three`"), 0);
    assert_eq!(names("`a.rs: on`, `a.rs: two`, `b.rs: one`"), 3);

    let hit = "### A hit\n1. `a.rs: one`\n2. `a.rs: two`, `b.rs: one`\n\n3 functions in 2 files.\n";
    assert_eq!(wrong_counts(hit).len(), 0);
    assert_eq!(wrong_counts(&hit.replace("3 f", "2 f")).len(), 1);
    assert_eq!(wrong_counts(&hit.replace("3 functions", "Functions")).len(), 1);
    let miss =
        |last| format!("{hit}### A miss\n1. Line 2 of a hit, `b.rs: two`\n\n{last} files.\n");
    assert_eq!(wrong_counts(&miss("3 functions in 2")).len(), 0);
    assert_eq!(wrong_counts(&miss("1 functions in 1")).len(), 1);
    let more =
        |last| format!("{hit}\n3. Lines 1 to 2 of a hit, `b.rs: two`\n\n{last} more files.\n");
    assert_eq!(wrong_counts(&more("1 more functions in 0")).len(), 0);
    assert_eq!(wrong_counts(&more("4 more functions in 2")).len(), 1);
}
