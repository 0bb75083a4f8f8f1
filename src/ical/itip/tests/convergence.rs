//! What holds after any sequence of changes, answers, and messages that are late, lost and sent again, or come twice.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use super::super::address::{Addresses, CalendarUserAddress};
use super::super::deliveries::{DeliveryKind, SchedulingDelivery};
use super::super::fields::{MeetingField, is_cancelled, say_the_same, set_line};
use super::super::ledger::{AnswerReset, ComponentRevision, sequence_of};
use super::super::message::SchedulingMessage;
use super::super::occurrence::{Occurrence, OccurrenceSet};
use super::super::organizer::refresh_all;
use super::super::people::CalendarUser;
use super::super::timing::same_time;
use super::super::view::{invited, view};
use super::{Bench, SERIES, named, object, text};
use crate::ical::object::{Component, Object, Property, parse};
use crate::model::id::Timestamp;

const PEOPLE: [&str; 3] = ["mailto:a@v.fr", "mailto:b@v.fr", "mailto:c@v.fr"];
const ANSWERS: [&str; 3] = ["ACCEPTED", "DECLINED", "TENTATIVE"];
const WEEK_S: i64 = 7 * 86_400;
/// The first occurrence, 09:00 in Paris.
const FIRST: i64 = 1_767_686_400;

/// What is under way.
#[derive(Clone)]
enum Envelope {
    /// To whom, what, and how many of their answers the organizer knew.
    Delivery(usize, SchedulingDelivery, usize),
    Reply(usize, SchedulingMessage),
}

/// The organizer, three attendees, and the messages between them.
struct MeetingWorld {
    bench: Bench,
    organizer: Option<Object>,
    /// The last state before it was deleted.
    deleted: Option<Object>,
    copies: [Option<Object>; 3],
    under_way: Vec<Envelope>,
    /// How many answers each has sent.
    said: [usize; 3],
    /// Which of them the organizer knows, by when they were sent.
    heard: [BTreeSet<Timestamp>; 3],
    /// Does everything arrive as soon as it is sent, as it does on one server?
    is_prompt: bool,
    highest_sent: u64,
    /// What happened, where somebody wants to read it.
    log: Option<Vec<String>>,
}

fn alarm() -> Component {
    let text = "BEGIN:VCALENDAR\nBEGIN:VALARM\nTRIGGER:-PT7M\nACTION:DISPLAY\nEND:VALARM\nEND:VCALENDAR\n";
    parse(text.as_bytes()).unwrap().components.remove(0)
}

fn part_of(object: &mut Object, occurrence: Option<&str>) -> Option<usize> {
    let is_it = |part: &Component| match occurrence {
        None => part.property("RECURRENCE-ID").is_none(),
        Some(id) => part.value("RECURRENCE-ID") == Some(id),
    };
    object.calendar.components.iter().position(is_it)
}

fn line(text: &str) -> Property {
    Property::parse(text).unwrap()
}

impl MeetingWorld {
    fn new(is_prompt: bool, is_noted: bool) -> Self {
        let mut world = Self {
            bench: Bench::default(),
            organizer: None,
            deleted: Some(object(&[SERIES])),
            copies: [None, None, None],
            under_way: Vec::new(),
            said: [0; 3],
            heard: [const { BTreeSet::new() }; 3],
            is_prompt,
            highest_sent: 0,
            log: is_noted.then(Vec::new),
        };
        world.restore();
        world
    }

    fn restore(&mut self) {
        if self.organizer.is_none() {
            self.bench.highest_sent = Some(self.highest_sent).filter(|sent| *sent > 0);
            let object = self.deleted.take();
            self.store(object);
        }
    }

