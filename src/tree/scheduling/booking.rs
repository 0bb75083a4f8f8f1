//! The rooms of a meeting, asked before anybody else gets anything: what they say stands in the organizer's object and
//! in everybody's copy when the change is made.

use super::ledger::rows_of;
use super::meeting_copy::MeetingCopy;
use super::plan::{CopyDelivery, SchedulePlan};
use super::planner::{SchedulePlanner, copy_of, status};
use super::rooms::{BookedRoom, RoomRequest, for_room};
use crate::ical::itip::address::Addresses;
use crate::ical::itip::attendee::{AttendeeContext, SchedulingReply, attendee_diff};
use crate::ical::itip::context::Violation;
use crate::ical::itip::copy::{CopyContext, apply_request, is_out_of};
use crate::ical::itip::deliveries::{Addressee, SchedulingDelivery};
use crate::ical::itip::ledger::ReplyLedger;
use crate::ical::itip::message::SchedulingMessage;
use crate::ical::itip::people::{CalendarUser as Line, DECLINED, set_schedule_status};
use crate::ical::itip::reply::{ReplyContext, apply_reply};
use crate::ical::object::Object;
use crate::model::id::Id;
use crate::store::scheduling::CalendarPrincipal;

/// The organizer's object while rooms answer, and what is known of answers.
pub struct BookedMeeting {
    /// What is to be stored.
    pub object: Object,
    /// What is known.
    pub ledger: ReplyLedger,
    /// Has a room answered?
    pub is_answered: bool,
}

/// A room that is asked.
struct AskedRoom<'a> {
    user: &'a CalendarPrincipal,
    home: Id,
    state: &'a BookedRoom,
    me: Addresses,
}

impl SchedulePlanner {
    fn room(&self, to: &Addressee) -> Option<AskedRoom<'_>> {
        let user = self.meeting.users.get(&to.address)?;
        let home = user.home?;
        let state = self.meeting.rooms.get(&home)?;
        Some(AskedRoom { user, home, state, me: self.meeting.book.addresses_of(&user.principal) })
    }

    /// Is someone a room, which answers by itself?
    pub(super) fn is_room(&self, to: &Addressee) -> bool {
        self.room(to).is_some()
    }

    /// What a manager says for a room, where it is not free any more. `None`: what was said holds.
    pub(super) fn rechecked(&self, said: &Object) -> Result<Option<Object>, Violation> {
        let Some(state) = self.meeting.rooms.get(&self.meeting.home) else { return Ok(None) };
        let me = &self.meeting.addresses;
        RoomRequest { state, me, people: 0, is_recounted: false, at: self.at() }.recheck(said)
    }

    /// Asks the rooms that get something of a change.
    pub(super) fn book_rooms(
        &self,
        old: Option<&Object>,
        booked: &mut BookedMeeting,
        deliveries: &[SchedulingDelivery],
        plan: &mut SchedulePlan,
    ) -> Result<(), Violation> {
        let people = self.people_in(&booked.object);
        let is_recounted = old.is_some_and(|old| self.people_in(old) != people);
        for delivery in deliveries {
            for to in &delivery.recipients {
                let (Some(room), Some(view)) = (self.room(to), &delivery.view) else { continue };
                let request = RoomRequest { state: room.state, me: &room.me, people, is_recounted, at: self.at() };
                self.book(&room, &request, view, booked, plan)?;
            }
        }
        Ok(())
    }

    fn book(
        &self,
        room: &AskedRoom<'_>,
        request: &RoomRequest<'_>,
        view: &SchedulingMessage,
        booked: &mut BookedMeeting,
        plan: &mut SchedulePlan,
    ) -> Result<(), Violation> {
        let have = self.meeting.copies.get(&room.home);
        let place = self.place_of(room.home);
        let made = place.as_ref().and_then(|place| plan.made(place));
        let known = match &made {
            Some(made) => made.as_ref(),
            None => have.and_then(MeetingCopy::object).filter(|known| !self.takes_over(known, &room.me)),
        };
        let context =
            CopyContext { at: self.at(), me: &room.me, knows_answers: true, called_off_at: None, alarms: &[] };
        let changed = match apply_request(known, &for_room(view, &room.me), context) {
            Err(Violation::OtherOrganizer) => return Ok(()),
            changed => changed?,
        };
        let Some(copy) = changed.object else { return Ok(()) };
        let answered = request.answer(&copy)?;
        let (copy, reply) = self.decided(request.me, copy, answered)?;
        self.ask_managers(room.state.desk.as_ref(), &copy, reply.as_ref(), plan);
        if let Some(reply) = &reply {
            self.take(&reply.message, room, booked, plan)?;
        }
        // What it declines is no booking.
        let is_new_no = have.is_none() && made.is_none() && is_out_of(&copy, &room.me);
        if let Some(place) = place.filter(|_| !is_new_no && known != Some(&copy)) {
            plan.deliver(CopyDelivery { place, content: Some(copy_of(&copy, None)) }, &room.user.principal.name);
        }
        Ok(())
    }

    /// A copy with what its owner says of itself, and that as an answer to the organizer.
    pub(super) fn decided(
        &self,
        me: &Addresses,
        copy: Object,
        answered: Option<Object>,
    ) -> Result<(Object, Option<SchedulingReply>), Violation> {
        let Some(answered) = answered else { return Ok((copy, None)) };
        let context = AttendeeContext { at: self.at(), me, replies: true };
        let made = attendee_diff(Some(&copy), Some(&answered), context)?;
        Ok((made.object.unwrap_or(answered), made.reply))
    }

    /// The organizer's object has the answer of a room.
    fn take(
        &self,
        reply: &SchedulingMessage,
        room: &AskedRoom<'_>,
        booked: &mut BookedMeeting,
        plan: &mut SchedulePlan,
    ) -> Result<(), Violation> {
        let context = ReplyContext { at: self.at(), from: Some(&room.me), ledger: &booked.ledger };
        let outcome = apply_reply(&booked.object, reply, context)?;
        let mut ledger = booked.ledger.clone();
        outcome.note(&mut ledger);
        plan.answers.extend(rows_of(&ledger, self.meeting.home, outcome.noted()));
        if outcome.taken.iter().any(|taken| taken.participation == DECLINED) {
            self.notify(&self.meeting.owner.name, reply, false, plan);
        }
        (booked.ledger, booked.object, booked.is_answered) = (ledger, outcome.object, true);
        for address in room.me.iter() {
            set_schedule_status(&mut booked.object.calendar, address, Some(status::ANSWERED));
        }
        Ok(())
    }

    /// How many people come: all who are named, but for rooms and those who have declined.
    pub(super) fn people_in(&self, object: &Object) -> usize {
        let Some(part) = object.master().or_else(|| object.parts().next()) else { return 0 };
        let comes = |line: &Line<'_>| {
            let is_room = self.meeting.users.get(&line.address()).is_some_and(CalendarPrincipal::is_room);
            !is_room && !["ROOM", "RESOURCE"].contains(&line.kind().as_str()) && line.participation() != DECLINED
        };
        Line::attendees(part).filter(comes).count()
    }
}
