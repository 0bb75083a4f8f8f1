//! What is stored of an organizer's change: whose answer holds, who is asked anew, and which SEQUENCE each component
//! has. One table says all of it:
//!
//! | the answer of | is |
//! |---|---|
//! | the organizer; who is served by a client | as written |
//! | who is new, or everybody where the meeting is | NEEDS-ACTION |
//! | who is in a component that takes place at another time | NEEDS-ACTION |
//! | whom the client wants to be sent a message in any case | as written |
//! | whom the client asks anew, with another title, place or text | NEEDS-ACTION |
//! | anybody else | what is stored |

use std::collections::{BTreeMap, BTreeSet};

use super::super::object::{Component, Object, Property};
use super::address::{Addresses, CalendarUserAddress};
use super::change::{MeetingChange, attendee_lines};
use super::context::SchedulingContext;
use super::fields::{REMARK_BY, set_line};
use super::ledger::{AnswerReset, ComponentRevision, ReplyLedger, sequence_of};
use super::occurrence::{Occurrence, OccurrenceSet};
use super::people::{CalendarUser, NEEDS_ACTION, ScheduleAgent, unforced};
use super::view::{attending, invited};
use crate::model::id::Timestamp;

/// The most lines that components of new occurrences may have; beyond, the series as a whole is asked about.
const MAX_DERIVED_LINES: usize = 20_000;

/// What an organizer's change is judged by.
#[derive(Clone, Copy)]
pub struct OrganizerContext<'a> {
    /// The moment, the zone, the budget.
    pub at: SchedulingContext<'a>,
    /// The addresses of whoever organizes: in a project the project's, and those of who writes for it.
    pub organizer: &'a Addresses,
    /// The addresses of who makes the change, which in a project's meeting stand for the project's.
    pub writer: &'a Addresses,
    /// What is written as ORGANIZER whatever a client writes, such as a project's address. `None`: what the client
    /// writes.
    pub write_as: Option<&'a str>,
    /// Did the client know the Schedule-Tag? Then answers that came since are no others' loss.
    pub keeps_answers: bool,
    /// The highest SEQUENCE that was ever sent of this UID, if it was sent before.
    pub highest_sent: Option<u64>,
    /// What is known of answers.
    pub ledger: &'a ReplyLedger,
}

/// The lines of attendees, by component.
type AttendeeLines<'a> = BTreeMap<Occurrence, BTreeMap<CalendarUserAddress, CalendarUser<'a>>>;

/// What is stored, and who is asked anew.
pub(super) struct Settled {
    pub object: Object,
    pub resets: Vec<AnswerReset>,
}

/// A change on its way to what is stored.
pub(super) struct Settling<'a> {
    old: Option<&'a OccurrenceSet<'a>>,
    new: &'a OccurrenceSet<'a>,
    change: &'a MeetingChange,
    context: OrganizerContext<'a>,
    before: AttendeeLines<'a>,
    /// The components from which somebody was taken away.
    lost: BTreeSet<Occurrence>,
    /// The SEQUENCE of the master, which those of single occurrences are above.
    master_sequence: u64,
    asks_series: bool,
    resets: Vec<AnswerReset>,
}

