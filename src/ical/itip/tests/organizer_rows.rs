//! What an organizer changes: the messages, SEQUENCE and answers that follow, row by row.

use super::super::context::Violation;
use super::{Bench, MOVED, SECOND, SERIES, lines, object, read, states, text};
use crate::ical::object::Object;

/// A change of the series alone: what is replaced by what, the messages, and the components after it.
type ChangeRow<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str], &'a [&'a str]);

fn changed(from: &str, replaced: &[(&str, &str)]) -> String {
    replaced.iter().fold(from.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not there");
        text.replacen(from, to, 1)
    })
}

const KEPT: &str = "all 1 o+ a+ b-";
const RAISED: &str = "all 2 o+ a+ b-";
const ASKED: &str = "all 2 o+ a? b?";
const B_LINE: &str = "ATTENDEE;PARTSTAT=DECLINED:mailto:b@v.fr\n";

const TO_ALL: &[&str] = &["a REQUEST all 2", "b REQUEST all 2"];

/// Rows of the table of an organizer's changes.
const CHANGES: &[ChangeRow<'static>] = &[
    // Time and rule ask everybody again.
    ("another hour", &[("T090000\nDTEND", "T083000\nDTEND")], TO_ALL, &[ASKED]),
    ("longer", &[("T100000", "T103000")], TO_ALL, &[ASKED]),
    (
        "another zone",
        &[("Europe/Paris", "Europe/Athens"), ("DTEND;TZID=Europe/Paris", "DTEND;TZID=Europe/Athens")],
        TO_ALL,
        &[ASKED],
    ),
    ("another rule", &[("WEEKLY", "DAILY")], TO_ALL, &[ASKED]),
    ("every other week", &[("WEEKLY", "WEEKLY;INTERVAL=2")], TO_ALL, &[ASKED]),
    ("no rule", &[("RRULE:FREQ=WEEKLY;COUNT=10\n", "")], TO_ALL, &[ASKED]),
    ("endless", &[(";COUNT=10", "")], TO_ALL, &[ASKED]),
    // What is added is asked about alone.
    ("one more", &[("COUNT=10", "COUNT=11")], TO_ALL, &[RAISED, "20260317T080000Z 2 o+ a? b?"]),
    (
        "another date",
        &[("SEQUENCE", "RDATE;TZID=Europe/Paris:20260107T090000\nSEQUENCE")],
        TO_ALL,
        &[RAISED, "20260107T080000Z 2 o+ a? b?"],
    ),
    // Title, place, status.
    ("title", &[("SUMMARY:Point", "SUMMARY:Autre")], TO_ALL, &[RAISED]),
    ("place", &[("LOCATION:Salle", "LOCATION:Ailleurs")], TO_ALL, &[RAISED]),
    ("status", &[("SUMMARY", "STATUS:TENTATIVE\nSUMMARY")], TO_ALL, &[RAISED]),
    (
        "place, and asks anew",
        &[("LOCATION:Salle", "LOCATION:Ailleurs"), ("ACCEPTED:mailto:a", "NEEDS-ACTION:mailto:a")],
        TO_ALL,
        &["all 2 o+ a? b-"],
    ),
    (
        "the client raises",
        &[("SUMMARY:Point", "SUMMARY:Autre"), ("SEQUENCE:1", "SEQUENCE:7")],
        &["a REQUEST all 7", "b REQUEST all 7"],
        &["all 7 o+ a+ b-"],
    ),
    // Text goes into copies.
    ("text", &[("DESCRIPTION:Texte", "DESCRIPTION:Autre")], &["a refresh", "b refresh"], &[KEPT]),
    ("link", &[("SUMMARY", "URL:https://x/\nSUMMARY")], &["a refresh", "b refresh"], &[KEPT]),
    ("attachment", &[("SUMMARY", "ATTACH:https://x/\nSUMMARY")], &["a refresh", "b refresh"], &[KEPT]),
    // It ends sooner.
    ("fewer", &[("COUNT=10", "COUNT=5")], TO_ALL, &[RAISED]),
    ("an end", &[("COUNT=10", "UNTIL=20260201T000000Z")], TO_ALL, &[RAISED]),
    (
        "without one",
        &[("SEQUENCE", "EXDATE;TZID=Europe/Paris:20260113T090000\nSEQUENCE")],
        &["a CANCEL 20260113T080000Z 2", "b CANCEL 20260113T080000Z 2"],
        &[RAISED],
    ),
    // People.
    (
        "one more person",
        &[("b@v.fr\n", "b@v.fr\nATTENDEE;PARTSTAT=ACCEPTED:mailto:c@v.fr\n")],
        &["a refresh", "b refresh", "c REQUEST all 1"],
        &["all 1 o+ a+ b- c?"],
    ),
    ("one person less", &[(B_LINE, "")], &["a refresh", "b CANCEL all 2"], &["all 2 o+ a+"]),
    ("called off", &[("SUMMARY", "STATUS:CANCELLED\nSUMMARY")], &["a CANCEL all 2", "b CANCEL all 2"], &[RAISED]),
    // Nothing.
    ("the same", &[], &[], &[KEPT]),
    (
        "noise",
        &[
            (
                "SUMMARY",
                "X-A:1\nLAST-MODIFIED:20260102T000000Z\nTRANSP:OPAQUE\nBEGIN:VALARM\n\
                     TRIGGER:-PT5M\nACTION:DISPLAY\nEND:VALARM\nSUMMARY",
            ),
            ("PARTSTAT=ACCEPTED:mailto:a", "PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:a"),
        ],
        &[],
        &[KEPT],
    ),
    (
        "asked in any case",
        &[("PARTSTAT=DECLINED", "PARTSTAT=NEEDS-ACTION;SCHEDULE-FORCE-SEND=REQUEST")],
        &["a refresh", "b REQUEST all 1"],
        &["all 1 o+ a+ b?"],
    ),
    (
        "asked in any case, and says so",
        &[("PARTSTAT=DECLINED", "PARTSTAT=DECLINED;SCHEDULE-FORCE-SEND=REQUEST")],
        &["b REQUEST all 1"],
        &[KEPT],
    ),
    ("another's answer", &[("PARTSTAT=DECLINED", "PARTSTAT=ACCEPTED")], &[], &[KEPT]),
    ("another's answer taken back", &[("PARTSTAT=DECLINED", "PARTSTAT=NEEDS-ACTION")], &[], &[KEPT]),
    (
        "the own answer",
        &[("ACCEPTED:mailto:o", "TENTATIVE:mailto:o")],
        &["a refresh", "b refresh"],
        &["all 1 o~ a+ b-"],
    ),
    ("a lower SEQUENCE", &[("SEQUENCE:1", "SEQUENCE:0")], &[], &[KEPT]),
    ("a status", &[("PARTSTAT=DECLINED", "PARTSTAT=DECLINED;SCHEDULE-STATUS=9.9")], &[], &[KEPT]),
    // Who is served otherwise.
    (
        "left to a client",
        &[("PARTSTAT=DECLINED", "PARTSTAT=DECLINED;SCHEDULE-AGENT=CLIENT")],
        &["b CANCEL all 2"],
        &["all 2 o+ a+ b-"],
    ),
    ("the organizer's client", &[("CN=Orga", "CN=Orga;SCHEDULE-AGENT=NONE"), ("WEEKLY", "DAILY")], &[], &[KEPT]),
];

