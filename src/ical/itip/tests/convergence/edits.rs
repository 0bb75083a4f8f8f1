//! What the organizer's program stores.

use super::super::super::address::CalendarUserAddress;
use super::super::super::fields::set_line;
use super::super::super::occurrence::{Occurrence, OccurrenceSet};
use super::super::super::people::CalendarUser;
use super::world::{GROUP, MAX_MEETINGS, MeetingWorld, PEOPLE, line, part_of};
use crate::ical::object::{Component, Object, Property};
use crate::ical::time::write_utc;
use crate::model::id::Timestamp;

/// A change of a series, and of what is said of one occurrence; the number says how.
type SeriesEdit = fn(&mut Object, u8);
type OccurrenceEdit = fn(&mut EditedOccurrence<'_>, u8);

const OF_SERIES: [SeriesEdit; 16] = [
    end_otherwise,
    retitle,
    relocate,
    describe,
    recount,
    toggle_in_series,
    toggle_everywhere,
    begin_otherwise,
    repeat_otherwise,
    toggle_addition,
    toggle_series_off,
    toggle_group,
    toggle_agent,
    force,
    disband,
    answer_for_others,
];

const OF_OCCURRENCE: [OccurrenceEdit; 8] =
    [move_one, retitle_one, toggle_in_one, exclude, revert, let_back, cancel_one, leave];

/// Deleting, splitting, another group, asking anew.
const OTHERS: usize = 4;

impl MeetingWorld {
    /// One of the organizer's changes.
    pub fn edit(&mut self, what: u8, which: u8) {
        let Some(known) = self.organizer.clone() else { return self.restore() };
        self.bench.keeps_answers = which.is_multiple_of(2);
        let what = usize::from(what) % (OF_SERIES.len() + OF_OCCURRENCE.len() + OTHERS);
        let mut new = known.clone();
        match (OF_SERIES.get(what), what.checked_sub(OF_SERIES.len()).and_then(|what| OF_OCCURRENCE.get(what))) {
            (Some(edit), _) => edit(&mut new, which),
            (None, Some(edit)) => self.edit_occurrence(&known, &mut new, *edit, which),
            (None, None) => match what - OF_SERIES.len() - OF_OCCURRENCE.len() {
                0 if which.is_multiple_of(3) => {
                    self.note(|_| "deleted".to_owned());
                    return self.store(None);
                }
                1 => self.split(&known, &mut new, which),
                2 => {
                    let who = 1 + usize::from(which) % 2;
                    if !self.members.remove(&who) {
                        self.members.insert(who);
                    }
                }
                _ => ask_anew(&mut new, which),
            },
        }
        self.note(|_| format!("edit {what} {which}"));
        self.store(Some(new));
    }

    fn edit_occurrence(&self, known: &Object, new: &mut Object, edit: OccurrenceEdit, which: u8) {
        let Some(at) = self.pick(known, which) else { return };
        let set = &self.set(known);
        let id = set.line("RECURRENCE-ID", at).value().to_owned();
        let own = part_of(new, Some(&id)).map(|own| new.calendar.components.remove(own));
        let Some(part) = own.clone().or_else(|| set.effective(at)) else {
            // What is left out can be let back.
            let parts = &mut new.calendar.components;
            return edit(&mut EditedOccurrence { set, at, id, part: None, has_own: false, parts }, which);
        };
        let parts = &mut new.calendar.components;
        edit(&mut EditedOccurrence { set, at, id, part: Some(part), has_own: own.is_some(), parts }, which);
    }

    /// All from one occurrence on is another meeting: two changes of the client's.
    fn split(&mut self, known: &Object, new: &mut Object, which: u8) {
        let Some(at) = self.pick(known, 1 + which % 3) else { return };
        let set = self.set(known);
        let (Some(mut series), Some(known_master)) = (set.derived(at).filter(|_| set.has(at)), set.master) else {
            return;
        };
        let rule = known_master.value("RRULE").unwrap_or_default();
        let is_later = |part: &Component| matches!(set.occurrence_of(part), Some(Occurrence::At(other)) if other >= at);
        if !rule.starts_with("FREQ=WEEKLY;COUNT") || self.meetings >= MAX_MEETINGS {
            return;
        }
        let mut later = known.clone();
        later.calendar.components.retain(is_later);
        set_line(&mut series, "RECURRENCE-ID", None);
        replace(&mut series, "RRULE:FREQ=WEEKLY;COUNT=4");
        later.calendar.components.insert(0, series);
        for part in &mut later.calendar.components {
            replace(part, "UID:later");
        }
        later.uid = "later".to_owned();
        new.calendar.components.retain(|part| !is_later(part));
        replace(master(new), &format!("RRULE:FREQ=WEEKLY;UNTIL={}", write_utc(at - 1)));
        self.later = Some(later);
    }
}

/// A change of what is said of one occurrence. What has no component of its own may get one.
struct EditedOccurrence<'a> {
    set: &'a OccurrenceSet<'a>,
    at: Timestamp,
    id: String,
    /// What is said of it; `None`: it is none.
    part: Option<Component>,
    has_own: bool,
    /// All components but its own.
    parts: &'a mut Vec<Component>,
}

