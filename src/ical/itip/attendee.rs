//! An attendee's change of their copy (RFC 6638 section 3.2.2): what is stored of it, and the answer that it is.
//!
//! What is the organizer's stands in the copy as the organizer says it: a client that writes it otherwise but means the
//! same, or leaves some of it out, changes nothing. Only a real change of time, rule, title, place, status or people is
//! refused.

use std::collections::{BTreeMap, BTreeSet};

use super::super::object::{Component, Object};
use super::super::recur::recurs;
use super::address::{Addresses, CalendarUserAddress};
use super::change::MeetingChange;
use super::context::{SchedulingContext, Violation, complete};
use super::fields::{MeetingField, is_cancelled, is_organizers, merged, say_the_same, set_line};
use super::ledger::ComponentRevision;
use super::message::SchedulingMessage;
use super::occurrence::{Occurrence, OccurrenceSet, set_hidden, start_of};
use super::people::{CalendarUser, DECLINED, NEEDS_ACTION, ScheduleAgent, unforced};
use super::reply::{answered, compose_reply, is_past, spread_to};
use super::timing::{SeriesChange, same_stretch, same_time};
use super::view::{organizer_of, with_people};
use crate::model::id::Timestamp;

/// What an attendee's change is judged by.
#[derive(Clone, Copy)]
pub struct AttendeeContext<'a> {
    /// The moment, the zone, the budget.
    pub at: SchedulingContext<'a>,
    /// The attendee's addresses.
    pub me: &'a Addresses,
    /// Is an answer sent where the copy is deleted (`Schedule-Reply`)? An answer in a copy that stays is sent in any
    /// case (RFC 6638 sections 3.2.2.3 and 8.1): what the organizer knows is what copies say.
    pub replies: bool,
}

/// An answer that is to be sent to the organizer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SchedulingReply {
    /// The organizer's address as it is written.
    pub organizer: String,
    /// What is answered about what.
    pub answers: BTreeMap<Occurrence, String>,
    /// Is it sent because the client wants that (SCHEDULE-FORCE-SEND), be there something new in it or not?
    pub is_forced: bool,
    /// The message.
    pub message: SchedulingMessage,
}

/// What follows from an attendee's change.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AttendeeChange {
    /// What is to be stored; `None`: nothing, it is deleted.
    pub object: Option<Object>,
    /// Does it differ from what the client sent?
    pub is_rewritten: bool,
    /// The answer, if it is one.
    pub reply: Option<SchedulingReply>,
}

/// What an attendee's change of a copy is: from `old` (`None`: it is new) to `new` (`None`: it is deleted).
pub fn attendee_diff(
    old: Option<&Object>,
    new: Option<&Object>,
    context: AttendeeContext<'_>,
) -> Result<AttendeeChange, Violation> {
    let before = old.map(|old| OccurrenceSet::of(old, context.at)).transpose()?;
    let is_handled =
        |set: &OccurrenceSet<'_>| organizer_of(set).is_some_and(|organizer| organizer.agent() == ScheduleAgent::Server);
    let before = before.filter(is_handled);
    let Some(new) = new else {
        let reply = before.filter(|_| context.replies).and_then(|before| declined_whole(&before, context));
        return Ok(AttendeeChange { reply, ..AttendeeChange::default() });
    };
    let object = unforced(new.clone());
    let as_sent = AttendeeChange { is_rewritten: object != *new, object: Some(object), ..AttendeeChange::default() };
    let Some(before) = before else {
        let sent = OccurrenceSet::of(new, context.at)?;
        sent.check_unique()?;
        let reply = Some(&sent).filter(|sent| is_handled(sent)).and_then(|sent| first_answer(sent, context));
        return Ok(AttendeeChange { reply, ..as_sent });
    };
    let normal = as_overrides(&before, new, context)?;
    let sent = OccurrenceSet::of(&normal, context.at)?;
    sent.check_unique()?;
    if organizer_of(&sent).is_some_and(|organizer| organizer.agent() != ScheduleAgent::Server) {
        return Ok(as_sent);
    }
    let change = CopyEdit { before: &before, sent: &sent, context };
    change.check()?;
    let (object, hidden) = change.stored();
    let after = OccurrenceSet::of(&object, context.at)?;
    let reply = change.reply(&after, &hidden);
    for set in [&before, &sent, &after] {
        complete(&set.zones.steps)?;
    }
    let is_rewritten = object != *new;
    Ok(AttendeeChange { object: Some(object.clone()), is_rewritten, reply })
}

