//! Rooms answer at once: what a room says to an invitation, occurrence by occurrence. Pure.
//!
//! A booking is an object in the calendar of the room that the room has accepted. One that takes place once is held to
//! all others for ever, by their rules; a series to what takes place in the next three years. What touches, does not
//! clash.

use super::meeting_copy::MeetingCopy;
use super::room_desk::RoomDesk;
use crate::ical::itip::address::Addresses;
use crate::ical::itip::context::{SchedulingContext, Violation};
use crate::ical::itip::copy::organizer_address;
use crate::ical::itip::message::SchedulingMessage;
use crate::ical::itip::occurrence::OccurrenceSet;
use crate::ical::itip::people::{ACCEPTED, CalendarUser as Line, DECLINED, NEEDS_ACTION};
use crate::ical::line::escaped;
use crate::ical::object::{Component, Object, Property};
use crate::ical::recur::{Expansion, Instance, instances, recurs};
use crate::ical::time::When;
use crate::ical::zone::{Zone, Zones};
use crate::model::calendar::TimeRange;
use crate::model::id::{Seq, Timestamp};
use crate::model::room::{Booking, Room, opening_hours};

/// How far ahead series are held to each other, seconds.
pub const HORIZON_S: i64 = 3 * 366 * 86_400;
/// What is said where its manager has yet to decide.
const TENTATIVE: &str = "TENTATIVE";
/// The most steps that it takes to follow a booking: whoever books later follows all of them.
const MAX_BOOKING_STEPS: u64 = 30_000;
/// And the longest booking, bytes: they read all of them.
const MAX_BOOKING_BYTES: usize = 64 * 1024;
/// The longest title that a room keeps, characters.
const MAX_TITLE: usize = 1000;
/// The most times that are named where a room says no.
const MAX_NAMED: usize = 3;
/// What a room keeps of a meeting.
const KEPT: [&str; 17] = [
    "UID",
    "RECURRENCE-ID",
    "SEQUENCE",
    "DTSTAMP",
    "CREATED",
    "LAST-MODIFIED",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "EXRULE",
    "STATUS",
    "TRANSP",
    "CLASS",
    "ORGANIZER",
];

/// A room, and what it holds where a meeting is to be.
#[derive(Clone, Debug)]
pub struct BookedRoom {
    /// What is kept of it.
    pub room: Room,
    /// Name of its home.
    pub name: String,
    /// May whoever organizes book it?
    pub may_book: bool,
    /// What else is in its calendar then.
    pub bookings: Vec<MeetingCopy>,
    /// Is there more than that?
    pub is_cut: bool,
    /// Does whoever asks wait for as many answers already as one may?
    pub is_overasked: bool,
    /// The last change in its home that was seen.
    pub seq: Seq,
    /// Who is asked by mail where its manager decides.
    pub desk: Option<RoomDesk>,
}

/// Why a room says no.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Obstacle {
    Unbookable,
    Forbidden,
    TooSmall,
    Overasked,
    Closed,
    Taken,
    TooIntricate,
}

impl Obstacle {
    /// To people, French first: a comment has no language of its own.
    const fn text(self) -> &'static str {
        match self {
            Self::Unbookable => "Ne se réserve pas / Takes no bookings",
            Self::Forbidden => "Réservée à d’autres / Kept for others",
            Self::TooSmall => "Trop de participants / Too many participants",
            Self::Overasked => "Trop de demandes sans réponse / Too many requests undecided",
            Self::Closed => "Fermée à cette heure / Closed at that time",
            Self::Taken => "Déjà réservée / Already booked",
            Self::TooIntricate => "Répétition trop complexe / Recurrence too intricate",
        }
    }
}

/// Is an object of a room a request that its manager has yet to decide? Any number of such may lie at one time.
/// `organizer`: whose request; `None`: whosever.
#[must_use]
pub fn is_undecided(copy: &Object, room: &Addresses, organizer: Option<&Addresses>) -> bool {
    let is_theirs = |of: &Addresses| organizer_address(copy).is_some_and(|address| of.contains(&address));
    let answers = copy.parts().filter_map(|part| Line::attendee(part, room)).map(Line::participation);
    organizer.is_none_or(is_theirs)
        && answers.into_iter().any(|answer| [NEEDS_ACTION, TENTATIVE].contains(&answer.as_str()))
}

