//! What a person has of their own on an object that lies in a calendar of others: alarms, whether it takes their time,
//! and what their program keeps about both (caldav-sharing section 5.5.4).
//!
//! What is stored for all has none of it but defaults: what a new object says of TRANSP, and whatever it said before
//! parts were taken apart. A part names occurrences as its client did; they are compared as instants. An occurrence for
//! which a part says nothing has what the part says of the series.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::super::object::{Component, Object, Property};
use super::super::tzid;
use super::super::zone::Zone;
use super::context::{SchedulingContext, Violation};
use super::fields::merged;
use super::occurrence::{Occurrence, OccurrenceSet};
use super::timing::same_stretch;
use crate::model::budget::Budget;
use crate::model::filename::normalize;

/// The most bytes of a part.
pub const MAX_PART_BYTES: usize = 64 * 1024;
/// How many times larger than what is stored an object may be with a part, besides the bytes of that.
pub const MAX_GROWTH: usize = 4;

const TRANSPARENCY: &str = "TRANSP";
const ALARM: &str = "VALARM";

/// What the names of lines begin with that programs keep about alarms, and about the way there.
const KEPT_BY_PROGRAMS: [&str; 4] = ["X-MOZ-LASTACK", "X-MOZ-SNOOZE", "X-APPLE-TRAVEL-", "X-APPLE-NEEDS-REPLY"];

/// Lines that programs write whenever they write: where nothing else changes, nothing does.
const STAMPS: [&str; 5] = ["DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE", "X-MOZ-GENERATION"];

/// The lines that say when a component takes place: compared by what they mean.
const TIMES: [&str; 5] = ["RECURRENCE-ID", "DTSTART", "DTEND", "DUE", "DURATION"];

/// Lines of the whole object that say which program wrote it, and in which form.
const FORMAT: [&str; 4] = ["PRODID", "VERSION", "CALSCALE", "METHOD"];

/// Lines of a zone that say where it is from.
const ZONE_SOURCES: [&str; 2] = ["TZURL", "X-LIC-LOCATION"];

fn is_personal(name: &str) -> bool {
    name == TRANSPARENCY || KEPT_BY_PROGRAMS.iter().any(|prefix| name.starts_with(prefix))
}

/// What somebody sends, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SplitObject {
    /// What is everybody's.
    pub shared: Object,
    /// What is the sender's own; `None`: they have what all have.
    pub own: Option<Object>,
    /// Is something other than before that is everybody's?
    pub is_shared_change: bool,
    /// Does the sender read all again that is their own?
    pub is_whole: bool,
}

/// Takes apart what somebody sends in the place of what is stored.
pub fn split(sent: &Object, stored: Option<&Object>) -> Result<SplitObject, Violation> {
    let (zone, budget) = (Zone::Known(TimeZone::UTC), Budget::default());
    let at = SchedulingContext { now: 0, floating: &zone, budget: &budget };
    let said = OccurrenceSet::of(sent, at)?;
    let known = stored.map(|stored| OccurrenceSet::of(stored, at)).transpose()?;
    let shared = shared(&said, known.as_ref());
    let is_shared_change = match &known {
        Some(known) => {
            meaning(known) != meaning(&OccurrenceSet::of(&shared, at)?) || frame(known.object) != frame(&shared)
        }
        None => true,
    };
    let all = stored.filter(|_| !is_shared_change).unwrap_or(&shared);
    let own = has_other_own(&said, &OccurrenceSet::of(all, at)?).then(|| part(&said));
    let is_whole = match own.as_ref().map(|own| composed(all, own)) {
        Some(seen) => !has_other_own(&said, &OccurrenceSet::of(&seen, at)?),
        None => true,
    };
    Ok(SplitObject { own, is_shared_change, is_whole, shared })
}

/// Has somebody something else of their own on an occurrence than another object says of it?
fn has_other_own(said: &OccurrenceSet<'_>, other: &OccurrenceSet<'_>) -> bool {
    let mut occurrences = said.components().chain(other.components()).map(|(occurrence, _)| occurrence);
    occurrences.any(|of| {
        let found = component_of(said, of).zip(component_of(other, of));
        found.is_some_and(|(said, other)| !has_same_own(said, other))
    })
}

/// What an object says of an occurrence: of one that does not stand apart, what it says of the series.
fn component_of<'a>(set: &OccurrenceSet<'a>, of: Occurrence) -> Option<&'a Component> {
    set.component(of).or(set.master)
}

