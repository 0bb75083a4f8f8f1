//! Time zones for those who cannot be relied on to know them: one STANDARD, at most one DAYLIGHT, each with a yearly
//! rule.

use std::fmt::Write as _;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::line::escaped;
use super::object::fold_into;
use super::rule::weekday;
use super::time::write_local;
use super::zone::Zone;
use crate::model::calendar::TimeRange;
use crate::model::civil::seconds_of;

/// At most so many years are looked at.
const MAX_YEARS: i16 = 200;
/// In this year the rules begin that are written; what is described otherwise before it is not for these.
const OUTSET: i16 = 1971;

/// A change of a clock in one year.
#[derive(Clone, Copy)]
struct Transition {
    /// By the clock before.
    local: DateTime,
    from_s: i32,
    to_s: i32,
    daylight: bool,
}

/// The VTIMEZONE of a zone under a name, by the rules in force in a range; of one that is described by its object,
/// those that hold from the beginning of the range on for ever. `None` where the zone changes its clock otherwise than
/// twice a year by the same rules, or by the week: such times have to be written in UTC.
#[must_use]
pub fn vtimezone(name: &str, zone: &Zone, range: TimeRange) -> Option<String> {
    let year = |at: i64| zone.local(at).year();
    let (first, last) = match zone {
        Zone::Known(_) => (year(range.start), year(range.end).min(year(range.start).saturating_add(MAX_YEARS - 1))),
        Zone::Described(described) => (year(range.start), year(range.end).max(described.settled()?)),
    };
    if last.checked_sub(first)? >= MAX_YEARS || (first < OUTSET && matches!(zone, Zone::Described(_))) {
        return None;
    }
    let years: Vec<Vec<Transition>> = (first..=last).map(|year| changes(zone, year)).collect::<Option<_>>()?;
    // Offsets are written in minutes.
    if years.iter().flatten().any(|change| change.from_s % 60 != 0 || change.to_s % 60 != 0) {
        return None;
    }
    let mut out = String::from("BEGIN:VTIMEZONE\r\n");
    fold_into(&mut out, &format!("TZID:{}", escaped(name)));
    match years.first()?.as_slice() {
        [] if years.iter().all(Vec::is_empty) => {
            let offset_s = i32::try_from(seconds_of(zone.local(range.start)) - range.start).ok()?;
            if offset_s % 60 != 0 {
                return None;
            }
            observance(&mut out, "STANDARD", "19700101T000000", (offset_s, offset_s), None);
        }
        [_, _] => {
            for daylight in [false, true] {
                let each: Vec<Transition> = years
                    .iter()
                    .map(|year| match year.as_slice() {
                        [one, other] if one.daylight != other.daylight => {
                            Some(if one.daylight == daylight { *one } else { *other })
                        }
                        _ => None,
                    })
                    .collect::<Option<_>>()?;
                let (rule, onset) = rule(&each)?;
                let change = each.first()?;
                let part = if daylight { "DAYLIGHT" } else { "STANDARD" };
                observance(&mut out, part, &write_local(onset), (change.from_s, change.to_s), Some(&rule));
            }
        }
        _ => return None,
    }
    out.push_str("END:VTIMEZONE\r\n");
    Some(out)
}

fn observance(out: &mut String, part: &str, start: &str, (from_s, to_s): (i32, i32), rule: Option<&str>) {
    let _ = write!(
        out,
        "BEGIN:{part}\r\nDTSTART:{start}\r\nTZOFFSETFROM:{}\r\nTZOFFSETTO:{}\r\n",
        offset(from_s),
        offset(to_s)
    );
    if let Some(rule) = rule {
        let _ = write!(out, "RRULE:{rule}\r\n");
    }
    let _ = write!(out, "END:{part}\r\n");
}

fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
}

/// The changes of a year; `None`: the calendar ends here, or they are not for sure.
fn changes(zone: &Zone, year: i16) -> Option<Vec<Transition>> {
    match zone {
        Zone::Known(zone) => known_changes(zone, year),
        Zone::Described(described) => {
            let changes = described.changes(year)?.into_iter().map(|(local, from_s, to_s)| {
                Some(Transition {
                    local,
                    from_s: i32::try_from(from_s).ok()?,
                    to_s: i32::try_from(to_s).ok()?,
                    daylight: from_s < to_s,
                })
            });
            changes.collect()
        }
    }
}

