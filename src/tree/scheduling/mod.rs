//! Scheduling (RFC 6638): what a change of a meeting means to all who are in it.
//!
//! It is planned in a view before the change, beside the serving threads: `meeting` reads all that must be known,
//! `organizer`, `attendee` and `booking` say what follows from it by the pure functions of [`crate::ical::itip`], and
//! the result is a [`plan::SchedulePlan`]. `edit::schedule` carries that out in the transaction of the change.

mod attendee;
mod booking;
mod delegates;
mod folders;
mod groups;
mod held;
pub mod incoming;
mod invitations;
mod ledger;
mod letters;
pub mod links;
mod mailed;
mod managers;
mod meeting;
mod meeting_copy;
mod notice;
mod organizer;
mod outcomes;
pub mod plan;
mod planner;
mod proposal;
mod room_desk;
mod rooms;
mod second_objects;
pub mod turns;
pub mod users;

use self::groups::without_attendees;
use self::meeting::{ChangedObject, Meeting};
use self::meeting_copy::MeetingCopy;
use self::plan::{SchedulePlan, TextChange};
use self::planner::{SchedulePlanner, content_of};
use self::rooms::HORIZON_S;
use self::users::{CalendarUsers, mailbox_of};
use super::edit::content::FileContent;
use super::gate::Request;
use super::work::WorkSlice;
use super::{INLINE_BYTES, Tree};
use crate::ical::itip::address::Addresses;
use crate::ical::itip::context::Violation;
use crate::ical::itip::copy::organizer_address;
use crate::ical::itip::people::CalendarUser;
use crate::ical::object::Object;
use crate::model::budget::Budget;
use crate::model::calendar::{Indexed, TimeRange};
use crate::model::condition::Condition;
use crate::model::error::{Error, Refusal, Result};
use crate::model::etag::ETag;
use crate::model::id::{Id, Timestamp, now};
use crate::model::node::{Blob, Node};
use crate::model::precondition::EntityTags;
use crate::model::principal::{Principal, PrincipalKind};
use crate::store::executor::Executor;
use crate::store::reading::Snapshot;
use crate::store::scheduling::{MeetingKey, objects};
use crate::store::{body, calendar, meeting_folder, principal, version};

/// How often a change of the server's own is planned where others in the meeting change something meanwhile.
pub(super) const PLAN_ATTEMPTS: usize = 8;

/// Who changes a meeting, and how.
#[derive(Clone, Debug)]
pub(super) struct ScheduleAuthor {
    /// The person.
    pub person: Id,
    /// Did the client know the schedule tag?
    pub keeps_answers: bool,
    /// May an answer be sent?
    pub replies: bool,
    /// The state that the client says that it knows.
    pub if_match: Option<EntityTags>,
    /// Is that the present one, for a tag that says what is the person's own, too?
    pub knows_present: bool,
    /// Addresses that the person had, and that are nobody's any more.
    pub former_addresses: Vec<String>,
    /// What its request may cost.
    pub budget: Budget,
}

impl ScheduleAuthor {
    /// Of a request.
    pub fn of(request: &Request) -> Self {
        Self {
            person: request.actor.id,
            keeps_answers: request.preconditions.if_schedule_tag_match.is_some(),
            replies: !request.without_reply,
            if_match: request.preconditions.if_match.clone(),
            knows_present: request.knows_present,
            former_addresses: Vec::new(),
            budget: request.budget.clone(),
        }
    }

    /// The server, in the name of a principal.
    pub fn itself(person: Id) -> Self {
        let budget = Budget::default();
        let (if_match, former_addresses) = (None, Vec::new());
        Self { person, keeps_answers: true, replies: true, if_match, knows_present: false, former_addresses, budget }
    }

    /// Does the client know what stands there?
    fn knows(&self, before: Option<&str>) -> bool {
        match (&self.if_match, before) {
            (Some(EntityTags::List(tags)), Some(hash)) if !self.keeps_answers && !self.knows_present => {
                let present = ETag::of_hash(hash);
                tags.iter().any(|tag| tag.matches_strongly(&present))
            }
            _ => true,
        }
    }
}