    /// The organizer's program stores a state, or deletes it.
    fn store(&mut self, new: Option<Object>) {
        let old = self.organizer.take();
        let change = self.bench.organizer(old.as_ref(), new.as_ref()).expect("a change that is allowed");
        change.resets.iter().for_each(|reset| self.bench.ledger.note_reset(reset));
        if let (Some(old), Some(new)) = (&old, &change.object) {
            self.check_stored(old, new, &change.resets);
        }
        self.deleted = if new.is_none() { old } else { None };
        self.organizer = change.object;
        let asked = |reset: &AnswerReset| {
            format!("{} {} {}", reset.attendee.as_str(), named(reset.occurrence), reset.revision.sequence)
        };
        let asked: Vec<String> = change.resets.iter().map(asked).collect();
        self.note(|world| {
            let state = world.organizer.as_ref().map(|organizer| world.state(organizer)).unwrap_or_default();
            format!("  stored {state}\n  asks {asked:?}\n  sends {:?}", super::lines(&change.deliveries))
        });
        self.send(change.deliveries);
        self.settle_promptly();
        if let Some(stored) = &self.organizer {
            // What is stored is no change, however it comes back.
            let written = text(stored).replace("TZID=Europe/Paris", "TZID=\"Romance Standard Time\"");
            for same in [text(stored), written] {
                let again = self.bench.organizer(Some(stored), Some(&super::read(&same))).unwrap();
                assert!(again.deliveries.is_empty() && again.resets.is_empty(), "{}", self.story());
            }
        }
    }

    fn send(&mut self, deliveries: Vec<SchedulingDelivery>) {
        for delivery in deliveries {
            for (who, address) in PEOPLE.iter().enumerate() {
                let address = CalendarUserAddress::new(address);
                if delivery.recipients.iter().any(|recipient| recipient.address == address) {
                    self.under_way.push(Envelope::Delivery(who, delivery.clone(), self.heard[who].len()));
                }
            }
            let sent = [Some(&delivery.message), delivery.view.as_ref()].into_iter().flatten();
            let highest = sent.flat_map(|message| message.object.parts().map(sequence_of).collect::<Vec<_>>()).max();
            self.highest_sent = self.highest_sent.max(highest.unwrap_or(0));
        }
    }

    /// SEQUENCE never falls, the organizer's answer is the organizer's, and others' change by being asked anew only.
    fn check_stored(&self, old: &Object, new: &Object, resets: &[AnswerReset]) {
        let (was, is) = (self.set(old), self.set(new));
        for (occurrence, part) in is.components() {
            let before = was.component(occurrence).or(was.master);
            assert!(before.is_none_or(|before| sequence_of(before) <= sequence_of(part)), "{}", self.story());
            for user in CalendarUser::attendees(part) {
                let address = user.address();
                let known =
                    before.and_then(|before| CalendarUser::attendee(before, &Addresses::from_iter([address.clone()])));
                let is_asked = resets.iter().any(|reset| reset.attendee == address && reset.occurrence == occurrence);
                let is_kept = known.is_some_and(|known| known.participation() == user.participation());
                assert!(is_kept || is_asked, "{} {address:?}\n{}", named(occurrence), self.story());
            }
        }
    }

    fn set<'a>(&'a self, object: &'a Object) -> OccurrenceSet<'a> {
        OccurrenceSet::of(object, self.bench.at()).unwrap()
    }

    /// One of the organizer's changes.
    fn edit(&mut self, what: u8, which: u8) {
        let Some(known) = self.organizer.clone() else { return self.restore() };
        self.bench.keeps_answers = which.is_multiple_of(2);
        if what % 14 == 12 && which.is_multiple_of(3) {
            self.note(|_| "deleted".to_owned());
            return self.store(None);
        }
        let mut new = known.clone();
        if what % 14 < 6 {
            edit_series(&mut new, what % 14, which);
        } else {
            self.edit_occurrence(&known, &mut new, what % 14, which);
        }
        self.note(|_| format!("edit {what} {which}"));
        self.store(Some(new));
    }

