//! Who was invited to an occurrence and what they had answered, as a table for programs of offices (CSV as they open it
//! in France), in which somebody notes who was there. It is read by people of both languages, so it says all in both.

use super::super::object::Object;
use super::super::recur::{Instance, bounds, instances};
use super::context::{SchedulingContext, Violation, complete};
use super::fields::is_cancelled;
use super::occurrence::OccurrenceSet;
use super::people::{ACCEPTED, CalendarUser, DECLINED};
use super::view::attending;
use crate::model::calendar::TimeRange;
use crate::model::id::Timestamp;

/// How far ahead the next occurrence is sought, seconds.
const AHEAD_S: i64 = 2 * 366 * 86_400;
const HEAD: [&str; 5] = ["Nom / Name", "Adresse / Address", "Rôle / Role", "Réponse / Answer", "Présent / Present"];
/// ROLE, and what it is called.
const ROLES: [(&str, &str); 4] = [
    ("CHAIR", "préside / chair"),
    ("REQ-PARTICIPANT", "requis / required"),
    ("OPT-PARTICIPANT", "facultatif / optional"),
    ("NON-PARTICIPANT", "pour information / for information"),
];
/// PARTSTAT, and what it is called.
const ANSWERS: [(&str, &str); 4] = [
    (ACCEPTED, "accepté / accepted"),
    ("TENTATIVE", "peut-être / tentative"),
    (DECLINED, "excusé / excused"),
    ("DELEGATED", "délégué / delegated"),
];
const NO_ANSWER: &str = "sans réponse / no answer";

/// A table for one occurrence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttendanceSheet {
    /// What the document is called; of a series with the day and the hour.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// When the first occurrence ends that ends after a moment. `None`: none does, or not for years.
pub fn next_end(
    object: &Object,
    after: Timestamp,
    context: SchedulingContext<'_>,
) -> Result<Option<Timestamp>, Violation> {
    let set = OccurrenceSet::of(object, context)?;
    let start = bounds(object, &set.zones).start.max(after);
    let found = instances(object, &set.zones, TimeRange { start, end: start.saturating_add(AHEAD_S) });
    complete(&set.zones.steps)?;
    let held = found.instances.iter().filter(|instance| !is_cancelled(instance.component));
    Ok(held.map(|instance| instance.end).filter(|end| *end > after).min())
}

/// The table for the first occurrence that ends at a moment. `None`: none does.
pub fn attendance_sheet(
    object: &Object,
    ends_at: Timestamp,
    context: SchedulingContext<'_>,
) -> Result<Option<AttendanceSheet>, Violation> {
    let set = OccurrenceSet::of(object, context)?;
    let range = TimeRange { start: ends_at.saturating_sub(1), end: ends_at.saturating_add(1) };
    let found = instances(object, &set.zones, range);
    complete(&set.zones.steps)?;
    let mut held = found.instances.iter().filter(|instance| !is_cancelled(instance.component));
    let Some(instance) = held.find(|instance| instance.end == ends_at) else { return Ok(None) };
    let mut text = String::from('\u{feff}');
    write_row(&HEAD.map(str::to_owned), &mut text);
    for user in attending(&set, instance.component) {
        // Nobody asks whether a room was there.
        if !matches!(user.kind().as_str(), "ROOM" | "RESOURCE") {
            write_row(&row_of(user), &mut text);
        }
    }
    Ok(Some(AttendanceSheet { name: name_of(instance, context), text }))
}

fn name_of(instance: &Instance<'_>, context: SchedulingContext<'_>) -> String {
    let local = if instance.local.is_day() { instance.local.local } else { context.floating.local(instance.start) };
    match &instance.id {
        None => "Présences.csv".to_owned(),
        Some(_) if instance.local.is_day() => format!("Présences {}.csv", local.date()),
        Some(_) => format!("Présences {} {:02}h{:02}.csv", local.date(), local.hour(), local.minute()),
    }
}

