//! An organizer's change of a meeting (RFC 6638 section 3.2.1): what is stored of it, and who gets which message.
//!
//! What is stored is the client's text but for what is not the client's to say: who organizes, others' answers, how
//! messages fared, and a SEQUENCE that has to rise.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::object::{Component, Object, Property};
use super::address::CalendarUserAddress;
use super::change::{MeetingChange, attendee_lines};
use super::context::{Violation, complete};
use super::deliveries::{Addressee, Deliveries, DeliveryKind, Everybody, SchedulingDelivery};
use super::fields::{REMARK_BY, set_line};
use super::ledger::{AnswerReset, ReplyLedger, sequence_of};
use super::occurrence::{Occurrence, OccurrenceSet};
pub use super::organizer_answers::OrganizerContext;
use super::organizer_answers::Settling;
use super::people::{CalendarUser, NEEDS_ACTION, ScheduleAgent, unforced};
use super::timing::same_time;
use super::view::{Invitee, invited, organizer_of, view, with_people};

/// What follows from an organizer's change.
#[derive(Clone, Debug, Default)]
pub struct OrganizerChange {
    /// What is to be stored; `None`: nothing, it is deleted.
    pub object: Option<Object>,
    /// Does it differ from what the client sent?
    pub is_rewritten: bool,
    /// The messages.
    pub deliveries: Vec<SchedulingDelivery>,
    /// Who is asked anew about what: rows for the ledger.
    pub resets: Vec<AnswerReset>,
}

/// What an organizer's change of a meeting is: from `old` (`None`: it is new) to `new` (`None`: it is deleted).
pub fn organizer_diff(
    old: Option<&Object>,
    new: Option<&Object>,
    context: OrganizerContext<'_>,
) -> Result<OrganizerChange, Violation> {
    let before = old.map(|old| OccurrenceSet::of(old, context.at)).transpose()?;
    let Some(new) = new else {
        let deliveries = called_off(before.as_ref(), context)?;
        return Ok(OrganizerChange { deliveries, ..OrganizerChange::default() });
    };
    let as_sent = || {
        let object = unforced(new.clone());
        OrganizerChange { is_rewritten: object != *new, object: Some(object), ..OrganizerChange::default() }
    };
    let sent = OccurrenceSet::of(new, context.at)?;
    sent.check_unique()?;
    check_organizer(before.as_ref(), &sent, context)?;
    let Some(organizer) = organizer_of(&sent) else {
        // Without organizer and attendees it is no meeting any more.
        return Ok(OrganizerChange { deliveries: called_off(before.as_ref(), context)?, ..as_sent() });
    };
    if organizer.agent() != ScheduleAgent::Server {
        return Ok(as_sent());
    }
    // What was no meeting before is a new one.
    let before = before.filter(|before| organizer_of(before).is_some());
    let prepared = prepare(before.as_ref(), &sent, context);
    let known = OccurrenceSet::of(&prepared, context.at)?;
    let change = before.as_ref().map(|before| MeetingChange::between(before, &known)).unwrap_or_default();
    let settled = Settling::new(before.as_ref(), &known, &change, context).settle();
    let after = OccurrenceSet::of(&settled.object, context.at)?;
    let change = before.as_ref().map(|before| MeetingChange::between(before, &after)).unwrap_or_default();
    let everybody = Everybody {
        before: before.as_ref().map(|before| invited(before, context.organizer)).unwrap_or_default(),
        after: invited(&after, context.organizer),
        forced: forced(&sent),
    };
    let deliveries = Deliveries { old: before.as_ref(), new: Some(&after), change: &change, context: context.at };
    let deliveries = deliveries.to(everybody)?;
    for set in before.iter().chain([&sent, &known, &after]) {
        complete(&set.zones.steps)?;
    }
    let is_rewritten = settled.object != *new;
    Ok(OrganizerChange { object: Some(settled.object.clone()), is_rewritten, deliveries, resets: settled.resets })
}

/// All that those in a meeting may know of it, for copies that are to follow; nobody is notified.
pub fn refresh_all(object: &Object, context: OrganizerContext<'_>) -> Result<Vec<SchedulingDelivery>, Violation> {
    let set = OccurrenceSet::of(object, context.at)?;
    let mut groups: BTreeMap<BTreeSet<Occurrence>, Vec<Addressee>> = BTreeMap::new();
    for (address, Invitee { written, occurrences }) in invited(&set, context.organizer) {
        groups.entry(occurrences).or_default().push(Addressee { address, written });
    }
    let deliver = |(occurrences, recipients): (BTreeSet<Occurrence>, Vec<Addressee>)| {
        let message = Arc::new(view(&set, &occurrences, context.at.now));
        let sequence = message.object.parts().map(sequence_of).max().unwrap_or(0);
        let (kind, view) = (DeliveryKind::Refresh, Some(Arc::clone(&message)));
        SchedulingDelivery { recipients, kind, occurrences, sequence, is_forced: false, message, view }
    };
    let deliveries = groups.into_iter().map(deliver).collect();
    complete(&set.zones.steps)?;
    Ok(deliveries)
}

