//! The exchanges of RFC 5546 section 4, and what the largest meetings cost.

use super::super::context::Violation;
use super::super::message::{SchedulingMessage, SchedulingMethod};
use super::{Bench, SERIES, lines, mailed, object, read, states, text, to};
use crate::ical::object::Object;

const A: &str = "mailto:a@v.fr";
const B: &str = "mailto:b@v.fr";

/// A meeting that occurs once, as in section 4.2.1.
const ONCE: &str = "\
DTSTART:20260701T200000Z
DTEND:20260701T210000Z
SUMMARY:Conference
SEQUENCE:0
STATUS:CONFIRMED
ORGANIZER:mailto:o@v.fr
ATTENDEE;ROLE=CHAIR;PARTSTAT=ACCEPTED;CN=O:mailto:o@v.fr
ATTENDEE;RSVP=TRUE;CN=A:mailto:a@v.fr
ATTENDEE;RSVP=TRUE;CN=B:mailto:b@v.fr
ATTENDEE;ROLE=NON-PARTICIPANT;RSVP=FALSE:mailto:e@v.fr
";

/// What a message has to have in each component (the tables of sections 3.2 and 3.4).
fn check(message: &SchedulingMessage) {
    let (wanted, unwanted): (&[&str], &[&str]) = match message.method {
        SchedulingMethod::Request => {
            (&["ATTENDEE", "DTSTAMP", "DTSTART", "ORGANIZER", "SUMMARY", "UID"], &["REQUEST-STATUS", "METHOD"])
        }
        SchedulingMethod::Reply => (&["ATTENDEE", "DTSTAMP", "ORGANIZER", "UID"], &["METHOD"]),
        _ => (&["ATTENDEE", "DTSTAMP", "ORGANIZER", "SEQUENCE", "UID"], &["REQUEST-STATUS", "METHOD"]),
    };
    assert_eq!(message.object.calendar.value("METHOD"), Some(message.method.name()));
    for part in message.object.parts() {
        for name in wanted {
            assert!(part.property(name).is_some(), "{name}: {}", message.text());
        }
        for name in ["DTSTAMP", "ORGANIZER", "UID", "SEQUENCE", "DTSTART", "SUMMARY", "STATUS", "RECURRENCE-ID"] {
            assert!(part.all(name).count() <= 1, "{name}: {}", message.text());
        }
        assert!(unwanted.iter().all(|name| part.property(name).is_none()), "{}", message.text());
        assert!(part.components.is_empty());
        if message.method == SchedulingMethod::Reply {
            assert_eq!(part.all("ATTENDEE").count(), 1, "{}", message.text());
        }
    }
}

#[test]
fn a_group_event() {
    let mut bench = Bench::default();
    // 4.2.1: a request, also to who need not come.
    let change = bench.organizer(None, Some(&object(&[ONCE]))).unwrap();
    assert_eq!(lines(&change.deliveries), ["a REQUEST all 0", "b REQUEST all 0", "e REQUEST all 0"]);
    let stored = change.object.unwrap();
    let request = mailed(&to(B, "REQUEST", &change.deliveries).message);
    check(&request);
    let copy = bench.receive(B, None, &request).unwrap();
    // 4.2.2: B comes.
    let accepts = text(&copy).replace("ATTENDEE;RSVP=TRUE;CN=B", "ATTENDEE;PARTSTAT=ACCEPTED;CN=B");
    let change = bench.attendee(B, Some(&copy), Some(&read(&accepts))).unwrap();
    let (copy, reply) = (change.object.unwrap(), mailed(&change.reply.unwrap().message));
    check(&reply);
    let outcome = bench.reply(&stored, &reply).unwrap();
    assert_eq!(states(&outcome.object), ["all 0 o+ a? b+ e?"]);
    outcome.note(&mut bench.ledger);
    // 4.2.3: an update, at another time.
    bench.now += 60;
    let later = text(&outcome.object).replace("T200000Z", "T180000Z").replace("T210000Z", "T190000Z");
    let change = bench.organizer(Some(&outcome.object), Some(&read(&later))).unwrap();
    assert_eq!(lines(&change.deliveries), ["a REQUEST all 1", "b REQUEST all 1", "e REQUEST all 1"]);
    let stored = change.object.unwrap();
    let update = mailed(&to(B, "REQUEST", &change.deliveries).message);
    check(&update);
    let copy = bench.receive(B, Some(&copy), &update).unwrap();
    assert_eq!((states(&copy), states(&stored)), (vec!["all 1 o+ a? b? e?".into()], vec!["all 1 o+ a? b? e?".into()]));
    // 4.2.10: B is removed. 4.2.9: the rest is called off.
    bench.now += 60;
    let b_line = stored.master().unwrap().all("ATTENDEE").nth(2).unwrap().raw().to_owned();
    let change =
        bench.organizer(Some(&stored), Some(&read(&text(&stored).replace(&format!("{b_line}\n"), "")))).unwrap();
    assert_eq!(lines(&change.deliveries), ["a refresh", "b CANCEL all 2", "e refresh"]);
    let removed = mailed(&to(B, "CANCEL", &change.deliveries).message);
    check(&removed);
    assert!(text(&bench.receive(B, Some(&copy), &removed).unwrap()).contains("STATUS:CANCELLED"));
    let off = bench.organizer(change.object.as_ref(), None).unwrap();
    assert_eq!(lines(&off.deliveries), ["a CANCEL all 3", "e CANCEL all 3"]);
    off.deliveries.iter().for_each(|delivery| check(&delivery.message));
    // 4.2.2 again: an answer to what is no more, by who is invited no more.
    let late = bench.reply(change.object.as_ref().unwrap(), &reply).unwrap();
    assert_eq!((late.is_changed, late.uninvited.len()), (false, 1));
}

