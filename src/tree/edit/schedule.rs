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
use crate::model::error::{Error, Result};
use crate::model::filename::match_name;
use crate::model::id::Id;
use crate::model::job::NewJob;
use crate::model::kind::Kind;
use crate::model::node::Node;
use crate::store::body::sha256;
use crate::store::scheduling::MeetingKey;
use crate::store::{calendar, node, scheduling};
use crate::tree::Tree;
use crate::tree::job::{folders, meetings, refresh};
use crate::tree::scheduling::plan::{CopyDelivery, DeliveryPlace, PlannedMail, SchedulePlan, SeenObject, TextChange};

/// Meetings that come back.
pub(super) struct ReturningMeetings {
    objects: Vec<Node>,
    plans: Vec<SchedulePlan>,
}

/// The most meetings of a calendar that are scheduled with the change by which all of them go or come; a job goes on
/// with the others.
pub(super) const FEW: i64 = 40;

impl Edit {
    /// The plan for a change of a meeting; `None`: it is about no meeting, and nobody is in it.
    pub(super) async fn schedule_plan(&mut self, change: Option<TextChange>) -> Result<Option<SchedulePlan>> {
        Ok(match change {
            Some(change) => self.schedule_plans(vec![change]).await?.pop(),
            None => None,
        })
    }

    /// The plans for changes of objects, in their order. A change without plan, or whose plan does not hold any more,
    /// is made again.
    pub(super) async fn schedule_plans(&mut self, changes: Vec<TextChange>) -> Result<Vec<SchedulePlan>> {
        let (mut plans, mut missing) = (Vec::new(), Vec::new());
        for change in changes {
            let of = change.key();
            let mut known = self.precomputed.schedules.iter().find(|plan| plan.of == of).cloned();
            let holds = match &mut known {
                Some(plan) => self.holds(plan).await?,
                None => false,
            };
            match known.filter(|_| holds) {
                Some(plan) => plans.push(plan),
                None => missing.push(change),
            }
        }
        if missing.is_empty() { Ok(plans) } else { self.missing(MissingInput::Schedule(missing)) }
    }

    /// What stands at a name of a collection goes from it, and others in the meetings that go with it have what
    /// follows.
    pub(super) async fn unbind_scheduled(&mut self, node: Node, parent: &Node, leaving: UnbindReason) -> Result<()> {
        let changes = match node.kind {
            Kind::Object if node.schedule_hash.is_some() => vec![TextChange::removal(parent, &node)],
            Kind::Calendar => {
                let objects = scheduling::meetings(&mut self.txn, node.id, Id::default(), FEW).await?;
                objects.iter().map(|object| TextChange::removal(&node, object)).collect()
            }
            _ => Vec::new(),
        };
        let (plans, calendar) = (self.schedule_plans(changes).await?, node.id);
        self.unbind(node, parent, leaving).await?;
        let last = plans.last().and_then(|plan| plan.of.object).filter(|_| plans.len() as i64 >= FEW);
        for plan in plans {
            let event = plan.of.object.unwrap_or_default();
            self.carry_out(plan, event).await?;
        }
        self.schedule_rest(calendar, last, true).await
    }

    /// The meetings that come back with a node of the trash, be it one or a calendar of them.
    pub(super) async fn returning(&mut self, back: &Node, parent: &Node) -> Result<ReturningMeetings> {
        let (objects, calendar) = match back.kind {
            Kind::Object if back.schedule_hash.is_some() => (vec![back.clone()], parent),
            Kind::Calendar => (scheduling::meetings(&mut self.txn, back.id, Id::default(), FEW).await?, back),
            _ => (Vec::new(), parent),
        };
        let mut changes = Vec::new();
        for object in &objects {
            let known = calendar::indexed(&mut self.txn, object.id).await?;
            changes.extend(TextChange::addition(calendar, object, known));
        }
        Ok(ReturningMeetings { plans: self.schedule_plans(changes).await?, objects })
    }

    /// They have come back: `back` stands in its place again.
    pub(super) async fn returned(&mut self, meetings: ReturningMeetings, back: &Node, parent: &Node) -> Result<()> {
        let ReturningMeetings { objects, plans } = meetings;
        let last = objects.last().map(|object| object.id).filter(|_| objects.len() as i64 >= FEW);
        for plan in plans {
            let object = objects.iter().find(|object| Some(object.id) == plan.of.object);
            match object {
                Some(object) if object.id == back.id => self.carry_out_in(plan, back.clone(), parent).await?,
                Some(object) => self.carry_out_in(plan, object.clone(), back).await?,
                None => {}
            }
        }
        self.schedule_rest(back.id, last, false).await
    }

