//! What holds after any sequence of changes, answers, and messages that are late, lost and sent again, or come twice.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::super::address::{Addresses, CalendarUserAddress};
use super::super::deliveries::{DeliveryKind, SchedulingDelivery};
use super::super::fields::{MeetingField, is_cancelled, say_the_same, set_line};
use super::super::ledger::sequence_of;
use super::super::message::SchedulingMessage;
use super::super::occurrence::{Occurrence, OccurrenceSet};
use super::super::organizer::refresh_all;
use super::super::people::CalendarUser;
use super::super::timing::same_time;
use super::super::view::{invited, view};
use super::{Bench, SERIES, named, object, text};
use crate::ical::object::{Component, Object, Property, parse};

const PEOPLE: [&str; 3] = ["mailto:a@v.fr", "mailto:b@v.fr", "mailto:c@v.fr"];
const ANSWERS: [&str; 3] = ["ACCEPTED", "DECLINED", "TENTATIVE"];
const WEEK_S: i64 = 7 * 86_400;
/// The first occurrence, 09:00 in Paris.
const FIRST: i64 = 1_767_686_400;

/// What is under way.
#[derive(Clone)]
enum Envelope {
    Delivery(usize, SchedulingDelivery),
    Reply(SchedulingMessage),
}

/// The organizer, three attendees, and the messages between them.
struct MeetingWorld {
    bench: Bench,
    organizer: Option<Object>,
    /// The last state before it was deleted.
    deleted: Option<Object>,
    copies: [Option<Object>; 3],
    under_way: Vec<Envelope>,
    highest_sent: u64,
    log: Vec<String>,
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
    fn new() -> Self {
        let mut world = Self {
            bench: Bench::default(),
            organizer: None,
            deleted: Some(object(&[SERIES])),
            copies: [None, None, None],
            under_way: Vec::new(),
            highest_sent: 0,
            log: Vec::new(),
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
        self.send(change.deliveries);
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
                    self.under_way.push(Envelope::Delivery(who, delivery.clone()));
                }
            }
            let sent = [Some(&delivery.message), delivery.view.as_ref()].into_iter().flatten();
            let highest = sent.flat_map(|message| message.object.parts().map(sequence_of).collect::<Vec<_>>()).max();
            self.highest_sent = self.highest_sent.max(highest.unwrap_or(0));
        }
    }

    /// SEQUENCE never falls, the organizer's answer is the organizer's, and others' change by being asked anew only.
    fn check_stored(&self, old: &Object, new: &Object, resets: &[super::super::ledger::AnswerReset]) {
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
            self.log.push("deleted".to_owned());
            return self.store(None);
        }
        let mut new = known.clone();
        if what % 14 < 6 {
            edit_series(&mut new, what % 14, which);
        } else {
            self.edit_occurrence(&known, &mut new, what % 14, which);
        }
        self.log.push(format!("edit {what} {which}: {}", text(&new)));
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
        self.log.push(format!("{who} answers {what} {which}"));
        let change = self
            .bench
            .attendee(PEOPLE[who], Some(&known), Some(&new))
            .unwrap_or_else(|why| panic!("{why:?} {}\n{}\n{}", self.story(), text(&known), text(&new)));
        self.copies[who] = change.object;
        self.under_way.extend(change.reply.map(|reply| Envelope::Reply(reply.message)));
    }

    /// A message arrives, and perhaps will again.
    fn arrive(&mut self, which: usize, again: bool) {
        if self.under_way.is_empty() {
            return;
        }
        let which = which % self.under_way.len();
        let envelope = if again { self.under_way[which].clone() } else { self.under_way.remove(which) };
        match envelope {
            Envelope::Delivery(who, delivery) => {
                let is_new = self.copies[who].is_none();
                if delivery.view.is_none() {
                    let last = self.bench.called_off.entry(PEOPLE[who].to_owned()).or_default();
                    *last = delivery.message.stamp().max(*last);
                }
                let after = self.bench.deliver(PEOPLE[who], self.copies[who].as_ref(), &delivery);
                let twice = self.bench.deliver(PEOPLE[who], after.as_ref(), &delivery);
                assert_eq!(after, twice, "{}", self.story());
                let kind =
                    if delivery.kind == DeliveryKind::Refresh { "refresh" } else { delivery.message.method.name() };
                self.log.push(format!("{kind} arrives at {who}"));
                self.copies[who] = after;
                if let Some(copy) = self.copies[who].as_mut().filter(|_| is_new) {
                    copy.calendar.components.iter_mut().for_each(|part| part.components.push(alarm()));
                }
            }
            Envelope::Reply(reply) => {
                let Some(known) = self.organizer.clone() else { return };
                let outcome = self.bench.reply(&known, &reply).unwrap();
                self.log.push(format!("a reply arrives: {:?}", outcome.taken));
                outcome.note(&mut self.bench.ledger);
                let again = self.bench.reply(&outcome.object, &reply).unwrap();
                assert!(again.taken.is_empty() && !again.is_changed, "{}", self.story());
                let others = refresh_all(&outcome.object, self.bench.organizer_context()).unwrap();
                assert!(others.iter().all(|delivery| delivery.kind == DeliveryKind::Refresh), "{}", self.story());
                self.organizer = Some(outcome.object);
                self.send(others);
            }
        }
    }

    fn story(&self) -> String {
        let organizer = self.organizer.as_ref().map(text).unwrap_or_default();
        format!("{}\nthe organizer has {organizer}", self.log.join("\n"))
    }

    /// All copies say what their owners may know.
    fn check(&self) {
        let (organizer, none) = (self.organizer.clone(), BTreeMap::new());
        let set = organizer.as_ref().map(|organizer| self.set(organizer));
        let invited = set.as_ref().map_or(none, |set| invited(set, &Addresses::default()));
        if let Some(set) = &set {
            let stored = set.components().map(|(_, part)| sequence_of(part)).max().unwrap_or(0);
            assert!(self.highest_sent <= stored, "{} {stored}\n{}", self.highest_sent, self.story());
        }
        for (who, address) in PEOPLE.iter().enumerate() {
            let known = invited.get(&CalendarUserAddress::new(address));
            let copy = self.copies[who].as_ref();
            match (known.zip(set.as_ref()), copy) {
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
    }

    fn check_copy(&self, who: usize, copy: &Object, view: &Object) {
        let (have, may) = (self.set(copy), self.set(view));
        let fault = || format!("{who} has {}\nmay know {}\n{}", text(copy), text(view), self.story());
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
        assert_eq!(super::answers(own), super::answers(known), "{}", fault());
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

/// The same sequences each time, so that what fails can be seen to fail again.
#[test]
fn copies_converge() {
    let config = ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let step = (0_u8..4, any::<u8>(), any::<u8>(), any::<u8>());
    let sequences = (prop::collection::vec(step, 1..40), any::<u64>());
    let converge = |(steps, mut order): (Vec<(u8, u8, u8, u8)>, u64)| {
        let mut world = MeetingWorld::new();
        for (kind, one, two, three) in steps {
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
        Ok(())
    };
    runner.run(&sequences, converge).unwrap();
}
