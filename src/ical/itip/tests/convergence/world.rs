//! The organizer of a meeting, who is in it, and the messages between them.

use std::collections::BTreeSet;

use super::super::super::address::{Addresses, CalendarUserAddress};
use super::super::super::copy::is_out_of;
use super::super::super::deliveries::{DeliveryKind, SchedulingDelivery};
use super::super::super::fields::is_cancelled;
use super::super::super::groups::{GroupMember, MeetingGroups};
use super::super::super::ledger::{ComponentRevision, sequence_of};
use super::super::super::message::SchedulingMessage;
use super::super::super::occurrence::{Occurrence, OccurrenceSet, start_of};
use super::super::super::organizer::{OrganizerChange, refresh_all};
use super::super::super::people::CalendarUser;
use super::super::{Bench, NOW, SERIES, answers, lines, named, object};
use crate::ical::object::{Component, Object, Property, parse};
use crate::model::budget::Budget;
use crate::model::id::Timestamp;

/// Three people, and a room, which answers by itself.
pub(super) const PEOPLE: [&str; 4] = ["mailto:a@v.fr", "mailto:b@v.fr", "mailto:c@v.fr", "mailto:r@v.fr"];
pub(super) const ROOM: usize = 3;
pub(super) const GROUP: &str = "mailto:g@v.fr";
pub(super) const DAY_S: i64 = 86_400;
pub(super) const WEEK_S: i64 = 7 * DAY_S;

/// The most meetings of one case: each may be split.
pub(super) const MAX_MEETINGS: usize = 3;

/// Who does something, and three numbers that say what.
pub(super) type WorldStep = (u8, u8, u8, u8);

/// When what is sent arrives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageOrder {
    /// With what it follows from.
    AtOnce,
    /// Late, in another order, more than once.
    AnyOrder,
}

/// What is under way.
#[derive(Clone)]
pub(super) enum Envelope {
    /// To whom, what, and how many of their answers the organizer knew.
    Delivery(usize, SchedulingDelivery, usize),
    Reply(usize, SchedulingMessage),
}

/// A meeting as each has it.
pub(super) struct MeetingWorld {
    pub bench: Bench,
    pub organizer: Option<Object>,
    /// The last state before it was deleted.
    pub deleted: Option<Object>,
    pub copies: [Option<Object>; PEOPLE.len()],
    /// Who has deleted their copy.
    pub has_deleted: [bool; PEOPLE.len()],
    pub under_way: Vec<Envelope>,
    /// How many answers each has sent.
    pub said: [usize; PEOPLE.len()],
    /// Which of them the organizer knows, by when they were sent.
    pub heard: [BTreeSet<Timestamp>; PEOPLE.len()],
    pub arrival: MessageOrder,
    /// Does a copy show again what its owner did not see when it changed? What they think of it nobody knows.
    pub is_guess: bool,
    pub highest_sent: u64,
    /// What people were notified of.
    pub notices: BTreeSet<String>,
    /// Who is in the group.
    pub members: BTreeSet<usize>,
    /// What another meeting begins with, where this one was split.
    pub later: Option<Object>,
    /// How many meetings there are.
    pub meetings: usize,
    /// What happened, where somebody wants to read it.
    log: Option<Vec<String>>,
}

pub(super) fn alarm() -> Component {
    let text = "BEGIN:VCALENDAR\nBEGIN:VALARM\nTRIGGER:-PT7M\nACTION:DISPLAY\nEND:VALARM\nEND:VCALENDAR\n";
    parse(text.as_bytes()).unwrap().components.remove(0)
}

/// Where a component of an object stands: the master, or that of an occurrence.
pub(super) fn part_of(object: &Object, occurrence: Option<&str>) -> Option<usize> {
    let is_it = |part: &Component| match occurrence {
        None => part.property("RECURRENCE-ID").is_none(),
        Some(id) => part.value("RECURRENCE-ID") == Some(id),
    };
    object.calendar.components.iter().position(is_it)
}

pub(super) fn line(text: &str) -> Property {
    Property::parse(text).unwrap()
}

pub(super) fn me(who: usize) -> Addresses {
    Addresses::of([PEOPLE[who]])
}

impl MeetingWorld {
    pub fn new(arrival: MessageOrder) -> Self {
        Self::of(object(&[SERIES]), arrival)
    }

    fn of(object: Object, arrival: MessageOrder) -> Self {
        Self {
            bench: Bench::default(),
            organizer: None,
            deleted: Some(object),
            copies: [const { None }; PEOPLE.len()],
            has_deleted: [false; PEOPLE.len()],
            under_way: Vec::new(),
            said: [0; PEOPLE.len()],
            heard: [const { BTreeSet::new() }; PEOPLE.len()],
            arrival,
            is_guess: false,
            highest_sent: 0,
            notices: BTreeSet::new(),
            members: BTreeSet::from([1]),
            later: None,
            meetings: 1,
            log: None,
        }
    }

