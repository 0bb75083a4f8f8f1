//! An attendee's answer: as a message, and as what it changes in the organizer's object.

use std::collections::BTreeSet;

use super::super::object::{Component, Object, Property};
use super::super::recur::recurs;
use super::super::zone::Zones;
use super::address::{Addresses, CalendarUserAddress};
use super::context::{SchedulingContext, Violation, complete};
use super::fields::REMARK_BY;
use super::ledger::{AnswerReset, ComponentRevision, LedgerRow, ReplyLedger};
use super::message::{SchedulingMessage, SchedulingMethod, compose, sent_part};
use super::occurrence::{Occurrence, OccurrenceSet, start_of};
use super::people::{CalendarUser, DECLINED, NEEDS_ACTION, set_language};
use super::timing::Timing;
use super::view::attending;
use crate::model::id::Timestamp;

/// What of a component an answer repeats, so that who gets it sees what it is about.
const REPEATED: [&str; 13] = [
    "UID",
    "RECURRENCE-ID",
    "SEQUENCE",
    "DTSTAMP",
    "DTSTART",
    "DTEND",
    "DUE",
    "DURATION",
    "SUMMARY",
    "LOCATION",
    "STATUS",
    "ORGANIZER",
    "COMMENT",
];
/// The most remarks of one answer that are kept, and how long each may be, bytes.
const MAX_REMARKS: usize = 4;
const MAX_REMARK_BYTES: usize = 4096;
/// The status of an answer that says none (RFC 5546 section 3.6).
const SUCCESS: &str = "2.0";

/// The answer of `me` about components, as a message.
pub(super) fn compose_reply(
    source: &Object,
    parts: impl Iterator<Item = Component>,
    me: &Addresses,
    now: Timestamp,
) -> SchedulingMessage {
    let answer = |part: Component| {
        let remarks: Vec<Property> = part.all("COMMENT").cloned().collect();
        let mut answer = sent_part(&part, now);
        let is_mine = |line: &Property| me.contains(&CalendarUser::of(line).address());
        answer.properties.retain(|line| {
            REPEATED.contains(&line.name.as_str()) && line.name != "COMMENT" || line.name == "ATTENDEE" && is_mine(line)
        });
        for line in answer.properties.iter_mut().filter(|line| line.name == "ATTENDEE") {
            *line = line.with_parameter("RSVP", None);
        }
        if answer.name == "VEVENT" && answer.property("STATUS").is_none() {
            answer.properties.push(Property::new("STATUS", "CONFIRMED"));
        }
        answer.properties.extend(remarks);
        answer.properties.push(Property::new("REQUEST-STATUS", "2.0;Success"));
        answer.components.clear();
        answer
    };
    compose(SchedulingMethod::Reply, source, parts.map(answer).collect(), false)
}

/// What a reply is judged by.
#[derive(Clone, Copy)]
pub struct ReplyContext<'a> {
    /// The moment, the zone, the budget.
    pub at: SchedulingContext<'a>,
    /// The addresses of whom it is known to come from. `None`: of whomever it names.
    pub from: Option<&'a Addresses>,
    /// What is known of answers.
    pub ledger: &'a ReplyLedger,
}

/// An answer that was taken: a row for the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TakenReply {
    /// Whose.
    pub attendee: CalendarUserAddress,
    /// About what.
    pub occurrence: Occurrence,
    /// What they say.
    pub participation: String,
    /// The state that they answered to, and when.
    pub revision: ComponentRevision,
}

impl TakenReply {
    /// Notes it.
    pub fn note(&self, ledger: &mut ReplyLedger) {
        let row = ledger.row_mut(&self.attendee, self.occurrence);
        row.reply = Some((self.revision, self.participation.clone()));
    }
}

/// What a reply changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplyOutcome {
    /// The organizer's object after it.
    pub object: Object,
    /// Does it differ from what is stored?
    pub is_changed: bool,
    /// What was taken.
    pub taken: Vec<TakenReply>,
    /// How people were asked about occurrences that have components of their own now: rows for the ledger.
    pub resets: Vec<AnswerReset>,
    /// Who answered without being invited; the organizer is to say whether they come.
    pub uninvited: Vec<CalendarUserAddress>,
    /// Components that say nothing new: too old, repeated, or about no occurrence.
    pub ignored: usize,
}

