//! Answers of people who have no account, by the links that they were mailed: what a link shows, and what an answer
//! changes, which is what the same answer by mail would.

use std::sync::Arc;

use super::meeting_copy::MeetingCopy;
use super::plan::SchedulePlan;
use super::planner::SchedulePlanner;
use super::users::{AddressBook, CalendarUsers};
use super::{MeetingPart, PLAN_ATTEMPTS, refused, text_of};
use crate::ical::itip::address::{Addresses, CalendarUserAddress};
use crate::ical::itip::attachments::sent_to;
use crate::ical::itip::attendance::{self, AskedOccurrence, Attendance, ChosenAnswer, attendance};
use crate::ical::itip::context::{SchedulingContext, Violation};
use crate::ical::object::Object;
use crate::ical::zone::Zone;
use crate::model::answer_link::AnswerLink;
use crate::model::budget::Budget;
use crate::model::condition::Condition;
use crate::model::error::Result;
use crate::model::id::{Id, Timestamp, now};
use crate::model::mail::QueuedMail;
use crate::model::token::TokenSeal;
use crate::store::body::sha256;
use crate::store::reading::Snapshot;
use crate::store::scheduling::{CalendarPrincipal, objects};
use crate::store::{principal, version};
use crate::tree::Tree;
use crate::tree::calendar::index;
use crate::tree::target::zone;

/// How often someone answers by one link within an hour: each answer is a state of the meeting that is kept.
pub const LINK_ANSWERS_PER_HOUR: u32 = 60;
/// So many letters of a hash distinguish the states of an invitation.
const STATE: usize = 16;

/// How what a link is for stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// It can be answered.
    Open,
    /// It is over.
    Over,
    /// The meeting is called off.
    Cancelled,
    /// Who has the link is not invited any more.
    Uninvited,
}

/// What a link shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkedMeeting {
    /// How it stands.
    pub state: LinkState,
    /// Who organizes it: a person or a project.
    pub organizer: String,
    /// What its attendee is invited to, or was; nothing, where they may know no more.
    pub attendance: Attendance,
}

/// What came of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkOutcome {
    /// It stands in the meeting.
    Taken,
    /// What was answered to is not what there is now.
    Changed,
    /// The link opens nothing.
    Unknown,
}

/// What a link leads to.
struct LinkTarget {
    link: AnswerLink,
    /// The home of the organizer.
    home: Id,
    /// What whoever owns that is called.
    organizer: String,
    object: Object,
    /// Does it stand in a calendar, as a meeting?
    stands: bool,
    /// Whose the link is, as the meeting calls them; `None`: nobody's who is in it.
    attendee: Option<CalendarUserAddress>,
}

/// Who in a meeting has a link. Those who have an account here were mailed at an address of theirs.
fn attendee_of(
    link: &AnswerLink,
    object: &Object,
    book: &AddressBook,
    users: &CalendarUsers,
) -> Option<CalendarUserAddress> {
    let is_its = |address: &CalendarUserAddress| link.is_of(address.as_str());
    let has_it = |user: &CalendarPrincipal| book.addresses_of(&user.principal).iter().any(is_its);
    attendance::attendee(object, |address| is_its(address) || users.get(address).is_some_and(has_it))
}

impl LinkTarget {
    /// With what is attached as it is sent to its attendee.
    fn as_sent(&self, seal: &TokenSeal) -> Self {
        let object = match &self.attendee {
            Some(attendee) => sent_to(&self.object, attendee, seal),
            None => self.object.clone(),
        };
        Self { object, attendee: self.attendee.clone(), organizer: self.organizer.clone(), ..*self }
    }