    /// The same, which notes what happens.
    pub fn noted(self) -> Self {
        Self { log: Some(Vec::new()), ..self }
    }

    /// The meeting that the later part of this one is.
    pub fn beside(&mut self, later: Object) -> Self {
        self.meetings += 1;
        let mut other = Self::of(later, self.arrival);
        other.bench.now = self.bench.now;
        other.log = self.log.as_ref().map(|_| Vec::new());
        // One more is enough.
        other.meetings = MAX_MEETINGS;
        other.members.clone_from(&self.members);
        other
    }

    pub fn step(&mut self, (kind, one, two, three): WorldStep) {
        self.bench.now += 1;
        if self.organizer.is_none() && self.deleted.is_some() && self.heard.iter().all(BTreeSet::is_empty) {
            self.restore();
            self.bench.now += 1;
        }
        self.is_guess = false;
        match kind {
            0 => self.edit(one, two),
            1 => self.answer(one, two, three),
            2 => self.arrive(usize::from(one), false),
            _ => self.arrive(usize::from(one), true),
        }
    }

    /// What was deleted is there again.
    pub fn restore(&mut self) {
        if self.organizer.is_none() {
            let object = self.deleted.take();
            self.note(|_| "there again".to_owned());
            self.store(object);
        }
    }

    /// A meeting with the people in its groups.
    fn completed(&self, old: Option<&Object>, new: Object) -> Object {
        let group = CalendarUserAddress::new(GROUP);
        let is_in = |object: &Object| {
            object.parts().flat_map(CalendarUser::attendees).any(|attendee| attendee.address() == group)
        };
        let member = |who: &usize| {
            let (addresses, written) = (me(*who), PEOPLE[*who].to_owned());
            GroupMember { addresses, written, name: String::new() }
        };
        let mut groups = MeetingGroups::default();
        if is_in(&new) {
            groups.invited.insert(group, self.members.iter().map(member).collect());
        } else if old.is_some_and(is_in) {
            groups.removed.insert(group);
        }
        let organizer = Addresses::of(["mailto:o@v.fr"]);
        groups.expanded(&new, &organizer, &Budget::default()).unwrap().unwrap_or(new)
    }

    /// The organizer's program stores a state, or deletes it.
    pub fn store(&mut self, new: Option<Object>) {
        self.bench.highest_sent = Some(self.highest_sent).filter(|sent| *sent > 0);
        let old = self.organizer.take();
        let new = new.map(|new| self.completed(old.as_ref(), new));
        let change = self.bench.organizer(old.as_ref(), new.as_ref());
        let change = change.unwrap_or_else(|why| panic!("{why:?}\n{}", self.story()));
        change.resets.iter().for_each(|reset| self.bench.ledger.note_reset(reset));
        self.note(|world| shown_change(world, &change));
        self.check_change(old.as_ref(), new.as_ref(), &change);
        self.deleted = if new.is_none() { old } else { None };
        self.organizer = change.object;
        self.send(change.deliveries);
        self.settle();
        self.check_same();
    }

