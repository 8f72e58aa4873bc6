//! Which file uses which, read from the sources, and the circles in that.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{ItemMod, ItemUse, Meta, UseTree, Visibility};

use crate::Source;

/// A module's path below the crate's root: `["store", "shard"]`.
type Module = Vec<String>;

/// A path as it stands in a file, made absolute.
type Name = Vec<String>;

/// What one file uses and hands on.
#[derive(Default)]
struct File {
    path: String,
    uses: BTreeSet<Name>,
    /// By the name under which others see it: `pub use worker::Worker` is `Worker`.
    hands_on: BTreeMap<String, Name>,
    /// Modules of which it hands on everything.
    hands_on_all: Vec<Name>,
}

/// The uses that tie circles of files together: each as `file uses item of file`.
pub(crate) fn circles(sources: &[Source]) -> Vec<String> {
    let files = read(sources);
    let named: Vec<(&Module, &Name, &Module)> = files
        .iter()
        .flat_map(|(module, file)| file.uses.iter().map(move |name| (module, name)))
        .filter_map(|(module, name)| Some((module, name, home(&files, name, 0)?)))
        .filter(|(module, _, used)| module != used)
        .collect();
    let mut uses: BTreeMap<&Module, BTreeSet<&Module>> = BTreeMap::new();
    for (module, _, used) in &named {
        uses.entry(module).or_default().insert(used);
    }
    let is_back =
        |(module, _, used): &&(&Module, &Name, &Module)| reach(&uses, used).contains(module);
    let tie = |(module, name, used): &(&Module, &Name, &Module)| {
        let (path, used) = (&files[*module].path, &files[*used].path);
        format!("host/{path} uses {} of host/{used}, which uses it", name.join("::"))
    };
    named.iter().filter(is_back).map(tie).collect()
}

/// All modules to which a chain of uses leads from `module`.
fn reach<'a>(
    uses: &BTreeMap<&'a Module, BTreeSet<&'a Module>>,
    module: &Module,
) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let used_by = |module: &Module| uses.get(module).into_iter().flatten().copied();
    let mut next: Vec<&Module> = used_by(module).collect();
    while let Some(module) = next.pop() {
        if reached.insert(module) {
            next.extend(used_by(module));
        }
    }
    reached
}

/// The module in whose file the item `name` stands, through what modules hand on.
fn home<'a>(files: &'a BTreeMap<Module, File>, name: &Name, depth: usize) -> Option<&'a Module> {
    assert!(depth < 32, "{name:?} is handed on in a circle");
    let known = |length: &usize| files.contains_key(&name[..*length]);
    let length = (1..=name.len()).rev().find(known)?;
    let (module, file) = files.get_key_value(&name[..length])?;
    let Some(item) = name.get(length) else { return Some(module) };
    if let Some(original) = file.hands_on.get(item) {
        return home(files, original, depth + 1);
    }
    Some(module)
}

fn read(sources: &[Source]) -> BTreeMap<Module, File> {
    let files = sources.iter().filter(|source| !source.is_test());
    let mut files: BTreeMap<Module, File> = files
        .map(|source| {
            let module = module(&source.path);
            let syntax = syn::parse_file(&source.text);
            let syntax = syntax.unwrap_or_else(|error| panic!("{}: {error}", source.path));
            let file = File { path: source.path.clone(), ..File::default() };
            let mut reader = Reader { module: module.clone(), children: Vec::new(), file };
            reader.visit_file(&syntax);
            (module, reader.file)
        })
        .collect();
    // `pub use record::*` gives the names that stand in record's own file; none is used
    // in this project, and a new one has to be understood here first.
    let whole = files.values_mut().find(|file| !file.hands_on_all.is_empty());
    assert!(whole.is_none(), "`pub use …::*` hides where an item stands");
    files
}

/// `store/shard.rs` and `store/shard/mod.rs` are both the module `store::shard`.
fn module(path: &str) -> Module {
    let path = path.trim_end_matches(".rs");
    let parts = path.trim_end_matches("/mod").split('/');
    parts.filter(|part| !matches!(*part, "lib" | "main")).map(str::to_owned).collect()
}

struct Reader {
    module: Module,
    /// The modules that the file declares: their names begin paths.
    children: Vec<String>,
    file: File,
}

impl Reader {
    /// `path` from the root of the crate; `None`: it leads elsewhere.
    fn absolute(&self, path: &[String]) -> Option<Name> {
        let first = path.first()?.as_str();
        let ups = path.iter().take_while(|part| *part == "super").count();
        let (base, rest) = match first {
            "crate" | "psycache" => (&[][..], &path[1..]),
            "self" => (&self.module[..], &path[1..]),
            "super" => (&self.module[..self.module.len().checked_sub(ups)?], &path[ups..]),
            child if self.children.iter().any(|known| known == child) => (&self.module[..], path),
            _ => return None,
        };
        Some(base.iter().chain(rest).cloned().collect())
    }

    fn add_tree(&mut self, tree: &UseTree, before: &mut Vec<String>, is_handed_on: bool) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.add_tree(&path.tree, before, is_handed_on);
                before.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(tree, before, is_handed_on);
                }
            }
            UseTree::Name(name) => self.add(before, &name.ident, &name.ident, is_handed_on),
            UseTree::Rename(name) => self.add(before, &name.ident, &name.rename, is_handed_on),
            UseTree::Glob(_) => {
                let Some(name) = self.absolute(before) else { return };
                match is_handed_on {
                    true => self.file.hands_on_all.push(name),
                    false => drop(self.file.uses.insert(name)),
                }
            }
        }
    }

    fn add(
        &mut self,
        before: &[String],
        name: &syn::Ident,
        seen_as: &syn::Ident,
        is_handed_on: bool,
    ) {
        let mut path = before.to_vec();
        if name != "self" {
            path.push(name.to_string());
        }
        let Some(name) = self.absolute(&path) else { return };
        if is_handed_on {
            self.file.hands_on.insert(seen_as.to_string(), name);
        } else {
            self.file.uses.insert(name);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_file(&mut self, file: &'ast syn::File) {
        let modules = file.items.iter().filter_map(|item| match item {
            syn::Item::Mod(module) => Some(module.ident.to_string()),
            _ => None,
        });
        self.children = modules.collect();
        visit::visit_file(self, file);
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        // Tests may reach for what the code under test may not.
        if !module.attrs.iter().any(|attribute| is_test_only(&attribute.meta)) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {
        // `pub(in crate::cli)` says who may use an item, and uses nothing.
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.attrs.iter().any(|attribute| is_test_only(&attribute.meta)) {
            return;
        }
        let is_handed_on = !matches!(item.vis, Visibility::Inherited);
        self.add_tree(&item.tree, &mut Vec::new(), is_handed_on);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        // `crate::store::Store::get` is in the module of `Store`, whatever `get` is.
        if parts.len() > 1
            && let Some(name) = self.absolute(&parts)
        {
            self.file.uses.insert(name);
        }
        visit::visit_path(self, path);
    }
}

fn is_test_only(meta: &Meta) -> bool {
    matches!(meta, Meta::List(list) if list.path.is_ident("cfg")
        && list.tokens.to_string().contains("test"))
}
