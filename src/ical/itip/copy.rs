//! A message of the organizer, and what it changes in an attendee's copy (RFC 6638 section 4.1).
//!
//! The organizer's lines come from the message, all others stay as their owner's programs wrote them: alarms, what is
//! private. Whether the owner's own answer holds, the organizer says who knows it; a message that may have crossed it
//! leaves it, unless it asks for it anew. Which state is the newer one is decided component by component; a component
//! that the copy does not have is measured by the series.

use std::collections::{BTreeMap, BTreeSet};

use super::super::object::{Component, Object, Property};
use super::super::time::When;
use super::super::tzid;
use super::address::{Addresses, CalendarUserAddress};
use super::context::{SchedulingContext, Violation, complete};
use super::fields::{MeetingField, field, is_cancelled, is_organizers, merged, set_line};
use super::ledger::ComponentRevision;
use super::message::{SchedulingMessage, SchedulingMethod};
use super::occurrence::{Occurrence, OccurrenceSet, set_hidden, write_time};
use super::people::{CalendarUser, DECLINED, NEEDS_ACTION, ScheduleAgent};
use super::reply::answered;
use super::timing::same_time;
use super::view::organizer_of;
use crate::model::id::Timestamp;

/// What a message is applied with.
#[derive(Clone, Copy)]
pub struct CopyContext<'a> {
    /// The moment, the zone, the budget.
    pub at: SchedulingContext<'a>,
    /// The addresses of the copy's owner.
    pub me: &'a Addresses,
    /// Does the message know all that the owner has answered? Then it says which of their answers hold. On this server
    /// it does, for an answer stands in the organizer's object as soon as it is given; what comes by mail may have
    /// crossed one.
    pub knows_answers: bool,
    /// The DTSTAMP of the last message that called the whole off, where the copy went with it: what was sent before
    /// makes no new one.
    pub called_off_at: Option<Timestamp>,
    /// The alarms that a new copy gets: those that the owner wants by default.
    pub alarms: &'a [Component],
}

/// What a message makes of a copy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CopyChange {
    /// The copy after it; `None`: there is none.
    pub object: Option<Object>,
    /// Is it another one now?
    pub is_changed: bool,
}

impl CopyChange {
    fn of(copy: Option<&Object>, object: Object) -> Self {
        Self { is_changed: copy != Some(&object), object: Some(object) }
    }

    fn none(copy: Option<&Object>) -> Self {
        Self { object: copy.cloned(), is_changed: false }
    }
}

/// May a message change a copy? No: it is served by a client. An error: it is another organizer's, or personal.
fn may_change(copy: &OccurrenceSet<'_>, message: &OccurrenceSet<'_>) -> Result<bool, Violation> {
    let address = |user: CalendarUser<'_>| user.address();
    let own = organizer_of(copy).ok_or(Violation::OtherOrganizer)?;
    if Some(own.address()) != organizer_of(message).map(address) || copy.object.uid != message.object.uid {
        return Err(Violation::OtherOrganizer);
    }
    Ok(own.agent() == ScheduleAgent::Server)
}

/// Applies an invitation, or a new state of one.
pub fn apply_request(
    copy: Option<&Object>,
    message: &SchedulingMessage,
    context: CopyContext<'_>,
) -> Result<CopyChange, Violation> {
    let said = OccurrenceSet::of(&message.object, context.at)?;
    if message.method != SchedulingMethod::Request || organizer_of(&said).is_none() {
        return Err(Violation::Unreadable);
    }
    said.check_unique()?;
    let Some(copy) = copy else {
        let is_late = context.called_off_at.is_some_and(|at| message.stamp() < at);
        return Ok(if is_late { CopyChange::none(None) } else { CopyChange::of(None, new_copy(message, context)) });
    };
    let have = OccurrenceSet::of(copy, context.at)?;
    if !may_change(&have, &said)? {
        return Ok(CopyChange::none(Some(copy)));
    }
    let object = CopyUpdate::new(&have, &said, message.is_whole, context).apply();
    complete(&have.zones.steps)?;
    complete(&said.zones.steps)?;
    Ok(CopyChange::of(Some(copy), object))
}