    pub fn send(&mut self, deliveries: Vec<SchedulingDelivery>) {
        for delivery in deliveries {
            self.check_delivery(&delivery);
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

    pub fn set<'a>(&'a self, object: &'a Object) -> OccurrenceSet<'a> {
        OccurrenceSet::of(object, self.bench.at()).unwrap()
    }

    /// One of the first four occurrences of a series, or the day after one.
    pub fn pick(&self, object: &Object, which: u8) -> Option<Timestamp> {
        let set = self.set(object);
        let start = set.zones.instant(&start_of(set.master?)?);
        let beside = if which >= 208 { DAY_S } else { 0 };
        Some(start + i64::from(which % 4) * WEEK_S + beside)
    }

    /// On one server everything arrives at once: who has answered what, the organizer's object says then as the copy of
    /// its author does.
    pub fn settle(&mut self) {
        while self.arrival == MessageOrder::AtOnce && !self.under_way.is_empty() {
            let author = match self.under_way[0] {
                Envelope::Reply(who, _) => Some(who),
                Envelope::Delivery(..) => None,
            };
            self.arrive(0, false);
            author.into_iter().for_each(|who| self.check_own_answers(who));
        }
        if self.arrival == MessageOrder::AtOnce {
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
            Envelope::Delivery(who, delivery, heard) => self.receive(who, &delivery, heard),
            Envelope::Reply(who, reply) => self.hear(who, &reply),
        }
    }

    /// A message of the organizer arrives.
    fn receive(&mut self, who: usize, delivery: &SchedulingDelivery, heard: usize) {
        let knows_answers = heard == self.said[who];
        let deliver = |copy: Option<&Object>| {
            let after = self.bench.deliver_crossing(PEOPLE[who], copy, delivery, knows_answers);
            after.filter(|after| copy.is_some() || !is_out_of(after, &me(who)))
        };
        let mut after = deliver(self.copies[who].as_ref());
        assert_eq!(after, deliver(after.as_ref()), "{}", self.story());
        // What was sent before what left no copy makes none.
        if delivery.view.is_none() || after.is_none() {
            let last = self.bench.called_off.entry(PEOPLE[who].to_owned()).or_default();
            *last = delivery.message.stamp().max(*last);
        }
        if let (Some(before), Some(after)) = (&self.copies[who], &after) {
            self.check_private(before, after);
        }
        if let Some(copy) = after.as_mut().filter(|_| self.copies[who].is_none()) {
            copy.calendar.components.iter_mut().for_each(|part| part.components.push(alarm()));
        }
        self.has_deleted[who] &= after.is_none();
        self.copies[who] = after;
        self.note(|world| {
            let is_refresh = delivery.kind == DeliveryKind::Refresh;
            let kind = if is_refresh { "refresh" } else { delivery.message.method.name() };
            let (stamp, state) = (delivery.message.stamp() - NOW, world.copy_state(who));
            format!("{kind} of {stamp} arrives at {who}, knows all: {knows_answers}\n  {who} has {state}")
        });
        if who == ROOM {
            self.decide();
        }
    }

    /// An answer arrives at the organizer's.
    fn hear(&mut self, who: usize, reply: &SchedulingMessage) {
        self.heard[who].insert(reply.stamp());
        let Some(known) = self.organizer.clone() else { return };
        let outcome = self.bench.reply(&known, reply).unwrap();
        self.note(|world| {
            let said = reply.object.parts().map(|part| {
                let id = part.value("RECURRENCE-ID").unwrap_or("all");
                format!("{id} {} {}", sequence_of(part), answers(part))
            });
            let said: Vec<String> = said.collect();
            let taken: Vec<String> = outcome.taken.iter().map(|taken| named(taken.occurrence)).collect();
            let (stamp, state) = (reply.stamp() - NOW, world.state(&outcome.object));
            format!("reply of {stamp}: {said:?}, taken {taken:?}\n  organizer has {state}")
        });
        outcome.note(&mut self.bench.ledger);
        let again = self.bench.reply(&outcome.object, reply).unwrap();
        assert!(again.taken.is_empty() && !again.is_changed, "{}", self.story());
        let others = refresh_all(&outcome.object, self.bench.organizer_context()).unwrap();
        assert!(others.iter().all(|delivery| delivery.kind == DeliveryKind::Refresh), "{}", self.story());
        self.check_answered(who, &known, &outcome.object, reply);
        self.organizer = Some(outcome.object);
        self.send(others);
    }

    pub fn note(&mut self, what: impl FnOnce(&Self) -> String) {
        if self.log.is_some() {
            let line = what(self);
            self.log.iter_mut().for_each(|log| log.push(line.clone()));
        }
    }

    pub fn story(&self) -> String {
        self.log.iter().flatten().cloned().collect::<Vec<_>>().join("\n")
    }

    pub fn copy_state(&self, who: usize) -> String {
        self.copies[who].as_ref().map_or_else(|| "nothing".to_owned(), |copy| self.state(copy))
    }

    /// A meeting in one line.
    pub fn state(&self, object: &Object) -> String {
        let set = self.set(object);
        let hidden = set.hidden_states();
        let hidden = hidden.iter().map(|(at, state)| format!("{} {}", named(Occurrence::At(*at)), state.sequence));
        let excluded = set.exclusions().iter().map(|at| named(Occurrence::At(*at)));
        let parts = set.components().map(|(occurrence, part)| {
            let off = if is_cancelled(part) { "OFF " } else { "" };
            let ComponentRevision { sequence, stamp } = ComponentRevision::of(part);
            format!("{off}{} {sequence}/{} {}", named(occurrence), stamp - NOW, answers(part))
        });
        let (parts, excluded, hidden): (Vec<_>, Vec<_>, Vec<_>) =
            (parts.collect(), excluded.collect(), hidden.collect());
        format!("{}; but {}; hidden {}", parts.join(" | "), excluded.join(" "), hidden.join(" "))
    }
}

fn shown_change(world: &MeetingWorld, change: &OrganizerChange) -> String {
    let asked = change
        .resets
        .iter()
        .map(|reset| format!("{} {} {}", reset.attendee.as_str(), named(reset.occurrence), reset.revision.sequence));
    let asked: Vec<String> = asked.collect();
    let state = change.object.as_ref().map_or_else(|| "nothing".to_owned(), |object| world.state(object));
    format!("  stored {state}\n  asks {asked:?}\n  sends {:?}", lines(&change.deliveries))
}