#[test]
fn a_recurring_event() {
    let bench = Bench { now: super::NOW + 60, ..Bench::default() };
    let stored = object(&[SERIES]);
    let copy = Bench::default().copy_of(&stored, A);
    // 4.4.2: an instance is modified; 4.4.3: one is cancelled; 4.4.4: all are.
    let moved = object(&[SERIES, super::MOVED]);
    let change = bench.organizer(Some(&stored), Some(&moved)).unwrap();
    let request = mailed(&to(A, "REQUEST", &change.deliveries).message);
    check(&request);
    assert_eq!((request.object.parts().count(), request.is_whole), (1, false));
    let copy = bench.receive(A, Some(&copy), &request).unwrap();
    assert_eq!(states(&copy).len(), 2);
    let fewer = SERIES.replace("SEQUENCE", "EXDATE;TZID=Europe/Paris:20260120T090000\nSEQUENCE");
    let stored = change.object.unwrap();
    let change = bench.organizer(Some(&stored), Some(&object(&[&fewer, super::MOVED]))).unwrap();
    let cancel = mailed(&to(A, "CANCEL", &change.deliveries).message);
    check(&cancel);
    let copy = bench.receive(A, Some(&copy), &cancel).unwrap();
    assert!(text(&copy).contains("EXDATE;TZID=Europe/Paris:20260120T090000\n"));
    let all = bench.organizer(change.object.as_ref(), None).unwrap();
    let cancel = mailed(&to(A, "CANCEL", &all.deliveries).message);
    check(&cancel);
    let copy = bench.receive(A, Some(&copy), &cancel).unwrap();
    assert_eq!(text(&copy).matches("STATUS:CANCELLED").count(), 2);
}

#[test]
fn a_group_to_do() {
    // 4.5.1 to 4.5.5: a task is asked for, accepted, and done: how far it is, is its owner's.
    let bench = Bench::default();
    let task = |lines: &str| -> Object { read(&text(&object(&[lines])).replace("VEVENT", "VTODO")) };
    let lines_of = ONCE.replace("DTEND", "DUE").replace("STATUS:CONFIRMED\n", "");
    let change = bench.organizer(None, Some(&task(&lines_of))).unwrap();
    let request = mailed(&to(A, "REQUEST", &change.deliveries).message);
    check(&request);
    let copy = bench.receive(A, None, &request).unwrap();
    let done = "PERCENT-COMPLETE:75\nCOMPLETED:20260630T000000Z\nSEQUENCE:0";
    let accepted = text(&copy).replace("RSVP=TRUE;CN=A", "PARTSTAT=COMPLETED;CN=A").replace("SEQUENCE:0", done);
    let change_of_copy = bench.attendee(A, Some(&copy), Some(&read(&accepted))).unwrap();
    assert!(text(change_of_copy.object.as_ref().unwrap()).contains("PERCENT-COMPLETE:75"));
    let reply = mailed(&change_of_copy.reply.unwrap().message);
    let outcome = bench.reply(change.object.as_ref().unwrap(), &reply).unwrap();
    assert_eq!(states(&outcome.object), ["all 0 o+ a* b? e?"]);
}

