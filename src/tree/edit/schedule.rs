//! Carrying out what a change of a meeting means to others, in its own transaction (RFC 6638 section 3.2).
//!
//! What that is was planned before, in a view: see [`crate::tree::scheduling`]. The plan holds while the objects of the
//! meeting are what they were; otherwise the change is made again with another.

use super::Edit;
use super::authority::{Authority, bug};
use super::content::{Content, FileContent};
use super::mail::NewMail;
use super::precomputed::MissingInput;
use super::verbs::{BindTarget, UnbindReason};
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::Id;
use crate::model::job::NewJob;
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::store::body::sha256;
use crate::store::scheduling;
use crate::tree::job::refresh;
use crate::tree::scheduling::MAX_OBJECTS;
use crate::tree::scheduling::plan::{CopyDelivery, DeliveryPlace, ObjectChange, PlannedItem, SchedulePlan, SeenObject};

/// What becomes of the text of an object.
pub(super) enum ObjectText<'a> {
    /// It is stored, be it new or other content.
    Stored(&'a FileContent),
    /// It goes.
    Removed,
}

impl Edit {
    /// The plan for a change of an object. `None`: nobody is in it. A change without plan, or whose plan does not hold
    /// any more, is made again.
    pub(super) async fn schedule_plan(
        &mut self,
        object: Option<&Node>,
        text: &ObjectText<'_>,
    ) -> Result<Option<SchedulePlan>> {
        let was = object.is_some_and(|object| object.schedule_hash.is_some());
        let (after, is) = match text {
            ObjectText::Stored(content) => {
                (Some(content.blob.hash.clone()), content.indexed.as_ref().is_some_and(|indexed| indexed.scheduling))
            }
            ObjectText::Removed => (None, false),
        };
        if !was && !is {
            return Ok(None);
        }
        let of = ObjectChange { before: object.and_then(|object| object.hash.clone()), after };
        if let Some(plan) = self.precomputed.schedule.take().filter(|plan| plan.of == of)
            && self.holds(&plan).await?
        {
            return Ok(Some(*plan));
        }
        let content = match text {
            ObjectText::Stored(content) => Some(Box::new((*content).clone())),
            ObjectText::Removed => None,
        };
        self.missing(MissingInput::Schedule(content))
    }

    /// Are the objects of the meeting what they were, and may new ones come where they are to?
    async fn holds(&mut self, plan: &SchedulePlan) -> Result<bool> {
        let now = scheduling::objects(&mut self.txn, &plan.uid, MAX_OBJECTS).await?;
        if !now.iter().map(SeenObject::of).eq(plan.seen.iter().cloned()) {
            return Ok(false);
        }
        for (home, seen) in &plan.rooms {
            // The number of this change is the one after.
            if self.seq(*home)? != seen.saturating_add(1) {
                return Ok(false);
            }
        }
        let calendars: Vec<Id> = plan.deliveries.iter().filter_map(|delivery| delivery.place.calendar()).collect();
        if calendars.is_empty() {
            return Ok(true);
        }
        Ok(scheduling::free(&mut self.txn, &calendars, &plan.uid).await?.len() == calendars.len())
    }

    /// The copies of a meeting follow; it is a job's change. Busy: the plan does not hold any more.
    pub(in crate::tree) async fn refresh(&mut self, plan: SchedulePlan, event: Id) -> Result<()> {
        self.claim_homes(plan.homes.iter().cloned()).await?;
        if self.holds(&plan).await? { self.carry_out(plan, event).await } else { Err(Condition::Busy.into()) }
    }

    /// Gives everyone else in the meeting what the plan has for them. `event`: the object that is changed.
    pub(super) async fn carry_out(&mut self, plan: SchedulePlan, event: Id) -> Result<()> {
        self.claim_homes(plan.homes.iter().cloned()).await?;
        let objects = scheduling::objects(&mut self.txn, &plan.uid, MAX_OBJECTS).await?;
        let authority = std::mem::replace(&mut self.authority, Authority::Delivery);
        for CopyDelivery { place, content } in plan.deliveries {
            self.deliver_to(place, content, &objects).await?;
        }
        self.authority = authority;
        for PlannedItem { home, item } in plan.items {
            let name = format!("{:x}.ics", Id::generate().0);
            self.deliver_item(&home, &name, item).await?;
        }
        if !plan.mails.is_empty() {
            let mails: Vec<NewMail<'_>> = plan
                .mails
                .iter()
                .map(|mail| NewMail { message: &mail.message, addressing: &mail.addressing, again: false })
                .collect();
            self.queue_mail(event, &mails).await?;
        }
        for row in &plan.answers {
            scheduling::put_answer(&mut self.txn, &plan.uid, row).await?;
        }
        if let Some((home, sequence)) = plan.sent {
            scheduling::note_sent(&mut self.txn, home, &plan.uid, sequence).await?;
        }
        if let Some(home) = plan.answered_in {
            self.refresh_later(home, &plan.uid).await?;
        }
        Ok(())
    }

    /// Has the copies of all others follow in some seconds: the answers that come until then go along.
    async fn refresh_later(&mut self, home: Id, uid: &str) -> Result<()> {
        /// Answers of so many seconds go together; and how long a change takes at most between its moment and its end.
        const WINDOW_S: i64 = 5;
        const SLACK_S: i64 = 2;
        let due_at = self.now.saturating_add(SLACK_S).div_euclid(WINDOW_S).saturating_add(1).saturating_mul(WINDOW_S);
        // Each window has a job of its own: one that is at work already may have read what was before.
        let key = format!("{}/{home}/{}/{due_at}", refresh::KIND, sha256(uid.as_bytes()));
        let payload = refresh::payload(home, uid);
        self.enqueue(NewJob { key: &key, kind: refresh::KIND, payload: &payload, due_at }).await
    }

    async fn deliver_to(&mut self, place: DeliveryPlace, content: Option<FileContent>, objects: &[Node]) -> Result<()> {
        match place {
            DeliveryPlace::Object(id) => {
                let found = objects.iter().find(|object| object.id == id).cloned();
                let object = found.ok_or_else(|| bug("an object that a plan was made of"))?;
                let calendar = calendar_of(&object);
                match content {
                    Some(content) => drop(self.replace(object, &calendar, content, None).await?),
                    None => self.unbind(object, &calendar, UnbindReason::CalledOff).await?,
                }
            }
            DeliveryPlace::Calendar(into) => {
                let Some(content) = content else { return Ok(()) };
                let name = format!("{:x}.ics", Id::generate().0);
                let target = BindTarget { parent: into.calendar, name, session: None };
                self.bind(target, Content::File(content)).await?;
            }
        }
        Ok(())
    }
}

/// As much of the calendar that an object stands in as verbs need.
fn calendar_of(object: &Node) -> Node {
    Node {
        id: object.parent_id,
        home_id: object.home_id,
        owner_id: object.owner_id,
        kind: Kind::Calendar,
        ..Node::default()
    }
}
