//! What an attendee changes in a copy: what is stored, what the organizer hears, and what is refused.

use super::super::context::Violation;
use super::super::message::SchedulingMessage;
use super::examples::same_third;
use super::{Bench, MOVED, NOW, SECOND, SERIES, THIRD, answered, event, object, read, states, text};
use crate::ical::object::Object;

const A: &str = "mailto:a@v.fr";

/// A's copy: the series, accepted, with an alarm; and the second occurrence at another time, not yet answered.
fn copy() -> String {
    let alarm = "BEGIN:VALARM\nTRIGGER:-PT5M\nACTION:DISPLAY\nEND:VALARM\n";
    let moved = MOVED.replace("ACCEPTED:mailto:a", "NEEDS-ACTION:mailto:a");
    text(&object(&[&format!("{SERIES}{alarm}"), &moved]))
}

fn replies(old: &str, new: &str) -> Result<(Vec<String>, Object), Violation> {
    let change = Bench::default().attendee(A, Some(&read(old)), Some(&read(new)))?;
    let said = answered(&change).into_iter().map(|(about, answer)| format!("{about} {answer}")).collect();
    Ok((said, change.object.expect("a copy")))
}

const OWN: &str = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@v.fr";

#[test]
fn what_an_attendee_may_change() {
    let copy = copy();
    let after_moved = copy.split("RECURRENCE-ID").next().unwrap().len();
    let declined = copy.replacen(OWN, "ATTENDEE;PARTSTAT=DECLINED:mailto:a@v.fr", 1);
    let (series, moved) = copy.split_at(after_moved);
    let moved_declined = format!("{series}{}", moved.replace("NEEDS-ACTION:mailto:a", "DECLINED:mailto:a"));
    let without_third = copy.replace("SEQUENCE:1", "EXDATE;TZID=Europe/Paris:20260120T090000\nSEQUENCE:1");
    let third = event(&same_third().replace("ACCEPTED:mailto:a", "DECLINED:mailto:a")) + "END:VCALENDAR\n";
    let stamps = "CREATED:20260102T000000Z\nLAST-MODIFIED:20260102T000000Z\nTRANSP:TRANSPARENT\n\
                  COMPLETED:20260102T000000Z\nPERCENT-COMPLETE:3\nSEQUENCE:1";
    let rows: Vec<(&str, String, Vec<String>)> = vec![
        ("nothing", copy.clone(), vec![]),
        // Row 15 of recurrence: what was not answered yet is answered with the series.
        ("the series", declined, vec![format!("{SECOND} DECLINED"), "all DECLINED".into()]),
        ("one occurrence", moved_declined, vec![format!("{SECOND} DECLINED")]),
        ("leaves one out", without_third.clone(), vec![format!("{THIRD} DECLINED")]),
        ("their own", copy.replace("SEQUENCE:1", stamps), vec![]),
        ("an alarm less", copy.replace("TRIGGER:-PT5M", "TRIGGER:-PT15M"), vec![]),
        ("the program", copy.replace("PRODID:x", "PRODID:y\nCALSCALE:GREGORIAN"), vec![]),
        ("another's answer", copy.replace("DECLINED:mailto:b", "ACCEPTED:mailto:b"), vec![]),
        ("a status", copy.replace("PARTSTAT=DECLINED", "PARTSTAT=DECLINED;SCHEDULE-STATUS=1.1"), vec![]),
        ("an occurrence of its own", copy.replace("END:VCALENDAR\n", &third), vec![format!("{THIRD} DECLINED")]),
        ("a text", copy.replace("DESCRIPTION:Texte", "DESCRIPTION:Mien"), vec![]),
        ("a remark", copy.replacen("SUMMARY", "COMMENT:en retard\nSUMMARY", 1), vec!["all ACCEPTED".into()]),
        (
            "in any case",
            copy.replace("CN=Orga", "CN=Orga;SCHEDULE-FORCE-SEND=REPLY"),
            vec![format!("{SECOND} NEEDS-ACTION"), "all ACCEPTED".into()],
        ),
    ];
    for (name, new, expected) in rows {
        let (said, stored) = replies(&copy, &new).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        assert_eq!(said, expected, "{name}");
        // What is the organizer's is as it was, and the rest as the client wrote it.
        assert!(text(&stored).contains("DESCRIPTION:Texte") && !text(&stored).contains("FORCE-SEND"), "{name}");
        assert_eq!(text(&stored).contains("TRIGGER:-PT15M"), new.contains("TRIGGER:-PT15M"), "{name}");
        assert_eq!(text(&stored).contains("PERCENT-COMPLETE:3"), new.contains("PERCENT-COMPLETE:3"), "{name}");
        // What is stored says the same when it comes back.
        let (again, same) = replies(&text(&stored), &text(&stored)).unwrap();
        assert_eq!((again, same), (vec![], stored), "{name}");
    }
    // What is left out stays left out and is not declined again.
    let (_, hidden) = replies(&copy, &without_third).unwrap();
    let mark = "X-BEFFROI-HIDDEN;X-SEQUENCE=1;X-STAMP=1767225600:20260120T080000Z";
    assert!(text(&hidden).contains(mark));
    let (said, still) = replies(&text(&hidden), &without_third).unwrap();
    assert_eq!((said, text(&still).contains(mark)), (vec![], true));
}