impl EditedOccurrence<'_> {
    fn put(&mut self, change: impl FnOnce(&mut Component)) {
        if let Some(mut part) = self.part.take() {
            change(&mut part);
            self.parts.push(part);
        }
    }

    fn master(&mut self) -> &mut Component {
        self.parts.iter_mut().find(|part| part.property("RECURRENCE-ID").is_none()).unwrap()
    }
}

fn move_one(of: &mut EditedOccurrence<'_>, which: u8) {
    let (hour, date) = (10 + which % 5, of.id[..8].to_owned());
    of.put(|part| {
        replace(part, &format!("DTSTART;TZID=Europe/Paris:{date}T{hour}0000"));
        replace(part, &format!("DTEND;TZID=Europe/Paris:{date}T{hour}3000"));
    });
}

fn retitle_one(of: &mut EditedOccurrence<'_>, which: u8) {
    of.put(|part| replace(part, &format!("SUMMARY:{}", letter(which))));
}

fn toggle_in_one(of: &mut EditedOccurrence<'_>, which: u8) {
    of.put(|part| toggle(part, person(which)));
}

fn exclude(of: &mut EditedOccurrence<'_>, _: u8) {
    let left_out = of.set.line("EXDATE", of.at);
    if of.part.is_some() && of.set.has(of.at) {
        of.master().properties.push(left_out);
    }
}

/// It is as the series says again.
fn revert(of: &mut EditedOccurrence<'_>, _: u8) {
    of.part = None;
}

/// Nothing is left out any more.
fn let_back(of: &mut EditedOccurrence<'_>, which: u8) {
    of.master().properties.retain(|line| line.name != "EXDATE");
    leave(of, which);
}

fn cancel_one(of: &mut EditedOccurrence<'_>, _: u8) {
    of.put(toggle_off);
}

/// What other programs add.
fn leave(of: &mut EditedOccurrence<'_>, which: u8) {
    let has_own = of.has_own;
    if has_own {
        of.put(|_| {});
    }
    replace(of.master(), &format!("X-NOISE:{}", letter(which)));
}

fn master(object: &mut Object) -> &mut Component {
    let master = part_of(object, None).expect("a master");
    &mut object.calendar.components[master]
}

/// A series at other times has nothing that differs in it.
fn all_alike(object: &mut Object) {
    object.calendar.components.retain(|part| part.property("RECURRENCE-ID").is_none());
    master(object).properties.retain(|line| !["EXDATE", "RDATE"].contains(&line.name.as_str()));
}

fn end_otherwise(object: &mut Object, which: u8) {
    all_alike(object);
    let part = master(object);
    let start = part.value("DTSTART").unwrap()[..11].to_owned();
    replace(part, &format!("DTEND;TZID=Europe/Paris:{start}1{}000", which % 3));
}

fn begin_otherwise(object: &mut Object, which: u8) {
    all_alike(object);
    let part = master(object);
    let date = part.value("DTSTART").unwrap()[..8].to_owned();
    let hour = [9, 11][usize::from(which % 2)];
    replace(part, &format!("DTSTART;TZID=Europe/Paris:{date}T{hour:02}0000"));
    replace(part, &format!("DTEND;TZID=Europe/Paris:{date}T{:02}0000", hour + 1));
}

/// What differed may stay, though it differs from nothing any more.
fn repeat_otherwise(object: &mut Object, which: u8) {
    if which.is_multiple_of(2) {
        all_alike(object);
    }
    let is_weekly = master(object).value("RRULE").is_some_and(|rule| !rule.contains("INTERVAL"));
    let rule = if is_weekly { "FREQ=WEEKLY;INTERVAL=2;COUNT=4" } else { "FREQ=WEEKLY;COUNT=8" };
    replace(master(object), &format!("RRULE:{rule}"));
}

fn retitle(object: &mut Object, which: u8) {
    replace(master(object), &format!("SUMMARY:{}", letter(which)));
}

fn relocate(object: &mut Object, which: u8) {
    replace(master(object), &format!("LOCATION:{}", letter(which)));
}

fn describe(object: &mut Object, which: u8) {
    replace(master(object), &format!("DESCRIPTION:{}", letter(which)));
}

fn recount(object: &mut Object, which: u8) {
    let count = [4, 6, 9][usize::from(which % 3)];
    let rule = master(object).value("RRULE").unwrap_or_default();
    let rule = rule.split(';').filter(|part| !part.starts_with("COUNT") && !part.starts_with("UNTIL"));
    let rule = rule.collect::<Vec<_>>().join(";");
    replace(master(object), &format!("RRULE:{rule};COUNT={count}"));
}

