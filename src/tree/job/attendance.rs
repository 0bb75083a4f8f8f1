//! At the end of a meeting that has a folder, and of each occurrence of a series: a table in the folder says who was
//! invited and what they had answered. One job for the next end, which enters the one after.

use crate::model::error::Result;
use crate::model::id::Timestamp;
use crate::model::job::{Job, NewJob};
use crate::store::body::sha256;
use crate::store::scheduling::MeetingKey;
use crate::tree::Tree;
use crate::tree::edit::Edit;

/// What the jobs are marked with.
pub const KIND: &str = "attendance";

impl Edit {
    /// Has a table made when a meeting ends, unless that is entered.
    pub(in crate::tree) async fn note_attendance_at(&mut self, of: &MeetingKey, ends_at: Timestamp) -> Result<()> {
        let key = format!("{KIND}/{}/{}/{ends_at}", of.home, sha256(of.uid.as_bytes()));
        let payload = format!("{ends_at} {}", of.payload());
        self.enqueue(NewJob { key: &key, kind: KIND, payload: &payload, due_at: ends_at }).await
    }
}

/// Makes the table for the occurrence that a job names. One that has been moved or called off has none.
pub async fn run(tree: Tree, job: Job) -> Result<()> {
    let Some((ends_at, of)) = job.payload.split_once(' ') else { return Ok(()) };
    let (Ok(ends_at), Some(of)) = (ends_at.parse::<Timestamp>(), MeetingKey::read(of)) else { return Ok(()) };
    let Some(planned) = tree.plan_attendance(&of, ends_at).await? else { return Ok(()) };
    let mut edit = tree.job_edit().await?;
    let stored = edit.store_in_meeting_folder(&of, &planned.name, planned.content).await;
    super::folders::unless_lasting(&of, stored)?;
    if let Some(next) = planned.next {
        edit.note_attendance_at(&of, next).await?;
    }
    edit.commit().await
}
