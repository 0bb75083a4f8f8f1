//! After answers: the copies of all others in a meeting show them. Once for all answers of a few seconds, and nobody is
//! notified of it.

use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::job::Job;
use crate::store::scheduling::MeetingKey;
use crate::tree::Tree;
use crate::tree::scheduling::PLAN_ATTEMPTS;

/// What the jobs are marked with.
pub const KIND: &str = "refresh";

/// Refreshes the copies of the meeting that a job names.
pub async fn run(tree: Tree, job: Job) -> Result<()> {
    let Some(of) = MeetingKey::read(&job.payload) else { return Ok(()) };
    for _ in 0..PLAN_ATTEMPTS {
        let _turn = tree.turns.of(&of.uid).await;
        let Some((event, plan)) = tree.plan_refresh(of.home, &of.uid).await? else { return Ok(()) };
        if tree.apply_plan(plan, event).await? {
            return Ok(());
        }
    }
    Err(Condition::Busy.into())
}