impl Tree {
    /// Says what a change of what stands for a meeting means to others.
    pub(super) async fn plan_schedule(&self, change: &TextChange, by: &ScheduleAuthor) -> Result<SchedulePlan> {
        let budget = by.budget.anew()?;
        let (now, content) = (now(), change.after.as_ref());
        let [old, new] = self.before_and_after(change, by.person, &budget).await?;
        let mut view = self.store.read().await?;
        let changed = ChangedObject {
            owner: change.calendar.owner_id,
            home: change.calendar.home_id,
            node: change.object,
            leaves: change.leaves,
            old,
            new,
            range: range_of(content.and_then(|content| content.indexed.as_ref()), now),
            writer: by.person,
            former_addresses: by.former_addresses.clone(),
        };
        let of = change.key();
        let book = self.address_book();
        let Some(mut meeting) = Meeting::read(&mut view, &book, &self.store.seal, &changed, &budget).await? else {
            return Ok(SchedulePlan { of, ..SchedulePlan::default() });
        };
        meeting.users.note_use(|person| self.calendar_use.of(person));
        let mut writer = principal::by_id(&mut view, by.person).await?;
        writer.iter_mut().for_each(|writer| writer.addresses.extend(by.former_addresses.iter().cloned()));
        let is_projects = meeting.owner.kind == PrincipalKind::Project;
        let is_meeting = content.and_then(|content| content.indexed.as_ref()).is_some_and(|indexed| indexed.scheduling);
        let has_folders = is_projects && is_meeting && meeting_folder::has_folders(&mut view, changed.home).await?;
        let writer_mailbox = writer.as_ref().and_then(mailbox_of);
        let is_anothers = meeting.owner.id != by.person && meeting.owner.kind == PrincipalKind::Person;
        let sent_by = writer.as_ref().filter(|_| is_anothers).map(|writer| book.address_of(writer));
        let writer = writer.map_or_else(Addresses::default, |writer| book.addresses_of(&writer));
        let planner = SchedulePlanner {
            planner: writer_mailbox,
            sent_by,
            writer,
            keeps_answers: by.keeps_answers,
            replies: by.replies,
            ..SchedulePlanner::of(meeting, now, &budget)
        };
        drop(view);
        let (part, changed) = planner.part_in_change(changed);
        let part = match &changed.new {
            None if planner.lives_on() => MeetingPart::Nobody,
            None => part,
            Some(_) => planner.twin(part).map_or(Ok(part), Err)?,
        };
        if !by.knows(change.before.as_deref()) && part != MeetingPart::Attendee {
            // Who organizes would undo what others have said.
            return Err(Condition::PreconditionFailed.into());
        }
        let planned = self.work(by.person, &budget, move |_| Some(planner.plan(part, &changed))).await?;
        let by_organizer = part == MeetingPart::Organizer;
        let has_folder = has_folders && by_organizer;
        Ok(SchedulePlan { of, by_organizer, has_folder, ..planned.map_err(refused)? })
    }

    /// What an object says before a change and after it; long texts are read beside the serving threads.
    async fn before_and_after(&self, change: &TextChange, person: Id, budget: &Budget) -> Result<[Option<Object>; 2]> {
        let mut view = self.store.read().await?;
        let before = match &change.before {
            Some(hash) => body::inline(&mut view, hash).await?,
            None => None,
        };
        let after = match change.after.as_ref().map(|content| &content.blob) {
            Some(Blob { inline: Some(text), .. }) => Some(text.clone()),
            Some(stored) => body::inline(&mut view, &stored.hash).await?,
            None => None,
        };
        drop(view);
        let texts = [before, after];
        let is_long = texts.iter().flatten().any(|text| text.len() > INLINE_BYTES);
        let read = move || texts.each_ref().map(|text| text.as_ref().and_then(|text| Object::stored(text).ok()));
        if is_long { self.work(person, budget, move |_| Some(read())).await } else { Ok(read()) }
    }