#[test]
fn what_an_attendee_may_not_change() {
    let copy = copy();
    for (from, to) in [
        ("DTSTART;TZID=Europe/Paris:20260106T090000", "DTSTART;TZID=Europe/Paris:20260106T080000"),
        ("T100000\nRRULE", "T110000\nRRULE"),
        ("COUNT=10", "COUNT=9"),
        ("COUNT=10", "COUNT=11"),
        ("WEEKLY", "DAILY"),
        ("SEQUENCE:1", "RDATE;TZID=Europe/Paris:20260107T090000\nSEQUENCE:1"),
        ("SUMMARY:Point", "SUMMARY:Autre"),
        ("LOCATION:Salle\n", "LOCATION:Ailleurs\n"),
        ("SUMMARY:Point", "STATUS:CANCELLED\nSUMMARY:Point"),
        ("ORGANIZER;CN=Orga:mailto:o@v.fr", "ORGANIZER:mailto:a@v.fr"),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:b@v.fr\n", ""),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:b@v.fr\n", "ATTENDEE:mailto:b@v.fr\nATTENDEE:mailto:c@v.fr\n"),
        ("ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@v.fr\n", ""),
        ("DTSTART;TZID=Europe/Paris:20260113T100000", "DTSTART;TZID=Europe/Paris:20260113T103000"),
        ("LOCATION:Salle 2", "LOCATION:Salle 3"),
        ("RECURRENCE-ID;TZID=Europe/Paris:20260113T090000", "RECURRENCE-ID;TZID=Europe/Paris:20260114T090000"),
    ] {
        assert!(copy.contains(from), "{from}");
        assert_eq!(replies(&copy, &copy.replacen(from, to, 1)).err(), Some(Violation::AttendeeChange), "{from} {to}");
    }
}

#[test]
fn a_copy_written_otherwise_says_the_same() {
    let copy = copy();
    for (name, written) in [
        ("a length", copy.replace("DTEND;TZID=Europe/Paris:20260106T100000", "DURATION:PT60M")),
        ("no master", {
            let (head, rest) = copy.split_once("BEGIN:VEVENT").unwrap();
            format!("{head}{}", &rest[rest.find("BEGIN:VEVENT").unwrap()..])
        }),
        ("no overrides", {
            let at = copy.match_indices("BEGIN:VEVENT").nth(1).unwrap().0;
            format!("{}END:VCALENDAR\n", &copy[..at])
        }),
        ("no organizer in an override", {
            let at = copy.rfind("ORGANIZER;CN=Orga:mailto:o@v.fr\n").unwrap();
            format!("{}{}", &copy[..at], &copy[at + "ORGANIZER;CN=Orga:mailto:o@v.fr\n".len()..])
        }),
        (
            "another stamp and SEQUENCE",
            copy.replace("DTSTAMP:20260101", "DTSTAMP:20260301").replace("SEQUENCE:1", "SEQUENCE:9"),
        ),
    ] {
        let (said, stored) = replies(&copy, &written).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        assert_eq!((said, states(&stored)), (vec![], states(&read(&copy))), "{name}");
        assert!(!text(&stored).contains("20260301"), "{name}");
    }
}