impl ReplyOutcome {
    /// Notes how people were asked, and what they answered.
    pub fn note(&self, ledger: &mut ReplyLedger) {
        self.resets.iter().for_each(|reset| ledger.note_reset(reset));
        self.taken.iter().for_each(|taken| taken.note(ledger));
    }

    /// Whose rows of the ledger, about what, are others then.
    pub fn noted(&self) -> impl Iterator<Item = (&CalendarUserAddress, Occurrence)> {
        let resets = self.resets.iter().map(|reset| (&reset.attendee, reset.occurrence));
        resets.chain(self.taken.iter().map(|taken| (&taken.attendee, taken.occurrence)))
    }
}

/// What a reply changes in the organizer's object: answers, and nothing else.
pub fn apply_reply(
    object: &Object,
    reply: &SchedulingMessage,
    context: ReplyContext<'_>,
) -> Result<ReplyOutcome, Violation> {
    if reply.method != SchedulingMethod::Reply || reply.object.uid != object.uid {
        return Err(Violation::Unreadable);
    }
    let set = OccurrenceSet::of(object, context.at)?;
    let zones = Zones::new(&reply.object.calendar, context.at.floating).within(context.at.budget);
    let outcome = ReplyOutcome {
        object: object.clone(),
        is_changed: false,
        taken: Vec::new(),
        resets: Vec::new(),
        uninvited: Vec::new(),
        ignored: 0,
    };
    let mut applying = Applying { set: &set, context, outcome, named: BTreeSet::new(), late: None };
    let parts = reply.object.parts().map(|part| (occurrence_named(&set, part, &zones), part));
    let parts: Vec<(Option<Occurrence>, &Component)> = parts.collect();
    applying.named = parts.iter().filter_map(|(occurrence, _)| *occurrence).collect();
    for (occurrence, part) in parts {
        match occurrence {
            Some(occurrence) => applying.answer(occurrence, part),
            None => applying.outcome.ignored += 1,
        }
    }
    complete(&set.zones.steps)?;
    complete(&zones.steps)?;
    let mut outcome = applying.outcome;
    outcome.is_changed = outcome.object != *object;
    Ok(outcome)
}

/// What a component of an attendee's message is about. `None`: about no occurrence that there is, or about all from one
/// on, which nobody answers.
pub(super) fn occurrence_named(set: &OccurrenceSet<'_>, part: &Component, zones: &Zones<'_>) -> Option<Occurrence> {
    let Some(when) = part.instance().ok()? else { return set.master.map(|_| Occurrence::Series) };
    if part.property("RECURRENCE-ID").is_some_and(|line| line.parameter("RANGE").is_some()) {
        return None;
    }
    let at = set.find(&when, zones)?;
    if set.overrides.contains_key(&at) {
        return Some(Occurrence::At(at));
    }
    let master = set.master?;
    let once = || start_of(master).is_some_and(|start| set.zones.instant(&start) == at);
    match recurs(master) {
        true => set.has(at).then_some(Occurrence::At(at)),
        false => once().then_some(Occurrence::Series),
    }
}

/// A reply on its way into the object.
struct Applying<'a> {
    set: &'a OccurrenceSet<'a>,
    context: ReplyContext<'a>,
    outcome: ReplyOutcome,
    /// What the reply is about.
    named: BTreeSet<Occurrence>,
    /// What it says of the series, where that came too late.
    late: Option<TakenReply>,
}