/// Is `me` out of all that an object has, for they have declined it, or it is called off? Who has no copy gets none.
#[must_use]
pub fn is_out_of(object: &Object, me: &Addresses) -> bool {
    let has_declined = |own: CalendarUser<'_>| own.participation() == DECLINED;
    object.parts().all(|part| is_cancelled(part) || CalendarUser::attendee(part, me).is_some_and(has_declined))
}

/// The copy of who had none.
fn new_copy(message: &SchedulingMessage, context: CopyContext<'_>) -> Object {
    let mut object = message.object.clone();
    set_line(&mut object.calendar, "METHOD", None);
    for part in object.calendar.components.iter_mut().filter(|part| part.name != "VTIMEZONE") {
        set_line(part, "METHOD", None);
        part.components.retain(|inner| inner.name != "VALARM");
        part.components.extend(context.alarms.iter().cloned());
    }
    object
}

/// An invitation on its way into a copy.
struct CopyUpdate<'a> {
    have: &'a OccurrenceSet<'a>,
    said: &'a OccurrenceSet<'a>,
    is_whole: bool,
    context: CopyContext<'a>,
    /// The components of the message that are newer than what the copy has.
    taken: BTreeMap<Occurrence, &'a Component>,
    /// All that the message names, newer or not.
    named: BTreeSet<Occurrence>,
    hidden: BTreeSet<Timestamp>,
    /// When what is taken was said.
    newest: Timestamp,
}

impl<'a> CopyUpdate<'a> {
    fn new(have: &'a OccurrenceSet<'a>, said: &'a OccurrenceSet<'a>, is_whole: bool, context: CopyContext<'a>) -> Self {
        let (taken, named) = (BTreeMap::new(), BTreeSet::new());
        let (hidden, newest) = (have.hidden(), Timestamp::MIN);
        let mut request = Self { have, said, is_whole, context, taken, named, hidden, newest };
        for (occurrence, part) in said.components() {
            // An occurrence of a series that the message does not have is one of the copy's.
            let occurrence = match part.instance() {
                Ok(Some(when)) if said.master.is_none() && have.master.is_some() => {
                    match have.find(&when, &said.zones) {
                        Some(at) => Occurrence::At(at),
                        None => continue,
                    }
                }
                _ => occurrence,
            };
            request.named.insert(occurrence);
            if request.is_newer(occurrence, part) {
                request.taken.insert(occurrence, part);
            }
        }
        request
    }

    /// Is a component of the message newer than what the copy has?
    fn is_newer(&self, occurrence: Occurrence, part: &Component) -> bool {
        let said = ComponentRevision::of(part);
        if let Some(own) = self.have.component(occurrence) {
            return said >= ComponentRevision::of(own);
        }
        if self.is_whole {
            // One message is newer than another as a whole.
            if let (Some(own), Some(master)) = (self.have.master, self.said.master) {
                return ComponentRevision::of(master) >= ComponentRevision::of(own);
            }
            let newest = self.have.components().map(|(_, part)| ComponentRevision::of(part).stamp).max();
            return newest.is_none_or(|newest| said.stamp >= newest);
        }
        self.have.master.is_none_or(|master| said >= ComponentRevision::of(master))
    }

    fn apply(mut self) -> Object {
        if self.taken.is_empty() {
            return self.have.object.clone();
        }
        let stamps = self.taken.values().map(|said| ComponentRevision::of(said).stamp);
        self.newest = stamps.max().unwrap_or(Timestamp::MIN);
        self.settle_hidden();
        let mut left = self.taken.clone();
        let mut parts = Vec::new();
        for part in &self.have.object.calendar.components {
            let occurrence = Some(part).filter(|part| part.name != "VTIMEZONE");
            let Some(occurrence) = occurrence.and_then(|part| self.have.occurrence_of(part)) else {
                parts.push(part.clone());
                continue;
            };
            match left.remove(&occurrence) {
                Some(said) => parts.push(self.merged(occurrence, said)),
                None if self.is_dropped(occurrence, part) => parts.extend(self.answered_apart(occurrence, part)),
                None => parts.push(part.clone()),
            }
        }
        // A series comes before what differs from it.
        parts.extend(left.into_iter().map(|(occurrence, said)| self.merged(occurrence, said)));
        let Object { component, uid, calendar } = self.have.object;
        let calendar =
            Component { components: parts, properties: calendar.properties.clone(), name: calendar.name.clone() };
        let mut object = Object { component: component.clone(), uid: uid.clone(), calendar };
        self.exclude(&mut object);
        add_zones(&mut object, &self.said.object.calendar);
        let states = self.have.hidden_states();
        set_hidden(&mut object.calendar, &self.hidden, |at| states.get(&at).copied().unwrap_or_default());
        object
    }