#[test]
fn deleting_is_declining() {
    let bench = Bench::default();
    let delete = |me: &str, copy: &str| answered(&bench.attendee(me, Some(&read(copy)), None).unwrap());
    let said = delete(A, &copy());
    assert_eq!(said.keys().collect::<Vec<_>>(), [SECOND, "all"]);
    assert!(said.values().all(|answer| answer == "DECLINED"));
    let declined =
        copy().replace("ACCEPTED:mailto:a", "DECLINED:mailto:a").replace("NEEDS-ACTION:mailto:a", "DECLINED:mailto:a");
    assert!(delete(A, &declined).is_empty());
    assert!(delete(A, &copy().replace("SUMMARY", "STATUS:CANCELLED\nSUMMARY")).is_empty());
    assert!(delete(A, &copy().replace("CN=Orga", "CN=Orga;SCHEDULE-AGENT=CLIENT")).is_empty());
    assert!(delete("mailto:x@v.fr", &copy()).is_empty());
    let me = super::Addresses::of([A]);
    let quiet = super::AttendeeContext { at: bench.at(), me: &me, replies: false };
    assert_eq!(super::attendee_diff(Some(&read(&copy())), None, quiet).unwrap().reply, None);
    // A copy that a client made answers where it has an answer; what is left out of it is none.
    let made = |copy: &str| answered(&bench.attendee(A, None, Some(&read(copy))).unwrap());
    assert_eq!(made(&copy()).into_iter().collect::<Vec<_>>(), [("all".to_owned(), "ACCEPTED".to_owned())]);
    let asked = SERIES.replace("ACCEPTED:mailto:a", "NEEDS-ACTION:mailto:a");
    assert!(made(&text(&object(&[&asked.replace("SEQUENCE", "EXDATE:20260113T080000Z\nSEQUENCE")]))).is_empty());
}

/// A reply of A about the meeting, as a program sends it.
fn reply(lines: &str) -> SchedulingMessage {
    let text = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:u\nSEQUENCE:1\n\
         DTSTAMP:20260102T100000Z\n{lines}END:VEVENT\nEND:VCALENDAR\n"
    );
    SchedulingMessage::parse(text.as_bytes()).unwrap()
}

