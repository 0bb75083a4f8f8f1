//! What an attendee's program stores.

use super::super::super::address::CalendarUserAddress;
use super::super::super::fields::is_cancelled;
use super::super::super::ledger::sequence_of;
use super::super::super::people::{CalendarUser, NEEDS_ACTION};
use super::super::super::reply::answered;
use super::super::super::view::with_people;
use super::super::text;
use super::edits::replace;
use super::world::{Envelope, MeetingWorld, PEOPLE, ROOM, line, me, part_of};
use crate::ical::object::Object;

const ANSWERS: [&str; 4] = ["ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED"];

/// A change of a copy; the numbers say which. `None`: there is nothing to change.
type AttendeeEdit = fn(&MeetingWorld, &Object, u8, u8, u8) -> Option<Object>;

const OF_COPIES: [AttendeeEdit; 10] =
    [answer_part, answer_part, answer_part, answer_one, answer_one, hide, hide, show, keep, forget];

impl MeetingWorld {
    /// One of an attendee's changes.
    pub fn answer(&mut self, who: u8, what: u8, which: u8) {
        let person = usize::from(who) % PEOPLE.len();
        let Some(known) = self.copies[person].clone() else { return };
        if known.parts().all(is_cancelled) {
            return;
        }
        if what >= 248 {
            self.has_deleted[person] = true;
            return self.change_copy(person, &known, None);
        }
        let edit = OF_COPIES[usize::from(what) % OF_COPIES.len()];
        if let Some(new) = edit(self, &known, person as u8, what / 16, which) {
            let (had, has) = (self.set(&known).hidden_states(), self.set(&new));
            let series = has.master.map_or(0, sequence_of);
            self.is_guess = had.iter().any(|(at, hidden)| has.has(*at) && hidden.sequence > series);
            self.change_copy(person, &known, Some(new));
        }
    }

    fn change_copy(&mut self, who: usize, known: &Object, new: Option<Object>) {
        let change = self
            .bench
            .attendee(PEOPLE[who], Some(known), new.as_ref())
            .unwrap_or_else(|why| panic!("{why:?} {}\n{}\n{:?}", self.story(), text(known), new.as_ref().map(text)));
        self.copies[who] = change.object;
        self.note(|world| {
            let answers = change.reply.as_ref().map(|reply| &reply.answers);
            let at = world.bench.now - super::super::NOW;
            format!(
                "{who} changes {new}\n  and has {}, answers {answers:?} at {at}",
                world.copy_state(who),
                new = new.as_ref().map_or_else(|| "nothing".to_owned(), |new| world.state(new))
            )
        });
        if let Some(reply) = change.reply {
            self.said[who] += 1;
            self.under_way.push(Envelope::Reply(who, reply.message));
        }
        self.settle();
    }

    /// A room answers what it is asked, each occurrence for itself.
    pub fn decide(&mut self) {
        let Some(known) = self.copies[ROOM].clone() else { return };
        let mut new = known.clone();
        let address = CalendarUserAddress::new(PEOPLE[ROOM]);
        for part in new.calendar.components.iter_mut().filter(|part| part.name == "VEVENT" && !is_cancelled(part)) {
            let own = CalendarUser::attendees(part).find(|user| user.address() == address);
            if own.is_some_and(|own| own.participation() == NEEDS_ACTION) {
                let is_free = part.value("DTSTART").is_some_and(|start| !start.contains("T11"));
                *part = answered(part.clone(), &me(ROOM), ANSWERS[usize::from(!is_free)]);
            }
        }
        if new != known {
            self.bench.now += 1;
            self.change_copy(ROOM, &known, Some(new));
        }
    }
}

fn answer_of(what: u8) -> &'static str {
    ANSWERS[usize::from(what) % ANSWERS.len()]
}

/// An answer about all, or about what differs.
fn answer_part(_: &MeetingWorld, copy: &Object, who: u8, what: u8, which: u8) -> Option<Object> {
    let mut new = copy.clone();
    let number = usize::from(which) % new.calendar.components.len().max(1);
    let part = new.calendar.components.get_mut(number)?;
    *part = answered(part.clone(), &me(who.into()), answer_of(what));
    if which >= 224 {
        replace(part, "COMMENT:why");
    }
    Some(new)
}

/// An answer about one occurrence, which has a component for it then.
fn answer_one(world: &MeetingWorld, copy: &Object, who: u8, what: u8, which: u8) -> Option<Object> {
    let at = world.pick(copy, which)?;
    let set = world.set(copy);
    let id = set.line("RECURRENCE-ID", at).value().to_owned();
    let mut new = copy.clone();
    let part = with_people(&set, &set.effective(at)?);
    part_of(&new, Some(&id)).map(|own| new.calendar.components.remove(own));
    new.calendar.components.push(answered(part, &me(who.into()), answer_of(what)));
    Some(new)
}

/// One occurrence is deleted.
fn hide(world: &MeetingWorld, copy: &Object, _: u8, _: u8, which: u8) -> Option<Object> {
    let mut new = copy.clone();
    if copy.master().is_none() {
        let number = usize::from(which) % new.calendar.components.len().max(1);
        new.calendar.components.remove(number);
        return Some(new).filter(|new| !new.calendar.components.is_empty());
    }
    let at = world.pick(copy, which)?;
    let set = world.set(copy);
    let (has, left_out) = (set.has(at), set.line("EXDATE", at));
    let id = set.line("RECURRENCE-ID", at).value().to_owned();
    part_of(&new, Some(&id)).map(|own| new.calendar.components.remove(own));
    let master = part_of(&new, None)?;
    new.calendar.components[master].properties.push(left_out);
    has.then_some(new)
}

/// What was deleted is to be seen again.
fn show(world: &MeetingWorld, copy: &Object, _: u8, _: u8, which: u8) -> Option<Object> {
    let set = world.set(copy);
    let hidden: Vec<_> = set.hidden().into_iter().filter(|at| set.generates(*at)).collect();
    let at = *hidden.get(usize::from(which) % hidden.len().max(1))?;
    let left_out = set.line("EXDATE", at);
    let mut new = copy.clone();
    let master = part_of(&new, None)?;
    new.calendar.components[master].properties.retain(|line| *line != left_out);
    Some(new)
}

/// What is private.
fn keep(_: &MeetingWorld, copy: &Object, _: u8, _: u8, which: u8) -> Option<Object> {
    let mut new = copy.clone();
    let number = usize::from(which) % new.calendar.components.len().max(1);
    replace(new.calendar.components.get_mut(number)?, "CATEGORIES:mine");
    Some(new)
}

/// A program that knows the series only.
fn forget(_: &MeetingWorld, copy: &Object, who: u8, what: u8, _: u8) -> Option<Object> {
    let mut new = copy.clone();
    let master = part_of(&new, None)?;
    let part = answered(new.calendar.components[master].clone(), &me(who.into()), answer_of(what));
    new.calendar.components = vec![part];
    new.calendar.properties.retain(|known| known.name != "X-BEFFROI-HIDDEN");
    new.calendar.properties.push(line("X-WR-CALNAME:mine"));
    Some(new)
}