    /// What it takes for the copies of a meeting to follow the object in the home of its organizer. `None`: that is
    /// gone, or none of them is behind.
    pub(super) async fn plan_refresh(&self, home: Id, uid: &str) -> Result<Option<(Id, SchedulePlan)>> {
        let budget = Budget::default();
        let view = self.store.read().await?;
        let Some((have, planner)) = self.standing_meeting(view, home, uid, &budget).await? else { return Ok(None) };
        let (event, owner) = (have.node.id, have.node.owner_id);
        let refreshed = move |_: &WorkSlice| Some(have.object().map(|object| planner.refresh(object)));
        let Some(planned) = self.work(owner, &budget, refreshed).await? else { return Ok(None) };
        let plan = planned.map_err(refused)?;
        Ok(Some((event, plan)).filter(|(_, plan)| !plan.deliveries.is_empty()))
    }

    /// What it takes for a meeting to have all who are in its groups now, and nobody who is no more: a change by its
    /// organizer, in which everything else stays. `None`: it is gone or over, or nothing changes. `gone`: groups that
    /// are no more.
    pub(super) async fn plan_groups(&self, of: &MeetingKey, gone: &[Principal]) -> Result<Option<OrganizerUpdate>> {
        let mut view = self.store.read().await?;
        let Some(StandingObject { node, indexed, calendar, object }) = standing_object(&mut view, of).await? else {
            return Ok(None);
        };
        if indexed.last_at < now() {
            return Ok(None);
        }
        let book = self.address_book();
        let gone: Vec<_> =
            gone.iter().flat_map(|group| book.addresses_of(group).iter().cloned().collect::<Vec<_>>()).collect();
        // Another may bear the name by now.
        let others = CalendarUsers::find(&mut view, &book, gone.iter().cloned()).await?;
        drop(view);
        let gone: Addresses = gone.into_iter().filter(|address| others.get(address).is_none()).collect();
        let content = match without_attendees(&object, &gone) {
            Some(without) => content_of(&without, None),
            None => FileContent::stored(&node, node.hash.clone().unwrap_or_default(), indexed),
        };
        self.plan_update(node, calendar, content).await
    }

    /// What follows where the organizer has other content of a meeting. `None`: nothing changes.
    async fn plan_update(&self, node: Node, calendar: Node, content: FileContent) -> Result<Option<OrganizerUpdate>> {
        let (object, before) = (Some(node.id), node.hash.clone());
        let change = TextChange { calendar: calendar.clone(), object, before, after: Some(content), leaves: None };
        let by = ScheduleAuthor::itself(node.owner_id);
        let mut plan = self.plan_schedule(&change, &by).await?;
        plan.content = plan.content.or(change.after).filter(|content| Some(&content.blob.hash) != node.hash.as_ref());
        let is_nothing = plan.content.is_none() && !plan.reaches_others();
        Ok((!is_nothing).then_some(OrganizerUpdate { plan, object: node, calendar }))
    }

    /// Makes a change of the server's own, planned anew where others change something in the meeting meanwhile.
    pub(super) async fn update_meeting<F>(&self, uid: &str, plan: impl Fn() -> F) -> Result<()>
    where
        F: Future<Output = Result<Option<OrganizerUpdate>>>,
    {
        for _ in 0..PLAN_ATTEMPTS {
            let _turn = self.turns.of(uid).await;
            let Some(OrganizerUpdate { plan, object, calendar }) = plan().await? else { return Ok(()) };
            if self.apply_plan_in(plan, object, &calendar).await? {
                return Ok(());
            }
        }
        Err(Condition::Busy.into())
    }

