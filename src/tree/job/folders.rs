//! After a change of a meeting whose project has folders made: there is one, and the event and its folder name each
//! other.

use crate::model::condition::Condition;
use crate::model::error::{Error, Result};
use crate::model::job::Job;
use crate::store::scheduling::MeetingKey;
use crate::tree::Tree;

/// What the jobs are marked with.
pub const KIND: &str = "folders";

/// Follows the meeting that a job names.
pub async fn run(tree: Tree, job: Job) -> Result<()> {
    let Some(of) = MeetingKey::read(&job.payload) else { return Ok(()) };
    unless_lasting(&of, follow(&tree, &of).await)
}

/// What came of work in the folder of a meeting, where a refusal that lasts is the end of it. A lock does not last, nor
/// somebody else's change.
pub(super) fn unless_lasting(of: &MeetingKey, done: Result<()>) -> Result<()> {
    match done {
        Err(Error::Refused(refusal))
            if !matches!(refusal.condition, Condition::Busy | Condition::LockTokenSubmitted) =>
        {
            tracing::info!(condition = ?refusal.condition, uid = of.uid, "the folder of a meeting stays as it is");
            Ok(())
        }
        done => done,
    }
}

async fn follow(tree: &Tree, of: &MeetingKey) -> Result<()> {
    let Some(folder) = tree.plan_folder(of).await? else { return Ok(()) };
    let mut edit = tree.job_edit().await?;
    edit.make_meeting_folder(of, &folder.name, &folder.event).await?;
    if let Some(ends_at) = folder.ends_at {
        edit.note_attendance_at(of, ends_at).await?;
    }
    edit.commit().await?;
    tree.update_meeting(&of.uid, || tree.plan_folder_link(of)).await
}
