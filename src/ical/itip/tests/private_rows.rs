//! What is an attendee's own: it stays in the copy whatever the organizer sends; and whose messages change a copy.

use super::super::address::Addresses;
use super::super::context::Violation;
use super::super::copy::{CopyContext, apply_cancel, apply_request};
use super::super::message::SchedulingMessage;
use super::{Bench, MOVED, NOW, SERIES, mailed, object, read, states, text, to};
use crate::ical::object::{Component, Object, parse};

const A: &str = "mailto:a@v.fr";
const PRIVATE: &str = "TRANSP:TRANSPARENT\nCATEGORIES:Mien\nCOLOR:red\nCLASS:PRIVATE\nX-MOZ-LASTACK:20260101T000000Z\n\
                       X-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT10M\nX-OTHER:mine\n";
const ALARM: &str = "BEGIN:VALARM\nTRIGGER:-PT7M\nACTION:DISPLAY\nX-B:mine\nEND:VALARM\n";

/// A's copy with what is A's own.
fn own_copy(bench: &Bench) -> Object {
    let copy = text(&bench.copy_of(&object(&[SERIES]), A));
    read(&copy.replace("END:VEVENT\n", &format!("{PRIVATE}{ALARM}END:VEVENT\n")))
}

#[test]
fn what_is_private_stays() {
    let (bench, later) = (Bench::default(), Bench { now: NOW + 60, ..Bench::default() });
    let copy = own_copy(&bench);
    let theirs =
        format!("{SERIES}TRANSP:OPAQUE\nCATEGORIES:Leur\nBEGIN:VALARM\nTRIGGER:-PT1M\nACTION:DISPLAY\nEND:VALARM\n");
    let theirs = theirs.replace("LOCATION:Salle", "LOCATION:Ailleurs").replace("DESCRIPTION:Texte\n", "");
    let (old, new) = (object(&[SERIES]), object(&[&theirs, MOVED]));
    let change = later.organizer(Some(&old), Some(&new)).unwrap();
    let delivery = to(A, "REQUEST", &change.deliveries);
    let applied = [
        later.deliver(A, Some(&copy), delivery).unwrap(),
        later.receive(A, Some(&copy), &mailed(&delivery.message)).unwrap(),
        // A program that sends its own alarms and categories.
        later
            .receive(
                A,
                Some(&copy),
                &SchedulingMessage::parse(
                    text(&new).replace("PRODID:x", "METHOD:REQUEST").replace("SEQUENCE:1", "SEQUENCE:2").as_bytes(),
                )
                .unwrap(),
            )
            .unwrap(),
    ];
    for after in applied {
        let after = text(&after);
        // In the series, and in the new occurrence as the series has it.
        for line in PRIVATE.lines().chain(ALARM.lines()) {
            assert_eq!(after.matches(&format!("{line}\n")).count(), 2, "{line}: {after}");
        }
        assert!(after.contains("LOCATION:Ailleurs\n") && !after.contains("Leur") && !after.contains("PT1M"), "{after}");
        assert_eq!(after.matches("DESCRIPTION").count(), 1, "{after}");
    }
    let off = to(A, "CANCEL", &later.organizer(Some(&new), None).unwrap().deliveries).message.clone();
    let off = text(&later.receive(A, Some(&copy), &off).unwrap());
    assert!(PRIVATE.lines().chain(ALARM.lines()).all(|line| off.contains(line)) && off.contains("STATUS:CANCELLED"));
}

#[test]
fn a_new_copy_has_the_alarms_of_its_owner() {
    let bench = Bench::default();
    let theirs = object(&[&format!("{SERIES}BEGIN:VALARM\nTRIGGER:-PT1M\nACTION:DISPLAY\nEND:VALARM\n")]);
    let message = text(&theirs).replace("PRODID:x", "METHOD:REQUEST");
    let message = SchedulingMessage::parse(message.as_bytes()).unwrap();
    let alarms: Vec<Component> =
        parse(format!("BEGIN:VCALENDAR\n{ALARM}END:VCALENDAR\n").as_bytes()).unwrap().components;
    let me = Addresses::of([A]);
    let context = CopyContext { at: bench.at(), me: &me, knows_answers: false, called_off_at: None, alarms: &alarms };
    let copy = text(&apply_request(None, &message, context).unwrap().object.unwrap());
    assert!(copy.contains("PT7M") && !copy.contains("PT1M") && !copy.contains("METHOD"), "{copy}");
}