    /// A change of what is said of one occurrence.
    fn edit_occurrence(&self, known: &Object, new: &mut Object, what: u8, which: u8) {
        let at = FIRST + i64::from(which % 4) * WEEK_S;
        let set = self.set(known);
        let id = set.line("RECURRENCE-ID", at).value().to_owned();
        let own = part_of(new, Some(&id)).map(|own| new.calendar.components.remove(own));
        let master = part_of(new, None).expect("a master");
        let parts = &mut new.calendar.components;
        match what {
            6 | 7 | 13 => {
                let Some(mut part) = own.or_else(|| set.effective(at)) else { return };
                let (hour, date) = (10 + which % 5, &id[..8]);
                match what {
                    6 => {
                        replace(&mut part, &format!("DTSTART;TZID=Europe/Paris:{date}T{hour}0000"));
                        replace(&mut part, &format!("DTEND;TZID=Europe/Paris:{date}T{hour}3000"));
                    }
                    7 => replace(&mut part, &format!("SUMMARY:{}", letter(which))),
                    _ => toggle(&mut part, PEOPLE[usize::from(which / 4) % 3]),
                }
                parts.push(part);
            }
            9 | 10 if set.has(at) => parts[master].properties.push(set.line("EXDATE", at)),
            8..=10 => {}
            11 => {
                parts.extend(own);
                parts[master].properties.retain(|line| line.name != "EXDATE");
            }
            _ => {
                parts.extend(own);
                replace(&mut parts[master], &format!("X-NOISE:{}", letter(which)));
            }
        }
    }

    /// One of an attendee's changes.
    fn answer(&mut self, who: u8, what: u8, which: u8) {
        let who = usize::from(who) % 3;
        let Some(known) = self.copies[who].clone() else { return };
        if known.parts().all(is_cancelled) {
            return;
        }
        let mut new = known.clone();
        let parts: Vec<usize> = (0..new.calendar.components.len()).collect();
        let Some(part) = parts.get(usize::from(which) % parts.len().max(1)).copied() else { return };
        match what % 4 {
            0 | 1 => {
                let answer = ANSWERS[usize::from(what / 4) % 3];
                let me = Addresses::of([PEOPLE[who]]);
                let part = &mut new.calendar.components[part];
                *part = super::super::reply::answered(part.clone(), &me, answer);
            }
            2 => {
                let at = FIRST + i64::from(which % 4) * WEEK_S;
                let set = self.set(&known);
                let (has, exdate) = (set.has(at) && set.master.is_some(), set.line("EXDATE", at));
                if !has {
                    return;
                }
                let id = set.line("RECURRENCE-ID", at).value().to_owned();
                drop(set);
                drop(part_of(&mut new, Some(&id)).map(|own| new.calendar.components.remove(own)));
                let master = part_of(&mut new, None).unwrap();
                new.calendar.components[master].properties.push(exdate);
            }
            _ => replace(&mut new.calendar.components[part], "CATEGORIES:mine"),
        }
        self.note(|_| format!("{who} answers {} {which}", what % 4));
        let change = self
            .bench
            .attendee(PEOPLE[who], Some(&known), Some(&new))
            .unwrap_or_else(|why| panic!("{why:?} {}\n{}\n{}", self.story(), text(&known), text(&new)));
        self.copies[who] = change.object;
        self.note(|world| {
            let state = world.copies[who].as_ref().map(|copy| world.state(copy)).unwrap_or_default();
            let said = change.reply.as_ref().map(|reply| &reply.answers);
            format!("  {who} has {state} says {said:?} at {}", world.bench.now - super::NOW)
        });
        if let Some(reply) = change.reply {
            self.said[who] += 1;
            self.under_way.push(Envelope::Reply(who, reply.message));
        }
        self.settle_promptly();
    }

    /// On one server everything arrives at once: what an answer makes of the organizer's object is what the copy of
    /// its author says already.
    fn settle_promptly(&mut self) {
        while self.is_prompt && !self.under_way.is_empty() {
            let author = match self.under_way[0] {
                Envelope::Reply(who, _) => Some(who),
                Envelope::Delivery(..) => None,
            };
            self.arrive(0, false);
            if let Some(who) = author {
                self.check_one(who);
            }
        }
        if self.is_prompt {
            self.check();
        }
    }

