//! An attendee's proposal (RFC 5546 section 3.2.7): the meeting at the time that they would have, and nothing else of
//! what they wrote. What proposes the time that is set, or one that is over, is an answer and no more.

use super::super::object::{Component, Object, Property};
use super::super::recur::recurs;
use super::super::time::{Clock, When};
use super::super::zone::Zones;
use super::address::Addresses;
use super::context::{SchedulingContext, Violation, complete};
use super::fields::set_line;
use super::message::{SchedulingMessage, SchedulingMethod};
use super::occurrence::{Occurrence, OccurrenceSet, start_of, write_time};
use super::people::{CalendarUser, NEEDS_ACTION};
use super::reply::occurrence_named;
use super::timing::Timing;
use super::view::{attending, with_people};

/// What a proposal is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CounterOutcome {
    /// The answer that comes with it.
    pub answer: SchedulingMessage,
    /// Does it propose another time for something that its author is invited to?
    pub proposes: bool,
    /// The organizer's object as it would be; `None`: what is proposed is for the organizer to work out.
    pub object: Option<Object>,
}

/// What a proposal of `from` would make of the organizer's object.
pub fn apply_counter(
    object: &Object,
    counter: &SchedulingMessage,
    from: &Addresses,
    at: SchedulingContext<'_>,
) -> Result<CounterOutcome, Violation> {
    if counter.method != SchedulingMethod::Counter || counter.object.uid != object.uid {
        return Err(Violation::Unreadable);
    }
    let set = OccurrenceSet::of(object, at)?;
    let zones = Zones::new(&counter.object.calendar, at.floating).within(at.budget);
    let mut answer = counter.clone();
    answer.method = SchedulingMethod::Reply;
    set_line(&mut answer.object.calendar, "METHOD", Some(Property::new("METHOD", answer.method.name())));
    let (mut proposes, mut is_clear, mut proposed) = (false, true, object.clone());
    for part in counter.object.parts() {
        let Some(occurrence) = occurrence_named(&set, part, &zones) else { continue };
        let Some(known) = said_of(&set, occurrence) else { continue };
        if !attending(&set, &known).any(|user| user.is_one_of(from)) {
            continue;
        }
        let (Some(is), Some(wanted)) = (Timing::of(&known, &set.zones), Timing::of(part, &zones)) else { continue };
        if is.is_same_stretch(&wanted) || wanted.ends() <= at.now {
            continue;
        }
        proposes = true;
        // Another time for all of a series is another rule, which a time does not say.
        match moved(&known, part, (&set.zones, &zones)).filter(|_| !recurs(&known)) {
            Some(moved) => put(&mut proposed, &set, occurrence, moved),
            None => is_clear = false,
        }
    }
    complete(&set.zones.steps)?;
    complete(&zones.steps)?;
    for part in answer.object.calendar.components.iter_mut().filter(|part| part.name != "VTIMEZONE") {
        let occurrence = occurrence_named(&set, part, &zones);
        let known = occurrence.and_then(|occurrence| said_of(&set, occurrence)).map(|known| with_people(&set, &known));
        complete_answer(part, known.as_ref(), from);
    }
    Ok(CounterOutcome { answer, proposes, object: Some(proposed).filter(|_| proposes && is_clear) })
}

/// Who proposes and says no more has answered what they answered before.
fn complete_answer(part: &mut Component, known: Option<&Component>, from: &Addresses) {
    let known = known.and_then(|known| CalendarUser::attendee(known, from)).map(CalendarUser::participation);
    for line in part.properties.iter_mut().filter(|line| line.name == "ATTENDEE") {
        let user = CalendarUser::of(line);
        if user.is_one_of(from) && user.participation() == NEEDS_ACTION {
            *line = user.with_participation(known.as_deref().unwrap_or(NEEDS_ACTION));
        }
    }
}

/// What is said of an occurrence so far.
pub(super) fn said_of(set: &OccurrenceSet<'_>, occurrence: Occurrence) -> Option<Component> {
    match occurrence {
        Occurrence::Series => set.master.cloned(),
        Occurrence::At(at) => set.effective(at),
    }
}

/// A component at the time of another one, on its own clock. `None`: a day is no hour.
fn moved(known: &Component, wanted: &Component, (ours, theirs): (&Zones<'_>, &Zones<'_>)) -> Option<Component> {
    let (own, start) = (start_of(known)?, start_of(wanted)?);
    let timing = Timing::of(wanted, theirs)?;
    if own.is_day() != start.is_day() {
        return None;
    }
    let clock = own.clock.clone();
    let on_clock = |at| When { local: ours.of(&clock).local(at), clock: clock.clone() };
    let begins = if own.is_day() { When { local: start.local, clock: Clock::Day } } else { on_clock(timing.starts()) };
    let mut part = known.clone();
    set_line(&mut part, "DTSTART", Some(write_time("DTSTART", &begins)));
    set_line(&mut part, "DURATION", None);
    let ends: Property =
        if own.is_day() { wanted.property("DTEND").cloned()? } else { write_time("DTEND", &on_clock(timing.ends())) };
    set_line(&mut part, "DTEND", Some(ends));
    Some(part)
}

/// A component takes the place of what stands for its occurrence.
fn put(object: &mut Object, set: &OccurrenceSet<'_>, occurrence: Occurrence, part: Component) {
    let parts = &mut object.calendar.components;
    let is_it = |part: &Component| part.name != "VTIMEZONE" && set.occurrence_of(part) == Some(occurrence);
    match parts.iter_mut().find(|part| is_it(part)) {
        Some(own) => *own = part,
        None => parts.push(part),
    }
}
