//! What follows from an attendee's change of their copy: the organizer gets the answer, if it is one.

use std::sync::Arc;

use super::ledger::rows_of;
use super::meeting::ChangedObject;
use super::meeting_copy::MeetingCopy;
use super::notice::SchedulingNotice;
use super::plan::{CopyDelivery, DeliveryPlace, SchedulePlan};
use super::planner::{SchedulePlanner, content_of, status};
use crate::ical::itip::address::{Addresses, CalendarUserAddress};
use crate::ical::itip::attendee::{AttendeeContext, SchedulingReply, attendee_diff, own_answer};
use crate::ical::itip::context::Violation;
use crate::ical::itip::ledger::ReplyLedger;
use crate::ical::itip::message::SchedulingMessage;
use crate::ical::itip::people::set_schedule_status;
use crate::ical::itip::reply::{ReplyContext, ReplyOutcome, apply_reply};
use crate::ical::object::Object;
use crate::tree::edit::mail::MailOccasion;

impl SchedulePlanner {
    /// A change by an attendee: the organizer gets the answer, if it is one.
    pub(super) fn answer(&self, change: &ChangedObject, mut plan: SchedulePlan) -> Result<SchedulePlan, Violation> {
        let own = &self.meeting.addresses;
        let me = if self.is_project() { own.with(&self.writer) } else { own.clone() };
        let context = AttendeeContext { at: self.at_answer(&me), me: &me, replies: self.replies };
        let rechecked = change.new.as_ref().map(|new| self.rechecked(new)).transpose()?.flatten();
        let new = rechecked.as_ref().or(change.new.as_ref());
        let mut made = attendee_diff(change.old.as_ref(), new, context)?;
        let mut object = made.object;
        let mut rewritten = made.is_rewritten || rechecked.is_some();
        if let Some(reply) = &mut made.reply {
            self.sign_answer(&mut reply.message.object);
            let status = self.reply(reply, &me, &mut plan)?;
            if let Some(object) = &mut object {
                let organizer = CalendarUserAddress::new(&reply.organizer);
                rewritten |= set_schedule_status(&mut object.calendar, &organizer, status);
            }
        }
        plan.content = object.filter(|_| rewritten).map(|object| content_of(&object, None));
        Ok(plan)
    }

    /// The answer of a member of a project who changes nothing else in its meeting: as it stands there then. `None`: it
    /// is a change by the organizer.
    pub(super) fn members_answer(
        &self,
        change: &ChangedObject,
        plan: &mut SchedulePlan,
    ) -> Result<Option<ReplyOutcome>, Violation> {
        let (true, Some(old), Some(new)) = (self.is_project(), &change.old, &change.new) else { return Ok(None) };
        let me = &self.writer;
        let Some(reply) = own_answer(old, new, AttendeeContext { at: self.at_answer(me), me, replies: true })? else {
            return Ok(None);
        };
        let context = ReplyContext { at: self.at(), from: Some(me), ledger: &self.meeting.ledger };
        let outcome = apply_reply(old, &reply.message, context)?;
        self.notify(&self.meeting.owner.name, &reply.message, false, plan);
        self.answer_in_copy(&reply.message, me, plan)?;
        plan.answered_in = Some(self.meeting.home);
        Ok(Some(outcome))
    }

    /// The copy of who has answered elsewhere says the same.
    pub(super) fn answer_in_copy(
        &self,
        reply: &SchedulingMessage,
        me: &Addresses,
        plan: &mut SchedulePlan,
    ) -> Result<(), Violation> {
        let Some(user) = me.iter().find_map(|address| self.meeting.users.get(address)) else { return Ok(()) };
        let have = user.home.and_then(|home| self.meeting.copies.get(&home));
        let Some((have, stored)) = have.and_then(|have| Some((have, have.object()?))) else { return Ok(()) };
        let context = ReplyContext { at: self.at(), from: Some(me), ledger: &ReplyLedger::default() };
        let mut object = apply_reply(stored, reply, context)?.object;
        for address in me.iter() {
            set_schedule_status(&mut object.calendar, address, None);
        }
        let place = DeliveryPlace::Object(have.node.id);
        plan.deliver(CopyDelivery { place, content: Some(content_of(&object, None)) }, &user.principal.name);
        Ok(())
    }

    /// Brings an answer to the organizer: how it fared.
    fn reply(
        &self,
        reply: &SchedulingReply,
        me: &Addresses,
        plan: &mut SchedulePlan,
    ) -> Result<Option<&'static str>, Violation> {
        let organizer = CalendarUserAddress::new(&reply.organizer);
        let send = |plan: &mut SchedulePlan| {
            let message = Arc::new(reply.message.clone());
            let occasion = MailOccasion::of_change(reply.is_forced);
            self.mail(&organizer, &SchedulingNotice::of(self, &message, None, occasion), plan)
        };
        let Some(user) = self.meeting.users.get(&organizer) else {
            return Ok(send(plan));
        };
        self.notify(&user.principal.name, &reply.message, false, plan);
        let have = user.home.and_then(|home| self.meeting.copies.get(&home));
        let Some((have, stored)) = have.and_then(|have| Some((have, have.object()?))) else {
            // Who has an account here may organize it elsewhere.
            let sent = send(plan);
            return Ok(if sent == Some(status::NO_WAY) { Some(status::DELIVERED) } else { sent });
        };
        self.take_reply(have, stored, &reply.message, me, &user.principal.name, plan)?;
        // The copy follows what became of the answer there, be it nothing.
        plan.answered_in = Some(have.node.home_id);
        Ok(Some(status::DELIVERED))
    }

    /// The organizer's object has an answer, and others are to see it.
    pub(super) fn take_reply(
        &self,
        have: &MeetingCopy,
        stored: &Object,
        reply: &SchedulingMessage,
        from: &Addresses,
        home: &str,
        plan: &mut SchedulePlan,
    ) -> Result<ReplyOutcome, Violation> {
        let outcome = self.answered(stored, reply, from)?;
        let mut ledger = self.meeting.ledger.clone();
        outcome.note(&mut ledger);
        plan.answers = rows_of(&ledger, have.node.home_id, outcome.noted());
        if outcome.is_changed {
            let mut object = outcome.object.clone();
            for address in from.iter() {
                set_schedule_status(&mut object.calendar, address, Some(status::ANSWERED));
            }
            let content = content_of(&object, have.node.schedule_hash.clone());
            plan.deliver(CopyDelivery { place: DeliveryPlace::Object(have.node.id), content: Some(content) }, home);
            plan.answered_in = Some(have.node.home_id);
        }
        Ok(outcome)
    }

    /// What an answer makes of the organizer's object.
    pub(super) fn answered(
        &self,
        stored: &Object,
        reply: &SchedulingMessage,
        from: &Addresses,
    ) -> Result<ReplyOutcome, Violation> {
        apply_reply(stored, reply, ReplyContext { at: self.at(), from: Some(from), ledger: &self.meeting.ledger })
    }
}