    /// A message that says all drops what it does not name, unless the copy has it from a later one.
    fn is_dropped(&self, occurrence: Occurrence, part: &Component) -> bool {
        let known = ComponentRevision::of(part);
        let series = self.taken.get(&Occurrence::Series).map(|said| ComponentRevision::of(said));
        let is_older = known.stamp <= self.newest || series.is_some_and(|said| known < said);
        self.is_whole && !self.named.contains(&occurrence) && is_older
    }

    /// What is left of an occurrence that has no component any more, and goes on at the same time: the owner's answer,
    /// which may still be on its way to the organizer.
    fn answered_apart(&self, occurrence: Occurrence, part: &Component) -> Option<Component> {
        if self.context.knows_answers {
            return None;
        }
        let (Occurrence::At(at), Some(series)) = (occurrence, self.taken.get(&Occurrence::Series)) else { return None };
        let said = self.said.has(at).then(|| self.said.derived(at)).flatten()?;
        let own = CalendarUser::attendee(part, self.context.me)?.participation();
        let is_same = same_time(part, &self.have.zones, &said, &self.said.zones);
        let is_apart = own != NEEDS_ACTION && self.answer(Occurrence::Series, series)? != own;
        let is_asked = self.is_asked_anew(Occurrence::Series, series) || self.is_asked_anew(occurrence, &said);
        let is_kept = is_same && is_apart && !is_asked;
        is_kept.then(|| self.merged(occurrence, &said))
    }

    /// What was hidden stays so while it is declined or called off, and an occurrence.
    fn settle_hidden(&mut self) {
        let is_out = |occurrence, said: &Component| {
            is_cancelled(said) || self.answer(occurrence, said).as_deref() == Some(DECLINED)
        };
        let parts = self.taken.iter().filter_map(|(occurrence, said)| match occurrence {
            Occurrence::At(at) => Some((*at, is_out(*occurrence, said))),
            Occurrence::Series => None,
        });
        let parts: BTreeMap<Timestamp, bool> = parts.collect();
        let series = self.taken.get(&Occurrence::Series).copied();
        let follows = series.map(|series| match self.context.knows_answers {
            true => is_out(Occurrence::Series, series),
            false => !self.is_asked_anew(Occurrence::Series, series),
        });
        let is_all = self.context.knows_answers && self.is_whole;
        let named = &self.named;
        let said = self.said;
        self.hidden.retain(|at| match (parts.get(at), follows) {
            (Some(is_out), _) => *is_out,
            _ if named.contains(&Occurrence::At(*at)) => true,
            (None, Some(follows)) => follows && said.has(*at),
            (None, None) => !is_all,
        });
        // What is all that is left is shown: a copy of nothing cannot be.
        let is_left = |occurrence: &Occurrence| !matches!(occurrence, Occurrence::At(at) if self.hidden.contains(at));
        if self.is_whole && said.master.is_none() && !self.taken.keys().any(is_left) {
            self.hidden.clear();
        }
        let hidden = &self.hidden;
        self.taken.retain(|occurrence, _| !matches!(occurrence, Occurrence::At(at) if hidden.contains(at)));
    }

    /// Does the message ask the owner anew about a component?
    fn is_asked_anew(&self, occurrence: Occurrence, said: &Component) -> bool {
        let Some(own) = self.have.component(occurrence).or(self.have.master) else { return false };
        let hidden = match occurrence {
            Occurrence::At(at) => self.have.hidden_states().get(&at).copied(),
            Occurrence::Series => None,
        };
        let known = hidden.unwrap_or_else(|| ComponentRevision::of(own));
        let user = CalendarUser::attendee(said, self.context.me);
        let is_unanswered = user.is_some_and(|user| user.participation() == NEEDS_ACTION);
        let is_moved = || match occurrence {
            Occurrence::At(at) => {
                let own = self.have.effective(at);
                own.is_none_or(|own| !same_time(&own, &self.have.zones, said, &self.said.zones))
            }
            Occurrence::Series => !same_time(own, &self.have.zones, said, &self.said.zones),
        };
        let rises = ComponentRevision::of(said).sequence > known.sequence;
        is_unanswered && rises && (is_moved() || user.is_some_and(CalendarUser::is_asked))
    }

