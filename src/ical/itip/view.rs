//! What an attendee may know of a meeting (RFC 6638 section 3.2.6): the occurrences that they are invited to, and no
//! other. Those who are invited to the same have the same view, so it is made once for all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::object::{Component, Property};
use super::address::{Addresses, CalendarUserAddress};
use super::fields::set_line;
use super::message::{SchedulingMessage, SchedulingMethod, compose, sent_part};
use super::occurrence::{Occurrence, OccurrenceSet};
use super::people::{CalendarUser, ScheduleAgent};
use crate::model::id::Timestamp;

/// Somebody to whom the server sends messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Invitee {
    /// The address as it is written.
    pub written: String,
    /// What they are invited to.
    pub occurrences: BTreeSet<Occurrence>,
}

/// The attendees of a component. One that names neither an organizer nor attendees has those of the series: many
/// programs write occurrences so.
pub(super) fn attending<'a>(set: &OccurrenceSet<'a>, part: &'a Component) -> impl Iterator<Item = CalendarUser<'a>> {
    let bare = part.property("ATTENDEE").is_none() && part.property("ORGANIZER").is_none();
    let source = if bare { set.master.unwrap_or(part) } else { part };
    CalendarUser::attendees(source)
}

/// The organizer of an object. Components that name none have that of the others.
pub(super) fn organizer_of<'a>(set: &OccurrenceSet<'a>) -> Option<CalendarUser<'a>> {
    set.components().find_map(|(_, part)| CalendarUser::organizer(part))
}

/// To whom the server sends messages about what: not to the organizer, and to nobody where a client does so itself.
pub(super) fn invited(set: &OccurrenceSet<'_>, organizer: &Addresses) -> BTreeMap<CalendarUserAddress, Invitee> {
    let mut all: BTreeMap<CalendarUserAddress, Invitee> = BTreeMap::new();
    let Some(own) = organizer_of(set).filter(|own| own.agent() == ScheduleAgent::Server) else { return all };
    let own = own.address();
    for (occurrence, part) in set.components() {
        for user in attending(set, part).filter(|user| user.agent() == ScheduleAgent::Server) {
            let address = user.address();
            if address == own || organizer.contains(&address) {
                continue;
            }
            let written = || Invitee { written: user.line().value().trim().to_owned(), occurrences: BTreeSet::new() };
            all.entry(address).or_insert_with(written).occurrences.insert(occurrence);
        }
    }
    all
}

/// The view of those who are invited to some components, as a message that has all of it.
pub(super) fn view(set: &OccurrenceSet<'_>, of: &BTreeSet<Occurrence>, now: Timestamp) -> SchedulingMessage {
    let mut parts = Vec::new();
    if of.contains(&Occurrence::Series)
        && let Some(master) = set.master
    {
        parts.push(without(set, master, of, now));
    }
    let moved = set.overrides.iter().filter(|(at, _)| of.contains(&Occurrence::At(**at)));
    parts.extend(moved.map(|(_, part)| sent_part(&with_people(set, part), now)));
    compose(SchedulingMethod::Request, set.object, parts, true)
}

/// The master without the occurrences that somebody is not invited to.
fn without(set: &OccurrenceSet<'_>, master: &Component, of: &BTreeSet<Occurrence>, now: Timestamp) -> Component {
    let mut part = sent_part(master, now);
    let foreign = set.overrides.keys().filter(|at| !of.contains(&Occurrence::At(**at)));
    let foreign = foreign.filter(|at| set.has(**at)).map(|at| set.line("EXDATE", *at));
    part.properties.extend(foreign);
    part
}

/// A component with the people that it has from the series.
pub(super) fn with_people(set: &OccurrenceSet<'_>, part: &Component) -> Component {
    let mut part = part.clone();
    let Some(master) = set.master else { return part };
    let has_attendees = part.property("ATTENDEE").is_some();
    if part.property("ORGANIZER").is_none() {
        if !has_attendees {
            part.properties.extend(master.all("ATTENDEE").cloned());
        }
        set_line(&mut part, "ORGANIZER", master.property("ORGANIZER").cloned());
    }
    part
}

/// The lines of some people among the attendees of a component, and of nobody else.
pub(super) fn with_only(mut part: Component, addresses: &BTreeSet<CalendarUserAddress>) -> Component {
    let is_kept = |line: &Property| line.name != "ATTENDEE" || addresses.contains(&CalendarUser::of(line).address());
    part.properties.retain(is_kept);
    part
}
