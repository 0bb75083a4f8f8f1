//! What follows from an organizer's change: the copies of all who are in the meeting follow it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::booking::BookedMeeting;
use super::ledger::{rows_of, stored_sequence};
use super::meeting::{ChangedObject, Meeting};
use super::meeting_copy::MeetingCopy;
use super::notice::SchedulingNotice;
use super::plan::{CopyDelivery, DeliveryPlace, SchedulePlan};
use super::planner::{SchedulePlanner, content_of, copy_of, status};
use crate::ical::itip::address::{Addresses, CalendarUserAddress};
use crate::ical::itip::attachments::addressed;
use crate::ical::itip::context::{SchedulingContext, Violation};
use crate::ical::itip::copy::{CopyChange, CopyContext, apply_cancel, apply_request, is_out_of, organizer_address};
use crate::ical::itip::deliveries::{Addressee, DeliveryKind, SchedulingDelivery};
use crate::ical::itip::message::{SchedulingMessage, SchedulingMethod};
use crate::ical::itip::organizer::{OrganizerContext, organizer_diff, refresh_all};
use crate::ical::itip::people::{CalendarUser, ScheduleAgent, set_schedule_statuses};
use crate::ical::object::Object;
use crate::model::budget::Budget;
use crate::model::id::Id;
use crate::tree::edit::mail::MailOccasion;

/// What each may know of a meeting.
type Views = BTreeMap<CalendarUserAddress, Arc<SchedulingMessage>>;

/// A message on its way.
struct MessageInTransit<'a> {
    message: &'a Arc<SchedulingMessage>,
    /// All that those who get it may know. `None`: they are invited to nothing any more.
    view: Option<&'a Arc<SchedulingMessage>>,
    /// What people are notified of with it, if they are.
    notice: Option<SchedulingNotice<'a>>,
    /// The meeting as it is from then on, if there is one.
    remaining: Option<&'a Object>,
}

impl<'a> MessageInTransit<'a> {
    /// A message; `answered` is what those who get it may know where rooms have answered since it was made.
    fn of(
        planner: &'a SchedulePlanner,
        delivery: &'a SchedulingDelivery,
        answered: Option<&'a Arc<SchedulingMessage>>,
        remaining: Option<&'a Object>,
    ) -> Self {
        let view = answered.or(delivery.view.as_ref());
        let is_view = delivery.message.is_whole && delivery.message.method == SchedulingMethod::Request;
        let message = view.filter(|_| is_view).unwrap_or(&delivery.message);
        let is_notice = delivery.kind == DeliveryKind::Notice;
        let occasion = MailOccasion::of_change(delivery.is_forced);
        let notice = is_notice.then(|| SchedulingNotice::of(planner, message, view, occasion));
        Self { message, view, notice, remaining }
    }
}

impl SchedulePlanner {
    /// A change by the organizer: who is in it gets it.
    pub(super) fn organize(&self, change: &ChangedObject, mut plan: SchedulePlan) -> Result<SchedulePlan, Violation> {
        let answered = self.members_answer(change, &mut plan)?;
        let signed_off = self.signed_off(change);
        let old = answered.as_ref().map(|outcome| &outcome.object).or(signed_off.as_ref()).or(change.old.as_ref());
        let mut ledger = self.meeting.ledger.clone();
        answered.iter().for_each(|outcome| outcome.note(&mut ledger));
        let context = OrganizerContext { ledger: &ledger, ..self.organizer() };
        let completed = self.completed(change)?;
        plan.groups = self.named_groups(change);
        let made = organizer_diff(old, completed.as_ref().or(change.new.as_ref()), context)?;
        made.resets.iter().for_each(|reset| ledger.note_reset(reset));
        let asked = made.resets.iter().map(|reset| (&reset.attendee, reset.occurrence));
        let noted = answered.iter().flat_map(|outcome| outcome.noted());
        plan.answers = rows_of(&ledger, self.meeting.home, asked.chain(noted));
        let deliveries = self.addressed(made.deliveries)?;
        let sequence = deliveries.iter().map(|delivery| delivery.sequence).max();
        plan.sent = sequence.map(|sequence| (self.meeting.home, stored_sequence(sequence)));
        let Some(object) = made.object else {
            self.deliver_all(&deliveries, None, None, &mut plan)?;
            return Ok(plan);
        };
        let mut booked = BookedMeeting { object, ledger, is_answered: false };
        self.book_rooms(change.old.as_ref(), &mut booked, &deliveries, &mut plan)?;
        let views = if booked.is_answered { Some(self.views_of(&booked)?) } else { None };
        let fared = self.deliver_all(&deliveries, views.as_ref(), Some(&booked.object), &mut plan)?;
        let is_marked = set_schedule_statuses(&mut booked.object.calendar, &fared);
        let is_marked = self.mark_groups(&mut booked.object) || is_marked;
        let rewritten = made.is_rewritten || completed.is_some() || booked.is_answered || is_marked;
        plan.content = rewritten.then(|| content_of(&booked.object, None));
        Ok(plan)
    }

