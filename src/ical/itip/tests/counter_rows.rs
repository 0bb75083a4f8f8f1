//! Proposals: what of them changes a meeting where the organizer accepts, and what of them is an answer alone.

use super::super::address::Addresses;
use super::super::counter::{CounterOutcome, apply_counter};
use super::super::message::SchedulingMessage;
use super::{Bench, MOVED, SECOND, SERIES, object, text};
use crate::ical::object::Object;

const ONCE: &str = "DTSTART;TZID=Europe/Paris:20260106T090000\nDURATION:PT1H\nSUMMARY:Point\nORGANIZER:mailto:o@v.fr\n\
                    ATTENDEE:mailto:a@v.fr\n";
const DAY: &str = "DTSTART;VALUE=DATE:20260106\nDTEND;VALUE=DATE:20260107\nSUMMARY:Point\nORGANIZER:mailto:o@v.fr\n\
                   ATTENDEE:mailto:a@v.fr\n";

fn counter(stored: &Object, from: &str, lines: &str) -> CounterOutcome {
    let message = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:COUNTER\nBEGIN:VEVENT\nUID:u\nDTSTAMP:20260102T000000Z\nSUMMARY:Autre\n\
         {lines}ATTENDEE;PARTSTAT=TENTATIVE:mailto:{from}\nEND:VEVENT\nEND:VCALENDAR\n"
    );
    let bench = Bench::default();
    let from = Addresses::of([format!("mailto:{from}").as_str()]);
    apply_counter(stored, &SchedulingMessage::parse(message.as_bytes()).unwrap(), &from, bench.at()).unwrap()
}

#[test]
fn a_proposal_is_the_time_and_nothing_else_of_it() {
    let id = format!("RECURRENCE-ID:{SECOND}\n");
    let table = [
        // On the meeting's own clock, whatever the proposal's.
        (ONCE, "DTSTART:20260107T130000Z\nDTEND:20260107T143000Z\n", "20260107T140000 20260107T153000"),
        (ONCE, "DTSTART;TZID=Europe/Paris:20260107T140000\nDURATION:PT30M\n", "20260107T140000 20260107T143000"),
        (DAY, "DTSTART;VALUE=DATE:20260108\nDTEND;VALUE=DATE:20260110\n", "20260108 20260110"),
        // What is set, or over, is an answer; a day is no hour; nor is a time a rule.
        (ONCE, "DTSTART:20260106T080000Z\nDTEND:20260106T090000Z\n", "answer"),
        (ONCE, "DTSTART:20250106T080000Z\nDTEND:20250106T090000Z\n", "answer"),
        (ONCE, "", "answer"),
        (DAY, "DTSTART:20260108T080000Z\nDTEND:20260108T090000Z\n", "unclear"),
        (ONCE, "DTSTART;VALUE=DATE:20260108\n", "unclear"),
        (SERIES, "DTSTART:20260107T130000Z\nDTEND:20260107T143000Z\n", "unclear"),
    ];
    for (stored, lines, expected) in table {
        let stored = object(&[stored]);
        let outcome = counter(&stored, "a@v.fr", lines);
        assert_eq!(said(&outcome, 1), expected, "{lines}");
        assert!(text(&outcome.answer.object).contains("METHOD:REPLY"));
    }
    // One occurrence of a series, be it apart already or not.
    let moved = format!("{id}DTSTART:20260114T130000Z\nDTEND:20260114T140000Z\n");
    for stored in [object(&[SERIES]), object(&[SERIES, MOVED])] {
        let outcome = counter(&stored, "a@v.fr", &moved);
        assert_eq!(said(&outcome, 2), "20260114T140000 20260114T150000");
        let proposed = text(outcome.object.as_ref().unwrap());
        assert_eq!(proposed.matches("BEGIN:VEVENT").count(), 2, "{proposed}");
        assert!(proposed.contains("RECURRENCE-ID;TZID=Europe/Paris:20260113T090000"), "{proposed}");
        assert!(!proposed.contains("Autre") && proposed.contains("RRULE"), "{proposed}");
    }
    // Of no occurrence, or of who is not in it, nothing is proposed.
    let nowhere = moved.replace(SECOND, "20260114T080000Z");
    assert_eq!(said(&counter(&object(&[SERIES]), "a@v.fr", &nowhere), 1), "answer");
    assert_eq!(said(&counter(&object(&[SERIES]), "c@v.fr", &moved), 1), "answer");
}

/// The time that is proposed, in the component of so many; or what it is instead.
fn said(outcome: &CounterOutcome, part: usize) -> String {
    let Some(object) = &outcome.object else {
        return if outcome.proposes { "unclear" } else { "answer" }.to_owned();
    };
    let part = object.parts().nth(part - 1).unwrap();
    let value = |name: &str| part.value(name).unwrap_or_default().to_owned();
    assert!(part.property("DURATION").is_none());
    format!("{} {}", value("DTSTART"), value("DTEND"))
}

#[test]
fn who_says_no_answer_has_the_one_from_before() {
    let message = SERIES.replace("DTSTART;TZID=Europe/Paris:20260106T090000", "DTSTART:20260107T080000Z");
    let message = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:COUNTER\nBEGIN:VEVENT\nUID:u\nDTSTAMP:20260102T000000Z\n{}END:VEVENT\n\
         END:VCALENDAR\n",
        message.replace("PARTSTAT=ACCEPTED:mailto:a", "RSVP=TRUE:mailto:a")
    );
    let message = SchedulingMessage::parse(message.as_bytes()).unwrap();
    let bench = Bench::default();
    let outcome = apply_counter(&object(&[SERIES]), &message, &Addresses::of(["a@v.fr"]), bench.at()).unwrap();
    assert!(text(&outcome.answer.object).contains("PARTSTAT=ACCEPTED:mailto:a@v.fr"));
    assert!(text(&outcome.answer.object).contains("PARTSTAT=DECLINED:mailto:b@v.fr"), "others' lines are as they came");
}
