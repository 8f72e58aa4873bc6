//! `policy = "auto"`: tries the candidates of a group beside its policy, again and again, and
//! keeps the best.
//!
//! A change takes a trial: the others are measured, the best is swapped in if it is better by
//! enough, the group is watched, and the old one comes back if that would do more. After a
//! change back the next trial waits, each time twice as long, so that two policies that take
//! turns at being better cost little.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::swaps::Swaps;
use super::trial::{Trial, TrialEnd};
use crate::group::Group;
use crate::policy::WorkerState;
use crate::server::{TrialNews, TrialState};
use crate::shadow::Candidate;

/// The longest wait after a change back.
const LONGEST_HOLD: Duration = Duration::from_secs(24 * 3_600);

/// The wait where a trial can't begin, or ended at once.
const PAUSE: Duration = Duration::from_secs(1);

/// A group whose policy the node chooses.
pub(super) struct Auto {
    pub(super) group: Arc<Group>,
    /// The first is the group's policy at the start.
    pub(super) candidates: Vec<Candidate>,
    pub(super) better_by: f64,
    pub(super) span: Duration,
    pub(super) swaps: Arc<Swaps>,
}

impl Auto {
    /// Goes on until it is aborted, or only one candidate is left.
    pub(super) async fn run(mut self) {
        let mut live = self.candidates[0].name.clone();
        let mut hold = self.span;
        while self.candidates.len() > 1 {
            let worker = &self.group.parts().worker;
            if worker.status().state == WorkerState::Fallback {
                live = self.replace(live).await;
                continue;
            }
            let Ok(claim) = self.swaps.trial(self.group.name()) else {
                self.group.parts().clock.sleep(PAUSE).await;
                continue;
            };
            let (news, told) = mpsc::channel(4);
            let trial = Trial {
                group: Arc::clone(&self.group),
                live: live.clone(),
                candidates: self.others(&live),
                better_by: self.better_by,
                span: self.span,
                is_patient: true,
                news,
                claim,
            };
            let (end, ()) = tokio::join!(trial.run(), self.follow(told));
            let TrialEnd { state, chosen, failed } = end;
            self.candidates.retain(|candidate| !failed.contains(&candidate.name));
            // The chosen one runs, also where the old one could not be brought back.
            live = chosen.unwrap_or(live);
            let pause = match state {
                Some(TrialState::Kept) => {
                    hold = self.span;
                    Duration::ZERO
                }
                Some(TrialState::WentBack) => {
                    let pause = hold;
                    hold = (hold * 2).min(LONGEST_HOLD);
                    pause
                }
                Some(TrialState::NotBetter) => Duration::ZERO,
                _ => PAUSE,
            };
            self.group.parts().clock.sleep(pause).await;
        }
        let group = self.group.name();
        tracing::warn!(group, policy = live, "No other candidate of the policy auto is left");
        self.group.choice().note(format!("{live} stays: all other candidates failed"));
    }

    /// Takes the next candidate in the place of one that failed too often. Returns what the
    /// group's policy is called then.
    async fn replace(&mut self, failed: String) -> String {
        let worker = &self.group.parts().worker;
        for Candidate { name, source, options } in self.others(&failed) {
            self.candidates.retain(|candidate| candidate.name != failed);
            match worker.swap(source, options).await {
                Ok(_) => {
                    let why = format!("{failed} failed too often: {name} in its place");
                    let group = self.group.name();
                    tracing::warn!(group, why, "The node changed the policy");
                    self.group.choice().count_failed();
                    self.group.choice().note(why);
                    return name;
                }
                Err(_) => self.candidates.retain(|candidate| candidate.name != name),
            }
        }
        failed
    }

    fn others(&self, live: &str) -> Vec<Candidate> {
        self.candidates.iter().filter(|candidate| candidate.name != live).cloned().collect()
    }

    /// Says what happens in a trial, until its end.
    async fn follow(&self, mut told: mpsc::Receiver<TrialNews>) {
        let (group, choice) = (self.group.name(), self.group.choice());
        while let Some(TrialNews { state, sentence }) = told.recv().await {
            match state {
                TrialState::Measuring => continue,
                TrialState::Swapped => {
                    choice.count_better();
                    tracing::info!(group, why = sentence, "The node changed the policy");
                }
                TrialState::WentBack => {
                    choice.count_undone();
                    tracing::warn!(group, why = sentence, "The node changed the policy back");
                }
                TrialState::Kept | TrialState::NotBetter => {
                    tracing::debug!(group, why = sentence, "The policy stays");
                }
                TrialState::Unjudged => {
                    tracing::warn!(group, why = sentence, "The new policy could not be judged");
                }
                TrialState::Failed => {
                    tracing::warn!(group, why = sentence, "A candidate of the policy auto failed");
                }
            }
            choice.note(sentence);
        }
    }
}