/// Has anybody anything of their own in the text of an object?
#[must_use]
pub fn says_own(object: &Object) -> bool {
    object
        .parts()
        .any(|part| alarms(part).next().is_some() || part.properties.iter().any(|line| is_personal(&line.name)))
}

/// May a text say something of the kind? Read line by line, without making an object of it: most say nothing.
#[must_use]
pub fn may_say_own(text: &[u8]) -> bool {
    /// What else may begin.
    const OTHERS: [&str; 8] =
        ["VCALENDAR", "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "STANDARD", "DAYLIGHT"];
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !matches!(line, [] | [b' ' | b'\t' | b'\r', ..]));
    lines.map(str::from_utf8).any(|line| {
        let Some((name, value)) = line.ok().and_then(|line| line.split_once([':', ';'])) else { return true };
        let name = name.rsplit('.').next().unwrap_or(name).to_ascii_uppercase();
        // A name, or what begins, may go on in the next line.
        name.is_empty() || is_personal(&name) || (name == "BEGIN" && !OTHERS.contains(&value.trim()))
    })
}

/// What is sent with the defaults that are stored in the place of what is the sender's own, and without the occurrences
/// that only the sender has otherwise than the series.
fn shared(said: &OccurrenceSet<'_>, known: Option<&OccurrenceSet<'_>>) -> Object {
    let mut shared = said.object.clone();
    shared.calendar.components.clear();
    for part in &said.object.calendar.components {
        let Some(occurrence) = occurrence_of(said, part) else {
            shared.calendar.components.push(part.clone());
            continue;
        };
        let stored = known.and_then(|known| known.component(occurrence));
        if stored.is_none() && differs_in_own_part_alone(said, occurrence, part) {
            continue;
        }
        let defaults = match known {
            Some(known) => stored.or(known.master).cloned().unwrap_or_default(),
            None => Component { properties: part.all(TRANSPARENCY).cloned().collect(), ..Component::default() },
        };
        shared.calendar.components.push(with_own(part, &defaults));
    }
    shared
}

/// Does a component say no more of an occurrence than the series does, but for what is the sender's own?
fn differs_in_own_part_alone(said: &OccurrenceSet<'_>, occurrence: Occurrence, part: &Component) -> bool {
    let (Occurrence::At(at), Some(master)) = (occurrence, said.master) else { return false };
    let Some(derived) = said.has(at).then(|| said.derived(at)).flatten() else { return false };
    let says = |part: &Component| says(part, |name| TIMES.contains(&name));
    !has_same_own(part, master)
        && says(part) == says(&derived)
        && same_stretch(part, &said.zones, &derived, &said.zones)
}

/// What is the sender's own, occurrence by occurrence; of those that have what the series has nothing is said.
fn part(said: &OccurrenceSet<'_>) -> Object {
    let mut own = said.object.clone();
    own.calendar = Component { name: "VCALENDAR".to_owned(), ..Component::default() };
    for part in said.object.parts() {
        let is_override = part.property("RECURRENCE-ID").is_some();
        if is_override && said.master.is_some_and(|master| has_same_own(part, master)) {
            continue;
        }
        let is_own = |line: &&Property| line.name == "RECURRENCE-ID" || is_personal(&line.name);
        own.calendar.components.push(Component {
            name: part.name.clone(),
            properties: part.properties.iter().filter(is_own).cloned().collect(),
            components: alarms(part).cloned().collect(),
        });
    }
    own
}

