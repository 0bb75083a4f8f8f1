//! Invitations by mail to the address of a project or a room, and their end. What a room is asked it answers as it
//! answers within a change here; what a project is asked by who may write in its calendar is accepted; all else waits
//! in the inbox. The answer goes back by mail.

use std::sync::Arc;

use super::incoming::{HeldReason, MailedMessage, MailedOutcome};
use super::ledger::stored_sequence;
use super::mailed::MailedPlan;
use super::meeting::{ChangedObject, Meeting, receiving};
use super::meeting_copy::MeetingCopy;
use super::notice::SchedulingNotice;
use super::plan::{CopyDelivery, DeliveryPlace, SchedulePlan};
use super::planner::{SchedulePlanner, copy_of};
use super::proposal::{actor_of, is_forbidden};
use super::rooms::{BookedRoom, RoomRequest, asking, for_room, unanswered, with_answer};
use super::{MeetingPart, range_of, refused, text_of};
use crate::ical::itip::address::CalendarUserAddress;
use crate::ical::itip::attendee::SchedulingReply;
use crate::ical::itip::context::Violation;
use crate::ical::itip::copy::{CopyChange, CopyContext, apply_cancel, apply_request, is_out_of, organizer_address};
use crate::ical::itip::ledger::sequence_of;
use crate::ical::itip::message::{SchedulingMessage, SchedulingMethod};
use crate::ical::itip::people::{ACCEPTED, CalendarUser as Line, NEEDS_ACTION};
use crate::ical::itip::shown::invitation_shown;
use crate::ical::object::{Component, Object};
use crate::ical::validate::validate;
use crate::model::budget::Budget;
use crate::model::error::{Error, Result};
use crate::model::id::{Id, now};
use crate::model::method::Method;
use crate::model::path::Path;
use crate::model::principal::Principal;
use crate::model::room::Booking;
use crate::store::body::sha256;
use crate::store::node::names_between;
use crate::store::scheduling::{self, CalendarPrincipal, DefaultCalendar, objects};
use crate::tree::Tree;
use crate::tree::calendar::index;
use crate::tree::edit::mail::MailOccasion;
use crate::tree::gate::Request;
use crate::tree::target::CALENDARS;

/// A mail from who organizes elsewhere, and what the recipient has of the meeting.
struct MailedInvitation {
    mailed: MailedMessage,
    /// Is it known to be from its organizer?
    is_trusted: bool,
    have: Option<MeetingCopy>,
    /// Where it would come to stand.
    into: Option<DefaultCalendar>,
    /// May its organizer write there?
    may_write: bool,
    /// The SEQUENCE with which it was called off, where it was.
    called_off: Option<u64>,
}

/// What the mails about a meeting of a home are about that has no object there, or none yet.
fn event_of(home: Id, uid: &str) -> Id {
    let hash = sha256(format!("{home}/{uid}").as_bytes());
    Id(hash.get(..15).and_then(|start| i64::from_str_radix(start, 16).ok()).unwrap_or_default())
}

impl Tree {
    /// What a mail does that invites a project or room, or lets it go. `None`: that organizes the meeting itself.
    pub(super) async fn plan_invitation(
        &self,
        mailed: &MailedMessage,
        user: &CalendarPrincipal,
        home: Id,
    ) -> Result<Option<(Id, MailedPlan)>> {
        let budget = Budget::default();
        let (owner, uid) = (user.principal.id, mailed.message.object.uid.clone());
        let object = mailed.message.object.clone();
        let read = move |_: &_| Some(validated(&object).map(|object| (index(&object), object)));
        let (indexed, object) = self.work(owner, &budget, read).await?.map_err(refused)?;
        let mut view = self.store.read().await?;
        let node = objects(&mut view, &uid, &[home]).await?.into_iter().find(|node| node.home_id == home);
        let old = text_of(&mut view, node.as_ref().and_then(|node| node.hash.as_deref())).await?;
        let author = self.author_here(&mut view, mailed).await?;
        let change = ChangedObject {
            owner,
            home,
            node: node.as_ref().map(|node| node.id),
            leaves: None,
            old: old.clone(),
            new: Some(object),
            range: range_of(Some(&indexed), now()),
            writer: author.as_ref().map_or_else(Id::default, |author| author.id),
            former_addresses: Vec::new(),
        };
        let Some(meeting) = Meeting::read(&mut view, &self.address_book(), &self.store.seal, &change, &budget).await?
        else {
            return Ok(None);
        };
        let names = match &node {
            Some(node) => names_between(&mut view, home, node.id).await?,
            None => None,
        };
        let into = receiving(&mut view, &[home], &indexed.component, &uid).await?.remove(&home);
        let called_off = scheduling::highest_sent(&mut view, home, &uid).await?;
        drop(view);
        let place = match (names.as_deref(), &into) {
            (Some([_, calendar, name]), _) => Some((calendar.as_str(), name.as_str())),
            (None, Some(into)) => Some((into.calendar.name.as_str(), "new.ics")),
            _ => None,
        };
        let may_write = match author.as_ref().zip(place) {
            Some((author, (calendar, name))) => {
                self.may_write(author, &[CALENDARS, &user.principal.name, calendar, name]).await?
            }
            None => false,
        };
        let invitation = MailedInvitation {
            mailed: mailed.clone(),
            is_trusted: mailed.is_from_party && (mailed.is_vouched || self.is_tagged(mailed)),
            have: node.map(|node| MeetingCopy::read(node, old)),
            into,
            may_write,
            called_off: called_off.and_then(|sequence| u64::try_from(sequence).ok()),
        };
        let planner = SchedulePlanner::of(meeting, now(), &budget);
        let planned = self.work(owner, &budget, move |_| Some(planner.take_invitation(&invitation))).await?;
        Ok(planned.map_err(refused)?.map(|planned| (event_of(home, &uid), planned)))
    }