#[test]
fn a_series_changes() {
    let old = object(&[SERIES]);
    for (name, replaced, messages, after) in CHANGES {
        let new = object(&[&changed(SERIES, replaced)]);
        let change = Bench::default().organizer(Some(&old), Some(&new)).unwrap();
        let stored = change.object.expect("a meeting");
        assert_eq!(lines(&change.deliveries), *messages, "{name}: {}", text(&stored));
        assert_eq!(states(&stored), *after, "{name}");
        assert!(!text(&stored).contains("FORCE-SEND") && !text(&stored).contains("9.9"), "{name}");
    }
}

#[test]
fn a_meeting_begins_and_ends() {
    let bench = Bench::default();
    let new = object(&[&SERIES.replace("SEQUENCE:1", "SEQUENCE:0")]);
    let change = bench.organizer(None, Some(&new)).unwrap();
    assert_eq!(lines(&change.deliveries), ["a REQUEST all 0", "b REQUEST all 0"]);
    let stored = change.object.unwrap();
    assert_eq!(states(&stored), ["all 0 o+ a? b?"]);
    assert_eq!(text(&stored).matches("RSVP=TRUE").count(), 2);
    // Restored, it goes above all that was sent.
    let restored = Bench { highest_sent: Some(4), ..Bench::default() };
    let change = restored.organizer(None, Some(&new)).unwrap();
    assert_eq!(lines(&change.deliveries), ["a REQUEST all 5", "b REQUEST all 5"]);
    assert_eq!(states(&change.object.unwrap()), ["all 5 o+ a? b?"]);
    // Deleted.
    let old = object(&[SERIES]);
    let change = bench.organizer(Some(&old), None).unwrap();
    assert_eq!(lines(&change.deliveries), ["a CANCEL all 2", "b CANCEL all 2"]);
    assert_eq!(change.object, None);
    assert!(change.deliveries.iter().all(|delivery| delivery.view.is_none()));
    // No meeting any more.
    let people = |line: &&str| !line.starts_with("ATTENDEE") && !line.starts_with("ORGANIZER");
    let alone: Vec<&str> = SERIES.lines().filter(people).collect();
    let alone = object(&[&format!("{}\n", alone.join("\n"))]);
    let change = bench.organizer(Some(&old), Some(&alone)).unwrap();
    assert_eq!(
        (lines(&change.deliveries), change.is_rewritten),
        (vec!["a CANCEL all 2".into(), "b CANCEL all 2".into()], false)
    );
    // What was called off before is not called off again.
    let off = object(&[&SERIES.replace("SUMMARY", "STATUS:CANCELLED\nSUMMARY")]);
    assert_eq!(lines(&bench.organizer(Some(&off), None).unwrap().deliveries), Vec::<String>::new());
}

