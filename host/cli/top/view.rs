//! What there is to show: the last answer, the past of each group, and what the reader chose.

use std::collections::BTreeMap;

use super::history::History;
use super::keys::Key;
use super::seen::Seen;
use super::watch::Lost;
use crate::cli::status::{Group, Report};
use crate::proto::ShadowStatus;
use crate::server::Interval;

/// Rows that a page key moves by.
const PAGE: usize = 10;

/// Which part is on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Page {
    #[default]
    All,
    /// The chosen group alone.
    Group,
    Keys,
}

/// All that is shown.
pub(super) struct View {
    seen: Seen,
    lost: Option<Lost>,
    histories: BTreeMap<String, History>,
    /// The place of the chosen group in the report.
    chosen: usize,
    page: Page,
}

impl View {
    pub(super) fn new(seen: Seen) -> Self {
        let histories = BTreeMap::new();
        let mut view = Self { seen, lost: None, histories, chosen: 0, page: Page::default() };
        view.remember();
        view
    }

    /// Takes what the node told.
    pub(super) fn take(&mut self, seen: Seen) {
        let chosen = self.group().map(|group| group.name.clone());
        self.lost = None;
        self.seen = seen;
        let groups = &self.seen.report.groups;
        // Another group may have come before it.
        let found = groups.iter().position(|group| Some(&group.name) == chosen.as_ref());
        self.chosen = found.unwrap_or(self.chosen).min(groups.len().saturating_sub(1));
        self.remember();
    }

    /// The node did not answer. What it told last stays on the screen.
    pub(super) fn lose(&mut self, lost: Lost) {
        self.lost = Some(lost);
    }

    /// Adds the samples to the past of their groups, and forgets groups that are gone.
    fn remember(&mut self) {
        let mut before = std::mem::take(&mut self.histories);
        for (group, sample) in self.seen.report.groups.iter().zip(&self.seen.samples) {
            let mut history = before.remove(&group.name).unwrap_or_default();
            history.take(*sample);
            self.histories.insert(group.name.clone(), history);
        }
    }

    /// Does what a key asks for. False: the reader has seen enough.
    pub(super) fn press(&mut self, key: Key) -> bool {
        let last = self.seen.report.groups.len().saturating_sub(1);
        match key {
            Key::Quit => return false,
            Key::Back if self.page == Page::All => return false,
            Key::Back => self.page = Page::All,
            Key::Up => self.chosen = self.chosen.saturating_sub(1),
            Key::Down => self.chosen = (self.chosen + 1).min(last),
            Key::PageUp => self.chosen = self.chosen.saturating_sub(PAGE),
            Key::PageDown => self.chosen = (self.chosen + PAGE).min(last),
            Key::First => self.chosen = 0,
            Key::Last => self.chosen = last,
            Key::Open => self.page = if self.page == Page::All { Page::Group } else { Page::All },
            Key::Help => self.page = if self.page == Page::Keys { Page::All } else { Page::Keys },
        }
        true
    }

    pub(super) fn page(&self) -> Page {
        self.page
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    pub(super) fn report(&self) -> &Report {
        &self.seen.report
    }

    pub(super) fn lost(&self) -> Option<&Lost> {
        self.lost.as_ref()
    }

    /// The place of the chosen group.
    pub(super) fn chosen(&self) -> usize {
        self.chosen
    }

    /// The chosen group; `None` where the node has none.
    pub(super) fn group(&self) -> Option<&Group> {
        self.seen.report.groups.get(self.chosen)
    }

    /// The last seconds of a group, of which ratios and rates are.
    pub(super) fn lately(&self, group: &str) -> Option<Interval> {
        self.history(group)?.lately()
    }

    /// The last minutes of a group.
    pub(super) fn history(&self, group: &str) -> Option<&History> {
        self.histories.get(group)
    }

    /// The shadow of the chosen group.
    pub(super) fn shadow(&self) -> Option<&ShadowStatus> {
        self.seen.shadow(&self.group()?.name)
    }
}