/// An object as somebody sees it who has a part of their own in it. What it cannot be put on shows as it is stored, as
/// all of it does where what comes out would be too large.
#[must_use]
pub fn composed(stored: &Object, own: &Object) -> Object {
    let (zone, budget) = (Zone::Known(TimeZone::UTC), Budget::default());
    let at = SchedulingContext { now: 0, floating: &zone, budget: &budget };
    let Ok(known) = OccurrenceSet::of(stored, at) else { return stored.clone() };
    let mut parts: BTreeMap<Occurrence, &Component> = BTreeMap::new();
    for part in own.parts() {
        let occurrence = match part.instance() {
            Ok(None) => Some(Occurrence::Series),
            Ok(Some(when)) => known.find(&when, &known.zones).map(Occurrence::At),
            Err(_) => None,
        };
        parts.extend(occurrence.map(|occurrence| (occurrence, part)));
    }
    let series = parts.get(&Occurrence::Series).copied();
    let mut room = MAX_PART_BYTES + MAX_GROWTH * bytes_of(&stored.calendar);
    let mut seen = stored.clone();
    for part in &mut seen.calendar.components {
        let Some(occurrence) = occurrence_of(&known, part) else { continue };
        if let Some(own) = parts.get(&occurrence).copied().or(series).filter(|own| takes(&mut room, bytes_of(own))) {
            *part = with_own(part, own);
        }
    }
    let apart: BTreeSet<Occurrence> = known.components().map(|(occurrence, _)| occurrence).collect();
    for (occurrence, own) in parts.into_iter().filter(|(occurrence, _)| !apart.contains(occurrence)) {
        let Occurrence::At(at) = occurrence else { continue };
        let derived = (known.master.is_some() && known.has(at)).then(|| known.derived(at)).flatten();
        let derived = derived.filter(|derived| takes(&mut room, bytes_of(derived) + bytes_of(own)));
        seen.calendar.components.extend(derived.map(|derived| with_own(&derived, own)));
    }
    seen
}

/// What a component is about; `None`: it is a time zone, or names no time.
fn occurrence_of(set: &OccurrenceSet<'_>, part: &Component) -> Option<Occurrence> {
    if part.name == "VTIMEZONE" { None } else { set.occurrence_of(part) }
}

fn takes(room: &mut usize, bytes: usize) -> bool {
    let left = room.checked_sub(bytes);
    *room = left.unwrap_or(*room);
    left.is_some()
}

fn bytes_of(part: &Component) -> usize {
    let lines = part.properties.iter().map(|line| line.raw().len()).sum::<usize>();
    lines + part.components.iter().map(bytes_of).sum::<usize>()
}

fn alarms(part: &Component) -> impl Iterator<Item = &Component> {
    part.components.iter().filter(|inner| inner.name == ALARM)
}

/// A component with what is somebody's own in the place of what it says of that.
fn with_own(part: &Component, own: &Component) -> Component {
    let components = if alarms(part).eq(alarms(own)) {
        part.components.clone()
    } else {
        part.components.iter().filter(|inner| inner.name != ALARM).chain(alarms(own)).cloned().collect()
    };
    Component { name: part.name.clone(), properties: merged(part, own, is_personal), components }
}

fn has_same_own(one: &Component, other: &Component) -> bool {
    let lines = |part: &Component| -> BTreeSet<String> {
        part.properties.iter().filter(|line| is_personal(&line.name)).map(line_of).collect()
    };
    lines(one) == lines(other) && alarms(one).eq(alarms(other))
}

/// What an object says to everybody, occurrence by occurrence.
fn meaning(set: &OccurrenceSet<'_>) -> BTreeMap<Occurrence, (String, Vec<String>)> {
    set.components().map(|(occurrence, part)| (occurrence, (part.name.clone(), says(part, |_| false)))).collect()
}

/// What an object says to everybody beside its components: its own lines, and the zones that are known by what it says
/// of them alone. Programs describe all others as they like, and nobody reads them by that.
fn frame(object: &Object) -> Vec<Vec<String>> {
    let is_described = |part: &&Component| {
        part.name == "VTIMEZONE" && tzid::name_of(part).is_none_or(|name| tzid::known(&name).is_none())
    };
    let zones = object.calendar.components.iter().filter(is_described);
    let mut zones: Vec<_> = zones.map(|zone| says(zone, |name| ZONE_SOURCES.contains(&name))).collect();
    zones.sort_unstable();
    zones.push(lines_said(&object.calendar, &|name| FORMAT.contains(&name)));
    zones
}

/// What a component says to everybody, in one order and without what is only its form.
fn says(part: &Component, but: impl Fn(&str) -> bool) -> Vec<String> {
    let mut lines = lines_said(part, &but);
    for inner in part.components.iter().filter(|inner| inner.name != ALARM) {
        let mut text = String::new();
        inner.write(&mut text);
        lines.push(text);
    }
    lines.sort_unstable();
    lines
}

fn lines_said(part: &Component, but: &impl Fn(&str) -> bool) -> Vec<String> {
    let is_said = |line: &&Property| {
        let name = line.name.as_str();
        !is_personal(name) && !STAMPS.contains(&name) && !but(name)
    };
    let mut lines: Vec<String> = part.properties.iter().filter(is_said).map(line_of).collect();
    lines.sort_unstable();
    lines
}