impl<'a> Settling<'a> {
    pub fn new(
        old: Option<&'a OccurrenceSet<'a>>,
        new: &'a OccurrenceSet<'a>,
        change: &'a MeetingChange,
        context: OrganizerContext<'a>,
    ) -> Self {
        let lines = |set: &OccurrenceSet<'a>| {
            let parts = set.components();
            parts.map(|(occurrence, part)| (occurrence, attendee_lines(attending(set, part)))).collect()
        };
        let before = old.map(lines).unwrap_or_default();
        let lines = new.master.map_or(0, |master| master.properties.len());
        let derived = change.series.added.len().saturating_mul(lines);
        let asks_series = change.series.moved || derived > MAX_DERIVED_LINES;
        let (lost, resets) = (BTreeSet::new(), Vec::new());
        let mut settling = Self { old, new, change, context, before, lost, master_sequence: 0, asks_series, resets };
        settling.lost = settling.components_that_lost();
        settling.master_sequence = new.master.map_or(0, |master| settling.sequence(Occurrence::Series, master));
        settling
    }

    /// The components in which somebody was, by themselves or by way of the series, who is not in them any more.
    fn components_that_lost(&self) -> BTreeSet<Occurrence> {
        let Some(old) = self.old else { return BTreeSet::new() };
        let by_component = |set| {
            let mut by: BTreeMap<Occurrence, BTreeSet<CalendarUserAddress>> = BTreeMap::new();
            for (address, known) in invited(set, self.context.organizer) {
                for occurrence in known.occurrences {
                    by.entry(occurrence).or_default().insert(address.clone());
                }
            }
            by
        };
        let (was, is) = (by_component(old), by_component(self.new));
        let (none, mut lost) = (BTreeSet::new(), BTreeSet::new());
        for (occurrence, _) in self.new.components() {
            let before = match occurrence {
                Occurrence::At(at) if old.component(occurrence).is_none() && !old.has(at) => None,
                Occurrence::At(_) if old.component(occurrence).is_none() => was.get(&Occurrence::Series),
                _ => was.get(&occurrence),
            };
            if before.unwrap_or(&none).difference(is.get(&occurrence).unwrap_or(&none)).next().is_some() {
                lost.insert(occurrence);
            }
        }
        // Who is left in nothing hears of the whole.
        let all = |by: &BTreeMap<_, BTreeSet<_>>| by.values().flatten().cloned().collect::<BTreeSet<_>>();
        if !all(&was).is_subset(&all(&is)) {
            lost.insert(Occurrence::Series);
        }
        // Who is left in single occurrences only gets two messages: these say more than that the series is called off.
        let series = |by: &BTreeMap<_, BTreeSet<_>>| by.get(&Occurrence::Series).cloned().unwrap_or_default();
        let gone: BTreeSet<CalendarUserAddress> = series(&was).difference(&series(&is)).cloned().collect();
        lost.extend(is.iter().filter(|(_, people)| !people.is_disjoint(&gone)).map(|(occurrence, _)| *occurrence));
        lost
    }

    /// What is stored.
    pub fn settle(mut self) -> Settled {
        let mut object = self.new.object.clone();
        for part in object.calendar.components.iter_mut().filter(|part| part.name != "VTIMEZONE") {
            if let Some(occurrence) = self.new.occurrence_of(part) {
                self.settle_part(occurrence, part);
            }
        }
        for at in self.asked_alone() {
            if let Some(mut part) = self.new.derived(at) {
                self.settle_part(Occurrence::At(at), &mut part);
                object.calendar.components.push(part);
            }
        }
        Settled { object: unforced(object), resets: self.resets }
    }

    /// Occurrences without a component of their own about which people are asked anew, and not about the series.
    fn asked_alone(&self) -> BTreeSet<Timestamp> {
        if self.asks_series || self.old.is_none() {
            return BTreeSet::new();
        }
        let mut alone: BTreeSet<Timestamp> = self.change.series.added.clone();
        let reverted = self.change.parts.iter().filter(|(_, change)| change.is_rescheduled && !change.is_gone);
        alone.extend(reverted.filter_map(|(occurrence, _)| match occurrence {
            Occurrence::At(at) => Some(*at),
            Occurrence::Series => None,
        }));
        alone.retain(|at| !self.new.overrides.contains_key(at) && self.new.has(*at));
        alone
    }

    /// Is everybody asked anew about a component?
    fn asks(&self, occurrence: Occurrence) -> bool {
        match occurrence {
            Occurrence::Series => self.asks_series,
            Occurrence::At(at) => {
                let is_new = self.old.is_some_and(|old| old.effective(at).is_none());
                // What has no component of its own before follows the series.
                let follows = self.asks_series && self.old.is_some_and(|old| !old.overrides.contains_key(&at));
                self.change.of(occurrence).is_rescheduled || is_new || follows
            }
        }
    }

    fn settle_part(&mut self, occurrence: Occurrence, part: &mut Component) {
        let sequence = match occurrence {
            Occurrence::Series => self.master_sequence,
            Occurrence::At(_) => self.sequence(occurrence, part),
        };
        if sequence != sequence_of(part) {
            set_line(part, "SEQUENCE", Some(Property::new("SEQUENCE", &sequence.to_string())));
        }
        let revision = ComponentRevision { sequence, stamp: self.context.at.now };
        let asks = self.asks(occurrence);
        for line in part.properties.iter_mut().filter(|line| line.name == "ATTENDEE") {
            *line = self.settle_line(occurrence, asks, line, revision);
        }
        self.keep_remarks(occurrence, part);
    }

    /// The line of an attendee.
    fn settle_line(
        &mut self,
        occurrence: Occurrence,
        asks: bool,
        line: &Property,
        revision: ComponentRevision,
    ) -> Property {
        let user = CalendarUser::of(line);
        let address = user.address();
        let organizer = self.new.master.and_then(CalendarUser::organizer).map(CalendarUser::address);
        let is_organizer = organizer.as_ref() == Some(&address) || self.context.organizer.contains(&address);
        if is_organizer || user.agent() != ScheduleAgent::Server {
            return line.clone();
        }
        let before = self.line_before(occurrence, &address);
        let known = before.map_or_else(|| NEEDS_ACTION.to_owned(), CalendarUser::participation);
        let written = user.participation();
        let change = self.change.of(occurrence);
        let is_changed = change.is_notable || change.has_content;
        let is_forced = user.force_send().as_deref() == Some("REQUEST");
        let answer = match (before.is_none() || asks, is_forced) {
            (true, _) => NEEDS_ACTION,
            (false, true) => written.as_str(),
            (false, false) if !self.context.keeps_answers && is_changed && written == NEEDS_ACTION => NEEDS_ACTION,
            (false, false) => known.as_str(),
        };
        let mut settled = user.with_participation(answer);
        let is_asked = answer == NEEDS_ACTION && (before.is_none() || asks || known != NEEDS_ACTION);
        if is_asked {
            if !user.is_asked() {
                settled = settled.with_parameter("RSVP", Some("TRUE"));
            }
            self.resets.push(AnswerReset { attendee: address.clone(), occurrence, revision });
        }
        if !is_asked {
            self.follow_series(occurrence, &address);
        }
        let status = before.and_then(CalendarUser::status);
        if user.status() == status { settled } else { settled.with_parameter("SCHEDULE-STATUS", status.as_deref()) }
    }

    /// A new component takes over how the series asked: an answer to what was before holds for neither.
    fn follow_series(&mut self, occurrence: Occurrence, attendee: &CalendarUserAddress) {
        if self.before.contains_key(&occurrence) {
            return;
        }
        let asked = |occurrence| self.context.ledger.row(attendee, occurrence).and_then(|row| row.reset);
        if let Some(revision) = asked(Occurrence::Series).filter(|series| Some(*series) > asked(occurrence)) {
            self.resets.push(AnswerReset { attendee: attendee.clone(), occurrence, revision });
        }
    }

    /// The line of an attendee as it is stored: of a component that is new, that of the series.
    fn line_before(&self, occurrence: Occurrence, address: &CalendarUserAddress) -> Option<CalendarUser<'a>> {
        let own = self.before.get(&occurrence);
        own.or_else(|| self.before.get(&Occurrence::Series))?.get(address).copied()
    }

    /// What attendees remarked stays theirs, though clients drop who said it.
    fn keep_remarks(&self, occurrence: Occurrence, part: &mut Component) {
        let Some(known) = self.old.and_then(|old| old.component(occurrence)) else { return };
        for line in part.properties.iter_mut().filter(|line| line.name == "COMMENT") {
            let by = known.all("COMMENT").find(|known| known.value() == line.value());
            if let Some(by) = by.and_then(|known| known.parameter(REMARK_BY)) {
                *line = line.with_parameter(REMARK_BY, Some(&by));
            }
        }
    }

    /// The SEQUENCE of a component: what the client wrote, but never below what is stored, and above it where something
    /// changed that people hear of.
    fn sequence(&self, occurrence: Occurrence, part: &Component) -> u64 {
        let written = sequence_of(part);
        let Some(old) = self.old else {
            return self.context.highest_sent.map_or(written, |sent| written.max(sent.saturating_add(1)));
        };
        let stored = old.component(occurrence).or(old.master).map_or(0, sequence_of);
        let raises = self.change.of(occurrence).raises() || self.lost.contains(&occurrence);
        if occurrence == Occurrence::Series {
            let raises = raises || !self.change.series.is_none();
            let (gone, changed) = (self.gone_sequence(false), self.gone_sequence(true));
            let raises = raises || changed.is_some();
            // Who is let go hears of the whole at once: above all that was said to them of its occurrences.
            let is_left = self.lost.contains(&Occurrence::Series);
            let said = if is_left { old.highest_sequence() } else { 0 };
            let above = if raises { stored.max(changed.unwrap_or(0)).max(said).saturating_add(1) } else { 0 };
            return written.max(stored).max(above).max(gone.unwrap_or(0));
        }
        let least = match (raises, self.asks(occurrence)) {
            (true, _) => stored.max(self.master_sequence).saturating_add(1),
            (false, true) => self.master_sequence,
            (false, false) => 0,
        };
        written.max(stored).max(least)
    }

    /// The highest SEQUENCE of the components that are there no more: the series is what counts of their occurrences
    /// from now on. `changed`: of those whose occurrence is another for it.
    fn gone_sequence(&self, changed: bool) -> Option<u64> {
        let parts = self.old.into_iter().flat_map(|old| &old.overrides);
        let gone = parts.filter(|(at, _)| {
            let is_gone = !self.new.overrides.contains_key(at);
            is_gone && (!changed || self.change.of(Occurrence::At(**at)).is_any())
        });
        gone.map(|(_, part)| sequence_of(part)).max()
    }
}