/// The answer of somebody who changes a meeting that several keep, and changes nothing in it but answers. `None`: it is
/// another change, or none of theirs.
pub fn own_answer(
    old: &Object,
    new: &Object,
    context: AttendeeContext<'_>,
) -> Result<Option<SchedulingReply>, Violation> {
    let (was, is) = (unanswered(old), unanswered(new));
    let (before, after) = (OccurrenceSet::of(&was, context.at)?, OccurrenceSet::of(&is, context.at)?);
    let change = MeetingChange::between(&before, &after);
    for set in [&before, &after] {
        complete(&set.zones.steps)?;
    }
    if change.is_any() {
        return Ok(None);
    }
    // What an attendee may not do is a change by those who keep it.
    Ok(attendee_diff(Some(old), Some(new), context).ok().and_then(|made| made.reply))
}

/// A meeting without what its attendees say.
fn unanswered(object: &Object) -> Object {
    let mut object = object.clone();
    for part in &mut object.calendar.components {
        part.properties.retain(|line| line.name != "COMMENT");
        for line in part.properties.iter_mut().filter(|line| line.name == "ATTENDEE") {
            *line = line.with_parameter("PARTSTAT", None);
        }
    }
    object
}

/// My answer in a component, if I am in it.
fn answer_in(part: &Component, me: &Addresses) -> Option<String> {
    CalendarUser::attendee(part, me).map(CalendarUser::participation)
}

/// Whoever deletes a copy declines all that they have not declined, and that is not called off.
fn declined_whole(before: &OccurrenceSet<'_>, context: AttendeeContext<'_>) -> Option<SchedulingReply> {
    let is_open = |part: &Component| {
        let answer = answer_in(&with_people(before, part), context.me);
        answer.is_some_and(|answer| answer != DECLINED) && !is_cancelled(part)
    };
    let hidden = before.hidden();
    let open = before
        .components()
        .filter(|(occurrence, part)| is_open(part) && !matches!(occurrence, Occurrence::At(at) if hidden.contains(at)));
    let answers: BTreeMap<_, _> = open.map(|(occurrence, _)| (occurrence, DECLINED.to_owned())).collect();
    make_reply(before, answers, context)
}

/// A copy that a client makes answers where it has an answer.
fn first_answer(sent: &OccurrenceSet<'_>, context: AttendeeContext<'_>) -> Option<SchedulingReply> {
    let answers = sent.components().filter_map(|(occurrence, part)| {
        let answer = answer_in(&with_people(sent, part), context.me)?;
        (answer != NEEDS_ACTION).then_some((occurrence, answer))
    });
    let answers = answers.collect();
    make_reply(sent, answers, context)
}

fn make_reply(
    set: &OccurrenceSet<'_>,
    answers: BTreeMap<Occurrence, String>,
    context: AttendeeContext<'_>,
) -> Option<SchedulingReply> {
    let organizer = organizer_of(set)?.line().value().trim().to_owned();
    let part = |(occurrence, answer): (&Occurrence, &String)| {
        let part = match occurrence {
            Occurrence::Series => set.master.cloned(),
            Occurrence::At(at) => set.overrides.get(at).map(|part| (*part).clone()).or_else(|| set.derived(*at)),
        };
        part.map(|part| answered(with_people(set, &part), context.me, answer))
    };
    let parts: Vec<Component> = answers.iter().filter_map(part).collect();
    if parts.is_empty() {
        return None;
    }
    let message = compose_reply(set.object, parts.into_iter(), context.me, context.at.now);
    Some(SchedulingReply { organizer, answers, is_forced: false, message })
}