fn toggle_in_series(object: &mut Object, which: u8) {
    toggle(master(object), person(which));
}

/// In the series, and where something differs in it.
fn toggle_everywhere(object: &mut Object, which: u8) {
    let address = CalendarUserAddress::new(person(which));
    let is_in = CalendarUser::attendees(master(object)).any(|user| user.address() == address);
    for part in object.calendar.components.iter_mut().filter(|part| part.name == "VEVENT") {
        part.properties.retain(|line| line.name != "ATTENDEE" || CalendarUser::of(line).address() != address);
        if !is_in {
            toggle(part, person(which));
        }
    }
}

fn toggle_addition(object: &mut Object, which: u8) {
    let part = master(object);
    if part.property("RDATE").is_some() {
        set_line(part, "RDATE", None);
        return;
    }
    // The day after the first.
    let start = part.value("DTSTART").unwrap().to_owned();
    let day: u32 = start[6..8].parse().unwrap();
    replace(
        part,
        &format!("RDATE;TZID=Europe/Paris:{}{:02}{}", &start[..6], day + 1 + u32::from(which % 2), &start[8..]),
    );
}

fn toggle_series_off(object: &mut Object, _: u8) {
    toggle_off(master(object));
}

fn toggle_off(part: &mut Component) {
    let is_off = part.property("STATUS").is_some();
    set_line(part, "STATUS", (!is_off).then(|| Property::new("STATUS", "CANCELLED")));
}

fn toggle_group(object: &mut Object, _: u8) {
    toggle(master(object), GROUP);
}

/// A client sends messages to somebody by itself, or not any more.
fn toggle_agent(object: &mut Object, which: u8) {
    of_person(object, which, |line| {
        let agent = line.parameter("SCHEDULE-AGENT").is_none().then_some("CLIENT");
        line.with_parameter("SCHEDULE-AGENT", agent)
    });
}

fn force(object: &mut Object, which: u8) {
    let answer = ["ACCEPTED", "NEEDS-ACTION"][usize::from(which / 16) % 2];
    of_person(object, which, |line| {
        line.with_parameter("SCHEDULE-FORCE-SEND", Some("REQUEST")).with_parameter("PARTSTAT", Some(answer))
    });
}

/// What a program thinks that others have answered.
fn answer_for_others(object: &mut Object, which: u8) {
    of_person(object, which, |line| line.with_parameter("PARTSTAT", Some("ACCEPTED")));
}

fn ask_anew(object: &mut Object, which: u8) {
    describe(object, which);
    of_person(object, which, |line| line.with_parameter("PARTSTAT", Some("NEEDS-ACTION")));
}

fn of_person(object: &mut Object, which: u8, change: impl Fn(&Property) -> Property) {
    let address = CalendarUserAddress::new(person(which));
    let lines = object.calendar.components.iter_mut().flat_map(|part| part.properties.iter_mut());
    for line in lines.filter(|line| line.name == "ATTENDEE" && CalendarUser::of(line).address() == address) {
        *line = change(line);
    }
}

/// Nobody is in it any more, or it is a meeting again.
fn disband(object: &mut Object, which: u8) {
    if !which.is_multiple_of(3) {
        return;
    }
    let is_meeting = master(object).property("ORGANIZER").is_some();
    for part in object.calendar.components.iter_mut().filter(|part| part.name == "VEVENT") {
        part.properties.retain(|line| !["ORGANIZER", "ATTENDEE"].contains(&line.name.as_str()));
        if !is_meeting {
            part.properties.push(line("ORGANIZER;CN=Orga:mailto:o@v.fr"));
            part.properties.extend(PEOPLE[..2].iter().map(|person| line(&format!("ATTENDEE:{person}"))));
        }
    }
}

fn person(which: u8) -> &'static str {
    PEOPLE[usize::from(which / 4) % PEOPLE.len()]
}

fn letter(which: u8) -> char {
    char::from(b'A' + which % 5)
}

/// Sets the one line of its name.
pub(super) fn replace(part: &mut Component, text: &str) {
    let line = line(text);
    let name = line.name.clone();
    set_line(part, &name, Some(line));
}

fn toggle(part: &mut Component, person: &str) {
    if part.property("ORGANIZER").is_none() {
        return;
    }
    let address = CalendarUserAddress::new(person);
    let is_theirs = |line: &Property| line.name == "ATTENDEE" && CalendarUser::of(line).address() == address;
    if part.properties.iter().any(is_theirs) {
        part.properties.retain(|line| !is_theirs(line));
    } else {
        part.properties.push(line(&format!("ATTENDEE:{person}")));
    }
}