    /// A message arrives, and perhaps will again.
    fn arrive(&mut self, which: usize, again: bool) {
        if self.under_way.is_empty() {
            return;
        }
        let which = which % self.under_way.len();
        let envelope = if again { self.under_way[which].clone() } else { self.under_way.remove(which) };
        match envelope {
            Envelope::Delivery(who, delivery, heard) => {
                let is_new = self.copies[who].is_none();
                if delivery.view.is_none() {
                    let last = self.bench.called_off.entry(PEOPLE[who].to_owned()).or_default();
                    *last = delivery.message.stamp().max(*last);
                }
                let knows_answers = heard == self.said[who];
                let deliver = |copy| self.bench.deliver_crossing(PEOPLE[who], copy, &delivery, knows_answers);
                let after = deliver(self.copies[who].as_ref());
                let twice = deliver(after.as_ref());
                assert_eq!(after, twice, "{}", self.story());
                self.copies[who] = after;
                self.note(|world| {
                    let is_refresh = delivery.kind == DeliveryKind::Refresh;
                    let kind = if is_refresh { "refresh" } else { delivery.message.method.name() };
                    let stamp = delivery.message.stamp() - super::NOW;
                    let state = world.copies[who].as_ref().map(|copy| world.state(copy)).unwrap_or_default();
                    format!("{kind} of {stamp} arrives at {who}, knows all: {knows_answers}\n  {who} has {state}")
                });
                if let Some(copy) = self.copies[who].as_mut().filter(|_| is_new) {
                    copy.calendar.components.iter_mut().for_each(|part| part.components.push(alarm()));
                }
            }
            Envelope::Reply(who, reply) => {
                self.heard[who].insert(reply.stamp());
                let Some(known) = self.organizer.clone() else { return };
                let outcome = self.bench.reply(&known, &reply).unwrap();
                self.note(|world| {
                    let said = reply.object.parts().map(|part| {
                        let id = part.value("RECURRENCE-ID").unwrap_or("all");
                        format!("{id} {} {}", sequence_of(part), super::answers(part))
                    });
                    let said: Vec<String> = said.collect();
                    let taken: Vec<String> = outcome.taken.iter().map(|taken| named(taken.occurrence)).collect();
                    let (stamp, state) = (reply.stamp() - super::NOW, world.state(&outcome.object));
                    format!("reply of {stamp}: {said:?}, taken {taken:?}\n  organizer has {state}")
                });
                outcome.note(&mut self.bench.ledger);
                let again = self.bench.reply(&outcome.object, &reply).unwrap();
                assert!(again.taken.is_empty() && !again.is_changed, "{}", self.story());
                let others = refresh_all(&outcome.object, self.bench.organizer_context()).unwrap();
                assert!(others.iter().all(|delivery| delivery.kind == DeliveryKind::Refresh), "{}", self.story());
                self.check_answered(who, &known, &outcome.object, &reply);
                self.organizer = Some(outcome.object);
                self.send(others);
            }
        }
    }

    /// A meeting in one line.
    fn state(&self, object: &Object) -> String {
        let set = self.set(object);
        let hidden: Vec<String> = set
            .hidden_states()
            .iter()
            .map(|(at, state)| format!("hidden {} {}", named(Occurrence::At(*at)), state.sequence))
            .collect();
        let excluded: Vec<String> = set.exclusions().iter().map(|at| named(Occurrence::At(*at))).collect();
        let parts = set.components().map(|(occurrence, part)| {
            let off = if is_cancelled(part) { "OFF " } else { "" };
            let stamp = ComponentRevision::of(part).stamp - super::NOW;
            format!("{off}{} {}/{stamp} {}", named(occurrence), sequence_of(part), super::answers(part))
        });
        let parts: Vec<String> = parts.collect();
        format!("{} ; but {}; {}", parts.join(" | "), excluded.join(" "), hidden.join(" "))
    }

    fn story(&self) -> String {
        self.log.iter().flatten().cloned().collect::<Vec<_>>().join("\n")
    }

    fn note(&mut self, what: impl FnOnce(&Self) -> String) {
        if self.log.is_some() {
            let line = what(self);
            self.log.iter_mut().for_each(|log| log.push(line.clone()));
        }
    }

