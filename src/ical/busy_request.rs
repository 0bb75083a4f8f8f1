//! Questions about busy times, as they are sent to an outbox (RFC 6638 section 5, RFC 5546 section 3.3.2), and the
//! answer about each of those who are asked about.

use super::freebusy::{BusyReport, Period};
use super::itip::people::CalendarUser;
use super::object::{Component, MAX_ATTENDEES, Property, parse};
use super::time::{Clock, When};
use crate::model::calendar::TimeRange;
use crate::model::civil::seconds_of;
use crate::model::condition::Condition;
use crate::model::id::Timestamp;

/// The longest time that is asked about, seconds.
const MAX_RANGE_S: i64 = 366 * 86_400;

/// A question.
#[derive(Clone, Debug)]
pub struct BusyRequest {
    uid: String,
    organizer: Property,
    attendees: Vec<Property>,
    /// The time that is asked about.
    pub range: TimeRange,
    /// The UID of the meeting that is being moved: what it takes itself is left out.
    pub masked: Option<String>,
}

impl BusyRequest {
    /// Reads a question, and refuses what is none.
    pub fn read(bytes: &[u8]) -> Result<Self, Condition> {
        let calendar = parse(bytes).map_err(|_| Condition::ValidCalendarData)?;
        question(&calendar).ok_or(Condition::ValidSchedulingMessage)
    }

    /// Who asks.
    #[must_use]
    pub fn organizer(&self) -> CalendarUser<'_> {
        CalendarUser::of(&self.organizer)
    }

    /// Of whom, each once.
    pub fn attendees(&self) -> impl Iterator<Item = CalendarUser<'_>> {
        self.attendees.iter().map(CalendarUser::of)
    }

    /// The answer about one of them.
    #[must_use]
    pub fn answer(&self, about: CalendarUser<'_>, periods: &[Period], now: Timestamp) -> String {
        let people = [self.organizer.raw(), about.line().raw()];
        let (uid, range) = (self.uid.as_str(), self.range);
        BusyReport { method: Some("REPLY"), uid, stamp: now, range, people: &people }.write(periods)
    }
}

fn question(calendar: &Component) -> Option<BusyRequest> {
    let method = calendar.value("METHOD")?;
    let mut parts = calendar.components.iter().filter(|part| part.name != "VTIMEZONE");
    let (Some(part), None) = (parts.next(), parts.next()) else { return None };
    if !method.trim().eq_ignore_ascii_case("REQUEST") || part.name != "VFREEBUSY" {
        return None;
    }
    part.property("DTSTAMP").and_then(When::of)?;
    let uid = part.value("UID").filter(|uid| !uid.trim().is_empty())?;
    let range = TimeRange { start: instant(part, "DTSTART")?, end: instant(part, "DTEND")? };
    let mut organizers = part.all("ORGANIZER");
    let (Some(organizer), None) = (organizers.next(), organizers.next()) else { return None };
    let mut attendees: Vec<Property> = Vec::new();
    for line in part.all("ATTENDEE").take(MAX_ATTENDEES + 1) {
        let address = CalendarUser::of(line).address();
        if attendees.iter().all(|known| CalendarUser::of(known).address() != address) {
            attendees.push(line.clone());
        }
    }
    let sound = range.start < range.end
        && range.end.saturating_sub(range.start) <= MAX_RANGE_S
        && (1..=MAX_ATTENDEES).contains(&attendees.len())
        && part.property("FREEBUSY").is_none();
    let masked = part.value("X-CALENDARSERVER-MASK-UID").map(str::to_owned).filter(|uid| !uid.is_empty());
    sound.then(|| BusyRequest { uid: uid.to_owned(), organizer: organizer.clone(), attendees, range, masked })
}

/// Times of busy times are in UTC (RFC 5545 section 3.6.4).
fn instant(part: &Component, name: &str) -> Option<Timestamp> {
    let when = part.property(name).and_then(When::of).filter(|when| when.clock == Clock::Utc && !when.is_day())?;
    Some(seconds_of(when.local))
}

#[cfg(test)]
mod tests {
    use super::BusyRequest;
    use crate::model::condition::Condition;

    fn request(lines: &str) -> String {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\n{lines}\
             END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
        )
    }

    const LINES: &str = "UID:u\r\nDTSTAMP:20260601T000000Z\r\nDTSTART:20260601T000000Z\r\nDTEND:20260602T000000Z\r\n\
                         ORGANIZER:mailto:o@x.example\r\nATTENDEE;CN=A:mailto:a@x.example\r\n\
                         ATTENDEE:MAILTO:A@x.example\r\nATTENDEE:mailto:b@x.example\r\n";

    #[test]
    fn a_question_says_who_asks_about_whom_and_when() {
        let read = BusyRequest::read(request(LINES).as_bytes()).expect("a question");
        assert_eq!(read.attendees().count(), 2);
        assert_eq!(read.range.end - read.range.start, 86_400);
        let first = read.attendees().next().expect("one");
        let answer = read.answer(first, &[], 1_780_000_000);
        for line in ["METHOD:REPLY", "UID:u", "ORGANIZER:mailto:o@x.example", "ATTENDEE;CN=A:mailto:a@x.example"] {
            assert!(answer.contains(&format!("{line}\r\n")), "{answer}");
        }
    }

    #[test]
    fn what_is_no_question_is_refused() {
        let whole = request(LINES);
        for (from, to) in [
            ("METHOD:REQUEST\r\n", ""),
            ("METHOD:REQUEST", "METHOD:PUBLISH"),
            ("VFREEBUSY", "VEVENT"),
            ("UID:u\r\n", ""),
            ("DTSTAMP:20260601T000000Z\r\n", ""),
            ("DTSTART:20260601T000000Z\r\n", ""),
            ("DTEND:20260602T000000Z\r\n", ""),
            ("DTEND:20260602T000000Z", "DTEND:20260601T000000Z"),
            ("DTEND:20260602T000000Z", "DTEND:20260602T000000"),
            ("DTEND:20260602T000000Z", "DTEND:20270603T000000Z"),
            ("ORGANIZER:mailto:o@x.example\r\n", ""),
            ("ORGANIZER:", "ORGANIZER:mailto:p@x.example\r\nORGANIZER:"),
            ("ATTENDEE", "X-ATTENDEE"),
            ("END:VFREEBUSY", "FREEBUSY:20260601T000000Z/PT1H\r\nEND:VFREEBUSY"),
            ("BEGIN:VFREEBUSY", "BEGIN:VFREEBUSY\r\nUID:v\r\nEND:VFREEBUSY\r\nBEGIN:VFREEBUSY"),
        ] {
            let text = whole.replace(from, to);
            assert_ne!(text, whole);
            let refused = BusyRequest::read(text.as_bytes()).map(|_| ());
            assert_eq!(refused, Err(Condition::ValidSchedulingMessage), "{text}");
        }
        assert_eq!(BusyRequest::read(b"BEGIN:VCARD\r\n").map(|_| ()), Err(Condition::ValidCalendarData));
    }
}