    /// The copies of all in a meeting follow what the organizer has.
    pub fn refresh(&self, object: &Object) -> Result<SchedulePlan, Violation> {
        let mut plan = self.empty_plan();
        let deliveries = self.addressed(refresh_all(object, self.organizer())?)?;
        let mut left = number_of(&deliveries);
        for delivery in deliveries {
            for to in delivery.recipients.iter().filter(|to| !self.is_room(to)) {
                self.deliver(&MessageInTransit::of(self, &delivery, None, Some(object)), to, left, &mut plan)?;
                left = left.saturating_sub(1);
            }
        }
        Ok(plan)
    }

    /// Deliveries in which each finds of what is attached that which is theirs to open.
    pub(super) fn addressed(&self, deliveries: Vec<SchedulingDelivery>) -> Result<Vec<SchedulingDelivery>, Violation> {
        let Meeting { users, folder_readers, seal, .. } = &self.meeting;
        let reads =
            |who: &CalendarUserAddress| users.get(who).is_some_and(|user| folder_readers.contains(&user.principal.id));
        addressed(deliveries, reads, seal, &self.budget)
    }

    /// What all others may know of a meeting with the answers of its rooms.
    fn views_of(&self, booked: &BookedMeeting) -> Result<Views, Violation> {
        let context = OrganizerContext { ledger: &booked.ledger, ..self.organizer() };
        let mut views = Views::new();
        for delivery in self.addressed(refresh_all(&booked.object, context)?)? {
            for to in delivery.recipients {
                views.insert(to.address, Arc::clone(&delivery.message));
            }
        }
        Ok(views)
    }

    /// Is a copy one of what the writer organized elsewhere so far, and plans here from now on? What they have of it
    /// themselves goes as they say.
    pub(super) fn takes_over(&self, copy: &Object, me: &Addresses) -> bool {
        organizer_address(copy).is_some_and(|organizer| {
            self.writer.contains(&organizer) && !me.contains(&organizer) && !self.meeting.addresses.contains(&organizer)
        })
    }