/// A meeting as a room may know of it: when it is, who organizes it, and the title of one that is not private.
#[must_use]
pub fn for_room(message: &SchedulingMessage, me: &Addresses) -> SchedulingMessage {
    let mut message = message.clone();
    for part in message.object.calendar.components.iter_mut().filter(|part| part.name != "VTIMEZONE") {
        let class = part.value("CLASS").unwrap_or("PUBLIC").trim().to_ascii_uppercase();
        let is_public = class == "PUBLIC";
        part.properties.iter_mut().filter(|line| line.name == "SUMMARY").for_each(shorten);
        part.properties.retain(|line| match line.name.as_str() {
            "SUMMARY" => is_public,
            "ATTENDEE" => me.contains(&Line::of(line).address()),
            name => KEPT.contains(&name),
        });
        part.components.clear();
    }
    message
}

/// Others read all that a room keeps when they book: a title is kept as far as people read it.
fn shorten(title: &mut Property) {
    let text = title.text();
    if let Some((end, _)) = text.char_indices().nth(MAX_TITLE) {
        let kept = text.get(..end).unwrap_or_default();
        *title = Property::new("SUMMARY", &escaped(kept));
    }
}

/// A message as it asks a room, whatever it says of what that has answered: a room decides for itself.
#[must_use]
pub fn asking(mut message: SchedulingMessage, me: &Addresses) -> SchedulingMessage {
    message.object = unanswered(message.object, me);
    for line in message.object.calendar.components.iter_mut().flat_map(|part| part.properties.iter_mut()) {
        if line.name == "ATTENDEE" {
            *line = line.with_parameter("RSVP", Some("TRUE"));
        }
    }
    message
}

/// An object of which `me` has said nothing yet.
#[must_use]
pub fn unanswered(object: Object, me: &Addresses) -> Object {
    with_answer(&object, me, |_| true, NEEDS_ACTION)
}

/// An object with another answer of `me`, where there is one of these.
#[must_use]
pub fn with_answer(object: &Object, me: &Addresses, which: impl Fn(&str) -> bool, answer: &str) -> Object {
    let mut object = object.clone();
    let lines = object.calendar.components.iter_mut().flat_map(|part| part.properties.iter_mut());
    for line in lines.filter(|line| line.name == "ATTENDEE") {
        let user = Line::of(line);
        if user.is_one_of(me) && which(&user.participation()) {
            *line = user.with_participation(answer);
        }
    }
    object
}

/// What is asked of a room.
pub struct RoomRequest<'a> {
    /// The room.
    pub state: &'a BookedRoom,
    /// Its addresses.
    pub me: &'a Addresses,
    /// How many people come.
    pub people: usize,
    /// Is their number another one than before?
    pub is_recounted: bool,
    /// The moment, the zone, the budget.
    pub at: SchedulingContext<'a>,
}