    /// Is the owner of an object one of those whom somebody else has invited? `writer`: who would change it.
    pub(super) async fn attends(&self, view: &mut Snapshot, node: &Node, object: &Object, writer: Id) -> Result<bool> {
        let budget = Budget::default();
        let change = ChangedObject {
            owner: node.owner_id,
            home: node.home_id,
            node: Some(node.id),
            leaves: None,
            old: Some(object.clone()),
            new: None,
            range: range_of(None, now()),
            writer,
            former_addresses: Vec::new(),
        };
        let book = self.address_book();
        let Some(meeting) = Meeting::read(view, &book, &self.store.seal, &change, &budget).await? else {
            return Ok(false);
        };
        let writer = principal::by_id(view, writer).await?;
        let writer = writer.map_or_else(Addresses::default, |writer| book.addresses_of(&writer));
        let planner = SchedulePlanner { writer, ..SchedulePlanner::of(meeting, now(), &budget) };
        Ok(planner.part_in(object, true) == MeetingPart::Attendee)
    }

    /// What the organizer of a meeting has of it in their home, and what changes of the server's own are judged by.
    /// `None`: there is no such meeting, or nobody can read it.
    async fn standing_meeting(
        &self,
        mut view: Snapshot,
        home: Id,
        uid: &str,
        budget: &Budget,
    ) -> Result<Option<(MeetingCopy, SchedulePlanner)>> {
        let known = objects(&mut view, uid, &[home]).await?;
        let Some(node) = known.into_iter().find(|node| node.home_id == home) else { return Ok(None) };
        let Some(object) = text_of(&mut view, node.hash.as_deref()).await? else { return Ok(None) };
        let change = ChangedObject {
            owner: node.owner_id,
            home,
            node: Some(node.id),
            leaves: None,
            old: Some(object.clone()),
            new: None,
            range: range_of(None, now()),
            writer: node.owner_id,
            former_addresses: Vec::new(),
        };
        let read = Meeting::read(&mut view, &self.address_book(), &self.store.seal, &change, budget).await?;
        let Some(mut meeting) = read else { return Ok(None) };
        meeting.users.note_use(|person| self.calendar_use.of(person));
        let planner = SchedulePlanner::of(meeting, now(), budget);
        Ok(Some((MeetingCopy::read(node, Some(object)), planner)))
    }
}

/// What stands for a meeting in the home of its organizer.
struct StandingObject {
    node: Node,
    indexed: Indexed,
    calendar: Node,
    object: Object,
}

/// `None`: it is gone, or nobody can read it.
async fn standing_object(view: &mut Snapshot, of: &MeetingKey) -> Result<Option<StandingObject>> {
    let known = objects(view, &of.uid, &[of.home]).await?;
    let Some(node) = known.into_iter().find(|node| node.home_id == of.home) else { return Ok(None) };
    let indexed = calendar::indexed(view, node.id).await?;
    let (Some(indexed), Some((calendar, _))) = (indexed, version::node(view, node.parent_id).await?) else {
        return Ok(None);
    };
    let Some(object) = text_of(view, node.hash.as_deref()).await? else { return Ok(None) };
    Ok(Some(StandingObject { node, indexed, calendar, object }))
}

/// A change of the server's own that is planned, and the object in its calendar that it is about.
pub(super) struct OrganizerUpdate {
    /// What is to happen.
    pub plan: SchedulePlan,
    /// The object as it was.
    pub object: Node,
    /// The calendar.
    pub calendar: Node,
}

/// What the owner of an object is in its meeting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MeetingPart {
    Organizer,
    Attendee,
    /// Nobody in it: nothing follows from the change.
    Nobody,
}

impl SchedulePlanner {
    /// The plan.
    fn plan(&self, part: MeetingPart, change: &ChangedObject) -> std::result::Result<SchedulePlan, Violation> {
        let plan = self.empty_plan();
        match part {
            MeetingPart::Organizer => self.organize(change, plan),
            MeetingPart::Attendee => self.answer(change, plan),
            MeetingPart::Nobody => Ok(plan),
        }
    }