#[test]
fn who_may_organize() {
    let old = object(&[SERIES]);
    let bench = Bench::default();
    let with = |from: &str, to: &str| bench.organizer(Some(&old), Some(&object(&[&SERIES.replace(from, to)])));
    let organizer = "ORGANIZER;CN=Orga:mailto:o@v.fr\n";
    for (to, refused) in [("", true), ("ORGANIZER:mailto:x@v.fr\n", true), ("ORGANIZER:MAILTO:O@v.fr\n", false)] {
        let expected = refused.then_some(Violation::OrganizerChange);
        assert_eq!(with(organizer, to).err(), expected, "{to}");
    }
    // Another address of who organizes is noise.
    let change = with(organizer, "ORGANIZER:mailto:o2@v.fr\n").unwrap();
    assert!(text(&change.object.unwrap()).contains("ORGANIZER;CN=Orga:mailto:o@v.fr\n"));
    assert!(change.deliveries.is_empty());
    let other = MOVED.replace("ORGANIZER;CN=Orga:mailto:o@v.fr", "ORGANIZER:mailto:x@v.fr");
    assert_eq!(bench.organizer(Some(&old), Some(&object(&[SERIES, &other]))).err(), Some(Violation::SameOrganizer));
    assert_eq!(bench.organizer(Some(&old), Some(&object(&[MOVED]))).err(), Some(Violation::OrganizerChange));
    let twice = MOVED.replace("RECURRENCE-ID;TZID=Europe/Paris:20260113T090000", "RECURRENCE-ID:20260113T080000Z");
    let twice = object(&[SERIES, MOVED, &twice]);
    assert_eq!(bench.organizer(Some(&old), Some(&twice)).err(), Some(Violation::DuplicateOccurrence));
    // A project's calendar has one address, whatever a client writes.
    let project = Bench { write_as: Some("mailto:projet@v.fr"), ..Bench::default() };
    let change =
        project.organizer(None, Some(&object(&[&SERIES.replace("mailto:o@v.fr\nATT", "mailto:iCloud\nATT")]))).unwrap();
    assert!(text(&change.object.unwrap()).contains("ORGANIZER;CN=Orga:mailto:projet@v.fr\n"));
}

