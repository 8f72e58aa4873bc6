//! The policies of a simulation: `lru`, `lruk?k=3`, a file, or the bound.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Result, bail};

use crate::cli::parse;
use crate::config::text::PolicyText;
use crate::plugin::{CompileCache, Engines, Kind, Plugin, PolicyComponent, PolicyLimits};
use crate::policy::{PolicyConfig, PolicySource};

/// The name of the bound.
const OPTIMUM: &str = "opt";

type Options = Vec<(String, String)>;

/// A policy, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice(PolicyText);

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

/// Every policy that comes with the binary, and the bound.
pub(super) fn all() -> Vec<Choice> {
    let names = Plugin::builtins(Kind::Policy).map(|plugin| plugin.name().to_owned());
    let names = names.chain([OPTIMUM.to_owned()]);
    names.map(|name| Choice(PolicyText { name, options: Vec::new() })).collect()
}

/// A policy that is ready to be replayed.
pub(super) struct Subject {
    /// What it is called in a report.
    pub(super) name: String,
    pub(super) options: Options,
    /// None for the bound.
    pub(super) source: Option<Arc<dyn PolicySource>>,
}

/// Compiles the policies. `common` are options of all of them.
///
/// # Errors
/// An option is given twice, or one can't be loaded, or does not take its options.
pub(super) fn load(choices: &[Choice], common: &Options) -> Result<Vec<Subject>> {
    for choice in choices {
        parse::each_once(&[common.as_slice(), &choice.0.options].concat())?;
    }
    let engines = Engines::new(&CompileCache::User)?;
    choices.iter().map(|choice| choice.load(common, &engines)).collect()
}

impl Choice {
    fn load(&self, common: &Options, engines: &Arc<Engines>) -> Result<Subject> {
        let options = [common.as_slice(), &self.0.options].concat();
        if self.is_optimum() {
            if let Some((option, _)) = options.first() {
                bail!("{OPTIMUM} has no option {option} (there are no options)");
            }
            return Ok(Subject { name: OPTIMUM.into(), options, source: None });
        }
        let plugin = Plugin::resolve(&self.0.name)?;
        let name = PolicyText { name: plugin.name().into(), ..self.0.clone() }.to_string();
        // Options that it does not take are refused here, before a trace is read.
        let config = PolicyConfig { options: options.clone(), ..PolicyConfig::new(1_000, 1_000) };
        let limits = PolicyLimits::default();
        let source = PolicyComponent::load(engines, plugin, &config, limits)?;
        Ok(Subject { name, options, source: Some(source) })
    }

    /// Whether it is the bound.
    pub(super) fn is_optimum(&self) -> bool {
        self.0.name == OPTIMUM
    }
}
