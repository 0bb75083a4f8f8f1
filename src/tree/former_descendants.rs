//! What stood below a collection whose name something else bears now, and does not stand there any more: the former
//! tree is followed as far down as the living one bears the same names, collection by collection, a page of names at a
//! time. It can be left off anywhere and taken up again by the path that was sent last. Of a collection that is gone
//! what stood below it is not listed. The bearer may be the same collection, come back: what left it may have been
//! passed over while it was away.

use std::collections::VecDeque;

use crate::model::condition::Condition;
use crate::model::error::{Error, Refusal, Result};
use crate::model::filename::match_name;
use crate::model::id::Id;
use crate::store::executor::Executor;
use crate::store::past::{self, FormerCollections, FormerName, HomeSince};

/// How many names are read at a time.
const PAGE: i64 = 2000;
/// How many collections may have borne one name since the client last asked: who missed more begins again.
const MOST_FORMERS: i64 = 10_000;

/// A walk through what stood there.
pub(super) struct FormerDescendants {
    /// The home, and the change from which on it matters what stood in it.
    since: HomeSince,
    levels: Vec<Level>,
    /// How many statements went to the database.
    pub asked: u64,
}

/// Former collections of one address.
struct Level {
    /// The path to what stood in them.
    path: String,
    formers: FormerCollections,
    /// What stands there now.
    live: Id,
    /// The last step read, unless that was all.
    after: Option<String>,
    waiting: VecDeque<FormerName>,
}

/// How it goes on.
pub(super) enum DescendantStep {
    /// What stood at this path is gone; was it a collection?
    Gone(String, bool),
    /// From here on what stood at this path is listed.
    On(String),
}

impl FormerDescendants {
    /// Below a name of a collection that something else bears now, after the path that was sent last.
    pub async fn begin<T: Executor>(
        c: &mut T,
        since: HomeSince,
        parent: Id,
        name: &str,
        bearer: Id,
        after: &str,
    ) -> Result<Self> {
        let formers = past::formers(c, since, parent, name, MOST_FORMERS).await?;
        let mut below = Self { since, levels: Vec::new(), asked: 1 };
        below.enter(String::new(), formers.ok_or_else(too_many)?, bearer);
        let mut rest = after;
        while let Some((name, further)) = rest.split_once('/') {
            let Some(level) = below.levels.last_mut() else { break };
            level.after = Some(format!("{name}/"));
            let live = past::member(c, level.live, &match_name(name)).await?.filter(|live| live.name == name);
            let path = format!("{}{name}/", level.path);
            // If nothing bears the name any more, that is a change of its own.
            let Some(live) = live else { return Ok(below) };
            let formers = below.formers_of(c, name).await?;
            below.enter(path, formers, live.id);
            rest = further;
        }
        if let Some(level) = below.levels.last_mut() {
            level.after = Some(rest.to_owned());
        }
        Ok(below)
    }

    fn enter(&mut self, path: String, formers: FormerCollections, live: Id) {
        let (after, waiting) = (Some(String::new()), VecDeque::new());
        self.levels.push(Level { path, formers, live, after, waiting });
    }

    /// The next step; `None`: that was all.
    pub async fn next<T: Executor>(&mut self, c: &mut T) -> Result<Option<DescendantStep>> {
        loop {
            let Some(level) = self.levels.last_mut() else { return Ok(None) };
            let Some(found) = level.waiting.pop_front() else {
                match level.after.take() {
                    Some(after) => self.read(c, after).await?,
                    None => drop(self.levels.pop()),
                }
                continue;
            };
            let path = format!("{}{}", level.path, found.step);
            let Some(live) = found.live else { return Ok(Some(DescendantStep::Gone(path, found.collection))) };
            let formers = match found.only {
                Some(only) => only,
                None => self.formers_of(c, found.step.trim_end_matches('/')).await?,
            };
            self.enter(path.clone(), formers, live);
            return Ok(Some(DescendantStep::On(path)));
        }
    }

    /// Reads names of the innermost level after a step.
    async fn read<T: Executor>(&mut self, c: &mut T, after: String) -> Result<()> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        let found = past::former_names(c, self.since, &level.formers, level.live, &after, PAGE).await?;
        self.asked += 1;
        level.after = found.last().filter(|_| found.len() as i64 == PAGE).map(|last| last.step.clone());
        level.waiting = found.into();
        Ok(())
    }

    /// The collections that bore a name in those of the innermost level.
    async fn formers_of<T: Executor>(&mut self, c: &mut T, name: &str) -> Result<FormerCollections> {
        let level = self.levels.last().ok_or_else(too_many)?;
        let found = past::formers_below(c, self.since, &level.formers, name, MOST_FORMERS).await?;
        self.asked += 1;
        found.ok_or_else(too_many)
    }
}

/// 403 `valid-sync-token`: it cannot be followed what stood there.
fn too_many() -> Error {
    Refusal::of(Condition::ValidSyncToken).into()
}