    /// A job schedules what a calendar holds after one of its meetings.
    async fn schedule_rest(&mut self, calendar: Id, last: Option<Id>, goes: bool) -> Result<()> {
        let Some(after) = last else { return Ok(()) };
        let rest = meetings::Rest { calendar, after, goes, person: self.person(), replies: self.replies };
        let payload = rest.payload();
        let key = format!("{}/{payload}/{}", meetings::KIND, self.now);
        self.enqueue(NewJob { key: &key, kind: meetings::KIND, payload: &payload, due_at: self.now }).await
    }

    /// The former content of an object.
    pub(super) async fn former_content(&mut self, former: &Node, hash: String) -> Result<FileContent> {
        let known = match self.precomputed.indexed.get(&hash).cloned() {
            Some(indexed) => indexed,
            None => return self.missing(MissingInput::Index(hash)),
        };
        Ok(FileContent::stored(former, hash, known))
    }

    /// What stands in a calendar is what a plan says that it is, and others in the meeting have what follows from that.
    pub(super) async fn carry_out_in(&mut self, mut plan: SchedulePlan, object: Node, calendar: &Node) -> Result<()> {
        let event = object.id;
        if let Some(content) = plan.content.take() {
            let authority = std::mem::replace(&mut self.authority, Authority::Delivery);
            self.replace(object, calendar, content, None).await?;
            self.authority = authority;
        }
        self.carry_out(plan, event).await
    }

    /// A job's change of a meeting of a calendar: as [`Self::refresh`]. An object that gets other content is still the
    /// one that this was made of.
    async fn follow(&mut self, mut plan: SchedulePlan, object: Node, calendar: &Node) -> Result<()> {
        let own = node::home_name(&mut self.txn, calendar.home_id).await?;
        self.claim_homes(own.iter().map(|name| match_name(name)).chain(plan.homes.iter().cloned())).await?;
        let holds = self.holds(&mut plan).await?;
        let made_of = SeenObject::of(&object);
        if holds && (plan.content.is_none() || plan.seen.contains(&made_of)) {
            self.carry_out_in(plan, object, calendar).await
        } else {
            Err(Condition::Busy.into())
        }
    }