    /// What is shown of it.
    fn shown(&self, now: Timestamp, budget: &Budget) -> std::result::Result<LinkedMeeting, Violation> {
        let floating = Zone::Known(zone());
        let context = SchedulingContext { now, floating: &floating, budget };
        let Some(me) = &self.attendee else {
            let (organizer, attendance) = (String::new(), Attendance::default());
            return Ok(LinkedMeeting { state: LinkState::Uninvited, organizer, attendance });
        };
        let attendance = attendance(&self.object, me, context)?;
        let is_called_off = |invitation: &AskedOccurrence| invitation.is_cancelled;
        let is_over = attendance.occurrences.is_empty() && index(&self.object).last_at < now;
        let state = match attendance.all().next() {
            _ if !self.stands => LinkState::Cancelled,
            Some(_) if attendance.all().all(is_called_off) => LinkState::Cancelled,
            None => LinkState::Over,
            Some(_) if is_over => LinkState::Over,
            Some(_) => LinkState::Open,
        };
        Ok(LinkedMeeting { state, organizer: self.organizer.clone(), attendance })
    }
}

impl Tree {
    /// The secret by which the recipient of a mail answers about its meeting without an account.
    #[must_use]
    pub fn answer_token(&self, mail: &QueuedMail) -> String {
        let address = CalendarUserAddress::new(&format!("mailto:{}", mail.address));
        self.store.seal.answer_token(&AnswerLink::new(mail.event, address.as_str()))
    }

    /// What the forms on the page of a link bear.
    #[must_use]
    pub fn answer_form_token(&self, token: &str) -> String {
        self.store.seal.form_token(token)
    }

    /// Does a form come from the page of that link?
    #[must_use]
    pub fn is_answer_form(&self, token: &str, shown: &str) -> bool {
        self.store.seal.is_form_token(token, shown)
    }

    /// What a secret opens; `None`: nothing.
    #[must_use]
    pub fn answer_link(&self, token: &str) -> Option<AnswerLink> {
        self.store.seal.read_answer_token(token)
    }

    /// What a link shows; `None`: there is nothing any more.
    pub async fn linked_meeting(&self, link: &AnswerLink, budget: &Budget) -> Result<Option<LinkedMeeting>> {
        let mut view = self.store.read().await?;
        let Some(target) = self.link_target(&mut view, *link).await? else { return Ok(None) };
        drop(view);
        let (now, of, seal) = (now(), budget.clone(), Arc::clone(&self.store.seal));
        let shown = self.work(link.event, budget, move |_| Some(target.as_sent(&seal).shown(now, &of))).await?;
        Ok(Some(shown.map_err(refused)?))
    }

    /// Takes an answer that was chosen on the page of a link. `state` is that of the invitation that was answered to,
    /// as [`state_of`] says it.
    pub async fn answer_by_link(
        &self,
        link: &AnswerLink,
        chosen: &ChosenAnswer,
        state: &str,
        budget: &Budget,
    ) -> Result<LinkOutcome> {
        if !self.link_answers.admits(self.store.seal.answer_token(link), now()) {
            return Err(Condition::TooManyLogins.into());
        }
        for _ in 0..PLAN_ATTEMPTS {
            let mut view = self.store.read().await?;
            let Some(target) = self.link_target(&mut view, *link).await? else { return Ok(LinkOutcome::Unknown) };
            drop(view);
            let _turn = self.turns.of(&target.object.uid).await;
            match self.plan_link(&target, chosen, state, budget).await? {
                LinkPlan::Changed => return Ok(LinkOutcome::Changed),
                LinkPlan::Nothing => return Ok(LinkOutcome::Taken),
                LinkPlan::Answer(event, plan) => {
                    if self.apply_plan(*plan, event).await? {
                        return Ok(LinkOutcome::Taken);
                    }
                }
            }
        }
        Err(Condition::Busy.into())
    }

    /// The meeting of a link: as it stands in the home of its organizer, or as it was when it went from there.
    async fn link_target(&self, view: &mut Snapshot, link: AnswerLink) -> Result<Option<LinkTarget>> {
        let Some((node, _)) = version::node(view, link.event).await? else { return Ok(None) };
        let (home, hash) = (node.home_id, node.hash.clone());
        let Some(former) = text_of(view, hash.as_deref()).await? else { return Ok(None) };
        let present = objects(view, &former.uid, &[home]).await?.into_iter().next();
        let text = match present.as_ref().filter(|present| present.hash != hash) {
            Some(present) => text_of(view, present.hash.as_deref()).await?,
            None => Some(former),
        };
        let Some(object) = text else { return Ok(None) };
        let owner = principal::by_id(view, node.owner_id).await?;
        let organizer = owner.map(|owner| owner.display_name).unwrap_or_default();
        let book = self.address_book();
        let mut attendee = attendee_of(&link, &object, &book, &CalendarUsers::default());
        if attendee.is_none() {
            let users = CalendarUsers::find(view, &book, attendance::attendees(&object)).await?;
            attendee = attendee_of(&link, &object, &book, &users);
        }
        Ok(Some(LinkTarget { link, home, organizer, object, stands: present.is_some(), attendee }))
    }