/// Some programs give back a copy of single occurrences as if the first were the whole.
fn as_overrides(before: &OccurrenceSet<'_>, new: &Object, context: AttendeeContext<'_>) -> Result<Object, Violation> {
    let mut object = new.clone();
    if before.master.is_some() || new.master().is_none() {
        return Ok(object);
    }
    let sent = OccurrenceSet::of(new, context.at)?;
    let is_master = |part: &&mut Component| part.name != "VTIMEZONE" && part.property("RECURRENCE-ID").is_none();
    for part in object.calendar.components.iter_mut().filter(|part| is_master(part)) {
        let starts = start_of(part).map(|start| sent.zones.instant(&start));
        let is_it = |(at, own): &(&Timestamp, &&Component)| {
            let begins = start_of(own).map(|start| before.zones.instant(&start));
            starts == Some(**at) || (starts.is_some() && starts == begins)
        };
        let known = before.overrides.iter().find(is_it).map(|(_, own)| *own);
        let id = known.filter(|_| !recurs(part)).and_then(|own| own.property("RECURRENCE-ID"));
        set_line(part, "RECURRENCE-ID", Some(id.ok_or(Violation::AttendeeChange)?.clone()));
    }
    Ok(object)
}

/// A copy as it is stored, and as a client sends it.
struct CopyEdit<'a> {
    before: &'a OccurrenceSet<'a>,
    sent: &'a OccurrenceSet<'a>,
    context: AttendeeContext<'a>,
}