impl RoomRequest<'_> {
    /// The copy of a room with its answers. `None`: nothing is asked of it.
    pub fn answer(&self, copy: &Object) -> Result<Option<Object>, Violation> {
        let is_automatic = self.state.room.booking != Booking::Manager;
        let asks = |part: &Component| {
            let answer = Line::attendee(part, self.me).map(Line::participation);
            answer.is_some_and(|answer| answer == NEEDS_ACTION || (self.is_recounted && is_automatic))
        };
        if !copy.parts().any(asks) {
            return Ok(None);
        }
        let yes = if is_automatic { ACCEPTED } else { TENTATIVE };
        let found = self.obstacles(copy)?;
        let mut answered = copy.clone();
        for (part, before) in answered.calendar.components.iter_mut().zip(&copy.calendar.components) {
            if before.name != "VTIMEZONE" && asks(before) {
                self.decide(part, before, yes, &found);
            }
        }
        Ok((answered != *copy).then_some(answered))
    }

    /// The copy in which a manager accepts what has been taken meanwhile: that is declined. `None`: nothing is.
    pub fn recheck(&self, copy: &Object) -> Result<Option<Object>, Violation> {
        let accepts =
            |part: &Component| Line::attendee(part, self.me).is_some_and(|line| line.participation() == ACCEPTED);
        let mut found = self.obstacles(copy)?;
        found.clashes.retain(|(_, _, obstacle)| *obstacle == Obstacle::Taken);
        found.whole = found.whole.filter(|whole| *whole == Obstacle::TooIntricate);
        let mut answered = copy.clone();
        for (part, before) in answered.calendar.components.iter_mut().zip(&copy.calendar.components) {
            if before.name != "VTIMEZONE" && accepts(before) {
                self.decide(part, before, ACCEPTED, &found);
            }
        }
        Ok((answered != *copy).then_some(answered))
    }

    fn decide(&self, part: &mut Component, before: &Component, yes: &str, found: &Obstacles<'_>) {
        let of_part = |instance: &&Instance<'_>| std::ptr::eq(instance.component, before);
        let number = found.instances.iter().filter(of_part).count();
        if number == 0 && found.whole.is_none() {
            // It is over, or it cannot be said when it is.
            return;
        }
        let clashes: Vec<_> = found.clashes.iter().filter(|(instance, ..)| of_part(&instance)).collect();
        let declines = found.whole.is_some() || clashes.len() >= number;
        self.set_answer(part, if declines { DECLINED } else { yes });
        let reason = match (found.whole, clashes.first()) {
            (Some(whole), _) => whole.text().to_owned(),
            (None, Some(_)) => reason(&clashes, self.at.floating),
            (None, None) => return,
        };
        part.properties.push(Property::new("COMMENT", &escaped(&reason)));
        if !declines && recurs(before) {
            let ids = clashes.iter().filter_map(|(instance, ..)| instance.id.as_ref());
            part.properties.extend(ids.map(|id| found.set.line("EXDATE", id.at)));
        }
    }

    fn set_answer(&self, part: &mut Component, answer: &str) {
        for line in part.properties.iter_mut().filter(|line| line.name == "ATTENDEE") {
            let user = Line::of(line);
            if user.is_one_of(self.me) {
                *line = user.with_participation(answer);
            }
        }
    }

    /// All that stands in the way of a meeting.
    fn obstacles<'o>(&'o self, copy: &'o Object) -> Result<Obstacles<'o>, Violation> {
        let Room { booking, capacity, hours, .. } = &self.state.room;
        let people = i64::try_from(self.people).unwrap_or(i64::MAX);
        let before = self.at.budget.steps_taken();
        let zones = Zones::new(&copy.calendar, self.at.floating).within(self.at.budget);
        let range = self.range(copy, &zones);
        let Expansion { instances: found, cut } = instances(copy, &zones, range);
        let mut text = String::new();
        copy.calendar.write(&mut text);
        let is_long = text.len() > MAX_BOOKING_BYTES;
        let is_intricate = cut || is_long || self.at.budget.steps_taken() - before > MAX_BOOKING_STEPS;
        let whole = match (booking, capacity) {
            (Booking::None, _) => Some(Obstacle::Unbookable),
            _ if !self.state.may_book => Some(Obstacle::Forbidden),
            (_, Some(capacity)) if people > *capacity => Some(Obstacle::TooSmall),
            _ if self.state.is_overasked => Some(Obstacle::Overasked),
            _ if is_intricate => Some(Obstacle::TooIntricate),
            _ => None,
        };
        let start = found.iter().map(|instance| instance.start).min().unwrap_or_default();
        let end = found.iter().map(|instance| instance.end).max().unwrap_or_default();
        let when = TimeRange { start, end: end.max(start.saturating_add(1)) };
        let bookings = self.state.bookings.iter().filter_map(MeetingCopy::object);
        let mut taken: Vec<(Timestamp, Timestamp)> =
            bookings.flat_map(|booking| self.taken_by(booking, when)).collect();
        taken.extend(self.state.is_cut.then_some((when.start, when.end)));
        let taken = joined(taken);
        let obstacle = |instance: &Instance<'o>| {
            let clashes = overlap(&taken, instance.start, instance.end);
            let is_open = is_open(hours, instance.start, instance.end, self.at.floating);
            match (is_open, clashes) {
                (false, _) => Some(Obstacle::Closed),
                (true, true) => Some(Obstacle::Taken),
                (true, false) => None,
            }
        };
        let clashes = found.iter().filter_map(|instance| Some((instance.clone(), instance.start, obstacle(instance)?)));
        let clashes = clashes.collect();
        Ok(Obstacles { set: OccurrenceSet::of(copy, self.at)?, whole, clashes, instances: found })
    }

    /// When it is looked: from now on, at a series for some years.
    fn range(&self, copy: &Object, zones: &Zones<'_>) -> TimeRange {
        let begins = copy.parts().filter_map(|part| part.property("DTSTART").and_then(When::of));
        let last = begins.map(|begins| zones.instant(&begins)).max().unwrap_or(self.at.now);
        TimeRange { start: self.at.now, end: last.max(self.at.now).saturating_add(HORIZON_S) }
    }

    /// When the room is taken by something else.
    fn taken_by(&self, booking: &Object, range: TimeRange) -> Vec<(Timestamp, Timestamp)> {
        let zones = Zones::new(&booking.calendar, self.at.floating).within(self.at.budget);
        let is = |part: &Component, name: &str, value: &str| {
            part.value(name).is_some_and(|known| known.trim().eq_ignore_ascii_case(value))
        };
        let holds = |part: &Component| {
            let answer = Line::attendee(part, self.me).map(Line::participation);
            !is(part, "STATUS", "CANCELLED")
                && !is(part, "TRANSP", "TRANSPARENT")
                && answer.is_none_or(|answer| answer == ACCEPTED)
        };
        let Expansion { instances: found, cut } = instances(booking, &zones, range);
        if cut {
            return vec![(range.start, range.end)];
        }
        found.iter().filter(|at| holds(at.component)).map(|at| (at.start, at.end)).collect()
    }
}

