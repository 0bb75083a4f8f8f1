//! Messages about meetings that came by mail. They act only when they are known to be from who they say: the tag in the
//! address they came to is that of the meeting, and they are written by the one who answers; or the server that is
//! trusted vouches for that. All else changes nothing, and is shown to whose meeting it is (`held`).

use super::incoming::{HeldReason, MailedMessage, MailedOutcome, recipient_of};
use super::meeting_copy::MeetingCopy;
use super::notice::SchedulingNotice;
use super::plan::SchedulePlan;
use super::planner::SchedulePlanner;
use super::{MeetingPart, PLAN_ATTEMPTS, refused};
use crate::ical::itip::address::Addresses;
use crate::ical::itip::context::Violation;
use crate::ical::itip::counter::{CounterOutcome, apply_counter};
use crate::ical::itip::message::{SchedulingMessage, SchedulingMethod};
use crate::ical::itip::organizer::refresh_all;
use crate::ical::itip::people::CalendarUser;
use crate::ical::itip::shown::answer_shown;
use crate::ical::object::Object;
use crate::model::budget::Budget;
use crate::model::condition::Condition;
use crate::model::error::{Error, Result};
use crate::model::id::Id;
use crate::model::principal::PrincipalKind;
use crate::tree::Tree;
use crate::tree::edit::mail::MailOccasion;

/// What a mail is to do.
pub(super) struct MailedPlan {
    pub plan: SchedulePlan,
    pub outcome: MailedOutcome,
}

impl Tree {
    /// Does a mail bear the tag of its meeting?
    pub(super) fn is_tagged(&self, mailed: &MailedMessage) -> bool {
        mailed.tag.as_deref() == Some(self.store.seal.meeting_tag(&mailed.message.object.uid).as_str())
    }

    /// Takes a message that came by mail.
    pub async fn take_mailed(&self, mailed: MailedMessage) -> Result<MailedOutcome> {
        if let Some(outcome) = self.take_managers_answer(&mailed).await? {
            return Ok(outcome);
        }
        let uid = mailed.message.object.uid.clone();
        for attempt in 0..PLAN_ATTEMPTS {
            match self.take_proposal(&mailed).await {
                Ok(true) => return Ok(MailedOutcome::Taken),
                Ok(false) => {}
                Err(Error::Refused(refusal)) if refusal.condition == Condition::Busy => continue,
                Err(error) => return Err(error),
            }
            let _turn = self.turns.of(&uid).await;
            // Whoever booked a room meanwhile has done so.
            let _booking = if attempt > 0 { Some(self.turns.of_bookings().await) } else { None };
            let Some((event, planned)) = self.plan_mailed(&mailed).await? else {
                return Ok(MailedOutcome::Unknown);
            };
            if self.apply_plan(planned.plan, event).await? {
                return Ok(planned.outcome);
            }
        }
        Err(Condition::Busy.into())
    }

    async fn plan_mailed(&self, mailed: &MailedMessage) -> Result<Option<(Id, MailedPlan)>> {
        let budget = Budget::default();
        let is_tagged = self.is_tagged(mailed);
        let mut view = self.store.read().await?;
        let user = recipient_of(&mut view, &self.address_book(), &mailed.recipient, is_tagged).await?;
        let Some((user, home)) = user.and_then(|user| user.home.map(|home| (user, home))) else { return Ok(None) };
        let is_invitation = matches!(mailed.message.method, SchedulingMethod::Request | SchedulingMethod::Cancel);
        if is_invitation && matches!(user.principal.kind, PrincipalKind::Project | PrincipalKind::Room) {
            let planned = self.plan_invitation(mailed, &user, home).await?;
            if planned.is_some() {
                return Ok(planned);
            }
        }
        let uid = &mailed.message.object.uid;
        let Some((have, planner)) = self.standing_meeting(view, home, uid, &budget).await? else { return Ok(None) };
        let (event, owner) = (have.node.id, have.node.owner_id);
        let mailed = mailed.clone();
        let planned = self.work(owner, &budget, move |_| Some(planner.take_mailed(&have, &mailed, is_tagged))).await?;
        Ok(planned.map_err(refused)?.map(|planned| (event, planned)))
    }
}