    async fn plan_link(
        &self,
        target: &LinkTarget,
        chosen: &ChosenAnswer,
        state: &str,
        budget: &Budget,
    ) -> Result<LinkPlan> {
        let (view, uid) = (self.store.read().await?, &target.object.uid);
        let standing = self.standing_meeting(view, target.home, uid, budget).await?;
        let Some((have, planner)) = standing else { return Ok(LinkPlan::Changed) };
        let Some(object) = have.object().cloned() else { return Ok(LinkPlan::Changed) };
        let organizer = planner.meeting.owner.display_name.clone();
        let (link, home, users) = (target.link, target.home, &planner.meeting.users);
        let attendee = attendee_of(&link, &object, &planner.meeting.book, users);
        let present = LinkTarget { link, home, organizer, object, stands: true, attendee };
        let (chosen, state) = (chosen.clone(), state.to_owned());
        let planned = move |_: &_| Some(planner.plan_link(&have, &present, &chosen, &state));
        self.work(target.link.event, budget, planned).await?.map_err(refused)
    }
}

/// What follows from an answer.
enum LinkPlan {
    /// What was answered to is not what there is now.
    Changed,
    /// It was said before.
    Nothing,
    /// A change of the organizer's object.
    Answer(Id, Box<SchedulePlan>),
}

impl SchedulePlanner {
    fn plan_link(
        &self,
        have: &MeetingCopy,
        present: &LinkTarget,
        chosen: &ChosenAnswer,
        state: &str,
    ) -> std::result::Result<LinkPlan, Violation> {
        let shown = present.shown(self.now, &self.budget)?;
        let invitation = shown.attendance.get(chosen.occurrence).filter(|_| shown.state == LinkState::Open);
        let invitation = invitation.filter(|_| self.part_in(&present.object, true) == MeetingPart::Organizer);
        let is_present = invitation.is_some_and(|invitation| !invitation.is_cancelled && state_of(invitation) == state);
        let (Some(me), true) = (present.attendee.clone(), is_present) else { return Ok(LinkPlan::Changed) };
        let context = self.at_answer(&Addresses::from_iter([me.clone()]));
        let Some(reply) = attendance::chosen_answer(&present.object, chosen, &me, context)? else {
            return Ok(LinkPlan::Changed);
        };
        // Who has a calendar here has a copy that says the same.
        let user = self.meeting.users.get(&me).map(|user| self.meeting.book.addresses_of(&user.principal));
        let from = Addresses::from_iter([me]).with(&user.unwrap_or_default());
        let (name, mut plan) = (&self.meeting.owner.name, self.empty_plan());
        if !self.take_reply(have, &present.object, &reply, &from, name, &mut plan)?.is_changed {
            // Whoever sends a form twice has answered once.
            return Ok(LinkPlan::Nothing);
        }
        self.answer_in_copy(&reply, &from, &mut plan)?;
        self.notify(name, &reply, false, &mut plan);
        Ok(LinkPlan::Answer(have.node.id, Box::new(plan)))
    }
}

/// What of an invitation is answered to, as a few letters: they are others where it is called otherwise, or is at
/// another time or place.
#[must_use]
pub fn state_of(invitation: &AskedOccurrence) -> String {
    let occasion = &invitation.occasion;
    let said = (&occasion.title, &occasion.place, occasion.start, occasion.end, &occasion.zone, &occasion.rule);
    sha256(format!("{said:?}").as_bytes()).chars().take(STATE).collect()
}