fn row_of(user: CalendarUser<'_>) -> [String; 5] {
    let called = |table: &[(&str, &str)], code: &str| {
        table.iter().find(|(known, _)| *known == code).map(|(_, called)| (*called).to_owned())
    };
    let (role, answer) = (user.role(), user.participation());
    let address = user.address();
    [
        user.line().parameter("CN").unwrap_or_default(),
        address.as_str().strip_prefix("mailto:").unwrap_or(address.as_str()).to_owned(),
        called(&ROLES, &role).unwrap_or(role),
        called(&ANSWERS, &answer).unwrap_or_else(|| NO_ANSWER.to_owned()),
        String::new(),
    ]
}

fn write_row(cells: &[String], out: &mut String) {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    out.push_str(&cells.join(";"));
    out.push_str("\r\n");
}

/// A text as a cell, which is never a formula.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { "'" } else { "" };
    if text.contains([';', '"', '\r', '\n', '\t']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{attendance_sheet, cell, next_end};
    use crate::ical::itip::context::SchedulingContext;
    use crate::ical::object::Object;
    use crate::ical::zone::Zone;
    use crate::model::budget::Budget;

    const SERIES: &str = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:u\nDTSTAMP:20300101T000000Z\n\
                          DTSTART:20300701T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\nORGANIZER:mailto:o@b.fr\n\
                          ATTENDEE;CN=\"Roux; Zoé\";PARTSTAT=DECLINED;ROLE=CHAIR:mailto:zoe@b.fr\n\
                          ATTENDEE;CN==1+1:mailto:max@b.fr\nATTENDEE;CUTYPE=ROOM:mailto:salle@b.fr\n\
                          END:VEVENT\nBEGIN:VEVENT\nUID:u\nDTSTAMP:20300101T000000Z\nRECURRENCE-ID:20300702T090000Z\n\
                          DTSTART:20300702T090000Z\nDURATION:PT1H\nSTATUS:CANCELLED\nEND:VEVENT\nEND:VCALENDAR\n";

    #[test]
    fn each_occurrence_that_is_held_has_a_table_of_its_own() {
        let object = Object::parse(SERIES.as_bytes()).expect("an object");
        let (budget, floating) = (Budget::default(), Zone::Known(TimeZone::get("Europe/Paris").expect("a zone")));
        let context = SchedulingContext { now: 0, floating: &floating, budget: &budget };
        let mut ends = Vec::new();
        while let Some(next) = next_end(&object, ends.last().copied().unwrap_or(0), context).expect("sought") {
            ends.push(next);
        }
        assert_eq!(ends.len(), 2, "one is called off");
        let names: Vec<String> = ends
            .iter()
            .map(|end| attendance_sheet(&object, *end, context).expect("read").expect("a table").name)
            .collect();
        assert_eq!(names, ["Présences 2030-07-01 11h00.csv", "Présences 2030-07-03 11h00.csv"]);
        let sheet = attendance_sheet(&object, ends[0], context).expect("read").expect("a table");
        let rows: Vec<&str> = sheet.text.split("\r\n").collect();
        assert_eq!(
            rows,
            [
                "\u{feff}Nom / Name;Adresse / Address;Rôle / Role;Réponse / Answer;Présent / Present",
                "\"Roux; Zoé\";zoe@b.fr;préside / chair;excusé / excused;",
                "'=1+1;max@b.fr;requis / required;sans réponse / no answer;",
                "",
            ]
        );
        assert_eq!(attendance_sheet(&object, ends[0] + 1, context).expect("read"), None);
    }

    #[test]
    fn no_cell_is_a_formula_or_ends_early() {
        for (text, expected) in [
            ("", ""),
            ("a", "a"),
            ("=1", "'=1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@a", "'@a"),
            ("\ta", "\"'\ta\""),
            ("a=1", "a=1"),
            ("a;b", "\"a;b\""),
            ("=\"a\";b", "\"'=\"\"a\"\";b\""),
            ("a\nb", "\"a\nb\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