impl SchedulePlanner {
    /// `None`: the mail is about no meeting of the home.
    fn take_mailed(
        &self,
        have: &MeetingCopy,
        mailed: &MailedMessage,
        is_tagged: bool,
    ) -> std::result::Result<Option<MailedPlan>, Violation> {
        use SchedulingMethod::{Counter, Refresh, Reply};
        let Some(stored) = have.object().filter(|stored| self.part_in(stored, true) == MeetingPart::Organizer) else {
            return Ok(None);
        };
        let is_trusted = mailed.is_from_party && is_tagged || mailed.is_vouched;
        let mut plan = self.empty_plan();
        let held = match mailed.message.method {
            _ if !is_trusted => Some(HeldReason::Unsure),
            _ if mailed.is_from_one_on() => Some(HeldReason::FromOneOn),
            Reply => self.take_answer(have, stored, mailed, &mailed.message, &mut plan)?,
            Counter => self.take_counter(have, stored, mailed, &mut plan)?,
            Refresh => self.send_again(stored, mailed, &mut plan)?,
            _ => Some(HeldReason::NotOrganizer),
        };
        if let Some(reason) = held {
            self.hold(stored, mailed, reason, &mut plan)?;
        }
        let outcome = held.map_or(MailedOutcome::Taken, MailedOutcome::Held);
        Ok(Some(MailedPlan { plan, outcome }))
    }

    /// Takes an answer; of one that says nothing new nobody is notified. A reason: its author is not invited.
    fn take_answer(
        &self,
        have: &MeetingCopy,
        stored: &Object,
        mailed: &MailedMessage,
        answer: &SchedulingMessage,
        plan: &mut SchedulePlan,
    ) -> std::result::Result<Option<HeldReason>, Violation> {
        let (from, name) = (mailed.author(), &self.meeting.owner.name);
        // Who has a calendar here may be called otherwise in the meeting, and has a copy that says the same.
        let user = self.meeting.users.with_address(&from);
        let me = user.map(|user| self.meeting.book.addresses_of(&user.principal)).unwrap_or_default().with(&from);
        let answer = &called_as_in(stored, answer, &me);
        let outcome = self.take_reply(have, stored, answer, &me, name, plan)?;
        if outcome.taken.is_empty() {
            return Ok((!outcome.uninvited.is_empty()).then_some(HeldReason::NotInvited));
        }
        self.answer_in_copy(answer, &me, plan)?;
        self.notify(name, &answer_shown(stored, &mailed.message, &from, self.at())?, false, plan);
        Ok(None)
    }

    /// A proposal is shown to whose meeting it is, who accepts it by changing the meeting; the answer that comes with
    /// it counts at once.
    fn take_counter(
        &self,
        have: &MeetingCopy,
        stored: &Object,
        mailed: &MailedMessage,
        plan: &mut SchedulePlan,
    ) -> std::result::Result<Option<HeldReason>, Violation> {
        let counter = self.counter(stored, mailed)?;
        if counter.proposes {
            return self.take_answer(have, stored, mailed, &counter.answer, plan);
        }
        // At the time that is set, or in the past, it is an answer.
        let answered = MailedMessage { message: counter.answer.clone(), ..mailed.clone() };
        self.take_answer(have, stored, &answered, &counter.answer, plan)
    }

    pub(super) fn counter(
        &self,
        stored: &Object,
        mailed: &MailedMessage,
    ) -> std::result::Result<CounterOutcome, Violation> {
        apply_counter(stored, &mailed.message, &mailed.author(), self.at())
    }

    /// Who asks for the present state gets it by mail; who has an account here has it already, unless they want mail.
    fn send_again(
        &self,
        stored: &Object,
        mailed: &MailedMessage,
        plan: &mut SchedulePlan,
    ) -> std::result::Result<Option<HeldReason>, Violation> {
        let from = mailed.author();
        let mut is_invited = false;
        for delivery in self.addressed(refresh_all(stored, self.organizer())?)? {
            let notice = SchedulingNotice::of(self, &delivery.message, None, MailOccasion::AnswerAgain);
            for to in delivery.recipients.iter().filter(|to| from.contains(&to.address)) {
                is_invited = true;
                match self.meeting.users.get(&to.address) {
                    Some(user) => self.mail_beside(user, &notice, plan),
                    None => {
                        self.mail(&to.address, &notice, plan);
                    }
                }
            }
        }
        Ok((!is_invited).then_some(HeldReason::NotInvited))
    }
}

/// An answer that names whose it is as the meeting does.
fn called_as_in(object: &Object, message: &SchedulingMessage, me: &Addresses) -> SchedulingMessage {
    let mut message = message.clone();
    let Some(known) = object.parts().find_map(|part| CalendarUser::attendee(part, me)) else { return message };
    let lines = message.object.calendar.components.iter_mut().flat_map(|part| part.properties.iter_mut());
    for line in lines.filter(|line| line.name == "ATTENDEE" && me.contains(&CalendarUser::of(line).address())) {
        *line = line.with_value(known.line().value());
    }
    message
}
