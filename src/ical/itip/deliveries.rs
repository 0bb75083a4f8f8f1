//! Who gets which message after a change of a meeting, decided on what each of them may know of it.
//!
//! The work is bounded by the lines of the object and, for texts, by the budget: those who are invited to the same get
//! one text. Where each of a thousand attendees is invited to other occurrences, the budget refuses before it is built.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::object::Property;
use super::address::CalendarUserAddress;
use super::change::MeetingChange;
use super::context::{SchedulingContext, Violation};
use super::fields::{is_cancelled, set_line};
use super::ledger::sequence_of;
use super::message::{SchedulingMessage, SchedulingMethod, compose, sent_part};
use super::occurrence::{Occurrence, OccurrenceSet};
use super::view::{Invitee, view, with_only, with_people};
use crate::model::id::Timestamp;

/// What a delivery is to its recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeliveryKind {
    /// People are notified: an inbox item, and mail to who wants it.
    Notice,
    /// Their copy follows, and nobody hears of it.
    Refresh,
}

/// Who gets a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Addressee {
    /// The address.
    pub address: CalendarUserAddress,
    /// The address as it is written.
    pub written: String,
}

/// A message to all who get the same.
#[derive(Clone, Debug)]
pub struct SchedulingDelivery {
    /// Who gets it.
    pub recipients: Vec<Addressee>,
    /// Is anybody notified?
    pub kind: DeliveryKind,
    /// What it is about; with [`Occurrence::Series`] it is about all.
    pub occurrences: BTreeSet<Occurrence>,
    /// The highest SEQUENCE in it.
    pub sequence: u64,
    /// Is it sent because the client wants that (SCHEDULE-FORCE-SEND), be there something new in it or not?
    pub is_forced: bool,
    /// The message.
    pub message: Arc<SchedulingMessage>,
    /// All that the recipients may know after the change, for copies on this server: none loses what another message
    /// said. `None`: they are invited to nothing any more.
    pub view: Option<Arc<SchedulingMessage>>,
}

/// A meeting before and after a change.
pub(super) struct Deliveries<'a> {
    pub old: Option<&'a OccurrenceSet<'a>>,
    pub new: Option<&'a OccurrenceSet<'a>>,
    pub change: &'a MeetingChange,
    pub context: SchedulingContext<'a>,
}

/// What those have in common who get the same.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Membership {
    before: BTreeSet<Occurrence>,
    after: BTreeSet<Occurrence>,
    is_forced: bool,
}

/// What is to be sent to one group.
#[derive(Default)]
struct Wanted {
    cancelled: BTreeSet<Occurrence>,
    requested: BTreeSet<Occurrence>,
    is_refreshed: bool,
}

/// Everybody concerned, with what they are and were invited to.
pub(super) struct Everybody {
    pub before: BTreeMap<CalendarUserAddress, Invitee>,
    pub after: BTreeMap<CalendarUserAddress, Invitee>,
    /// To whom a message is sent in any case.
    pub forced: BTreeSet<CalendarUserAddress>,
}

/// What a message takes while it is held.
pub(super) fn held_bytes(message: &SchedulingMessage) -> usize {
    let lines = message.object.calendar.components.iter().flat_map(|part| &part.properties);
    lines.map(|line| line.raw().len() + 64).sum()
}