    /// May someone store something at an address?
    async fn may_write(&self, person: &Principal, names: &[&str]) -> Result<bool> {
        match self.precheck(&Request::of(Method::Put, Path::of(names), actor_of(person))).await {
            Ok(_) => Ok(true),
            Err(Error::Refused(refusal)) if is_forbidden(refusal.condition) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A message that could be stored as it is, but for its METHOD.
fn validated(object: &Object) -> std::result::Result<Object, Violation> {
    let mut object = object.clone();
    object.calendar.properties.retain(|line| line.name != "METHOD");
    let mut text = String::new();
    object.calendar.write(&mut text);
    validate(text.as_bytes()).map_err(|_| Violation::Unreadable)
}

impl SchedulePlanner {
    /// `None`: the meeting is the recipient's own.
    fn take_invitation(&self, of: &MailedInvitation) -> std::result::Result<Option<MailedPlan>, Violation> {
        let stored = of.have.as_ref().and_then(|have| have.object());
        if stored.is_some_and(|stored| self.part_in(stored, true) == MeetingPart::Organizer) {
            return Ok(None);
        }
        let mut plan = self.empty_plan();
        let is_request = of.mailed.message.method == SchedulingMethod::Request;
        let held = match stored {
            None if !is_request => return Ok(Some(MailedPlan { plan, outcome: MailedOutcome::Unknown })),
            _ if !of.is_trusted => Some(HeldReason::Unsure),
            _ if of.mailed.is_from_one_on() => Some(HeldReason::FromOneOn),
            Some(stored) if organizer_address(stored) != organizer_address(&of.mailed.message.object) => {
                Some(HeldReason::NotOrganizer)
            }
            // Here it is known already.
            _ if self.is_organized_here(&of.mailed.message.object) => None,
            Some(stored) if !is_request => {
                self.called_off(stored, of, &mut plan)?;
                None
            }
            _ => match self.meeting.rooms.get(&self.meeting.home) {
                Some(room) => self.book_by_mail(room, of, &mut plan)?,
                None => self.accept_by_mail(of, &mut plan)?,
            },
        };
        match (held, stored) {
            (Some(reason), Some(stored)) => self.hold(stored, &of.mailed, reason, &mut plan)?,
            (Some(reason), None) => {
                let text = of.mailed.held_text(reason);
                let shown = invitation_shown(&of.mailed.message, Some(of.mailed.remark(&text)), self.now);
                self.show_held(&of.mailed, &shown, &mut plan);
            }
            (None, _) => {}
        }
        Ok(Some(MailedPlan { plan, outcome: held.map_or(MailedOutcome::Taken, MailedOutcome::Held) }))
    }

    /// Does its organizer have the meeting here? Then all who are in it have what follows from their changes.
    fn is_organized_here(&self, object: &Object) -> bool {
        let organizer = organizer_address(object).and_then(|organizer| self.meeting.users.get(&organizer)?.home);
        organizer.is_some_and(|home| self.meeting.copies.contains_key(&home))
    }

    fn copy_context(&self) -> CopyContext<'_> {
        CopyContext {
            at: self.at(),
            me: &self.meeting.addresses,
            knows_answers: false,
            called_off_at: None,
            alarms: &[],
        }
    }

    /// The copy of who is let go, or of what is called off. A room is free then.
    fn called_off(
        &self,
        stored: &Object,
        of: &MailedInvitation,
        plan: &mut SchedulePlan,
    ) -> std::result::Result<(), Violation> {
        let message = &of.mailed.message;
        let changed = apply_cancel(Some(stored), message, self.copy_context())?;
        let (true, Some(object)) = (changed.is_changed, changed.object) else { return Ok(()) };
        let is_off = |part: &Component| {
            part.value("STATUS").is_some_and(|status| status.trim().eq_ignore_ascii_case("CANCELLED"))
        };
        let is_room = self.meeting.rooms.contains_key(&self.meeting.home);
        if object.parts().all(is_off) {
            let sequence = message.object.parts().map(sequence_of).max().unwrap_or(0);
            // What was sent before books nothing any more.
            plan.sent = Some((self.meeting.home, stored_sequence(sequence)));
            self.deliver_copy(of, (!is_room).then_some(&object), plan);
        } else {
            self.deliver_copy(of, Some(&object), plan);
        }
        if !is_room {
            self.notify(&self.meeting.owner.name, &invitation_shown(message, None, self.now), true, plan);
        }
        Ok(())
    }

    /// What the recipient has of it from now on. `None`: nothing.
    fn deliver_copy(&self, of: &MailedInvitation, object: Option<&Object>, plan: &mut SchedulePlan) {
        let place = match (&of.have, &of.into) {
            (Some(have), _) => Some(DeliveryPlace::Object(have.node.id)),
            (None, Some(into)) => Some(DeliveryPlace::Calendar(Box::new(into.clone()))),
            (None, None) => None,
        };
        if let Some(place) = place {
            let content = object.map(|object| copy_of(object, None));
            plan.deliver(CopyDelivery { place, content }, &self.meeting.owner.name);
        }
    }

    fn send_answer(&self, reply: Option<SchedulingReply>, plan: &mut SchedulePlan) {
        if let Some(reply) = reply {
            let to = CalendarUserAddress::new(&reply.organizer);
            let message = Arc::new(reply.message);
            self.mail(&to, &SchedulingNotice::of(self, &message, None, MailOccasion::Answer), plan);
        }
    }

    /// Is the recipient invited by an address of theirs?
    fn is_named(&self, message: &SchedulingMessage) -> bool {
        message.object.parts().any(|part| Line::attendee(part, &self.meeting.addresses).is_some())
    }

    /// A room is asked: what it says goes back.
    fn book_by_mail(
        &self,
        room: &BookedRoom,
        of: &MailedInvitation,
        plan: &mut SchedulePlan,
    ) -> std::result::Result<Option<HeldReason>, Violation> {
        let (message, me) = (&of.mailed.message, &self.meeting.addresses);
        let stored = of.have.as_ref().and_then(|have| have.object());
        if !self.is_named(message) || (stored.is_none() && of.into.is_none()) {
            return Ok(Some(HeldReason::Invitation));
        }
        let sequence = message.object.parts().map(sequence_of).max().unwrap_or(0);
        if stored.is_none() && of.called_off.is_some_and(|off| sequence <= off) {
            return Ok(None);
        }
        let changed = apply_request(stored, &asking(for_room(message, me), me), self.copy_context())?;
        let CopyChange { object: Some(copy), is_changed: true } = changed else { return Ok(None) };
        let asked = if room.room.booking == Booking::Manager { copy } else { unanswered(copy, me) };
        let people = self.people_in(&message.object);
        let request = RoomRequest { state: room, me, people, is_recounted: false, at: self.at() };
        let answered = match request.answer(&asked)? {
            None => request.recheck(&asked)?,
            answered => answered,
        };
        let (copy, reply) = self.decided(me, asked, answered)?;
        self.ask_managers(room.desk.as_ref(), &copy, reply.as_ref(), plan);
        // What it declines is no booking.
        if stored.is_some() || !is_out_of(&copy, me) {
            self.deliver_copy(of, Some(&copy), plan);
        }
        self.send_answer(reply, plan);
        Ok(None)
    }

    /// A project is asked by who may write in its calendar, or anew about what it has.
    fn accept_by_mail(
        &self,
        of: &MailedInvitation,
        plan: &mut SchedulePlan,
    ) -> std::result::Result<Option<HeldReason>, Violation> {
        let (message, me) = (&of.mailed.message, &self.meeting.addresses);
        let stored = of.have.as_ref().and_then(|have| have.object());
        if !self.is_named(message) || (stored.is_none() && (!of.may_write || of.into.is_none())) {
            return Ok(Some(HeldReason::Invitation));
        }
        let changed = apply_request(stored, message, self.copy_context())?;
        let CopyChange { object: Some(mut copy), is_changed: true } = changed else { return Ok(None) };
        if of.may_write {
            let accepted = with_answer(&copy, me, |known| known == NEEDS_ACTION, ACCEPTED);
            let (accepted, reply) = self.decided(me, copy, Some(accepted))?;
            copy = accepted;
            self.send_answer(reply, plan);
        }
        self.deliver_copy(of, Some(&copy), plan);
        self.notify(&self.meeting.owner.name, &invitation_shown(message, None, self.now), true, plan);
        Ok(None)
    }
}