#[test]
fn what_a_reply_changes() {
    let stored = object(&[SERIES, MOVED]);
    let b = "ATTENDEE;PARTSTAT=ACCEPTED:MAILTO:B@v.fr\n";
    let (series, second) = ("all 1 o+ a+ b-", format!("{SECOND} 2 o+ a+ b?"));
    let rows = [
        // Row 15: an occurrence without an answer goes with the series, one with an answer does not.
        (b.to_owned(), vec!["all 1 o+ a+ b+".to_owned(), format!("{SECOND} 2 o+ a+ b+")]),
        (
            "ATTENDEE;PARTSTAT=TENTATIVE:mailto:a@v.fr\n".into(),
            vec!["all 1 o+ a~ b-".into(), format!("{SECOND} 2 o+ a~ b?")],
        ),
        // One occurrence: by whatever clock it is named.
        (format!("RECURRENCE-ID:20260113T080000Z\n{b}"), vec![series.into(), format!("{SECOND} 2 o+ a+ b+")]),
        (
            format!("RECURRENCE-ID;TZID=America/New_York:20260113T030000\n{b}"),
            vec![series.into(), format!("{SECOND} 2 o+ a+ b+")],
        ),
        (
            format!("RECURRENCE-ID;VALUE=DATE:20260120\n{b}"),
            vec![series.into(), second.clone(), format!("{THIRD} 1 o+ a+ b+")],
        ),
        (
            format!("RECURRENCE-ID:20260120T090000\n{b}"),
            vec![series.into(), second.clone(), format!("{THIRD} 1 o+ a+ b+")],
        ),
        // The first occurrence is one, too.
        (
            format!("RECURRENCE-ID:20260106T080000Z\n{b}"),
            vec![series.into(), "20260106T080000Z 1 o+ a+ b+".into(), second.clone()],
        ),
        // What is no occurrence.
        (format!("RECURRENCE-ID:20260107T080000Z\n{b}"), vec![series.into(), second.clone()]),
        (format!("RECURRENCE-ID:20270105T080000Z\n{b}"), vec![series.into(), second.clone()]),
        (format!("RECURRENCE-ID;RANGE=THISANDFUTURE:20260120T080000Z\n{b}"), vec![series.into(), second.clone()]),
        // Who is not invited.
        ("ATTENDEE;PARTSTAT=ACCEPTED:mailto:x@v.fr\n".into(), vec![series.into(), second.clone()]),
        // Two addresses: the one that is known.
        (
            format!("ATTENDEE;PARTSTAT=ACCEPTED:mailto:x@v.fr\n{b}"),
            vec!["all 1 o+ a+ b+".to_owned(), format!("{SECOND} 2 o+ a+ b+")],
        ),
        // It changes nothing but answers.
        (
            format!("SUMMARY:Autre\nLOCATION:X\nDTSTART:20260101T000000Z\n{b}"),
            vec!["all 1 o+ a+ b+".to_owned(), format!("{SECOND} 2 o+ a+ b+")],
        ),
    ];
    for (lines, expected) in rows {
        let outcome = Bench::default().reply(&stored, &reply(&lines)).unwrap();
        assert_eq!(states(&outcome.object), expected, "{lines}");
        assert_eq!(outcome.is_changed, outcome.object != stored);
        assert_eq!(outcome.uninvited.len(), usize::from(lines == "ATTENDEE;PARTSTAT=ACCEPTED:mailto:x@v.fr\n"));
        let stored = text(&outcome.object);
        assert!(!stored.contains("SUMMARY:Autre") && !stored.contains("x@v.fr"), "{stored}");
        // A derived occurrence is a whole one.
        assert_eq!(stored.matches("SUMMARY:Point").count(), stored.matches("BEGIN:VEVENT").count());
    }
}

#[test]
fn a_reply_says_how_and_why_and_only_once() {
    let mut bench = Bench::default();
    let stored = object(&[SERIES]);
    let lines = "COMMENT:en retard\nREQUEST-STATUS:2.8;Success\nATTENDEE;PARTSTAT=TENTATIVE:mailto:b@v.fr\n";
    let outcome = bench.reply(&stored, &reply(lines)).unwrap();
    let after = text(&outcome.object);
    assert!(after.contains("ATTENDEE;PARTSTAT=TENTATIVE;SCHEDULE-STATUS=2.8:mailto:b@v.fr\n"), "{after}");
    assert!(after.contains("COMMENT;X-BEFFROI-BY=\"mailto:b@v.fr\":en retard\n"), "{after}");
    outcome.note(&mut bench.ledger);
    // The same again, an older one, a later one.
    let stamped = |stamp: &str, answer: &str| {
        let text = reply(lines).text().replace("20260102T100000Z", stamp).replace("TENTATIVE", answer);
        SchedulingMessage::parse(text.as_bytes()).unwrap()
    };
    for (stamp, answer, taken) in [
        ("20260102T100000Z", "TENTATIVE", 0),
        ("20260102T095959Z", "ACCEPTED", 0),
        ("20260102T100000Z", "ACCEPTED", 1),
        ("20260102T100001Z", "DECLINED", 1),
    ] {
        assert_eq!(
            bench.reply(&outcome.object, &stamped(stamp, answer)).unwrap().taken.len(),
            taken,
            "{stamp} {answer}"
        );
    }
    // An answer to what was asked before it was asked anew.
    let moved = object(&[&SERIES.replace("T100000", "T110000")]);
    let change = Bench::default().organizer(Some(&stored), Some(&moved)).unwrap();
    change.resets.iter().for_each(|reset| bench.ledger.note_reset(reset));
    let late = bench.reply(change.object.as_ref().unwrap(), &stamped("20260105T000000Z", "ACCEPTED")).unwrap();
    assert_eq!((late.taken.len(), late.ignored, late.is_changed), (0, 1, false));
    // A SEQUENCE above ours is taken, and not stored.
    let above = stamped("20260105T000000Z", "ACCEPTED").text().replace("SEQUENCE:1", "SEQUENCE:9");
    let above =
        bench.reply(change.object.as_ref().unwrap(), &SchedulingMessage::parse(above.as_bytes()).unwrap()).unwrap();
    assert_eq!(states(&above.object), ["all 2 o+ a? b+"]);
}

