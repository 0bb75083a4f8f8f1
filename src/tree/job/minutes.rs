//! Documents that people put into the folder of a meeting after it began are attached to it: those who were invited
//! find them in their copies, and are sent word of them where they have none, or want mail. Some minutes after they
//! came, so that what is still being written is not given out, and what comes together is one message.

use std::sync::Arc;

use super::folders::unless_lasting;
use crate::model::error::Result;
use crate::model::id::{Seq, Timestamp};
use crate::store::meeting_folder::{self, ChangedFolder, FolderArrival};
use crate::store::scheduling::MeetingKey;
use crate::tree::Tree;
use crate::tree::edit::authority::Verb;

/// How long a document lies in the folder before it is attached, seconds; and how long one waits for others that come
/// after it.
pub const WAIT_S: i64 = 300;
const LONGEST_WAIT_S: i64 = 1_800;
/// How many folders are read at a time.
const PAGE: i64 = 500;

/// What is to be attached, and up to which change the folder is looked at then.
struct ReadyDocuments {
    documents: Vec<FolderArrival>,
    up_to: Seq,
}

impl ReadyDocuments {
    /// Those that came before a moment and are not being written; none after one that waits, for how far a folder was
    /// looked at is one number.
    fn of(mut arrivals: Vec<FolderArrival>, folder: &ChangedFolder, before: Timestamp) -> Self {
        let is_young = |arrival: &FolderArrival| arrival.came_at > before;
        let waits = |arrival: &&FolderArrival| !arrival.document.sealed || is_young(arrival);
        let held = arrivals.iter().find(waits).map(|arrival| arrival.came_seq);
        let waits_long = |arrival: &FolderArrival| arrival.came_at <= before.saturating_sub(LONGEST_WAIT_S);
        if arrivals.iter().any(is_young) && !arrivals.iter().any(waits_long) {
            return Self { documents: Vec::new(), up_to: folder.reported };
        }
        arrivals.retain(|arrival| held.is_none_or(|held| arrival.came_seq < held));
        Self { documents: arrivals, up_to: held.map_or(folder.changed, |held| held.saturating_sub(1)) }
    }
}

impl Tree {
    /// Attaches what came before a moment, each document once. How many were attached, or needed not be.
    pub async fn attach_all_minutes(&self, before: Timestamp) -> Result<u64> {
        let Some(server) = self.public_url.clone() else { return Ok(0) };
        let (mut looked_at, mut after) = (0, MeetingKey::default());
        loop {
            let page = meeting_folder::changed(&mut self.store.read().await?, &after, PAGE).await?;
            let Some(last) = page.last().map(|folder| folder.of.clone()) else { return Ok(looked_at) };
            for folder in page {
                match self.attach_minutes(&folder, before, &server).await {
                    Ok(number) => looked_at += number,
                    // One meeting is in no other's way.
                    Err(error) => {
                        let uid = folder.of.uid;
                        tracing::warn!(%error, uid, "what came into the folder of a meeting is attached later");
                    }
                }
            }
            after = last;
        }
    }

    async fn attach_minutes(&self, folder: &ChangedFolder, before: Timestamp, server: &Arc<str>) -> Result<u64> {
        let Some(arrivals) = self.arrivals(folder).await? else { return Ok(0) };
        let ReadyDocuments { documents, up_to } = ReadyDocuments::of(arrivals, folder, before);
        if up_to <= folder.reported {
            return Ok(0);
        }
        if !documents.is_empty() {
            let plan = || self.plan_minutes(&folder.of, &documents, server);
            unless_lasting(&folder.of, self.update_meeting(&folder.of.uid, plan).await)?;
        }
        let mut edit = self.job_edit().await?;
        meeting_folder::set_reported(edit.statements(Verb::RunJob)?, &folder.of, up_to).await?;
        edit.commit().await?;
        Ok(documents.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_WAIT_S, ReadyDocuments};
    use crate::model::node::Node;
    use crate::store::meeting_folder::{ChangedFolder, FolderArrival};
    use crate::store::scheduling::MeetingKey;

    #[test]
    fn what_comes_together_goes_together_and_what_is_being_written_waits() {
        const BEFORE: i64 = 100_000;
        let folder = ChangedFolder { of: MeetingKey::default(), folder: Default::default(), reported: 5, changed: 90 };
        let arrival = |(came_seq, came_at, sealed): (i64, i64, bool)| FolderArrival {
            document: Node { sealed, ..Node::default() },
            came_seq,
            came_at: BEFORE + came_at,
        };
        let long = -LONGEST_WAIT_S;
        for (arrivals, ready, up_to) in [
            (vec![], 0, 90),
            (vec![(10, -9, true), (20, 0, true)], 2, 90),
            // Another has come since.
            (vec![(10, -9, true), (20, 1, true)], 0, 5),
            (vec![(10, long, true), (20, 1, true)], 1, 19),
            // What came in one folder goes together.
            (vec![(10, -9, true), (20, -8, true), (20, -8, false)], 1, 19),
            (vec![(10, -9, false), (20, -8, true)], 0, 9),
            (vec![(6, -9, false)], 0, 5),
        ] {
            let shown = format!("{arrivals:?}");
            let found = ReadyDocuments::of(arrivals.into_iter().map(arrival).collect(), &folder, BEFORE);
            assert_eq!((found.documents.len(), found.up_to), (ready, up_to), "{shown}");
        }
    }
}