#[test]
fn who_gets_a_message_follows_from_who_sends_them() {
    // RFC 6638 section 3.2.1.2: what stood in the line, what stands there now, what B gets.
    let line = |agent: &str| match agent {
        "" => String::new(),
        "SERVER" => B_LINE.to_owned(),
        other => B_LINE.replace(":mailto", &format!(";SCHEDULE-AGENT={other}:mailto")),
    };
    for (was, is, gets) in [
        ("", "", ""),
        ("", "SERVER", "REQUEST"),
        ("", "CLIENT", ""),
        ("", "NONE", ""),
        ("SERVER", "", "CANCEL"),
        ("SERVER", "SERVER", "REQUEST"),
        ("SERVER", "CLIENT", "CANCEL"),
        ("SERVER", "NONE", "CANCEL"),
        ("CLIENT", "", ""),
        ("CLIENT", "SERVER", "REQUEST"),
        ("CLIENT", "CLIENT", ""),
        ("CLIENT", "NONE", ""),
        ("NONE", "", ""),
        ("NONE", "SERVER", "REQUEST"),
        ("NONE", "CLIENT", ""),
        ("NONE", "NONE", ""),
    ] {
        let old = object(&[&SERIES.replace(B_LINE, &line(was))]);
        let new = object(&[&SERIES.replace(B_LINE, &line(is)).replace("T100000", "T110000")]);
        let change = Bench::default().organizer(Some(&old), Some(&new)).unwrap();
        let to_b: Vec<&str> = change
            .deliveries
            .iter()
            .filter(|delivery| delivery.recipients.iter().any(|who| who.address.as_str() == "mailto:b@v.fr"))
            .map(|delivery| delivery.message.method.name())
            .collect();
        assert_eq!(to_b.join(","), gets, "{was} {is}");
        let stored = text(&change.object.unwrap());
        assert!(!(is == "CLIENT" || is == "NONE") || stored.contains(line(is).trim_end()), "untouched: {stored}");
    }
}

#[test]
fn the_same_is_no_change_however_it_is_written() {
    let old = object(&[SERIES, MOVED]);
    let texts = [
        ("DTEND as DURATION", text(&old).replace("DTEND;TZID=Europe/Paris:20260106T100000", "DURATION:PT1H")),
        ("the zone by another name", text(&old).replace("TZID=Europe/Paris", "TZID=\"Romance Standard Time\"")),
        (
            "the rule in another order",
            text(&old).replace("FREQ=WEEKLY;COUNT=10", "COUNT=10;WKST=SU;INTERVAL=1;FREQ=WEEKLY;BYDAY=TU"),
        ),
        ("the end by a date", text(&old).replace("COUNT=10", "UNTIL=20260310T080000Z")),
        ("the end by a later date", text(&old).replace("COUNT=10", "UNTIL=20260315")),
        (
            "RECURRENCE-ID in UTC",
            text(&old).replace("RECURRENCE-ID;TZID=Europe/Paris:20260113T090000", "RECURRENCE-ID:20260113T080000Z"),
        ),
        ("addresses in capitals", text(&old).replace(":mailto:a@v.fr", ":MAILTO:A@V.fr")),
        ("folds", text(&old).replace("SUMMARY:Point", "SUMMARY:Po\n int")),
        ("order", text(&old).replace("SUMMARY:Point\nLOCATION:Salle\n", "LOCATION:Salle\nSUMMARY:Point\n")),
        ("a default status", text(&old).replace("SUMMARY:Point", "STATUS:CONFIRMED\nSUMMARY:Point")),
        ("an empty place for none", text(&old).replace("DESCRIPTION:Texte", "DESCRIPTION:Texte \\n")),
    ];
    for (name, written) in texts {
        let change = Bench::default().organizer(Some(&old), Some(&read(&written))).unwrap();
        assert_eq!(lines(&change.deliveries), Vec::<String>::new(), "{name}");
        assert_eq!(states(&change.object.unwrap()), states(&old), "{name}");
    }
    let excluded = |lines: &str| object(&[&SERIES.replace("SEQUENCE", &format!("{lines}SEQUENCE"))]);
    let old = excluded("EXDATE;TZID=Europe/Paris:20260113T090000,20260120T090000\n");
    for written in [
        "EXDATE;TZID=Europe/Paris:20260120T090000\nEXDATE;TZID=Europe/Paris:20260113T090000\n",
        "EXDATE:20260113T080000Z,20260120T080000Z\n",
        "EXDATE;VALUE=DATE:20260113,20260120\n",
        "EXDATE;TZID=Europe/Paris:20260120T090000,20260113T090000,20260115T090000\n",
    ] {
        let change = Bench::default().organizer(Some(&old), Some(&excluded(written))).unwrap();
        assert_eq!(lines(&change.deliveries), Vec::<String>::new(), "{written}");
        assert!(!change.is_rewritten, "{written}");
    }
}

