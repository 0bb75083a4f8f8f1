//! After a person or a room has been removed: what they had planned is called off, and what they were invited to is
//! declined, as if they had deleted all of it. What is over stays as it was.

use crate::model::condition::Condition;
use crate::model::error::{Error, Result};
use crate::model::id::{Id, now};
use crate::model::job::{Job, NewJob};
use crate::model::node::Node;
use crate::model::principal::Principal;
use crate::store::{scheduling, version};
use crate::tree::Tree;
use crate::tree::edit::Edit;
use crate::tree::scheduling::plan::TextChange;
use crate::tree::scheduling::{PLAN_ATTEMPTS, ScheduleAuthor};

/// What the jobs are marked with.
pub const KIND: &str = "departures";
/// How many meetings are read at a time.
const PAGE: i64 = 100;

impl Edit {
    /// Has a job take leave of all meetings to come for a principal whose home goes with this change.
    pub(in crate::tree) async fn take_leave(&mut self, principal: &Principal, home: Id) -> Result<()> {
        if scheduling::meetings_to_come(self, home, now()).await? == 0 {
            return Ok(());
        }
        // By their addresses others know them, and these go with them.
        let words = [home.to_string(), principal.id.to_string()];
        let payload = words.into_iter().chain(principal.addresses.iter().cloned()).collect::<Vec<_>>().join(" ");
        let key = format!("{KIND}/{home}");
        self.enqueue(NewJob { key: &key, kind: KIND, payload: &payload, due_at: now() }).await
    }
}

/// Takes leave for the principal that a job names.
pub async fn run(tree: Tree, job: Job) -> Result<()> {
    let mut words = job.payload.split(' ');
    let mut id = || words.next()?.parse().ok().map(Id);
    let (Some(home), Some(person)) = (id(), id()) else { return Ok(()) };
    let former_addresses: Vec<String> = words.map(str::to_owned).collect();
    let by = ScheduleAuthor { former_addresses, ..ScheduleAuthor::itself(person) };
    let mut after = Id::default();
    loop {
        let page = scheduling::meetings_in_home(&mut tree.store.read().await?, home, now(), after, PAGE).await?;
        let Some(last) = page.last().map(|object| object.id) else { return Ok(()) };
        for object in page {
            match leave(&tree, &by, &object).await {
                // What cannot be scheduled stays as it is.
                Err(Error::Refused(refusal)) if refusal.condition != Condition::Busy => {}
                done => done?,
            }
        }
        after = last;
    }
}

async fn leave(tree: &Tree, by: &ScheduleAuthor, object: &Node) -> Result<()> {
    let Some((calendar, _)) = version::node(&mut tree.store.read().await?, object.parent_id).await? else {
        return Ok(());
    };
    let change = TextChange::removal(&calendar, object);
    for _ in 0..PLAN_ATTEMPTS {
        let plan = tree.plan_schedule(&change, by).await?;
        if !plan.reaches_others() || tree.apply_plan(plan, object.id).await? {
            return Ok(());
        }
    }
    Err(Condition::Busy.into())
}
