//! Who may change the policies of a node's groups, and the tasks that try policies.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::auto::Auto;
use super::error::{GroupProblem, StartError};
use super::plugins::Plugins;
use super::swaps::Swaps;
use super::trials::Trials;
use crate::config::text::PolicyText;
use crate::config::{self, PolicyChoice};
use crate::error::Error;
use crate::policy::PolicyConfig;
use crate::server::Groups;
use crate::shadow::Candidate;

/// The changes of policies that are under way.
pub(super) struct PolicyChanges {
    swaps: Arc<Swaps>,
    /// Groups whose policy the node chooses.
    autos: BTreeSet<String>,
    trials: Trials,
}

impl PolicyChanges {
    /// Loads the candidates of groups whose policy the node chooses, and begins to choose.
    ///
    /// # Errors
    /// A candidate can't be used.
    pub(super) async fn start(
        plugins: &Plugins,
        configs: &[config::Group],
        groups: &Groups,
    ) -> Result<Arc<Self>, StartError> {
        let (swaps, trials) = (Arc::new(Swaps::new(groups)), Trials::default());
        let mut autos = Vec::new();
        for config in configs {
            let PolicyChoice::Auto(auto) = &config.policy else { continue };
            let name = &config.group.name;
            let problem =
                |cause| StartError::Groups(vec![GroupProblem { group: name.clone(), cause }]);
            let group = groups.find(name).map_err(|error| problem(error.into()))?;
            let mut candidates = Vec::new();
            for wanted in &auto.candidates {
                let options: Vec<_> = wanted.options.clone().into_iter().collect();
                let worker = group.parts().worker.policy();
                let told = PolicyConfig { options: options.clone(), ..worker };
                let source = plugins.policy(wanted, &told).await.map_err(problem)?;
                let text = PolicyText { name: source.name().to_owned(), options };
                let (name, options) = (text.to_string(), text.options);
                candidates.push(Candidate { name, source, options });
            }
            let (group, swaps) = (Arc::clone(group), Arc::clone(&swaps));
            let (better_by, span) = (auto.better_by, auto.span);
            autos.push(Auto { group, candidates, better_by, span, swaps });
        }
        let names = autos.iter().map(|auto: &Auto| auto.group.name().to_owned()).collect();
        for auto in autos {
            let first = &auto.candidates[0].name;
            auto.group.choice().note(format!("{first} is the first candidate"));
            trials.spawn(auto.run());
        }
        Ok(Arc::new(Self { swaps, autos: names, trials }))
    }

    /// The changes of a group's policy by an operator.
    ///
    /// # Errors
    /// The node chooses the policy.
    pub(super) fn by_hand(&self, group: &str) -> Result<&Swaps, Error> {
        if !self.autos.contains(group) {
            return Ok(&self.swaps);
        }
        let problem = "the node chooses the policy of this group (policy \"auto\"); to choose it \
                       by hand, name one in its settings and restart the node"
            .into();
        Err(Error::InvalidArgument { argument: "group", problem })
    }

    /// The tasks that try policies.
    pub(super) fn trials(&self) -> &Trials {
        &self.trials
    }
}
