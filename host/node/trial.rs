//! A trial: measures policies beside the live one, swaps the best in if it is better, and goes
//! back if the old one would then do more.
//!
//! The live policy runs in the shadow too, before and after the swap. What it would have done
//! after the swap is compared with what the group did in the same time, so that it does not
//! matter whether the requests have changed meanwhile.

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

/// Policies that are tried in a group.
pub(super) struct Trial {
    pub(super) group: Arc<Group>,
    /// What the group's policy is called.
    pub(super) live: String,
    /// At least one.
    pub(super) candidates: Vec<Candidate>,
    /// By how much the hit ratio of one must be higher, from 0 to 1.
    pub(super) better_by: f64,
    /// How long they are measured before the swap, and the group is watched after it.
    pub(super) span: Duration,
    /// Whether they are measured and watched for longer if too little is known then.
    pub(super) is_patient: bool,
    /// Closed by the caller who no longer wants it.
    pub(super) news: mpsc::Sender<TrialNews>,
    /// No other swap of the group begins meanwhile.
    pub(super) claim: OwnedRwLockWriteGuard<()>,
}

/// How a trial ended.
pub(super) struct TrialEnd {
    /// `None`: nobody wanted it any more.
    pub(super) state: Option<TrialState>,
    /// The candidate that was swapped in.
    pub(super) chosen: Option<String>,
    /// The candidates that failed.
    pub(super) failed: Vec<String>,
}

/// A candidate that is better.
struct Better {
    candidate: Candidate,
    /// The group's hit ratio less that of the live policy in the shadow.
    offset: f64,
    /// What was measured, for people.
    found: String,
}

/// What the watch after a swap has found.
enum Verdict {
    /// The group would hit more with the old policy.
    Worse(String),
    NotWorse(String),
    /// Too little is known.
    Unknown(String),
}

impl Trial {
    /// Measures, swaps, watches. If the caller goes away before the swap, nothing changes;
    /// after it, the group is watched all the same.
    pub(super) async fn run(self) -> TrialEnd {
        let mut end = TrialEnd { state: None, chosen: None, failed: Vec::new() };
        let last = self.try_out(&mut end).await;
        let Self { news, claim, .. } = self;
        // Another swap may begin when the caller reads how this one ended.
        drop(claim);
        if let Some(last) = last {
            end.state = Some(last.state);
            let _ = news.send(last).await;
        }
        end
    }

    /// The last news, of which nobody needs to be told if the caller is gone.
    async fn try_out(&self, end: &mut TrialEnd) -> Option<TrialNews> {
        let (names, span) = (self.names(), shown(self.span));
        let sentence = format!("measuring {names} beside {} for {span}", self.live);
        self.tell(TrialState::Measuring, sentence).await;
        let shadow = match self.shadow() {
            Ok(shadow) => shadow,
            Err(error) => return Some(failed(format!("no thread for the shadow: {error}"))),
        };
        if let Err(last) = self.measure(&shadow, end).await {
            return last;
        }
        match self.judge(&shadow.report()) {
            Ok(better) => Some(self.swap(&shadow, better, end).await),
            Err(sentence) => Some(TrialNews { state: TrialState::NotBetter, sentence }),
        }
    }

    /// The candidates, and behind them the live policy.
    fn shadow(&self) -> std::io::Result<Shadow> {
        let parts = self.group.parts();
        let (source, options) = parts.worker.current();
        let live = Candidate { name: self.live.clone(), source, options };
        let candidates = self.candidates.iter().cloned().chain([live]).collect();
        let plan = Plan { candidates, capacities: vec![1.0] };
        let (store, clock, gets) = (&parts.store, parts.clock.clone(), gets(&self.group));
        Shadow::start(self.group.name(), plan, store, clock, gets, None)
    }

    async fn measure(&self, shadow: &Shadow, end: &mut TrialEnd) -> Result<(), Option<TrialNews>> {
        let live = &self.live;
        let mut left = self.span;
        loop {
            tokio::select! {
                () = self.news.closed() => return Err(None),
                () = self.group.parts().clock.sleep(next_look(left)) => {}
            }
            left = left.saturating_sub(LOOK_EVERY);
            // Who tries on and on has to act on that, and an operator wants another policy.
            let worker = self.group.parts().worker.status();
            if self.is_patient && worker.state == WorkerState::Fallback {
                return Err(Some(failed(format!("{live} failed, and its trial is over"))));
            }
            let report = shadow.report();
            for (candidate, row) in self.candidates.iter().zip(&report.rows) {
                let name = &candidate.name;
                let Some(problem) = &row.problem else { continue };
                if end.failed.contains(name) {
                    continue;
                }
                end.failed.push(name.clone());
                let sentence = format!("{name} failed beside {live}, which stays: {problem}");
                if end.failed.len() == self.candidates.len() {
                    return Err(Some(failed(sentence)));
                }
                self.tell(TrialState::Failed, sentence).await;
            }
            let is_known = report.rows.iter().any(|row| row.measured.is_some());
            if left.is_zero() && (is_known || !self.is_patient) {
                return Ok(());
            }
        }
    }