fn line_of(line: &Property) -> String {
    // Which programs drop, for it is the server that says it.
    let mut parameters: Vec<_> = line.parameters().filter(|(name, _)| name != "SCHEDULE-STATUS").collect();
    parameters.sort_unstable();
    format!("{} {parameters:?} {}", line.name, normalize(line.text().replace("\r\n", "\n").trim()))
}

#[cfg(test)]
mod tests {
    use super::{MAX_GROWTH, MAX_PART_BYTES, SplitObject, composed, may_say_own, says_own, split};
    use crate::ical::object::Object;

    const SERIES: &str = "DTSTART;TZID=Europe/Paris:20260105T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5\n\
                          SUMMARY:Point\n";
    const MOVED: &str = "RECURRENCE-ID;TZID=Europe/Paris:20260106T090000\nDTSTART;TZID=Europe/Paris:20260106T110000\n\
                         DURATION:PT1H\nSUMMARY:Point\n";

    fn alarm(minutes: u32) -> String {
        format!("BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT{minutes}M\nEND:VALARM\n")
    }

    fn object(parts: &[&str]) -> Object {
        let parts: String = parts
            .iter()
            .map(|lines| format!("BEGIN:VEVENT\nUID:u\nDTSTAMP:20260101T000000Z\n{lines}END:VEVENT\n"))
            .collect();
        let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{parts}END:VCALENDAR\n");
        Object::parse(text.as_bytes()).expect("an object")
    }

    fn text(object: &Object) -> String {
        let mut text = String::new();
        object.calendar.write(&mut text);
        text.replace("\r\n", "\n")
    }

    /// The part goes through its text, as it is stored.
    fn seen(shared: &Object, own: Option<&Object>) -> Object {
        own.map_or_else(
            || shared.clone(),
            |own| composed(shared, &Object::stored(text(own).as_bytes()).expect("a part")),
        )
    }

    fn taken_apart(sent: &Object, stored: Option<&Object>) -> SplitObject {
        let apart = split(sent, stored).expect("parts");
        let all = stored.filter(|_| !apart.is_shared_change).unwrap_or(&apart.shared);
        let again = seen(all, apart.own.as_ref());
        // What was sent comes back, but for stamps where nothing else changed.
        let alarms = |object: &Object| text(object).matches("BEGIN:VALARM").count();
        assert_eq!(alarms(&again), alarms(sent), "{}", text(&again));
        apart
    }

    /// Where nothing of the kind may be said, nothing is; what is not sure may be.
    #[test]
    fn what_may_be_ones_own_shows_in_the_lines() {
        let text =
            |lines: &str| format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:u\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n");
        for (lines, may) in [
            ("", false),
            ("SUMMARY:A long title that is said to go on\r\n TRANSP:in the line below\r\n", false),
            ("DESCRIPTION:BEGIN:VALARM\r\n", false),
            ("TRANSP:OPAQUE\r\n", true),
            ("a.transp;X=1:OPAQUE\r\n", true),
            ("TRA\r\n NSP:OPAQUE\r\n", true),
            ("BEGIN:VAL\r\n ARM\r\nEND:VALARM\r\n", true),
            ("begin:valarm\nend:valarm\n", true),
            ("X-MOZ-LASTACK:20260101T000000Z\r\n", true),
        ] {
            assert_eq!(may_say_own(text(lines).as_bytes()), may, "{lines}");
            let says = Object::stored(text(lines).as_bytes()).is_ok_and(|object| says_own(&object));
            assert!(may || !says, "{lines}");
        }
    }

    #[test]
    fn a_new_object_is_everybodys_but_for_alarms() {
        let sent = object(&[&format!("{SERIES}TRANSP:TRANSPARENT\nX-MOZ-LASTACK:20260101T000000Z\n{}", alarm(5))]);
        let SplitObject { shared, own, .. } = taken_apart(&sent, None);
        assert_eq!(shared, object(&[&format!("{SERIES}TRANSP:TRANSPARENT\n")]));
        assert_eq!(text(&seen(&shared, own.as_ref())), text(&sent));
        // Who has nothing of their own is given nothing apart.
        for plain in [object(&[SERIES]), object(&[&format!("{SERIES}TRANSP:OPAQUE\n")])] {
            let SplitObject { shared, own, .. } = taken_apart(&plain, None);
            assert_eq!((shared, own), (plain, None));
        }
    }

