//! `policy swap --if-better`: measures a policy beside the live one, swaps it in if it is
//! better, and goes back if the group then hits less than before.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedRwLockWriteGuard, mpsc};

use super::shadows::gets;
use crate::group::Group;
use crate::policy::WorkerState;
use crate::server::{TrialNews, TrialState};
use crate::shadow::{Candidate, Plan, Report, Shadow};

/// How often the trial looks at what it watches.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A policy that is tried in a group.
pub(super) struct Trial {
    pub(super) group: Arc<Group>,
    pub(super) candidate: Candidate,
    /// By how much its hit ratio must be higher, from 0 to 1.
    pub(super) better_by: f64,
    /// How long it is measured before the swap, and watched after it.
    pub(super) span: Duration,
    /// Closed by the caller who no longer wants it.
    pub(super) news: mpsc::Sender<TrialNews>,
    /// No other swap of the group begins meanwhile.
    pub(super) claim: OwnedRwLockWriteGuard<()>,
}

impl Trial {
    /// Measures, swaps, watches. If the caller goes away before the swap, nothing changes;
    /// after it, the group is watched all the same.
    pub(super) async fn run(self) {
        let end = match self.measure().await {
            Ok(before) => self.swap(before).await,
            Err(end) => end,
        };
        let Self { news, claim, .. } = self;
        // Another swap may begin when the caller reads how this one ended.
        drop(claim);
        if let Some(end) = end {
            let _ = news.send(end).await;
        }
    }

    /// The group's hit ratio, if the candidate is better than that; else the end, of which
    /// nobody needs to be told if the caller is gone.
    async fn measure(&self) -> Result<f64, Option<TrialNews>> {
        let (name, live, span) = (self.name(), self.live(), shown(self.span));
        self.tell(TrialState::Measuring, format!("measuring {name} beside {live} for {span}"))
            .await;
        let parts = self.group.parts();
        let plan = Plan { candidates: vec![self.candidate.clone()], capacities: vec![1.0] };
        let (store, clock, gets) = (&parts.store, parts.clock.clone(), gets(&self.group));
        let shadow = Shadow::start(self.group.name(), plan, store, clock, gets, None)
            .map_err(|error| failed(format!("no thread for the shadow: {error}")))?;
        let mut left = self.span;
        while !left.is_zero() {
            let look = left.min(LOOK_EVERY);
            tokio::select! {
                () = self.news.closed() => return Err(None),
                () = parts.clock.sleep(look) => left -= look,
            }
            let problem = shadow.report().rows.into_iter().find_map(|row| row.problem);
            if let Some(problem) = problem {
                return Err(failed(format!("{name} failed beside {live}, which stays: {problem}")));
            }
        }
        self.judge(&shadow.report())
    }

    fn judge(&self, report: &Report) -> Result<f64, Option<TrialNews>> {
        let (name, live) = (self.name(), self.live());
        let measured = report.rows.first().and_then(|row| row.measured);
        let (Some(measured), Some(before)) = (measured, report.live_hit_ratio) else {
            let known = match report.share {
                0.0 => "the group has too few entries to measure".to_owned(),
                _ => format!("only {} of {} sampled gets came", report.gets, report.wanted_gets),
            };
            let span = shown(self.span);
            let sentence = format!("{known} in {span}, so {live} stays; give a longer --for");
            return Err(Some(TrialNews { state: TrialState::NotBetter, sentence }));
        };
        let by = measured.hit_ratio - before;
        let found = format!(
            "{name} would hit {} ±{:.1}, and {live} hits {}",
            percent(measured.hit_ratio),
            measured.error * 100.0,
            percent(before)
        );
        if by < self.better_by || by <= measured.error {
            let wanted = self.better_by * 100.0;
            let sentence = format!("{found}: not better by {wanted}pp and the error, so it stays");
            return Err(Some(TrialNews { state: TrialState::NotBetter, sentence }));
        }
        Ok(before)
    }

    /// Swaps the candidate in, watches the group, and returns the end.
    async fn swap(&self, before: f64) -> Option<TrialNews> {
        let (name, live, span) = (self.name(), self.live(), shown(self.span));
        let worker = &self.group.parts().worker;
        let (old, old_options) = worker.current();
        let Candidate { source, options, .. } = self.candidate.clone();
        if let Err(failure) = worker.swap(source, options).await {
            return failed(format!("{name} could not take over, and {live} stays: {failure}"));
        }
        let sentence = format!("swapped: {name} in place of {live}; watching it for {span}");
        self.tell(TrialState::Swapped, sentence).await;
        let after = self.watch().await;
        let now = match after {
            Ok(Some(after)) if after < before => {
                format!("the group hits {}, and {} before", percent(after), percent(before))
            }
            Ok(after) => {
                let now = after.map_or("nobody asked".into(), |after| {
                    format!("the group hits {}, and {} before", percent(after), percent(before))
                });
                let sentence = format!("{now}: {name} stays");
                return Some(TrialNews { state: TrialState::Kept, sentence });
            }
            Err(problem) => format!("{name} failed: {problem}"),
        };
        tracing::warn!(
            group = self.group.name(),
            policy = name,
            back_to = live,
            now,
            "swap undone"
        );
        match worker.swap(old, old_options).await {
            Ok(_) => {
                let sentence = format!("{now}: back to {live}");
                Some(TrialNews { state: TrialState::WentBack, sentence })
            }
            Err(failure) => failed(format!("{now}; {live} could not be brought back: {failure}")),
        }
    }

    /// The group's hit ratio after the swap; `None` without a get.
    async fn watch(&self) -> Result<Option<f64>, String> {
        let parts = self.group.parts();
        let gets = gets(&self.group);
        let [found, all] = gets();
        let mut left = self.span;
        while !left.is_zero() {
            let look = left.min(LOOK_EVERY);
            parts.clock.sleep(look).await;
            left -= look;
            let status = parts.worker.status();
            if status.state != WorkerState::Running {
                return Err(status.problem.unwrap_or_else(|| status.state.name().into()));
            }
        }
        let [found_now, all_now] = gets();
        let all = all_now - all;
        Ok((all > 0).then(|| (found_now - found) as f64 / all as f64))
    }

    fn name(&self) -> &str {
        &self.candidate.name
    }

    fn live(&self) -> String {
        self.group.parts().worker.status().policy
    }

    /// Tells the caller, if it is still there.
    async fn tell(&self, state: TrialState, sentence: String) {
        let _ = self.news.send(TrialNews { state, sentence }).await;
    }
}

fn failed(sentence: String) -> Option<TrialNews> {
    Some(TrialNews { state: TrialState::Failed, sentence })
}

fn percent(ratio: f64) -> String {
    format!("{:.1}%", ratio * 100.0)
}

fn shown(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}