    /// An answer changes what its author says, to what it says, and nothing else.
    fn check_answered(&self, who: usize, old: &Object, new: &Object, reply: &SchedulingMessage) {
        let (was, is) = (self.set(old), self.set(new));
        let said: Vec<String> =
            reply.object.parts().flat_map(CalendarUser::attendees).map(CalendarUser::participation).collect();
        for at in (0..10).map(|week| FIRST + week * WEEK_S) {
            let (before, after) = (was.effective(at), is.effective(at));
            let lines = |part: Option<Component>| -> Vec<(CalendarUserAddress, String)> {
                let part = part.unwrap_or_default();
                CalendarUser::attendees(&part).map(|user| (user.address(), user.participation())).collect()
            };
            for (before, after) in lines(before).into_iter().zip(lines(after)) {
                let is_theirs = before.0 == CalendarUserAddress::new(PEOPLE[who]) && said.contains(&after.1);
                assert!(before == after || is_theirs, "{before:?} {after:?}\n{}", self.story());
            }
        }
    }

    /// All copies say what their owners may know.
    fn check(&self) {
        if let Some(organizer) = &self.organizer {
            let stored = organizer.parts().map(sequence_of).max().unwrap_or(0);
            assert!(self.highest_sent <= stored, "{} {stored}\n{}", self.highest_sent, self.story());
        }
        (0..PEOPLE.len()).for_each(|who| self.check_one(who));
    }

    /// A copy says what its owner may know.
    fn check_one(&self, who: usize) {
        let (none, address) = (BTreeMap::new(), CalendarUserAddress::new(PEOPLE[who]));
        let set = self.organizer.as_ref().map(|organizer| self.set(organizer));
        let invited = set.as_ref().map_or(none, |set| invited(set, &Addresses::default()));
        let copy = self.copies[who].as_ref();
        match (invited.get(&address).zip(set.as_ref()), copy) {
            (None, copy) => {
                assert!(copy.is_none_or(|copy| copy.parts().all(is_cancelled)), "{who}\n{}", self.story())
            }
            (Some((known, set)), Some(copy)) => {
                let view = view(set, &known.occurrences, self.bench.now);
                self.check_copy(who, copy, &view.object);
            }
            (Some(_), None) => panic!("{who} has no copy\n{}", self.story()),
        }
    }

    fn check_copy(&self, who: usize, copy: &Object, view: &Object) {
        let (have, may) = (self.set(copy), self.set(view));
        let fault = || format!("{}\n{who} has {}\nmay know {}", self.story(), self.state(copy), self.state(view));
        assert_eq!(have.master.is_some(), may.master.is_some(), "{}", fault());
        let hidden = have.hidden();
        let me = Addresses::of([PEOPLE[who]]);
        let occurrences =
            have.overrides.keys().chain(may.overrides.keys()).chain(have.exclusions()).chain(may.exclusions());
        for at in occurrences {
            let (own, known) = (have.effective(*at), may.effective(*at));
            if hidden.contains(at) {
                let answer = known
                    .as_ref()
                    .and_then(|known| CalendarUser::attendee(known, &me))
                    .map(CalendarUser::participation);
                assert!(
                    own.is_none() && answer.as_deref() == Some("DECLINED"),
                    "{}: {}",
                    named(Occurrence::At(*at)),
                    fault()
                );
                continue;
            }
            match (own, known) {
                (Some(own), Some(known)) => self.check_part(&own, &known, (&have, &may), &fault),
                (own, known) => assert_eq!(own, known, "{}: {}", named(Occurrence::At(*at)), fault()),
            }
        }
        if let (Some(own), Some(known)) = (have.master, may.master) {
            self.check_part(own, known, (&have, &may), &fault);
            assert_eq!(own.value("RRULE"), known.value("RRULE"), "{}", fault());
        }
        for (occurrence, part) in have.components() {
            assert_eq!(part.components, [alarm()], "{}", fault());
            let is_one = |at| have.master.is_none() || have.generates(at) || may.overrides.contains_key(&at);
            assert!(!matches!(occurrence, Occurrence::At(at) if !is_one(at)), "{}", fault());
        }
    }