impl Applying<'_> {
    /// Takes the answer of a component.
    fn answer(&mut self, occurrence: Occurrence, part: &Component) {
        let Some(known) = self.set.component(occurrence).or(self.set.master) else { return };
        let mut invited: BTreeSet<CalendarUserAddress> =
            attending(self.set, known).map(CalendarUser::address).collect();
        if occurrence == Occurrence::Series {
            // Who was in the series, and is in single occurrences by now, has answered about these.
            let apart = self.set.overrides.values().flat_map(|part| attending(self.set, part));
            invited.extend(apart.map(CalendarUser::address));
        }
        let may_be = |user: &CalendarUser<'_>| self.context.from.is_none_or(|from| user.is_one_of(from));
        let named: Vec<CalendarUser<'_>> = CalendarUser::attendees(part).filter(may_be).collect();
        let Some(user) = named.iter().find(|user| invited.contains(&user.address())) else {
            self.outcome.uninvited.extend(named.first().map(|user| user.address()));
            return;
        };
        let taken = TakenReply {
            attendee: user.address(),
            occurrence,
            participation: user.participation(),
            revision: ComponentRevision::of(part),
        };
        let is_token = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_valid = is_token(&taken.participation) && self.is_later(&taken);
        if !is_valid || !self.is_present(&taken) || self.is_late_with_series(&taken) {
            if occurrence == Occurrence::Series {
                // Of what was not asked about anew since, it may be the answer.
                if is_valid {
                    self.spread(&taken);
                }
                self.late = Some(taken);
            }
            self.outcome.ignored += 1;
            return;
        }
        if self.write(&taken, part, *user) {
            self.spread(&taken);
            if let Some(language) = user.language() {
                set_language(&mut self.outcome.object.calendar, &taken.attendee, &language);
            }
            self.outcome.taken.push(taken);
        }
    }

    /// The state with which they were last asked: what has no component of its own is asked about with the series.
    fn asked(&self, attendee: &CalendarUserAddress, occurrence: Occurrence) -> Option<ComponentRevision> {
        let asked = |occurrence| self.context.ledger.row(attendee, occurrence).and_then(|row| row.reset);
        let series = asked(Occurrence::Series).filter(|_| self.set.component(occurrence).is_none());
        asked(occurrence).max(series)
    }

    /// Is it about the present state?
    fn is_present(&self, reply: &TakenReply) -> bool {
        let asked = self.asked(&reply.attendee, reply.occurrence);
        asked.is_none_or(|asked| reply.revision.sequence >= asked.sequence)
    }

    /// Is it later than what was answered before?
    fn is_later(&self, reply: &TakenReply) -> bool {
        let last = self.context.ledger.row(&reply.attendee, reply.occurrence).and_then(|row| row.reply.as_ref());
        last.is_none_or(|(revision, answer)| {
            let (last, now) = (revision.stamp, reply.revision.stamp);
            // Of one second is also who is asked anew and says the same again.
            let is_other = *answer != reply.participation || reply.revision.sequence > revision.sequence;
            now > last || (now == last && is_other)
        })
    }

    /// Does it only repeat what the same reply says of the series, which came too late?
    fn is_late_with_series(&self, reply: &TakenReply) -> bool {
        let late = self.late.as_ref();
        late.is_some_and(|late| late.attendee == reply.attendee && late.participation == reply.participation)
    }

    /// Writes an answer into the component of its occurrence, which is made if there is none.
    fn write(&mut self, reply: &TakenReply, from: &Component, user: CalendarUser<'_>) -> bool {
        let is_it =
            |part: &Component| part.name != "VTIMEZONE" && self.set.occurrence_of(part) == Some(reply.occurrence);
        let parts = &mut self.outcome.object.calendar.components;
        let part = match (parts.iter().position(is_it), reply.occurrence) {
            (Some(at), _) => parts.get_mut(at),
            (None, Occurrence::At(at)) => {
                let Some(derived) = self.set.derived(at) else { return false };
                // It was asked about with the series so far.
                let asked = CalendarUser::attendees(&derived).filter_map(|user| {
                    let attendee = user.address();
                    let asked = |about| self.context.ledger.row(&attendee, about).and_then(|row| row.reset);
                    let revision = asked(Occurrence::Series).max(asked(reply.occurrence))?;
                    Some(AnswerReset { attendee, occurrence: reply.occurrence, revision })
                });
                self.outcome.resets.extend(asked);
                parts.push(derived);
                parts.last_mut()
            }
            (None, Occurrence::Series) => None,
        };
        let Some(part) = part else { return false };
        let status = from.value("REQUEST-STATUS").and_then(|status| status.split(';').next());
        let is_code = |code: &&str| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let status = status.map(str::trim).filter(is_code).unwrap_or(SUCCESS);
        for line in part.properties.iter_mut().filter(|line| line.name == "ATTENDEE") {
            if CalendarUser::of(line).address() != reply.attendee {
                continue;
            }
            *line = CalendarUser::of(line).with_participation(&reply.participation);
            *line = line.with_parameter("RSVP", None).with_parameter("SCHEDULE-STATUS", Some(status));
            if let Some(to) = user.line().parameter("DELEGATED-TO") {
                *line = line.with_parameter("DELEGATED-TO", Some(&to));
            }
        }
        let by = reply.attendee.as_str();
        part.properties.retain(|line| line.name != "COMMENT" || line.parameter(REMARK_BY).as_deref() != Some(by));
        let remarks = from.all("COMMENT").filter(|line| line.raw().len() <= MAX_REMARK_BYTES).take(MAX_REMARKS);
        part.properties.extend(remarks.map(|line| line.with_parameter(REMARK_BY, Some(by))));
        true
    }

    /// Who answers about the series answers about each occurrence that is to come and that they have said nothing of
    /// apart.
    fn spread(&mut self, reply: &TakenReply) {
        if reply.occurrence != Occurrence::Series {
            return;
        }
        let me = Addresses::from_iter([reply.attendee.clone()]);
        let answer = |part: &Component| CalendarUser::attendee(part, &me).map(CalendarUser::participation);
        let last = |row: &LedgerRow| row.reply.as_ref().map(|(_, answer)| answer.clone());
        let series = || self.context.ledger.row(&reply.attendee, Occurrence::Series).and_then(last);
        let before = self.set.master.and_then(answer).or_else(series);
        for part in self.outcome.object.calendar.components.iter_mut().filter(|part| part.name != "VTIMEZONE") {
            let Some(occurrence @ Occurrence::At(_)) = self.set.occurrence_of(part) else { continue };
            let own = self.context.ledger.row(&reply.attendee, occurrence);
            let is_asked = own.and_then(|row| row.reset).is_some_and(|asked| reply.revision.sequence < asked.sequence);
            let is_named = self.named.contains(&occurrence);
            if is_named || is_asked || is_past(part, &self.set.zones, self.context.at.now) {
                continue;
            }
            // What has the answer of the series has it from there, where nobody gave it apart.
            let last = own.and_then(|row| row.reply.as_ref());
            let is_declined = before.as_deref() == Some(DECLINED);
            let is_of_series = answer(part) == before && (last.is_none() || !is_declined);
            let is_open = answer(part).as_deref() == Some(NEEDS_ACTION);
            // What was said of it apart since counts, in whatever order the answers come.
            let is_later = last.is_none_or(|(known, _)| known.stamp <= reply.revision.stamp);
            if (is_of_series || is_open) && is_later {
                *part = answered(part.clone(), &me, &reply.participation);
            }
        }
    }
}

/// Gives an answer where there is none yet. Was there none?
pub(super) fn spread_to(part: &mut Component, of: &Addresses, participation: &str) -> bool {
    let mut spread = false;
    for line in part.properties.iter_mut().filter(|line| line.name == "ATTENDEE") {
        let user = CalendarUser::of(line);
        if user.is_one_of(of) && user.participation() == NEEDS_ACTION {
            *line = user.with_participation(participation);
            spread = true;
        }
    }
    spread
}

/// Is a component over?
pub(super) fn is_past(part: &Component, zones: &Zones<'_>, now: Timestamp) -> bool {
    Timing::of(part, zones).is_some_and(|timing| timing.ends() <= now)
}

/// A component with an answer of `me`.
pub(super) fn answered(mut part: Component, me: &Addresses, participation: &str) -> Component {
    for line in part.properties.iter_mut().filter(|line| line.name == "ATTENDEE") {
        let user = CalendarUser::of(line);
        if user.is_one_of(me) {
            *line = user.with_participation(participation);
        }
    }
    part
}