/// What was said last of an occurrence counts for it, whichever of the answers comes first: mail keeps no order.
#[test]
fn answers_count_in_the_order_in_which_they_were_given() {
    let stored = object(&[&SERIES.replace("DECLINED:mailto:b", "NEEDS-ACTION:mailto:b"), MOVED]);
    let said = |at: &str, answer: &str, of: &str| {
        let text = reply(&format!("{of}ATTENDEE;PARTSTAT={answer}:mailto:b@v.fr\n")).text();
        let text = text.replace("20260102T100000Z", &format!("20260102T{at}0000Z")).replace("SEQUENCE:1", "SEQUENCE:2");
        SchedulingMessage::parse(text.as_bytes()).unwrap()
    };
    let second = format!("RECURRENCE-ID:{SECOND}\n");
    let replies = [said("09", "TENTATIVE", ""), said("13", "ACCEPTED", ""), said("18", "TENTATIVE", &second)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (mut bench, mut known) = (Bench::default(), stored.clone());
        for which in order {
            let outcome = bench.reply(&known, &replies[which]).unwrap();
            outcome.note(&mut bench.ledger);
            known = outcome.object;
        }
        assert_eq!(states(&known), ["all 1 o+ a+ b+".to_owned(), format!("{SECOND} 2 o+ a+ b~")], "{order:?}");
    }
}

#[test]
fn a_reply_says_what_it_is_about() {
    let bench = Bench { now: NOW, ..Bench::default() };
    let copy = copy();
    let new = copy.replacen(OWN, "ATTENDEE;PARTSTAT=DECLINED;X-A=1:mailto:a@v.fr", 1).replacen(
        "SUMMARY",
        "COMMENT:malade\nSUMMARY",
        1,
    );
    let change = bench.attendee(A, Some(&read(&copy)), Some(&read(&new))).unwrap();
    let reply = change.reply.unwrap();
    assert_eq!(reply.organizer, "mailto:o@v.fr");
    let said = reply.message.text().replace("\r\n ", "");
    for line in [
        "METHOD:REPLY",
        "UID:u",
        "SUMMARY:Point",
        "STATUS:CONFIRMED",
        "SEQUENCE:1",
        "COMMENT:malade",
        "DTSTAMP:20260102T120000Z",
        "REQUEST-STATUS:2.0;Success",
        "ORGANIZER;CN=Orga:mailto:o@v.fr",
        "ATTENDEE;PARTSTAT=DECLINED:mailto:a@v.fr",
        "RECURRENCE-ID;TZID=Europe/Paris:20260113T090000",
        "DTSTART;TZID=Europe/Paris:20260106T090000",
    ] {
        assert!(said.contains(&format!("{line}\r\n")), "{line}: {said}");
    }
    assert!(!said.contains("b@v.fr") && !said.contains("VALARM") && !said.contains("DESCRIPTION"), "{said}");
}