impl CopyEdit<'_> {
    /// What the copy says of an occurrence, whether its owner wants to see it or not.
    fn known(&self, occurrence: Occurrence) -> Option<Component> {
        match occurrence {
            Occurrence::Series => self.before.master.cloned(),
            Occurrence::At(at) => {
                let hidden = || self.before.hidden().contains(&at).then(|| self.before.derived(at)).flatten();
                self.before.effective(at).or_else(hidden)
            }
        }
    }

    /// Refuses a real change of what is the organizer's.
    fn check(&self) -> Result<(), Violation> {
        if let (Some(_), Some(_)) = (self.before.master, self.sent.master) {
            self.check_series()?;
        }
        for (occurrence, part) in self.sent.components() {
            let known = self.known(occurrence).ok_or(Violation::AttendeeChange)?;
            let is_series = occurrence == Occurrence::Series;
            let is_moved = !is_series && !same_stretch(&known, &self.before.zones, part, &self.sent.zones);
            let says_other = !say_the_same(&known, part, MeetingField::Notable);
            if is_moved || says_other || self.has_other_people(&known, part) {
                return Err(Violation::AttendeeChange);
            }
        }
        Ok(())
    }

    /// Leaving occurrences out is an answer; all else that changes when the series takes place is not an attendee's to
    /// say. What is excluded by the organizer and not by the client stays so.
    fn check_series(&self) -> Result<(), Violation> {
        let (Some(was), Some(is)) = (self.before.master, self.sent.master) else { return Ok(()) };
        let (ours, theirs) = (&self.before.zones, &self.sent.zones);
        let is_same = if recurs(was) || recurs(is) {
            let change = SeriesChange::between(self.before, self.sent);
            let is_left_out = change.removed.is_subset(self.sent.exclusions());
            let is_restored = change.added.is_subset(self.before.exclusions());
            !change.moved && !change.cut && is_left_out && is_restored && same_time(was, ours, is, theirs)
        } else {
            same_stretch(was, ours, is, theirs)
        };
        if is_same { Ok(()) } else { Err(Violation::AttendeeChange) }
    }

    /// Does a component name another organizer, or other people? How often, and with which answers, says nothing.
    fn has_other_people(&self, known: &Component, part: &Component) -> bool {
        let who = |set: &OccurrenceSet<'_>, part: &Component| -> (Option<CalendarUserAddress>, BTreeSet<_>) {
            let part = with_people(set, part);
            let organizer = CalendarUser::organizer(&part).map(CalendarUser::address);
            (organizer, CalendarUser::attendees(&part).map(CalendarUser::address).collect())
        };
        who(self.before, known) != who(self.sent, part)
    }

    /// What the owner of the copy does not want to see: what is left out that was there, and is left out still.
    fn hidden(&self) -> BTreeSet<Timestamp> {
        let before = self.before.hidden();
        if self.before.master.is_none() {
            let gone = self.before.overrides.keys().filter(|at| !self.sent.overrides.contains_key(at));
            let kept = before.iter().filter(|at| !self.sent.overrides.contains_key(at));
            return gone.chain(kept).copied().collect();
        }
        if self.sent.master.is_none() {
            return before;
        }
        let left_out = self.sent.exclusions();
        let new = left_out.difference(self.before.exclusions()).filter(|at| self.known(Occurrence::At(**at)).is_some());
        // What the series does not have is seen by a component of its own only.
        let is_shown = |at: &Timestamp| self.sent.overrides.contains_key(at) || self.sent.generates(*at);
        let kept = before.iter().filter(|at| left_out.contains(at) || !is_shown(at));
        new.chain(kept).copied().collect()
    }

    /// What is stored, and what of it is hidden.
    fn stored(&self) -> (Object, BTreeSet<Timestamp>) {
        let hidden = self.hidden();
        let mut object = self.sent.object.clone();
        object.calendar.components.retain(|part| !self.is_hidden(part, &hidden));
        for part in object.calendar.components.iter_mut().filter(|part| part.name != "VTIMEZONE") {
            let Some(occurrence) = self.sent.occurrence_of(part) else { continue };
            let Some(known) = self.known(occurrence) else { continue };
            *part = self.merged(occurrence, part, &known);
        }
        if let Some(master) = self.before.master.filter(|_| self.sent.master.is_none()) {
            object.calendar.components.push(master.clone());
        }
        // Programs that answer for the series forget what differs in it.
        let is_forgotten = |at: &Timestamp| {
            let is_left_out = self.sent.master.is_some() && self.sent.exclusions().contains(at);
            !self.sent.overrides.contains_key(at) && !hidden.contains(at) && !is_left_out
        };
        let forgotten = self.before.overrides.iter().filter(|(at, _)| is_forgotten(at));
        object.calendar.components.extend(forgotten.map(|(_, part)| (*part).clone()));
        let states = self.before.hidden_states();
        set_hidden(&mut object.calendar, &hidden, |at| {
            let own = || self.before.component(Occurrence::At(at)).or(self.before.master);
            states.get(&at).copied().or_else(|| own().map(ComponentRevision::of)).unwrap_or_default()
        });
        self.spread(&mut object);
        (object, hidden)
    }

    fn is_hidden(&self, part: &Component, hidden: &BTreeSet<Timestamp>) -> bool {
        let occurrence =
            Some(part).filter(|part| part.name != "VTIMEZONE").and_then(|part| self.sent.occurrence_of(part));
        matches!(occurrence, Some(Occurrence::At(at)) if hidden.contains(&at))
    }

    /// A component: the client's own lines, and the organizer's as they are known; my answer is the client's.
    fn merged(&self, occurrence: Occurrence, part: &Component, known: &Component) -> Component {
        let known = &with_people(self.before, known);
        let answer = answer_in(part, self.context.me).or_else(|| answer_in(known, self.context.me));
        let is_known = |name: &str| is_organizers(name) && name != "EXDATE";
        let lines = merged(part, known, is_known);
        let mut stored = Component { properties: lines, ..part.clone() };
        if let Some(answer) = answer {
            stored = answered(stored, self.context.me, &answer);
        }
        if occurrence == Occurrence::Series {
            let hidden = self.before.hidden();
            let organizers = self.before.exclusions().difference(&hidden);
            let missing = organizers.filter(|at| !self.sent.exclusions().contains(at));
            stored.properties.extend(missing.map(|at| self.before.line("EXDATE", *at)));
        }
        stored
    }

    /// Whoever answers for the series answers for what is to come of it and has no answer yet.
    fn spread(&self, object: &mut Object) {
        let me = self.context.me;
        let answer = |set: &OccurrenceSet<'_>| set.master.and_then(|master| answer_in(master, me));
        let (Some(was), Some(is)) = (answer(self.before), answer(self.sent)) else { return };
        if was == is || is == NEEDS_ACTION {
            return;
        }
        let overrides = object.calendar.components.iter_mut().filter(|part| part.property("RECURRENCE-ID").is_some());
        for part in overrides.filter(|part| !is_past(part, &self.before.zones, self.context.at.now)) {
            spread_to(part, me, &is);
        }
    }

    /// What the change says to the organizer.
    fn reply(&self, after: &OccurrenceSet<'_>, hidden: &BTreeSet<Timestamp>) -> Option<SchedulingReply> {
        let me = self.context.me;
        let mut answers = BTreeMap::new();
        let before = self.before.hidden();
        for (occurrence, part) in after.components() {
            let Some(now) = answer_in(&with_people(after, part), me) else { continue };
            let known = self.known(occurrence).map(|known| with_people(self.before, &known));
            let was_hidden = matches!(occurrence, Occurrence::At(at) if before.contains(&at));
            let was = if was_hidden {
                Some(DECLINED.to_owned())
            } else {
                known.as_ref().and_then(|known| answer_in(known, me))
            };
            let remarks = |part: &Component| part.all("COMMENT").map(|line| line.text()).collect::<BTreeSet<_>>();
            let remarked = known.as_ref().is_some_and(|known| remarks(part) != remarks(known));
            if was.as_ref() != Some(&now) || (remarked && !remarks(part).is_empty() && now != NEEDS_ACTION) {
                answers.insert(occurrence, now);
            }
        }
        for at in hidden.difference(&before) {
            let known = self.known(Occurrence::At(*at)).map(|known| with_people(self.before, &known));
            let is_open = known.is_some_and(|known| {
                answer_in(&known, me).is_some_and(|answer| answer != DECLINED) && !is_cancelled(&known)
            });
            if is_open {
                answers.insert(Occurrence::At(*at), DECLINED.to_owned());
            }
        }
        // What is to be seen again is answered as the copy shows it; what it is like by now, the organizer says then.
        for at in before.difference(hidden).filter(|at| !after.overrides.contains_key(at)) {
            let shown = after.effective(*at).and_then(|part| answer_in(&part, me));
            answers.extend(shown.map(|now| (Occurrence::At(*at), now)));
        }
        // An answer for the series says of what differs in it what stays: more may differ at the organizer's by now. A
        // remark alone answers nothing that is open.
        let mut open = BTreeMap::new();
        if let Some(series) = answers.get(&Occurrence::Series) {
            let is_new = self.before.master.and_then(|master| answer_in(master, me)).as_ref() != Some(series);
            let (unanswered, apart) = self.answers_apart(after);
            answers = apart.into_iter().chain(answers).collect();
            open = if is_new { open } else { unanswered };
        }
        // Who declined the whole and left something out said nothing of it apart, and comes to all but that now.
        if answers.get(&Occurrence::Series).is_some_and(|answer| answer != DECLINED) {
            answers.extend(hidden.iter().map(|at| (Occurrence::At(*at), DECLINED.to_owned())));
        }
        let is_forced = organizer_of(self.sent).and_then(CalendarUser::force_send).as_deref() == Some("REPLY");
        if is_forced && answers.is_empty() {
            let all = after.components().filter_map(|(occurrence, part)| Some((occurrence, answer_in(part, me)?)));
            answers = all.collect();
        }
        let said = open.into_iter().chain(answers.clone()).collect();
        self.make(said, after).map(|reply| SchedulingReply { is_forced, answers, ..reply })
    }

    /// What each component of the copy says: those that are not answered, and those that are.
    fn answers_apart(&self, after: &OccurrenceSet<'_>) -> (BTreeMap<Occurrence, String>, BTreeMap<Occurrence, String>) {
        let me = self.context.me;
        let all = after
            .components()
            .filter_map(|(occurrence, part)| Some((occurrence, answer_in(&with_people(after, part), me)?)));
        all.partition(|(_, answer)| answer == NEEDS_ACTION)
    }

    /// The reply is made of what is stored, and of what was known of occurrences that are hidden now.
    fn make(&self, answers: BTreeMap<Occurrence, String>, after: &OccurrenceSet<'_>) -> Option<SchedulingReply> {
        let is_there = |occurrence: &Occurrence| after.component(*occurrence).is_some();
        if answers.keys().all(is_there) {
            return make_reply(after, answers, self.context);
        }
        let (seen, unseen): (BTreeMap<_, _>, BTreeMap<_, _>) =
            answers.clone().into_iter().partition(|(occurrence, _)| is_there(occurrence));
        let mut reply = make_reply(self.before, unseen, self.context)?;
        if let Some(more) = make_reply(after, seen, self.context) {
            let parts = more.message.object.calendar.components.into_iter();
            reply.message.object.calendar.components.extend(parts.filter(|part| part.name != "VTIMEZONE"));
        }
        reply.answers = answers;
        Some(reply)
    }
}