    /// Are the objects of the meeting what they were, and may new ones come where they are to?
    async fn holds(&mut self, plan: &mut SchedulePlan) -> Result<bool> {
        plan.standing = scheduling::objects(&mut self.txn, &plan.uid, &plan.seen_in).await?;
        if !plan.standing.iter().map(SeenObject::of).eq(plan.seen.iter().cloned()) {
            return Ok(false);
        }
        for (home, seen) in &plan.rooms {
            let own = self.seq(*home)?;
            // The number of this change is the one after, unless others came between.
            let is_next = own == seen.saturating_add(1);
            if !is_next && scheduling::changed_between(&mut self.txn, *home, *seen, own).await? {
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
    async fn refresh(&mut self, mut plan: SchedulePlan, event: Id) -> Result<()> {
        self.claim_homes(plan.homes.iter().cloned()).await?;
        if self.holds(&mut plan).await? { self.carry_out(plan, event).await } else { Err(Condition::Busy.into()) }
    }

    /// Ends a job's change: was it made? `false`: its plan did not hold, and nothing is left of it.
    async fn end(self, done: Result<()>) -> Result<bool> {
        match done {
            Err(Error::Refused(refusal)) if refusal.condition == Condition::Busy => {
                self.give_up().await;
                Ok(false)
            }
            done => {
                done?;
                self.commit().await?;
                Ok(true)
            }
        }
    }

    /// Gives everyone else in the meeting what the plan has for them. `event`: the object that is changed.
    pub(super) async fn carry_out(&mut self, mut plan: SchedulePlan, event: Id) -> Result<()> {
        self.claim_homes(plan.homes.iter().cloned()).await?;
        self.deliver_items(&plan.uid, plan.items).await?;
        let authority = std::mem::replace(&mut self.authority, Authority::Delivery);
        let replaced = |object: &&Node| {
            plan.deliveries.iter().any(|delivery| {
                delivery.content.is_some() && matches!(delivery.place, DeliveryPlace::Object(id) if id == object.id)
            })
        };
        let objects: Vec<&Node> = plan.standing.iter().filter(replaced).collect();
        // Each is replaced in a calendar of its own, so what is written for one says nothing of another.
        self.conflicts = calendar::standing_all(&mut self.txn, &plan.uid, &objects).await?;
        for CopyDelivery { place, content } in plan.deliveries {
            self.deliver_to(place, content, &mut plan.standing).await?;
        }
        self.conflicts.clear();
        self.authority = authority;
        if !plan.mails.is_empty() {
            let mails: Vec<NewMail<'_>> = plan.mails.iter().map(new_mail).collect();
            self.queue_mail(event, &mails).await?;
        }
        for row in &plan.answers {
            scheduling::put_answer(&mut self.txn, &plan.uid, row).await?;
        }
        if let Some(groups) = &plan.groups {
            let of = MeetingKey { home: plan.home, uid: plan.uid.clone() };
            scheduling::set_invited_groups(&mut self.txn, &of, groups).await?;
        }
        if let Some((home, sequence)) = plan.sent {
            scheduling::note_sent(&mut self.txn, home, &plan.uid, sequence).await?;
        }
        if let Some(home) = plan.answered_in {
            self.follow_later(refresh::KIND, home, &plan.uid).await?;
        }
        if plan.has_folder {
            self.follow_later(folders::KIND, plan.home, &plan.uid).await?;
        }
        Ok(())
    }

    /// Has a job follow what a meeting is by then, in some seconds: the changes that come until then go along.
    async fn follow_later(&mut self, kind: &str, home: Id, uid: &str) -> Result<()> {
        /// Changes of so many seconds go together; and how long a change takes at most between its moment and its end.
        const WINDOW_S: i64 = 5;
        const SLACK_S: i64 = 2;
        let due_at = self.now.saturating_add(SLACK_S).div_euclid(WINDOW_S).saturating_add(1).saturating_mul(WINDOW_S);
        // Each window has a job of its own: one that is at work already may have read what was before.
        let key = format!("{kind}/{home}/{}/{due_at}", sha256(uid.as_bytes()));
        let payload = MeetingKey { home, uid: uid.to_owned() }.payload();
        self.enqueue(NewJob { key: &key, kind, payload: &payload, due_at }).await
    }

    /// `objects`: those that were not written yet.
    async fn deliver_to(
        &mut self,
        place: DeliveryPlace,
        content: Option<FileContent>,
        objects: &mut Vec<Node>,
    ) -> Result<()> {
        match place {
            DeliveryPlace::Object(id) => {
                // What is written is another than it was: nothing else may be made of that.
                let at = objects.iter().position(|object| object.id == id);
                let object = at.map(|at| objects.swap_remove(at));
                let object = object.ok_or_else(|| bug("an object that a plan was made of, once"))?;
                let calendar = calendar_of(&object);
                self.lift_quota(object.home_id);
                match content {
                    Some(content) => drop(self.replace(object, &calendar, content, None).await?),
                    None => self.unbind(object, &calendar, UnbindReason::CalledOff).await?,
                }
            }
            DeliveryPlace::Calendar(into) => {
                let Some(content) = content else { return Ok(()) };
                let name = format!("{:x}.ics", Id::generate().0);
                self.lift_quota(into.calendar.home_id);
                let target = BindTarget { parent: into.calendar, name, session: None };
                self.bind(target, Content::File(content)).await?;
            }
        }
        Ok(())
    }
}

impl Tree {
    /// Gives those in a meeting what was planned, as a change of the server's own. `false`: others have changed
    /// something since, and it is to be planned anew.
    pub(in crate::tree) async fn apply_plan(&self, plan: SchedulePlan, event: Id) -> Result<bool> {
        let mut edit = self.job_edit().await?;
        let done = edit.refresh(plan, event).await;
        edit.end(done).await
    }

    /// The same where the object that stands in a calendar may change, too.
    pub(in crate::tree) async fn apply_plan_in(
        &self,
        plan: SchedulePlan,
        object: Node,
        calendar: &Node,
    ) -> Result<bool> {
        let mut edit = self.job_edit().await?;
        let done = edit.follow(plan, object, calendar).await;
        edit.end(done).await
    }
}

fn new_mail(planned: &PlannedMail) -> NewMail<'_> {
    let PlannedMail { message, whole, addressing, occasion } = planned;
    NewMail { message, whole: whole.as_deref(), addressing, occasion: *occasion }
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