#[test]
fn answers_that_came_since_are_kept() {
    let bench = Bench { keeps_answers: true, ..Bench::default() };
    // A has declined the second occurrence since the client read the meeting.
    let declined = SERIES.replace("RRULE:FREQ=WEEKLY;COUNT=10\n", "RECURRENCE-ID;TZID=Europe/Paris:20260113T090000\n");
    let declined = declined.replace("20260106", "20260113").replace("ACCEPTED:mailto:a", "DECLINED:mailto:a");
    let old = object(&[SERIES, &declined]);
    let change = |new: &Object| {
        let change = bench.organizer(Some(&old), Some(new)).unwrap();
        (lines(&change.deliveries), states(&change.object.unwrap()))
    };
    let second = format!("{SECOND} 1 o+ a- b-");
    let (messages, after) = change(&object(&[SERIES]));
    assert_eq!((messages, after), (vec![], vec![KEPT.to_owned(), second.clone()]));
    let (_, after) = change(&object(&[&SERIES.replace("DESCRIPTION:Texte", "DESCRIPTION:Autre")]));
    assert_eq!(after, [KEPT.to_owned(), second]);
    let (_, after) = change(&object(&[&SERIES
        .replace("PARTSTAT=DECLINED", "PARTSTAT=NEEDS-ACTION")
        .replace("LOCATION:Salle", "LOCATION:X")]));
    assert_eq!(after[0], RAISED);
    // Where the time is another there is nothing to keep.
    let (_, after) = change(&object(&[&SERIES.replace("T100000", "T110000")]));
    assert_eq!(after, [ASKED]);
    let (_, after) = change(&object(&[&SERIES.replace("SEQUENCE", "EXDATE:20260113T080000Z\nSEQUENCE")]));
    assert_eq!(after, [RAISED]);
}

#[test]
fn messages_say_nothing_private() {
    let alarm = "BEGIN:VALARM\nTRIGGER:-PT5M\nACTION:DISPLAY\nEND:VALARM\n";
    let more = format!(
        "TRANSP:TRANSPARENT\nCATEGORIES:secret\nCOLOR:red\nCLASS:PRIVATE\n\
         X-MOZ-LASTACK:secret\nX-APPLE-TRAVEL-DURATION:secret\n\
         COMMENT;X-BEFFROI-BY=\"mailto:a@v.fr\":secret\nX-GOOGLE-CONFERENCE:https://meet/\nREQUEST-STATUS:2.0;secret\n{alarm}"
    );
    let private = SERIES
        .replace("CN=Orga", "CN=Orga;SCHEDULE-STATUS=1.2")
        .replace("mailto:b@v.fr\n", &format!("mailto:b@v.fr\n{more}"));
    let moved = private
        .replace("RRULE:FREQ=WEEKLY;COUNT=10", "RECURRENCE-ID;TZID=Europe/Paris:20260113T090000")
        .replace("20260106T", "20260114T");
    let old = object(&[&private, &moved]);
    let new =
        object(&[&private.replace("Salle", "X"), &moved.replace("ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@v.fr\n", "")]);
    let bench = Bench::default();
    let changes =
        [bench.organizer(None, Some(&old)), bench.organizer(Some(&old), Some(&new)), bench.organizer(Some(&old), None)];
    for change in changes {
        for delivery in change.unwrap().deliveries {
            for message in [Some(&delivery.message), delivery.view.as_ref()].into_iter().flatten() {
                let text = message.text().replace("\r\n ", "");
                for private in ["secret", "VALARM", "SCHEDULE-", "CLASS", "TRANSP", "COLOR"] {
                    assert!(!text.contains(private), "{private}: {text}");
                }
                for line in ["X-GOOGLE-CONFERENCE:https://meet/", "DTSTAMP:20260102T120000Z", "UID:u", "VERSION:2.0"] {
                    assert!(text.contains(&format!("{line}\r\n")), "{line}: {text}");
                }
            }
        }
    }
}
