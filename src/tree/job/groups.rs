//! After someone has joined or left a group, or a group has gone: the meetings that name it have those who are in it
//! now. Each is a change by its organizer, made one after the other.

use crate::model::condition::Condition;
use crate::model::error::{Error, Result};
use crate::model::id::{Id, Timestamp};
use crate::model::job::{Job, NewJob};
use crate::model::principal::Principal;
use crate::store::principal;
use crate::store::scheduling::{self, MeetingKey};
use crate::tree::Tree;
use crate::tree::edit::Edit;

/// What the jobs are marked with.
pub const KIND: &str = "groups";
/// How many meetings are read at a time.
const PAGE: i64 = 100;

impl Edit {
    /// Has the meetings follow that name a group that somebody is in from now on, or is in no more: by the groups that
    /// they are in, or were. `member` is that person or group.
    pub(in crate::tree) async fn follow_groups_of(&mut self, member: Id, now: Timestamp) -> Result<()> {
        for group in scheduling::invited_above(self, member).await? {
            let (key, payload) = (format!("{KIND}/{group}/{}", Id::generate()), group.to_string());
            self.enqueue(NewJob { key: &key, kind: KIND, payload: &payload, due_at: now }).await?;
        }
        Ok(())
    }
}

/// Has the meetings follow that name the group of a job.
pub async fn run(tree: Tree, job: Job) -> Result<()> {
    let Ok(group) = job.payload.parse().map(Id) else { return Ok(()) };
    let mut after = MeetingKey::default();
    loop {
        let mut view = tree.store.read().await?;
        let found = principal::by_id(&mut view, group).await?;
        let page = scheduling::meetings_of_group(&mut view, group, &after, PAGE).await?;
        drop(view);
        // A group that is no more cannot be used any more.
        let gone: Vec<Principal> = found.into_iter().filter(|group| group.disabled_at.is_some()).collect();
        let Some(last) = page.last().cloned() else { return Ok(()) };
        for meeting in page {
            match tree.update_meeting(&meeting.uid, || tree.plan_groups(&meeting, &gone)).await {
                // What cannot be changed so stays as it is until someone changes it.
                Err(Error::Refused(refusal)) if refusal.condition != Condition::Busy => {}
                done => done?,
            }
        }
        after = last;
    }
}