    #[test]
    fn what_is_ones_own_changes_nothing_for_others() {
        let stored = object(&[&format!("{SERIES}TRANSP:OPAQUE\n{}", alarm(5)), MOVED]);
        for (lines, moved, alarms) in [
            (format!("{SERIES}TRANSP:OPAQUE\n"), MOVED.to_owned(), 0),
            (format!("{SERIES}TRANSP:TRANSPARENT\n{}{}", alarm(7), alarm(9)), format!("{MOVED}{}", alarm(1)), 3),
            (format!("LAST-MODIFIED:20260102T000000Z\nSEQUENCE:1\n{SERIES}{}", alarm(7)), MOVED.to_owned(), 1),
            // In another order, and otherwise spelled.
            (
                "SUMMARY:Point\nRRULE:FREQ=DAILY;COUNT=5\nDURATION:PT1H\n\
                 DTSTART;tzid=\"Europe/Paris\":20260105T090000\n"
                    .to_owned(),
                MOVED.to_owned(),
                0,
            ),
        ] {
            let apart = taken_apart(&object(&[&lines, &moved]), Some(&stored));
            assert!(!apart.is_shared_change, "{lines}");
            let seen = text(&seen(&stored, apart.own.as_ref()));
            assert_eq!(seen.matches("BEGIN:VALARM").count(), alarms, "{seen}");
            assert_eq!(seen.contains("TRANSP:TRANSPARENT"), lines.contains("TRANSPARENT"), "{seen}");
        }
        // What all have is nobody's own.
        let same = split(&stored, Some(&stored)).expect("parts");
        assert_eq!((same.own, same.is_shared_change), (None, false));
    }

    #[test]
    fn what_is_everybodys_changes_and_defaults_stay() {
        let stored = object(&[&format!("{SERIES}TRANSP:TRANSPARENT\n{}", alarm(5)), MOVED]);
        let renamed = SERIES.replace("Point", "Autre");
        let sent = object(&[&format!("{renamed}TRANSP:OPAQUE\n{}", alarm(9)), MOVED]);
        let apart = taken_apart(&sent, Some(&stored));
        assert!(apart.is_shared_change);
        assert_eq!(apart.shared, object(&[&format!("{renamed}TRANSP:TRANSPARENT\n{}", alarm(5)), MOVED]));
        // An occurrence that comes to be otherwise has the defaults of the series, for all others.
        let later = MOVED.replace("0106T", "0107T");
        let more = object(&[&format!("{SERIES}TRANSP:TRANSPARENT\n{}", alarm(5)), MOVED, &later]);
        let apart = split(&more, Some(&stored)).expect("parts");
        assert_eq!(text(&apart.shared).matches("BEGIN:VALARM").count(), 2, "{}", text(&apart.shared));
    }

    #[test]
    fn a_part_goes_by_occurrence_whatever_becomes_of_the_series() {
        let plain = object(&[SERIES]);
        // The second occurrence alone has an alarm.
        let own = "RECURRENCE-ID:20260106T080000Z\nDTSTART:20260106T080000Z\nDTEND:20260106T090000Z\nSUMMARY:Point\n";
        let sent = object(&[SERIES, &format!("{own}{}", alarm(3))]);
        for stored in [None, Some(&plain)] {
            let apart = split(&sent, stored).expect("parts");
            // Nobody else sees an occurrence apart.
            assert_eq!((&apart.shared, apart.is_shared_change), (&plain, stored.is_none()));
            let seen = |shared: &Object| text(&seen(shared, apart.own.as_ref()));
            assert!(seen(&plain).contains("RECURRENCE-ID;TZID=Europe/Paris:20260106T090000\n"), "{}", seen(&plain));
            assert_eq!(seen(&plain).matches("TRIGGER:-PT3M").count(), 1);
            // It is moved by somebody, and left out, and the series is another one.
            let moved = seen(&object(&[SERIES, MOVED]));
            assert!(moved.contains("T110000") && moved.matches("BEGIN:VEVENT").count() == 2, "{moved}");
            assert_eq!(moved.matches("TRIGGER:-PT3M").count(), 1, "{moved}");
            for other in [
                format!("{SERIES}EXDATE;TZID=Europe/Paris:20260106T090000\n"),
                SERIES.replace("0105T09", "0105T10"),
                SERIES.replace("RRULE:FREQ=DAILY;COUNT=5\n", ""),
            ] {
                let other = object(&[&other]);
                assert_eq!(seen(&other), text(&other));
            }
        }
        // What the series has, an occurrence has that others move.
        let own = split(&object(&[&format!("{SERIES}{}", alarm(3))]), Some(&plain)).expect("parts").own;
        let moved = object(&[SERIES, MOVED]);
        assert_eq!(text(&seen(&moved, own.as_ref())).matches("TRIGGER:-PT3M").count(), 2);
    }

