//! After a calendar with many meetings has gone, or has come back: the rest of them are called off, declined or held
//! again, one after the other. The first go with the change itself.

use crate::model::condition::Condition;
use crate::model::error::{Error, Result};
use crate::model::id::Id;
use crate::model::job::Job;
use crate::model::node::Node;
use crate::store::{calendar, scheduling, version};
use crate::tree::Tree;
use crate::tree::scheduling::plan::TextChange;
use crate::tree::scheduling::{PLAN_ATTEMPTS, ScheduleAuthor};

/// What the jobs are marked with.
pub const KIND: &str = "meetings";
/// How many are read at a time.
const PAGE: i64 = 100;

/// What is left to be done.
pub struct Rest {
    /// The calendar.
    pub calendar: Id,
    /// The meeting after which it is to be gone on.
    pub after: Id,
    /// Does the calendar go?
    pub goes: bool,
    /// Whose change it was.
    pub person: Id,
    /// May answers be sent?
    pub replies: bool,
}

impl Rest {
    /// As the row of a job says it.
    #[must_use]
    pub fn payload(&self) -> String {
        let Self { calendar, after, goes, person, replies } = self;
        format!("{calendar} {after} {person} {} {}", i32::from(*goes), i32::from(*replies))
    }

    fn read(payload: &str) -> Option<Self> {
        let mut words = payload.split(' ');
        let mut id = || words.next()?.parse().ok().map(Id);
        let (calendar, after, person) = (id()?, id()?, id()?);
        let mut flag = || words.next().map(|word| word == "1");
        Some(Self { calendar, after, person, goes: flag()?, replies: flag()? })
    }
}

/// Schedules the meetings that a job names.
pub async fn run(tree: Tree, job: Job) -> Result<()> {
    let Some(mut rest) = Rest::read(&job.payload) else { return Ok(()) };
    loop {
        let mut view = tree.store.read().await?;
        let found = version::node(&mut view, rest.calendar).await?;
        // What has been undone meanwhile is a change of its own.
        let Some((calendar, _)) = found.filter(|(_, gone)| gone.is_some() == rest.goes) else { return Ok(()) };
        let page = scheduling::meetings(&mut view, rest.calendar, rest.after, PAGE).await?;
        drop(view);
        let Some(last) = page.last().map(|object| object.id) else { return Ok(()) };
        for object in page {
            match schedule(&tree, &rest, &calendar, object).await {
                // What cannot be scheduled, such as a meeting that stands in another calendar by now, stays as it is.
                Err(Error::Refused(refusal)) if refusal.condition != Condition::Busy => {}
                done => done?,
            }
        }
        rest.after = last;
    }
}

async fn schedule(tree: &Tree, rest: &Rest, calendar: &Node, object: Node) -> Result<()> {
    let by = ScheduleAuthor { keeps_answers: false, replies: rest.replies, ..ScheduleAuthor::itself(rest.person) };
    let change = if rest.goes {
        TextChange::removal(calendar, &object)
    } else {
        let known = calendar::indexed(&mut tree.store.read().await?, object.id).await?;
        let Some(change) = TextChange::addition(calendar, &object, known) else { return Ok(()) };
        change
    };
    for _ in 0..PLAN_ATTEMPTS {
        let plan = tree.plan_schedule(&change, &by).await?;
        if !plan.reaches_others() {
            // It was done before.
            return Ok(());
        }
        if tree.apply_plan_in(plan, object.clone(), calendar).await? {
            return Ok(());
        }
    }
    Err(Condition::Busy.into())
}