impl Deliveries<'_> {
    /// The messages to all.
    pub fn to(&self, mut all: Everybody) -> Result<Vec<SchedulingDelivery>, Violation> {
        let addresses: BTreeSet<CalendarUserAddress> = all.before.keys().chain(all.after.keys()).cloned().collect();
        let mut groups: BTreeMap<Membership, Vec<Addressee>> = BTreeMap::new();
        for address in addresses {
            let (before, after) = (all.before.remove(&address), all.after.remove(&address));
            let written = after.as_ref().or(before.as_ref()).map(|known| known.written.clone()).unwrap_or_default();
            let of = |known: Option<Invitee>| known.map(|known| known.occurrences).unwrap_or_default();
            let is_forced = all.forced.contains(&address);
            let membership = Membership { before: of(before), after: of(after), is_forced };
            groups.entry(membership).or_default().push(Addressee { address, written });
        }
        let mut deliveries = Vec::new();
        for (membership, recipients) in groups {
            self.context.budget.steps(1 + membership.before.len() as u64 + membership.after.len() as u64)?;
            self.send(&membership, recipients, &mut deliveries)?;
        }
        Ok(deliveries)
    }

    fn send(
        &self,
        of: &Membership,
        recipients: Vec<Addressee>,
        deliveries: &mut Vec<SchedulingDelivery>,
    ) -> Result<(), Violation> {
        let wanted = self.wanted(of);
        if wanted.cancelled.is_empty() && wanted.requested.is_empty() && !wanted.is_refreshed {
            return Ok(());
        }
        let all = self.new.filter(|_| !of.after.is_empty()).map(|new| Arc::new(view(new, &of.after, self.context.now)));
        self.charge(all.as_deref())?;
        if !wanted.cancelled.is_empty() {
            let message = self.cancel(of, &wanted.cancelled, &recipients);
            self.charge(message.as_ref())?;
            let about = wanted.cancelled.clone();
            let deliver = |message| delivery(&recipients, DeliveryKind::Notice, about, message, &all);
            deliveries.extend(message.map(Arc::new).map(deliver));
        }
        let kind = if wanted.requested.is_empty() { DeliveryKind::Refresh } else { DeliveryKind::Notice };
        // Whoever is notified of something has all the rest with it.
        if kind == DeliveryKind::Refresh && (!wanted.is_refreshed || !wanted.cancelled.is_empty()) {
            return Ok(());
        }
        let Some(whole) = all.clone() else { return Ok(()) };
        let request = if kind == DeliveryKind::Refresh || wanted.requested == of.after {
            delivery(&recipients, kind, of.after.clone(), whole, &all)
        } else if let Some(part) = self.request(&wanted.requested) {
            self.charge(Some(&part))?;
            delivery(&recipients, kind, wanted.requested, Arc::new(part), &all)
        } else {
            return Ok(());
        };
        deliveries.push(SchedulingDelivery { is_forced: of.is_forced, ..request });
        Ok(())
    }

    /// Texts are held until they are sent: the request pays for them.
    fn charge(&self, message: Option<&SchedulingMessage>) -> Result<(), Violation> {
        let bytes = message.map_or(0, held_bytes);
        self.context.budget.bytes(bytes)?;
        Ok(self.context.budget.steps(1 + bytes as u64 / 4096)?)
    }

    /// What a group is to hear of.
    fn wanted(&self, of: &Membership) -> Wanted {
        let mut wanted = Wanted::default();
        let (was, is) = (of.before.contains(&Occurrence::Series), of.after.contains(&Occurrence::Series));
        if of.after.is_empty() {
            wanted.cancelled = self.worth_cancelling(&of.before);
            return wanted;
        }
        // What is called off before anybody heard of it needs no invitation.
        let is_off = |part: &Occurrence| self.new.and_then(|new| new.component(*part)).is_some_and(is_cancelled);
        if self.old.is_none() && of.after.iter().all(is_off) {
            return wanted;
        }
        if was && !is {
            wanted.cancelled.insert(Occurrence::Series);
            wanted.requested = of.after.clone();
            return wanted;
        }
        if of.before.is_empty() || (is && !was) || of.is_forced {
            wanted.requested = of.after.clone();
        }
        self.collect_series(of, &mut wanted);
        self.collect_lost(of, &mut wanted);
        self.collect_parts(of, &mut wanted);
        let concerned = of.after.iter().chain(&of.before).any(|occurrence| self.change.of(*occurrence).is_any());
        wanted.is_refreshed = concerned || (is && !self.change.series.is_none());
        wanted
    }

    /// Of what somebody was invited to, all that was not called off before.
    fn worth_cancelling(&self, before: &BTreeSet<Occurrence>) -> BTreeSet<Occurrence> {
        let is_off =
            |occurrence: &Occurrence| self.old.and_then(|old| old.component(*occurrence)).is_some_and(is_cancelled);
        let open: BTreeSet<Occurrence> = before.iter().filter(|occurrence| !is_off(occurrence)).copied().collect();
        if open.contains(&Occurrence::Series) { BTreeSet::from([Occurrence::Series]) } else { open }
    }

    /// What became of the series, for those in it.
    fn collect_series(&self, of: &Membership, wanted: &mut Wanted) {
        if !of.after.contains(&Occurrence::Series) || !of.before.contains(&Occurrence::Series) {
            return;
        }
        let (series, change) = (&self.change.series, self.change.of(Occurrence::Series));
        if change.is_called_off {
            wanted.cancelled.insert(Occurrence::Series);
        } else if series.moved || series.cut || !series.added.is_empty() || change.raises() {
            wanted.requested = of.after.clone();
        }
        let had = |at: &&Timestamp| {
            let own = self.old.is_some_and(|old| old.overrides.contains_key(at));
            if own { of.before.contains(&Occurrence::At(**at)) } else { of.before.contains(&Occurrence::Series) }
        };
        // What was called off before is no news, and what has a component of its own goes on by that.
        let goes = |at: &&Timestamp| {
            let was_off = self.old.and_then(|old| old.overrides.get(at)).is_some_and(|part| is_cancelled(part));
            !was_off && self.new.is_none_or(|new| !new.overrides.contains_key(at))
        };
        let removed = series.removed.iter().filter(had).filter(goes);
        wanted.cancelled.extend(removed.map(|at| Occurrence::At(*at)));
    }

    /// The occurrences to which a group is not invited any more.
    fn collect_lost(&self, of: &Membership, wanted: &mut Wanted) {
        let (Some(old), Some(new)) = (self.old, self.new) else { return };
        let is_in_series = of.after.contains(&Occurrence::Series);
        if wanted.cancelled.contains(&Occurrence::Series) || (is_in_series && self.change.series.moved) {
            return;
        }
        for at in old.overrides.keys().chain(new.overrides.keys()) {
            let part = Occurrence::At(*at);
            let had = if old.overrides.contains_key(at) {
                of.before.contains(&part)
            } else {
                of.before.contains(&Occurrence::Series) && old.has(*at)
            };
            let has =
                if new.overrides.contains_key(at) { of.after.contains(&part) } else { is_in_series && new.has(*at) };
            // What the series does not reach any more needs no word of its own.
            let is_cut =
                is_in_series && old.generates(*at) && !new.generates(*at) && !self.change.series.removed.contains(at);
            let was_off = old.overrides.get(at).is_some_and(|part| is_cancelled(part));
            if had && !has && !is_cut && !was_off {
                wanted.cancelled.insert(part);
            } else if has && !had && !new.overrides.contains_key(at) {
                // They are in it by way of the series again.
                wanted.requested = of.after.clone();
            }
        }
    }

    /// Single occurrences that changed.
    fn collect_parts(&self, of: &Membership, wanted: &mut Wanted) {
        if wanted.requested.contains(&Occurrence::Series) || wanted.cancelled.contains(&Occurrence::Series) {
            return;
        }
        for part in of.after.iter().filter(|part| **part != Occurrence::Series) {
            let change = self.change.of(*part);
            let is_new = !of.before.contains(part) && !self.was_in(of, *part);
            if change.is_called_off {
                wanted.cancelled.insert(*part);
            } else if change.raises() || is_new {
                wanted.requested.insert(*part);
            }
        }
    }

    /// Was a group invited to an occurrence by way of the series?
    fn was_in(&self, of: &Membership, part: Occurrence) -> bool {
        let (Some(old), Occurrence::At(at)) = (self.old, part) else { return false };
        of.before.contains(&Occurrence::Series) && !old.overrides.contains_key(&at) && old.has(at)
    }

    /// Single occurrences as they are now.
    fn request(&self, of: &BTreeSet<Occurrence>) -> Option<SchedulingMessage> {
        let new = self.new?;
        let parts = of.iter().filter_map(|occurrence| new.component(*occurrence));
        let parts = parts.map(|part| sent_part(&with_people(new, part), self.context.now)).collect();
        Some(compose(SchedulingMethod::Request, new.object, parts, false))
    }

    /// That something is called off, or its recipients are not invited any more.
    fn cancel(
        &self,
        of: &Membership,
        occurrences: &BTreeSet<Occurrence>,
        recipients: &[Addressee],
    ) -> Option<SchedulingMessage> {
        let known = self.old.or(self.new)?;
        let addresses = recipients.iter().map(|recipient| recipient.address.clone()).collect();
        let is_whole = occurrences.contains(&Occurrence::Series) || of.after.is_empty();
        let mut parts = Vec::new();
        for occurrence in occurrences {
            let part = match occurrence {
                Occurrence::Series => known.master.cloned(),
                Occurrence::At(_) if occurrences.contains(&Occurrence::Series) => None,
                Occurrence::At(at) => known.effective(*at).or_else(|| self.new.and_then(|new| new.effective(*at))),
            };
            let Some(part) = part else { continue };
            let mut part = with_only(sent_part(&with_people(known, &part), self.context.now), &addresses);
            set_line(&mut part, "STATUS", Some(Property::new("STATUS", "CANCELLED")));
            let sequence = self.sequence_of_cancel(*occurrence).to_string();
            set_line(&mut part, "SEQUENCE", Some(Property::new("SEQUENCE", &sequence)));
            parts.push(part);
        }
        (!parts.is_empty()).then(|| compose(SchedulingMethod::Cancel, known.object, parts, is_whole))
    }

    /// Above all that was sent of it: what is stored now, or one more where nothing is.
    fn sequence_of_cancel(&self, of: Occurrence) -> u64 {
        match (self.new.filter(|new| new.master.is_some() || new.component(of).is_some()), self.old) {
            (Some(new), _) => [new.component(of), new.master].into_iter().flatten().map(sequence_of).max().unwrap_or(0),
            (None, Some(old)) => old.highest_sequence().saturating_add(1),
            (None, None) => 0,
        }
    }
}

fn delivery(
    recipients: &[Addressee],
    kind: DeliveryKind,
    occurrences: BTreeSet<Occurrence>,
    message: Arc<SchedulingMessage>,
    view: &Option<Arc<SchedulingMessage>>,
) -> SchedulingDelivery {
    let sequence = message.object.parts().map(sequence_of).max().unwrap_or(0);
    let (recipients, view) = (recipients.to_vec(), view.clone());
    SchedulingDelivery { recipients, kind, occurrences, sequence, is_forced: false, message, view }
}