    /// Brings messages to all who get them: how those fared of which people are notified.
    fn deliver_all(
        &self,
        deliveries: &[SchedulingDelivery],
        views: Option<&Views>,
        remaining: Option<&Object>,
        plan: &mut SchedulePlan,
    ) -> Result<BTreeMap<CalendarUserAddress, Option<&'static str>>, Violation> {
        let (mut fared, mut left) = (BTreeMap::new(), number_of(deliveries));
        for delivery in deliveries {
            // Those who get one message may know the same.
            let answered = || views?.get(&delivery.recipients.first()?.address);
            let on_its_way = MessageInTransit::of(self, delivery, answered(), remaining);
            for to in delivery.recipients.iter().filter(|to| delivery.view.is_none() || !self.is_room(to)) {
                let status = self.deliver(&on_its_way, to, left, plan)?;
                left = left.saturating_sub(1);
                if on_its_way.notice.is_some() && status.is_some() {
                    fared.insert(to.address.clone(), status);
                }
            }
        }
        Ok(fared)
    }

    /// Brings a message to one who gets it: how it fared. `left`: how many still get something.
    fn deliver(
        &self,
        on_its_way: &MessageInTransit<'_>,
        to: &Addressee,
        left: usize,
        plan: &mut SchedulePlan,
    ) -> Result<Option<&'static str>, Violation> {
        let MessageInTransit { view, notice, remaining, .. } = on_its_way;
        let Some(user) = self.meeting.users.get(&to.address) else {
            return notice.as_ref().map_or(Ok(None), |notice| self.send(&to.address, notice, plan));
        };
        // A group is reached by those who are in it.
        let Some(home) = user.home else { return Ok(None) };
        let me = self.meeting.book.addresses_of(&user.principal);
        let have = self.meeting.copies.get(&home);
        if view.is_none() && remaining.is_some_and(|object| is_served(object, &me)) {
            // By another of their addresses they are in it still.
            return Ok(Some(status::DELIVERED));
        }
        // What two messages of one change say, a copy says as one.
        let place = self.place_of(home);
        let made = place.as_ref().and_then(|place| plan.made(place));
        let copy = match &made {
            Some(made) => made.as_ref(),
            None => have.and_then(MeetingCopy::object).filter(|copy| view.is_none() || !self.takes_over(copy, &me)),
        };
        let changed = match self.applied(on_its_way, copy, &me, left) {
            // What is somebody else's, or personal, stays as it is.
            Err(Violation::OtherOrganizer) => return Ok(Some(status::DELIVERED)),
            changed => changed?,
        };
        // Who has deleted what they declined has it again when they are asked again. Nobody gets a copy of what they
        // are not notified of.
        let is_out = changed.object.as_ref().is_some_and(|object| is_out_of(object, &me));
        if have.is_none() && made.is_none() && (notice.is_none() || is_out) {
            return Ok(Some(status::DELIVERED));
        }
        let changed_now = changed.is_changed;
        let object = changed.object.filter(|_| changed_now);
        if let (Some(object), Some(place)) = (object, place) {
            let kept = have.filter(|_| notice.is_none());
            let kept = kept.and_then(|have| have.node.schedule_hash.clone());
            // A room that is not wanted any more is free.
            let known = have.filter(|have| have.object().is_some()).map_or(0, |have| have.node.size_bytes);
            let held = || plan.hold(copy_of(&object, kept), known, &self.budget);
            let content = if user.is_room() { None } else { Some(held()?) };
            plan.deliver(CopyDelivery { place, content }, &user.principal.name);
        }
        let notice = notice.as_ref().filter(|notice| (changed_now || notice.occasion.is_again()) && !user.is_room());
        if let Some(notice) = notice {
            if let Some(item) = notice.item().filter(|_| user.reach.by_calendar()) {
                plan.notify(&user.principal.name, item.clone());
            }
            self.mail_beside(user, notice, plan);
        }
        Ok(Some(status::DELIVERED))
    }

    /// Mails a message to someone who is not of this server: how that fares.
    fn send(
        &self,
        to: &CalendarUserAddress,
        notice: &SchedulingNotice<'_>,
        plan: &mut SchedulePlan,
    ) -> Result<Option<&'static str>, Violation> {
        let fared = self.mail(to, notice, plan);
        if fared == Some(status::QUEUED) {
            notice.check_mailable()?;
        }
        Ok(fared)
    }

    /// What a message makes of a copy. `left`: among how many what may be done is shared.
    fn applied(
        &self,
        MessageInTransit { message, view, .. }: &MessageInTransit<'_>,
        copy: Option<&Object>,
        me: &Addresses,
        left: usize,
    ) -> Result<CopyChange, Violation> {
        let applied = |copy: Option<&Object>, budget: &Budget| {
            let at = SchedulingContext { budget, ..self.at() };
            let context = CopyContext { at, me, knows_answers: true, called_off_at: None, alarms: &[] };
            match view {
                Some(view) => apply_request(copy, view, context),
                None => apply_cancel(copy, message, context),
            }
        };
        match self.budget.share(left, |share| applied(copy, share)) {
            // What takes too long, or cannot be read, is in nobody's way but its owner's.
            Err(violation) if copy.is_some() && violation != Violation::OtherOrganizer => applied(None, &self.budget),
            changed => changed,
        }
    }

    /// Where a copy goes.
    pub(super) fn place_of(&self, home: Id) -> Option<DeliveryPlace> {
        if let Some(have) = self.meeting.copies.get(&home) {
            return Some(DeliveryPlace::Object(have.node.id));
        }
        self.meeting.receiving.get(&home).cloned().map(|into| DeliveryPlace::Calendar(Box::new(into)))
    }
}

/// Is one of these addresses in a meeting, and do its messages come from this server (RFC 6638 section 7.1)?
fn is_served(object: &Object, addresses: &Addresses) -> bool {
    let mut attendees = object.parts().flat_map(CalendarUser::attendees);
    attendees.any(|user| user.agent() == ScheduleAgent::Server && user.is_one_of(addresses))
}

/// How many get something.
fn number_of(deliveries: &[SchedulingDelivery]) -> usize {
    deliveries.iter().map(|delivery| delivery.recipients.len()).sum()
}