    /// The owner's answer after the message. `None`: the message does not invite them.
    fn answer(&self, occurrence: Occurrence, said: &Component) -> Option<String> {
        let written = CalendarUser::attendee(said, self.context.me)?.participation();
        if self.context.knows_answers {
            return Some(written);
        }
        let own = match occurrence {
            Occurrence::At(at) if self.have.hidden().contains(&at) => Some(DECLINED.to_owned()),
            // What was not there before is asked about.
            Occurrence::At(at) if !self.had(at) => None,
            _ => self
                .have
                .component(occurrence)
                .or(self.have.master)
                .and_then(|own| CalendarUser::attendee(own, self.context.me).map(CalendarUser::participation)),
        };
        let own = own.filter(|own| own != NEEDS_ACTION && !self.is_asked_anew(occurrence, said));
        Some(own.unwrap_or(written))
    }

    /// Did the copy have an occurrence?
    fn had(&self, at: Timestamp) -> bool {
        self.have.component(Occurrence::At(at)).is_some() || self.have.has(at)
    }

    /// The organizer's lines of a component, and the owner's.
    fn merged(&self, occurrence: Occurrence, said: &Component) -> Component {
        let first = || self.have.components().next().map(|(_, part)| part);
        let own = self.have.component(occurrence).or(self.have.master).or_else(first);
        let Some(own) = own else { return said.clone() };
        let is_same = self.have.component(occurrence).is_some();
        let takes = |name: &str| {
            is_organizers(name)
                || (matches!(field(name), MeetingField::Other | MeetingField::Remark) && said.property(name).is_some())
        };
        let mut lines = merged(own, said, takes);
        // A single occurrence was not completed because the series was.
        lines.retain(|line| {
            is_same || !["COMPLETED", "PERCENT-COMPLETE", "COMMENT"].contains(&line.name.as_str()) || takes(&line.name)
        });
        let is_alarm = |inner: &&Component| inner.name == "VALARM";
        let alarms = own.components.iter().filter(is_alarm);
        let others = said.components.iter().filter(|inner| !is_alarm(inner));
        let part = Component {
            name: said.name.clone(),
            properties: lines,
            components: alarms.chain(others).cloned().collect(),
        };
        match self.answer(occurrence, said) {
            Some(answer) => answered(part, self.context.me, &answer),
            None => part,
        }
    }

    /// What is left out of the series: what the organizer leaves out, what the owner does not want to see, and nothing
    /// that has a component.
    fn exclude(&self, object: &mut Object) {
        let takes_series = self.taken.contains_key(&Occurrence::Series);
        let set = if takes_series { self.said } else { self.have };
        let is_master = |part: &&mut Component| part.name != "VTIMEZONE" && part.property("RECURRENCE-ID").is_none();
        let Some(master) = object.calendar.components.iter_mut().find(is_master) else { return };
        let there = self.taken.keys().filter_map(|occurrence| match occurrence {
            Occurrence::At(at) => Some(*at),
            Occurrence::Series => None,
        });
        let there: BTreeSet<Timestamp> = there.collect();
        restore(master, set, &there);
        let missing = self.hidden.iter().filter(|at| set.has(**at));
        master.properties.extend(missing.map(|at| set.line("EXDATE", *at)));
    }
}

/// Takes occurrences out of what is left out of a series.
fn restore(master: &mut Component, set: &OccurrenceSet<'_>, there: &BTreeSet<Timestamp>) {
    if set.exclusions().is_disjoint(there) {
        return;
    }
    let lines = std::mem::take(&mut master.properties);
    for line in lines {
        if line.name != "EXDATE" {
            master.properties.push(line);
            continue;
        }
        let times = When::all_of(&line).map(|(when, _)| when);
        let is_there = |when: &When| set.find(when, &set.zones).is_some_and(|at| there.contains(&at));
        let kept: Vec<When> = times.filter(|when| !is_there(when)).collect();
        let values: Vec<String> = kept.iter().map(|when| write_time("EXDATE", when).value().to_owned()).collect();
        if !values.is_empty() {
            master.properties.push(line.with_value(&values.join(",")));
        }
    }
}