#[test]
fn whose_message_changes_a_copy() {
    let bench = Bench::default();
    let copy = own_copy(&bench);
    let me = Addresses::of([A]);
    let context = CopyContext { at: bench.at(), me: &me, knows_answers: false, called_off_at: None, alarms: &[] };
    let message = |method: &str, organizer: &str| {
        let text = text(&object(&[&SERIES.replace("SEQUENCE:1", "SEQUENCE:9").replace("Point", "Autre")]));
        let text = text
            .replace("PRODID:x", &format!("METHOD:{method}"))
            .replace("ORGANIZER;CN=Orga:mailto:o@v.fr\n", organizer);
        SchedulingMessage::parse(text.as_bytes()).unwrap()
    };
    let ours = "ORGANIZER:MAILTO:O@V.FR\n";
    let personal = object(&["DTSTART:20260101T100000Z\nSUMMARY:Mien\n"]);
    for (organizer, request, cancel) in [
        (ours, None, None),
        ("ORGANIZER:mailto:x@v.fr\n", Some(Violation::OtherOrganizer), Some(Violation::OtherOrganizer)),
        ("", Some(Violation::Unreadable), Some(Violation::OtherOrganizer)),
    ] {
        assert_eq!(apply_request(Some(&copy), &message("REQUEST", organizer), context).err(), request);
        assert_eq!(apply_cancel(Some(&copy), &message("CANCEL", organizer), context).err(), cancel);
    }
    for method in ["REQUEST", "CANCEL"] {
        let apply = if method == "REQUEST" { apply_request } else { apply_cancel };
        assert_eq!(apply(Some(&personal), &message(method, ours), context).err(), Some(Violation::OtherOrganizer));
        assert_eq!(apply(Some(&copy), &message("REPLY", ours), context).err(), Some(Violation::Unreadable));
        // What a client serves is its client's.
        for agent in ["CLIENT", "NONE"] {
            let served = read(&text(&copy).replace("CN=Orga", &format!("CN=Orga;SCHEDULE-AGENT={agent}")));
            assert!(!apply(Some(&served), &message(method, ours), context).unwrap().is_changed);
        }
    }
    assert!(!apply_cancel(None, &message("CANCEL", ours), context).unwrap().is_changed);
}

#[test]
fn the_own_answer_stays_unless_it_is_asked_for_anew() {
    let bench = Bench::default();
    let copy = bench.copy_of(&object(&[SERIES]), A);
    let asked = SERIES.replace("PARTSTAT=ACCEPTED:mailto:a", "PARTSTAT=NEEDS-ACTION:mailto:a");
    let with = |from: &str, to: &str| asked.replace(from, to).replace("SEQUENCE:1", "SEQUENCE:2");
    for (name, lines, answer) in [
        ("the answer was on its way", asked.clone(), "a+"),
        ("another title", with("Point", "Autre"), "a+"),
        ("another time", with("T100000", "T110000"), "a?"),
        ("asks for it", with("NEEDS-ACTION:mailto:a", "NEEDS-ACTION;RSVP=TRUE:mailto:a"), "a?"),
        ("an older state", with("T100000", "T110000").replace("SEQUENCE:2", "SEQUENCE:0"), "a+"),
    ] {
        let text = text(&object(&[&lines]))
            .replace("PRODID:x", "METHOD:REQUEST")
            .replace("DTSTAMP:20260101", "DTSTAMP:20260103");
        let message = SchedulingMessage::parse(text.as_bytes()).unwrap();
        let after = bench.receive(A, Some(&copy), &message).unwrap();
        assert!(states(&after)[0].contains(answer), "{name}: {}", states(&after)[0]);
        assert_eq!(bench.receive(A, Some(&after), &message), Some(after), "{name}");
    }
}