    /// The best candidate, or why the live policy stays.
    fn judge(&self, report: &Report) -> Result<Better, String> {
        let live = &self.live;
        let (live_row, rows) =
            report.rows.split_last().map_or((None, &[][..]), |(live, rows)| (live.measured, rows));
        let measured = self.candidates.iter().zip(rows);
        let measured = measured.filter_map(|(candidate, row)| Some((candidate, row.measured?)));
        let best = measured.max_by(|(_, a), (_, b)| a.hit_ratio.total_cmp(&b.hit_ratio));
        let (Some((candidate, best)), Some(before)) = (best, report.live_hit_ratio) else {
            let known = match report.share {
                0.0 => "the group has too few entries to measure".to_owned(),
                _ => format!("only {} of {} sampled gets came", report.gets, report.wanted_gets),
            };
            let span = shown(self.span);
            return Err(format!("{known} in {span}, so {live} stays; give a longer --for"));
        };
        // What makes a shadow differ from the group does so for all policies alike.
        let offset = live_row.map_or(0.0, |row| before - row.hit_ratio);
        let by = best.hit_ratio + offset - before;
        let found = format!(
            "{} would hit {} ±{:.1}, and {live} hits {}",
            candidate.name,
            percent(best.hit_ratio + offset),
            best.error * 100.0,
            percent(before)
        );
        if by < self.better_by || by <= best.error {
            let wanted = self.better_by * 100.0;
            return Err(format!("{found}: not better by {wanted}pp and the error, so it stays"));
        }
        Ok(Better { candidate: candidate.clone(), offset, found })
    }

    /// Swaps the candidate in, watches the group, and returns the end.
    async fn swap(&self, shadow: &Shadow, better: Better, end: &mut TrialEnd) -> TrialNews {
        let Better { candidate: Candidate { name, source, options }, offset, found } = better;
        let (live, span) = (&self.live, shown(self.span));
        let worker = &self.group.parts().worker;
        let (old, old_options) = worker.current();
        if let Err(failure) = worker.swap(source, options).await {
            end.failed.push(name.clone());
            return failed(format!("{name} could not take over, and {live} stays: {failure}"));
        }
        shadow.recount();
        let sentence =
            format!("swapped: {name} in place of {live}; watching it for {span}; {found}");
        self.tell(TrialState::Swapped, sentence).await;
        let worse = match self.watch(shadow).await {
            Ok(()) => match self.compared(&shadow.report(), offset) {
                Verdict::Worse(sentence) => sentence,
                Verdict::NotWorse(sentence) => {
                    let sentence = format!("{sentence}: {name} stays");
                    end.chosen = Some(name);
                    return TrialNews { state: TrialState::Kept, sentence };
                }
                Verdict::Unknown(why) => {
                    let sentence = format!(
                        "{why}, so nobody knows whether {name} does more than {live}: {name} \
                         stays, unproven"
                    );
                    end.chosen = Some(name);
                    return TrialNews { state: TrialState::Unjudged, sentence };
                }
            },
            Err(problem) => {
                end.failed.push(name.clone());
                format!("{name} failed: {problem}")
            }
        };
        let group = self.group.name();
        tracing::warn!(group, policy = name, back_to = live, worse, "swap undone");
        match worker.swap(old, old_options).await {
            Ok(_) => {
                let sentence = format!("{worse}: back to {live}");
                TrialNews { state: TrialState::WentBack, sentence }
            }
            Err(failure) => {
                end.chosen = Some(name);
                failed(format!("{worse}; {live} could not be brought back: {failure}"))
            }
        }
    }

    /// Whether the policy that the group had, which is the last row, would be better now by as much
    /// as a swap takes. The smallest difference would undo a swap otherwise: the shadow of a small
    /// group has all keys, so no error stands against it.
    fn compared(&self, report: &Report, offset: f64) -> Verdict {
        let (old, span) = (&self.live, shown(self.span));
        let Some(now) = report.live_hit_ratio else {
            return Verdict::Unknown(format!("too few gets came in {span}"));
        };
        let hits = format!("the group hits {}", percent(now));
        let Some(row) = report.rows.last().and_then(|row| row.measured) else {
            return Verdict::Unknown(format!("{hits}, and what {old} would do is not known"));
        };
        let then = row.hit_ratio + offset;
        let by = then - now;
        let found = format!("{hits}, and with {old} it would hit {}", percent(then));
        match by >= self.better_by && by > row.error {
            true => Verdict::Worse(found),
            false => Verdict::NotWorse(found),
        }
    }

    /// Waits for the end of the span, or for a failure of the new policy. A patient trial waits
    /// until the two can be compared, unless the old policy has failed in the shadow.
    async fn watch(&self, shadow: &Shadow) -> Result<(), String> {
        let parts = self.group.parts();
        let mut left = self.span;
        loop {
            parts.clock.sleep(next_look(left)).await;
            left = left.saturating_sub(LOOK_EVERY);
            let status = parts.worker.status();
            if status.state != WorkerState::Running {
                return Err(status.problem.unwrap_or_else(|| status.state.name().into()));
            }
            if !left.is_zero() {
                continue;
            }
            let report = shadow.report();
            let has_failed = report.rows.last().is_some_and(|row| row.problem.is_some());
            let is_known = !matches!(self.compared(&report, 0.0), Verdict::Unknown(_));
            if is_known || has_failed || !self.is_patient {
                return Ok(());
            }
        }
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.candidates.iter().map(|one| one.name.as_str()).collect();
        names.join(", ")
    }

    /// Tells the caller, if it is still there.
    async fn tell(&self, state: TrialState, sentence: String) {
        let _ = self.news.send(TrialNews { state, sentence }).await;
    }
}

/// The pause before the next look, where so much of the span is left.
fn next_look(left: Duration) -> Duration {
    if left.is_zero() { LOOK_EVERY } else { left.min(LOOK_EVERY) }
}

fn failed(sentence: String) -> TrialNews {
    TrialNews { state: TrialState::Failed, sentence }
}

fn percent(ratio: f64) -> String {
    format!("{:.1}%", ratio.clamp(0.0, 1.0) * 100.0)
}

fn shown(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}