#[test]
fn a_recurring_to_do() {
    // 4.5.7: one of a series of tasks is answered; 4.5.3 and RFC 6638 section 3.2.8: what is due at another time is
    // asked anew.
    let mut bench = Bench::default();
    let task = |lines: &str| -> Object { read(&text(&object(&[lines])).replace("VEVENT", "VTODO")) };
    let monthly = ONCE.replace("DTEND", "DUE").replace("STATUS:CONFIRMED\n", "RRULE:FREQ=MONTHLY;COUNT=3\n");
    let change = bench.organizer(None, Some(&task(&monthly))).unwrap();
    let stored = change.object.unwrap();
    let copy = bench.receive(A, None, &mailed(&to(A, "REQUEST", &change.deliveries).message)).unwrap();
    let second = monthly.replace("RRULE:FREQ=MONTHLY;COUNT=3\n", "RECURRENCE-ID:20260801T200000Z\n");
    let second = second.replace("20260701", "20260801").replace("RSVP=TRUE;CN=A", "PARTSTAT=COMPLETED;CN=A");
    let both = read(&text(&object(&[&monthly, &second])).replace("VEVENT", "VTODO"));
    let answer = bench.attendee(A, Some(&copy), Some(&both)).unwrap();
    let reply = mailed(&answer.reply.unwrap().message);
    check(&reply);
    assert!(reply.text().contains("RECURRENCE-ID:20260801T200000Z"), "{}", reply.text());
    let outcome = bench.reply(&stored, &reply).unwrap();
    assert_eq!(states(&outcome.object), ["all 0 o+ a? b? e?", "20260801T200000Z 0 o+ a* b? e?"]);
    outcome.note(&mut bench.ledger);
    bench.now += 60;
    let all = text(&outcome.object).replacen("ATTENDEE;RSVP=TRUE;CN=B", "ATTENDEE;PARTSTAT=ACCEPTED;CN=B", 1);
    let later = all.replacen("DUE:20260701T210000Z", "DUE:20260702T210000Z", 1);
    let change = bench.organizer(Some(&read(&all)), Some(&read(&later))).unwrap();
    assert_eq!(states(&change.object.unwrap())[0], "all 1 o+ a? b? e?");
}

/// A series with some overrides, and those of a thousand people in each of whom `is_in` says so.
fn crowd(overrides: usize, is_in: impl Fn(usize, usize) -> bool) -> Object {
    let people = |which: usize| -> String {
        let invited = (0..999).filter(|person| is_in(*person, which));
        invited.map(|person| format!("ATTENDEE:mailto:p{person}@v.fr\n")).collect()
    };
    let base = "DTSTART:20260101T100000Z\nDURATION:PT1H\nSUMMARY:Point\nORGANIZER:mailto:o@v.fr\n";
    let mut parts = vec![format!("RRULE:FREQ=DAILY\n{base}{}", people(0))];
    for which in 1..=overrides {
        let at = format!("202602{which:02}T100000Z");
        let base = base.replace("20260101T100000Z", &at.replace("T10", "T11"));
        parts.push(format!("RECURRENCE-ID:{at}\n{base}{}", people(which)));
    }
    object(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn the_largest_meetings() {
    // Those who are invited to the same get one text.
    let same = crowd(3, |_, _| true);
    let change = Bench::default().organizer(None, Some(&same)).unwrap();
    assert_eq!((change.deliveries.len(), change.deliveries[0].recipients.len()), (1, 999));
    // A text for each of a thousand, of ten thousand lines each, is more than a request may build.
    let apart = crowd(10, |person, which| which == 0 || person >> (which - 1) & 1 == 1);
    assert_eq!(Bench::default().organizer(None, Some(&apart)).err(), Some(Violation::TooMuch));
}
