//! After answers: the copies of all others in a meeting show them. Once for all answers of a few seconds, and nobody is
//! notified of it.

use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::Id;
use crate::model::job::Job;
use crate::tree::Tree;
use crate::tree::scheduling::PLAN_ATTEMPTS;

/// What the jobs are marked with.
pub const KIND: &str = "refresh";
/// What a job is about, as its row says it.
#[must_use]
pub fn payload(home: Id, uid: &str) -> String {
    format!("{home} {uid}")
}

/// Refreshes the copies of the meeting that a job names.
pub async fn run(tree: Tree, job: Job) -> Result<()> {
    let Some((home, uid)) = job.payload.split_once(' ') else { return Ok(()) };
    let Ok(home) = home.parse().map(Id) else { return Ok(()) };
    for _ in 0..PLAN_ATTEMPTS {
        let _turn = tree.turns.of(uid).await;
        let Some((event, plan)) = tree.plan_refresh(home, uid).await? else { return Ok(()) };
        if tree.apply_plan(plan, event).await? {
            return Ok(());
        }
    }
    Err(Condition::Busy.into())
}