/// What stands in the way.
struct Obstacles<'a> {
    /// The meeting.
    set: OccurrenceSet<'a>,
    /// Of the meeting as a whole.
    whole: Option<Obstacle>,
    /// Of single occurrences: when each begins.
    clashes: Vec<(Instance<'a>, Timestamp, Obstacle)>,
    /// All occurrences that were looked at.
    instances: Vec<Instance<'a>>,
}

/// Times in their order, of which none overlaps another.
fn joined(mut taken: Vec<(Timestamp, Timestamp)>) -> Vec<(Timestamp, Timestamp)> {
    taken.sort_unstable();
    taken.dedup_by(|next, kept| {
        let overlaps = next.0 <= kept.1;
        if overlaps {
            kept.1 = kept.1.max(next.1);
        }
        overlaps
    });
    taken
}

/// Does a time overlap one of some that are joined? There may be many of both.
fn overlap(taken: &[(Timestamp, Timestamp)], start: Timestamp, end: Timestamp) -> bool {
    let later = taken.partition_point(|(from, _)| *from < end.max(start.saturating_add(1)));
    later.checked_sub(1).and_then(|last| taken.get(last)).is_some_and(|(_, until)| *until > start)
}

/// Is a room open for all of a time?
fn is_open(hours: &str, start: Timestamp, end: Timestamp, zone: &Zone) -> bool {
    if hours.trim().is_empty() {
        return true;
    }
    let Some(hours) = opening_hours(hours) else { return false };
    let (from, until) = (zone.local(start), zone.local(end));
    let day = usize::try_from(from.weekday().to_monday_zero_offset()).unwrap_or_default();
    let minute = |at: jiff::civil::DateTime| i64::from(at.hour()) * 60 + i64::from(at.minute());
    let (first, mut last) = (minute(from), minute(until) + i64::from(until.second() > 0));
    if until.date() != from.date() {
        let next = from.date().tomorrow().is_ok_and(|next| next == until.date());
        if !next || last != 0 {
            return false;
        }
        last = 24 * 60;
    }
    hours
        .iter()
        .any(|open| open.days.get(day) == Some(&true) && i64::from(open.from) <= first && last <= i64::from(open.until))
}

/// Why some occurrences are declined.
fn reason(clashes: &[&(Instance<'_>, Timestamp, Obstacle)], zone: &Zone) -> String {
    let Some((.., obstacle)) = clashes.first() else { return String::new() };
    let named: Vec<String> = clashes
        .iter()
        .take(MAX_NAMED)
        .map(|(_, start, _)| zone.local(*start).strftime("%Y-%m-%d %H:%M").to_string())
        .collect();
    let more = if clashes.len() > MAX_NAMED { ", …" } else { "" };
    format!("{} ({}{more})", obstacle.text(), named.join(", "))
}
