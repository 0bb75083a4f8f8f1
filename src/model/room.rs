//! Rooms and other things that are booked: what is kept of each.

/// What is booked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RoomKind {
    /// A place to meet in (`CUTYPE=ROOM`).
    #[default]
    Room,
    /// Something else: a car, a projector (`CUTYPE=RESOURCE`).
    Resource,
}

/// Each kind with its spelling in the database and in commands.
pub const ROOM_KINDS: [(RoomKind, &str); 2] = [(RoomKind::Room, "room"), (RoomKind::Resource, "resource")];

/// Who answers requests for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Booking {
    /// It does so itself.
    #[default]
    Automatic,
    /// Its manager.
    Manager,
    /// Nobody: it takes none.
    None,
}

/// Each way with its spelling in the database and in commands.
pub const BOOKINGS: [(Booking, &str); 3] =
    [(Booking::Automatic, "auto"), (Booking::Manager, "manager"), (Booking::None, "none")];

impl RoomKind {
    /// Its spelling.
    #[must_use]
    pub fn code(self) -> &'static str {
        ROOM_KINDS.iter().find(|(kind, _)| *kind == self).map_or("room", |(_, code)| code)
    }

    /// The kind that is spelled so.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        ROOM_KINDS.iter().find(|(_, text)| *text == code).map(|(kind, _)| *kind)
    }
}

impl Booking {
    /// Its spelling.
    #[must_use]
    pub fn code(self) -> &'static str {
        BOOKINGS.iter().find(|(way, _)| *way == self).map_or("auto", |(_, code)| code)
    }

    /// The way that is spelled so.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        BOOKINGS.iter().find(|(_, text)| *text == code).map(|(way, _)| *way)
    }
}

/// What is kept of a room; principals are named.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Room {
    /// A room, or something else.
    pub kind: RoomKind,
    /// For how many people.
    pub capacity: Option<i64>,
    /// Who answers.
    pub booking: Booking,
    /// Who answers where its manager does, a person or a group.
    pub manager: Option<String>,
    /// When it may be booked, as it was written; empty: always. [`opening_hours`] reads it.
    pub hours: String,
    /// Who may book it, people and groups; nobody: everyone. Who was removed stays, under a name that nobody bears.
    pub bookable_by: Vec<String>,
}

/// When something is open on some days of the week.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpeningHours {
    /// On which days, Monday first.
    pub days: [bool; 7],
    /// From when, minutes of the day.
    pub from: u16,
    /// Until when, minutes of the day, exclusive.
    pub until: u16,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// The most that are read of one text.
const MAX_HOURS: usize = 50;

/// Reads opening hours, such as `mon-fri 08:00-19:00` or `mon,wed 08:00-12:00; sat 09:00-13:00`; `None`: it cannot be
/// read. Where nothing is written there are none: it is always open.
#[must_use]
pub fn opening_hours(text: &str) -> Option<Vec<OpeningHours>> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    let hours: Vec<OpeningHours> = parts.take(MAX_HOURS + 1).map(one).collect::<Option<_>>()?;
    (hours.len() <= MAX_HOURS && (!hours.is_empty() || text.trim().is_empty())).then_some(hours)
}

fn one(text: &str) -> Option<OpeningHours> {
    let (days, times) = text.rsplit_once(char::is_whitespace)?;
    let (from, until) = times.split_once('-')?;
    let (from, until) = (minute(from)?, minute(until)?);
    (from < until).then_some(OpeningHours { days: days_of(days)?, from, until })
}

fn days_of(text: &str) -> Option<[bool; 7]> {
    let mut days = [false; 7];
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        // From Saturday to Monday is over the end of the week.
        let span = (last + 7 - first) % 7;
        for (place, open) in days.iter_mut().enumerate() {
            *open |= (place + 7 - first) % 7 <= span;
        }
    }
    Some(days)
}

fn day(text: &str) -> Option<usize> {
    DAYS.iter().position(|day| text.trim().eq_ignore_ascii_case(day))
}

/// `08:30`; `24:00` is the end of the day.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &&str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str| Some(text).filter(digits)?.parse::<u16>().ok();
    let (hour, minute) = (number(hour)?, number(minute)?);
    let at = hour * 60 + minute;
    (minute < 60 && at <= 24 * 60).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::{OpeningHours, opening_hours};

    #[test]
    fn opening_hours_are_read_or_refused() {
        let week = [true, true, true, true, true, false, false];
        let found = opening_hours("mon-fri 08:00-19:00").expect("hours");
        assert_eq!(found, [OpeningHours { days: week, from: 480, until: 1140 }]);
        let found = opening_hours("Mon, wed 08:00-12:00; sat-mon 00:00-24:00").expect("hours");
        assert_eq!(found[0].days, [true, false, true, false, false, false, false]);
        assert_eq!(found[1].days, [true, false, false, false, false, true, true]);
        assert_eq!(opening_hours(" ").expect("always"), []);
        for text in [
            "mon",
            "08:00-19:00",
            "mon 19:00-08:00",
            "mon 8:00-9:00",
            "mon 08:60-09:00",
            "mon 00:00-24:01",
            "monday 08:00-09:00",
            "mon 08:00",
            ";",
            "mon- 08:00-09:00",
            "mon +8:00-09:00",
        ] {
            assert_eq!(opening_hours(text), None, "{text}");
        }
        assert_eq!(opening_hours(&"mon 08:00-09:00;".repeat(51)), None);
    }
}