/// The time zones that lines of a message speak of.
fn add_zones(object: &mut Object, from: &Component) {
    let zones = |calendar: &Component| -> Vec<Component> {
        calendar.components.iter().filter(|part| part.name == "VTIMEZONE").cloned().collect()
    };
    let known: BTreeSet<String> =
        zones(&object.calendar).iter().filter_map(tzid::name_of).map(|name| tzid::key(&name)).collect();
    let is_new = |zone: &Component| tzid::name_of(zone).is_some_and(|name| !known.contains(&tzid::key(&name)));
    object.calendar.components.splice(0..0, zones(from).into_iter().filter(is_new));
}

/// Applies that something is called off, or that the copy's owner is not invited to it any more.
pub fn apply_cancel(
    copy: Option<&Object>,
    message: &SchedulingMessage,
    context: CopyContext<'_>,
) -> Result<CopyChange, Violation> {
    let said = OccurrenceSet::of(&message.object, context.at)?;
    if message.method != SchedulingMethod::Cancel {
        return Err(Violation::Unreadable);
    }
    let Some(copy) = copy else { return Ok(CopyChange::none(None)) };
    let have = OccurrenceSet::of(copy, context.at)?;
    if !may_change(&have, &said)? {
        return Ok(CopyChange::none(Some(copy)));
    }
    let mut object = copy.clone();
    if message.is_whole {
        let stamp = message.stamp();
        let newest = said.components().map(|(_, part)| ComponentRevision::of(part).sequence).max().unwrap_or(0);
        for part in object.calendar.components.iter_mut().filter(|part| part.name != "VTIMEZONE") {
            let named = have.occurrence_of(part).and_then(|occurrence| said.component(occurrence));
            let own = ComponentRevision::of(part);
            // What the message does not name counts by when it was said.
            let unnamed = ComponentRevision { sequence: newest.max(own.sequence), stamp };
            let by = named
                .map(ComponentRevision::of)
                .or(Some(unnamed).filter(|_| (stamp, newest) >= (own.stamp, own.sequence)));
            by.into_iter().for_each(|by| call_off(part, by));
        }
        return Ok(CopyChange::of(Some(copy), object));
    }
    for part in message.object.parts() {
        let Ok(Some(when)) = part.instance() else { continue };
        if let Some(at) = have.find(&when, &said.zones) {
            leave_out(&mut object, &have, at, ComponentRevision::of(part));
        }
    }
    complete(&have.zones.steps)?;
    Ok(CopyChange::of(Some(copy), object))
}

/// Marks a component as called off, unless it is newer than that.
fn call_off(part: &mut Component, by: ComponentRevision) {
    if by < ComponentRevision::of(part) {
        return;
    }
    set_line(part, "STATUS", Some(Property::new("STATUS", "CANCELLED")));
    set_line(part, "SEQUENCE", Some(Property::new("SEQUENCE", &by.sequence.to_string())));
    if by.stamp != Timestamp::MIN {
        let stamp = super::super::time::write_utc(by.stamp);
        set_line(part, "DTSTAMP", Some(Property::new("DTSTAMP", &stamp)));
    }
}

/// Leaves one occurrence out of a copy.
fn leave_out(object: &mut Object, have: &OccurrenceSet<'_>, at: Timestamp, by: ComponentRevision) {
    let occurrence = Occurrence::At(at);
    let own = have.component(occurrence);
    let known = own.or(have.master).map(ComponentRevision::of);
    if known.is_some_and(|known| by < known) {
        return;
    }
    let is_it = |part: &Component| part.name != "VTIMEZONE" && have.occurrence_of(part) == Some(occurrence);
    let Some(_) = have.master else {
        object.calendar.components.iter_mut().filter(|part| is_it(part)).for_each(|part| call_off(part, by));
        return;
    };
    object.calendar.components.retain(|part| !is_it(part));
    let is_master = |part: &&mut Component| part.name != "VTIMEZONE" && part.property("RECURRENCE-ID").is_none();
    let left_out = have.line("EXDATE", at);
    if let Some(master) = object.calendar.components.iter_mut().find(is_master).filter(|_| have.has(at)) {
        master.properties.push(left_out);
    }
}

/// Who a message is from, for those who hold it against who sent it.
#[must_use]
pub fn organizer_address(object: &Object) -> Option<CalendarUserAddress> {
    object.parts().find_map(CalendarUser::organizer).map(CalendarUser::address)
}