    /// As what the owner of the home makes a change: as what they were in it, also where it would no longer name them,
    /// or name them as something else. Of what did not concern them nothing is known before.
    fn part_in_change(&self, change: ChangedObject) -> (MeetingPart, ChangedObject) {
        let part = |text: &Option<Object>, is_stored| {
            text.as_ref().map_or(MeetingPart::Nobody, |text| self.part_in(text, is_stored))
        };
        match (part(&change.old, true), part(&change.new, false)) {
            (MeetingPart::Nobody, after) => (after, ChangedObject { old: None, ..change }),
            // A project organizes also what had no people.
            (_, MeetingPart::Attendee) if change.old.as_ref().and_then(organizer_address).is_none() => {
                (MeetingPart::Attendee, change)
            }
            (before, _) => (before, change),
        }
    }

    /// Why the home can hold no other object of the meeting, if it holds one: who has a part in one has no other.
    fn twin(&self, part: MeetingPart) -> Option<Refusal> {
        self.meeting.twin.clone().filter(|_| part != MeetingPart::Nobody || self.lives_on())
    }

    /// Does the home hold another object of the meeting in which its owner has a part, such as one made by COPY? Then
    /// nothing follows when this one goes.
    fn lives_on(&self) -> bool {
        let other = self.meeting.copies.get(&self.meeting.home).and_then(MeetingCopy::object);
        other.is_some_and(|other| self.part_in(other, true) != MeetingPart::Nobody)
    }

    /// What the owner of the home is in the meeting. In a project's calendar a meeting is the project's, unless someone
    /// organizes it who is not of this server, and has invited the project or who stores it there; of what is stored,
    /// whoever that is who has invited the project.
    fn part_in(&self, text: &Object, is_stored: bool) -> MeetingPart {
        let own = &self.meeting.addresses;
        let organizer = organizer_address(text);
        let attends = |whose: &Addresses| attends(text, whose);
        let is_own = organizer.as_ref().is_some_and(|organizer| own.contains(organizer));
        match self.meeting.owner.kind {
            PrincipalKind::Project => {
                let is_foreign = |organizer| self.meeting.users.get(&organizer).is_none();
                let is_invited = match organizer.filter(|_| !is_own) {
                    Some(_) if is_stored && attends(own) => true,
                    Some(organizer) => is_foreign(organizer) && (attends(own) || attends(&self.writer)),
                    None => false,
                };
                if is_invited { MeetingPart::Attendee } else { MeetingPart::Organizer }
            }
            _ if is_own => MeetingPart::Organizer,
            _ if attends(own) => MeetingPart::Attendee,
            _ => MeetingPart::Nobody,
        }
    }
}

/// Is one of these addresses that of an attendee?
fn attends(text: &Object, whose: &Addresses) -> bool {
    text.parts().any(|part| CalendarUser::attendee(part, whose).is_some())
}

/// When it matters what rooms hold: from now on while something takes place, at most for some years.
fn range_of(indexed: Option<&Indexed>, now: Timestamp) -> TimeRange {
    match indexed {
        Some(indexed) => {
            let start = indexed.first_at.max(now);
            TimeRange { start, end: indexed.last_at.min(start.saturating_add(HORIZON_S)) }
        }
        None => TimeRange { start: now, end: now },
    }
}

/// What an object says; `None`: there is none, or nobody can read it.
pub(super) async fn text_of(c: &mut impl Executor, hash: Option<&str>) -> Result<Option<Object>> {
    let Some(hash) = hash else { return Ok(None) };
    Ok(body::inline(c, hash).await?.and_then(|text| Object::stored(&text).ok()))
}

/// Why a change is refused.
pub(super) fn refused(violation: Violation) -> Error {
    match violation {
        Violation::SameOrganizer => Condition::SameOrganizerInAllComponents,
        Violation::OrganizerChange | Violation::OtherOrganizer => Condition::AllowedOrganizerChange,
        Violation::AttendeeChange => Condition::AllowedAttendeeChange,
        Violation::DuplicateOccurrence | Violation::Unreadable => Condition::ValidCalendarObjectResource,
        Violation::TooMuch => Condition::WorkWithinLimits,
        Violation::Unmailable => Condition::MailableRecurrence,
    }
    .into()
}