/// All that is called off when there is no meeting any more.
fn called_off(
    before: Option<&OccurrenceSet<'_>>,
    context: OrganizerContext<'_>,
) -> Result<Vec<SchedulingDelivery>, Violation> {
    let Some(before) = before else { return Ok(Vec::new()) };
    let everybody =
        Everybody { before: invited(before, context.organizer), after: BTreeMap::new(), forced: BTreeSet::new() };
    let change = MeetingChange::default();
    Deliveries { old: Some(before), new: None, change: &change, context: context.at }.to(everybody)
}

/// To whom a client wants a message to be sent in any case.
fn forced(sent: &OccurrenceSet<'_>) -> BTreeSet<CalendarUserAddress> {
    let users = sent.components().flat_map(|(_, part)| CalendarUser::attendees(part));
    users.filter(|user| user.force_send().as_deref() == Some("REQUEST")).map(CalendarUser::address).collect()
}

/// Refuses what an organizer may not do to the organizer's line, and to the series.
fn check_organizer(
    before: Option<&OccurrenceSet<'_>>,
    sent: &OccurrenceSet<'_>,
    context: OrganizerContext<'_>,
) -> Result<(), Violation> {
    let organizers = sent.components().filter_map(|(_, part)| CalendarUser::organizer(part));
    let organizers: BTreeSet<CalendarUserAddress> = organizers.map(CalendarUser::address).collect();
    if organizers.len() > 1 {
        return Err(Violation::SameOrganizer);
    }
    let known = before.and_then(organizer_of).map(CalendarUser::address);
    let has_attendees = sent.components().any(|(_, part)| part.property("ATTENDEE").is_some());
    let is_own = |now| context.organizer.contains(now) || context.write_as.is_some() && context.writer.contains(now);
    let is_allowed = match (&known, organizers.first()) {
        (Some(known), Some(now)) => known == now || is_own(now),
        (Some(_), None) => !has_attendees,
        (None, _) => true,
    };
    let is_meeting = !organizers.is_empty();
    if !is_allowed || (is_meeting && sent.master.is_none()) { Err(Violation::OrganizerChange) } else { Ok(()) }
}

/// The client's object with its organizer and the people of each component, and with the answers about single
/// occurrences that it leaves out.
fn prepare(before: Option<&OccurrenceSet<'_>>, sent: &OccurrenceSet<'_>, context: OrganizerContext<'_>) -> Object {
    let mut object = sent.object.clone();
    let known = before.and_then(organizer_of).map(|known| known.line().clone());
    for part in object.calendar.components.iter_mut().filter(|part| part.name != "VTIMEZONE") {
        let occurrence = sent.occurrence_of(part);
        let had = occurrence.and_then(|occurrence| before?.component(occurrence));
        let lost_all = had.is_some_and(|had| had.property("ATTENDEE").is_some());
        if part.property("ATTENDEE").is_none() && !lost_all {
            let bare = Component { properties: without(part, "ORGANIZER"), ..part.clone() };
            *part = with_people(sent, &bare);
        }
        let written = part.property("ORGANIZER").or_else(|| organizer_of(sent).map(CalendarUser::line)).cloned();
        let Some(written) = written else { continue };
        let is_known = |line: &Property| CalendarUser::of(line).address() == CalendarUser::of(&written).address();
        let line = match (&known, context.write_as) {
            // Who organizes is one for life.
            (Some(known), _) if !is_known(known) => known.clone(),
            (None, Some(address)) => written.with_value(address),
            _ => written,
        };
        set_line(part, "ORGANIZER", Some(line));
    }
    if let Some(before) = before {
        object.calendar.components.extend(answers_apart(before, sent, context.ledger));
    }
    object
}

fn without(part: &Component, name: &str) -> Vec<Property> {
    part.properties.iter().filter(|line| line.name != name).cloned().collect()
}

/// The occurrences whose components are gone, and that go on at the same time with answers of their own, or with
/// questions: these are others' to change.
fn answers_apart(before: &OccurrenceSet<'_>, sent: &OccurrenceSet<'_>, ledger: &ReplyLedger) -> Vec<Component> {
    let answers = |part: &Component| -> BTreeMap<CalendarUserAddress, String> {
        let lines = attendee_lines(CalendarUser::attendees(part)).into_iter();
        lines.map(|(address, user)| (address, user.participation())).collect()
    };
    let series = before.master.map(answers).unwrap_or_default();
    let mut kept = Vec::new();
    for (at, own) in before.overrides.iter().filter(|(at, _)| !sent.overrides.contains_key(at) && sent.has(**at)) {
        let Some(mut part) = sent.derived(*at).filter(|part| same_time(own, &before.zones, part, &sent.zones)) else {
            continue;
        };
        let remarks = own.all("COMMENT").filter(|line| line.parameter(REMARK_BY).is_some());
        part.properties.extend(remarks.cloned());
        let asked = |who: &CalendarUserAddress, occurrence| ledger.row(who, occurrence).and_then(|row| row.reset);
        let is_asked = |who: &CalendarUserAddress| asked(who, Occurrence::At(*at)) > asked(who, Occurrence::Series);
        let is_apart = |who: &CalendarUserAddress, answer: &String| {
            series.get(who).is_some_and(|known| known != answer) || answer == NEEDS_ACTION && is_asked(who)
        };
        if answers(&with_people(before, own)).iter().any(|(who, answer)| is_apart(who, answer)) {
            kept.push(part);
        }
    }
    kept
}