    fn check_part(
        &self,
        own: &Component,
        known: &Component,
        (have, may): (&OccurrenceSet<'_>, &OccurrenceSet<'_>),
        fault: &dyn Fn() -> String,
    ) {
        assert!(same_time(own, &have.zones, known, &may.zones), "{}", fault());
        for field in [MeetingField::Notable, MeetingField::Content] {
            assert!(say_the_same(own, known, field), "{}", fault());
        }
        let answers = |part: &Component| -> BTreeMap<CalendarUserAddress, String> {
            CalendarUser::attendees(part).map(|user| (user.address(), user.participation())).collect()
        };
        assert_eq!(answers(own), answers(known), "{}", fault());
    }
}

fn letter(which: u8) -> char {
    char::from(b'A' + which % 5)
}

/// A change of the series.
fn edit_series(new: &mut Object, what: u8, which: u8) {
    let master = part_of(new, None).expect("a master");
    let parts = &mut new.calendar.components;
    let choice = usize::from(which) % 3;
    match what {
        0 => {
            replace(&mut parts[master], &format!("DTEND;TZID=Europe/Paris:20260106T10{choice}000"));
            parts[master].properties.retain(|line| line.name != "EXDATE");
            parts.retain(|part| part.property("RECURRENCE-ID").is_none());
        }
        1 => replace(&mut parts[master], &format!("SUMMARY:{}", letter(which))),
        2 => replace(&mut parts[master], &format!("LOCATION:{}", letter(which))),
        3 => replace(&mut parts[master], &format!("DESCRIPTION:{}", letter(which))),
        4 => replace(&mut parts[master], &format!("RRULE:FREQ=WEEKLY;COUNT={}", [4, 6, 9][choice])),
        _ => toggle(&mut parts[master], PEOPLE[usize::from(which / 4) % 3]),
    }
}

/// Sets the one line of its name.
fn replace(part: &mut Component, text: &str) {
    let line = line(text);
    let name = line.name.clone();
    set_line(part, &name, Some(line));
}

fn toggle(part: &mut Component, person: &str) {
    let address = CalendarUserAddress::new(person);
    let is_theirs = |line: &Property| line.name == "ATTENDEE" && CalendarUser::of(line).address() == address;
    if part.properties.iter().any(is_theirs) {
        part.properties.retain(|line| !is_theirs(line));
    } else {
        part.properties.push(line(&format!("ATTENDEE:{person}")));
    }
}

/// Runs `cases` sequences that `seed` gives, the same each time, so that what fails can be seen to fail again.
fn run(is_prompt: bool) {
    let (cases, seed) = (setting("CONVERGENCE_CASES", 256), setting::<u64>("CONVERGENCE_SEED", 0));
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &key));
    let step = (0_u8..4, any::<u8>(), any::<u8>(), any::<u8>());
    let sequences = (prop::collection::vec(step, 1..40), any::<u64>());
    let failed = runner.run(&sequences, |(steps, order)| {
        converge((is_prompt, false), &steps, order);
        Ok(())
    });
    if let Err(TestError::Fail(why, (steps, order))) = failed {
        converge((is_prompt, true), &steps, order);
        panic!("{why}");
    }
}

fn converge((is_prompt, is_noted): (bool, bool), steps: &[(u8, u8, u8, u8)], mut order: u64) {
    let mut world = MeetingWorld::new(is_prompt, is_noted);
    for (kind, one, two, three) in steps.iter().copied() {
        world.bench.now += 1;
        match kind {
            0 => world.edit(one, two),
            1 => world.answer(one, two, three),
            2 => world.arrive(usize::from(one), false),
            _ => world.arrive(usize::from(one), true),
        }
    }
    // All that is still under way arrives, in some order.
    while !world.under_way.is_empty() {
        world.bench.now += 1;
        order = order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        world.arrive((order >> 33) as usize, false);
    }
    world.check();
}

/// More cases, and others, for a long run: `CONVERGENCE_CASES=20000 CONVERGENCE_SEED=7 cargo test --lib convergence`.
#[test]
fn copies_converge() {
    run(false);
}

#[test]
fn copies_agree_at_once_on_one_server() {
    run(true);
}

fn setting<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