fn known_changes(zone: &TimeZone, year: i16) -> Option<Vec<Transition>> {
    let begins = TimeZone::UTC.to_timestamp(Date::new(year, 1, 1).ok()?.at(0, 0, 0, 0)).ok()?;
    let ends = TimeZone::UTC.to_timestamp(Date::new(year.checked_add(1)?, 1, 1).ok()?.at(0, 0, 0, 0)).ok()?;
    let mut before = zone.to_offset(begins);
    let mut found = Vec::new();
    for transition in zone.following(begins).take_while(|transition| transition.timestamp() < ends).take(10) {
        let after = transition.offset();
        if after != before {
            found.push(Transition {
                local: before.to_datetime(transition.timestamp()),
                from_s: before.seconds(),
                to_s: after.seconds(),
                daylight: transition.dst().is_dst(),
            });
        }
        before = after;
    }
    Some(found)
}

/// The rule that all these changes, one a year, follow; and when it would first have done so after 1970.
fn rule(changes: &[Transition]) -> Option<(String, DateTime)> {
    let first = changes.first()?;
    let (month, day, time) = (first.local.month(), first.local.date().weekday(), first.local.time());
    let same = |change: &Transition| {
        let local = change.local;
        let same_time = local.time() == time && (change.from_s, change.to_s) == (first.from_s, first.to_s);
        local.month() == month && local.date().weekday() == day && same_time
    };
    if !changes.iter().all(same) {
        return None;
    }
    let is = |ordinal: i8, date: Date| date.nth_weekday_of_month(ordinal, day).is_ok_and(|known| known == date);
    let ordinal =
        [-1, 1, 2, 3, 4].into_iter().find(|ordinal| changes.iter().all(|change| is(*ordinal, change.local.date())))?;
    let onset = Date::new(1970, month, 1).ok()?.nth_weekday_of_month(ordinal, day).ok()?.to_datetime(time);
    Some((format!("FREQ=YEARLY;BYMONTH={month};BYDAY={ordinal}{}", weekday(first.local.date())), onset))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::vtimezone;
    use crate::ical::object::parse;
    use crate::ical::time::{Clock, When};
    use crate::ical::zone::{Zone, Zones};
    use crate::model::calendar::TimeRange;

    const RANGE: TimeRange = TimeRange { start: 1_760_000_000, end: 1_830_000_000 };

    #[test]
    fn paris_as_outlook_wants_it() {
        let paris = Zone::Known(TimeZone::get("Europe/Paris").unwrap());
        let expected = "BEGIN:VTIMEZONE\nTZID:Europe/Paris\nBEGIN:STANDARD\nDTSTART:19701025T030000\n\
                        TZOFFSETFROM:+0200\n\
                        TZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nBEGIN:DAYLIGHT\n\
                        DTSTART:19700329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n\
                        RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\n\
                        END:DAYLIGHT\nEND:VTIMEZONE\n";
        assert_eq!(vtimezone("Europe/Paris", &paris, RANGE).unwrap().replace("\r\n", "\n"), expected);
        assert_eq!(vtimezone("x", &Zone::Known(TimeZone::get("Africa/Casablanca").unwrap()), RANGE), None);
    }

    /// What is described alone shows the same time as the zone itself.
    #[test]
    fn descriptions_agree_with_the_zones() {
        let mut described = 0;
        for name in jiff::tz::db().available() {
            let zone = TimeZone::get(name.as_str()).unwrap();
            let Some(text) = vtimezone("alone", &Zone::Known(zone.clone()), RANGE) else { continue };
            described += 1;
            let text = format!("BEGIN:VCALENDAR\r\n{text}END:VCALENDAR\r\n");
            let calendar = parse(text.as_bytes()).unwrap();
            let zones = Zones::new(&calendar, &TimeZone::UTC);
            for step in 0..400 {
                let at = RANGE.start + step * 160_000;
                let local = zone.to_datetime(jiff::Timestamp::from_second(at).unwrap());
                let when = When { local, clock: Clock::Zone("alone".to_owned()) };
                let shown = zones.instant(&when);
                let known = Zone::Known(zone.clone()).instant(local);
                assert_eq!(shown, known, "{} {local}", name.as_str());
            }
        }
        assert!(described > 400, "{described}");
    }
}