    #[test]
    fn what_stands_beside_the_components_is_everybodys_but_for_its_form() {
        let zone = |name: &str, offset: &str| {
            format!(
                "BEGIN:VTIMEZONE\nTZID:{name}\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:{offset}\n\
                 TZOFFSETTO:{offset}\nEND:STANDARD\nEND:VTIMEZONE\n"
            )
        };
        let with = |frame: &str, zone: &str, own: &str| {
            let event = format!("{}{own}", SERIES.replace("Europe/Paris", "Mine"));
            let text = text(&object(&[&event])).replace("PRODID:x\n", &format!("{frame}{zone}"));
            Object::parse(text.as_bytes()).expect("an object")
        };
        let stored = with("PRODID:x\n", &zone("Mine", "+0100"), "");
        let known = zone("Europe/Paris", "+0100");
        for (frame, zone, is_shared_change) in [
            ("PRODID:y\nCALSCALE:GREGORIAN\n", zone("Mine", "+0100"), false),
            ("PRODID:x\n", zone("Mine", "+0100") + &known, false),
            ("PRODID:x\nX-NOTE:more\n", zone("Mine", "+0100"), true),
            ("PRODID:x\n", zone("Mine", "+0500"), true),
            ("PRODID:x\n", zone("Mine", "+0100") + &zone("Other", "+0100"), true),
        ] {
            let sent = with(frame, &zone, &alarm(5));
            let apart = taken_apart(&sent, Some(&stored));
            assert_eq!((apart.is_shared_change, apart.own.is_some()), (is_shared_change, true), "{frame}{zone}");
            assert_eq!(apart.shared, with(frame, &zone, ""));
        }
    }

    #[test]
    fn what_has_no_room_is_known_to_have_none() {
        let plain = object(&[SERIES]);
        let large =
            object(&[&format!("{SERIES}BEGIN:VALARM\nTRIGGER:-PT5M\nX-DATA:{}\nEND:VALARM\n", "A".repeat(70_000))]);
        for stored in [None, Some(&plain)] {
            let apart = split(&large, stored).expect("parts");
            assert_eq!((apart.own.is_some(), apart.is_whole), (true, false));
        }
        let long = format!("{}DESCRIPTION:{}\n", SERIES.replace("COUNT=5", "COUNT=300"), "d".repeat(3000));
        let day = |day: usize| {
            let at = format!("20260{}{:02}T080000Z", 1 + day / 28, 1 + day % 28);
            let rest =
                long.split_once("DURATION").map_or("", |(_, rest)| rest).replace("RRULE:FREQ=DAILY;COUNT=300\n", "");
            format!("RECURRENCE-ID:{at}\nDTSTART:{at}\nDURATION{rest}{}", alarm(3))
        };
        for (days, is_whole) in [(5..9, true), (5..56, false)] {
            let days: Vec<String> = days.map(day).collect();
            let parts: Vec<&str> = std::iter::once(long.as_str()).chain(days.iter().map(String::as_str)).collect();
            let stored = object(&[&long]);
            let apart = split(&object(&parts), Some(&stored)).expect("parts");
            assert_eq!((apart.is_shared_change, apart.own.is_some(), apart.is_whole), (false, true, is_whole));
        }
    }

    #[test]
    fn a_part_grows_no_object_beyond_all_bounds() {
        let moved: Vec<String> = (0..400)
            .map(|day| format!("RECURRENCE-ID:{}T080000Z\nDTSTART:20270101T000000Z\n", 20_270_101 + day))
            .collect();
        let parts: Vec<&str> = std::iter::once(SERIES).chain(moved.iter().map(String::as_str)).collect();
        let stored = object(&parts);
        let own = object(&[&format!("{SERIES}{}", alarm(3).repeat(1000))]);
        let seen = text(&composed(&stored, &own));
        assert!(seen.contains("TRIGGER:-PT3M"));
        assert!(seen.len() <= 2 * (MAX_PART_BYTES + (MAX_GROWTH + 1) * text(&stored).len()), "{}", seen.len());
    }
}
