//! Follows files that others may change: takes what is new in them, and tells what can't be
//! taken.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Something that was made from files.
pub(crate) trait Followed: Send + Sync + 'static {
    /// What the files contain.
    type Contents: PartialEq + Send + Sync + 'static;
    /// Why it can't be taken.
    type Problem: PartialEq + Clone + Send + Sync + 'static;

    /// Reads the files. It blocks.
    fn read(&self) -> Result<Self::Contents, Self::Problem>;
    /// Whether this is what is in effect.
    fn holds(&self, contents: &Self::Contents) -> bool;
    /// Lets it take effect. On a problem, what was there before stays.
    fn take(&self, contents: Arc<Self::Contents>) -> Result<(), Self::Problem>;
    /// Counts and logs that the files can't be taken. Called once for each new problem.
    fn refuse(&self, problem: &Self::Problem);
    /// Called after each look.
    fn looked(&self) {}

    /// Takes the files as they are now, and returns whether they had changed. It blocks.
    ///
    /// # Errors
    /// They can't be taken. What was there before stays.
    fn reload(&self) -> Result<bool, Self::Problem> {
        match self.read()? {
            same if self.holds(&same) => Ok(false),
            found => self.take(Arc::new(found)).map(|()| true),
        }
    }
}

/// Follows the files for ever. A change is taken when two looks in a row find the same, so that
/// no half of a change is taken.
pub(crate) async fn follow<F: Followed>(followed: Arc<F>) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // What the look before found, and the problem that was told last.
    let (mut before, mut told) = (None, None);
    loop {
        looks.tick().await;
        let reading = Arc::clone(&followed);
        let Ok(found) = spawn_blocking(move || reading.read().map(Arc::new)).await else { return };
        followed.looked();
        let is_held = found.as_ref().is_ok_and(|found| followed.holds(found));
        let is_settled = before.as_ref() == Some(&found);
        before = Some(found.clone());
        if !is_held && !is_settled {
            continue;
        }
        let problem =
            if is_held { None } else { found.and_then(|found| followed.take(found)).err() };
        if let Some(problem) = problem.as_ref().filter(|problem| told.as_ref() != Some(*problem)) {
            followed.refuse(problem);
        }
        told = problem;
    }
}
