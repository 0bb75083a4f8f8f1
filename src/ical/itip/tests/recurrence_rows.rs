//! Series and what differs in them, row by row: what the organizer's changes of them send, and what copies make of it.

use jiff::tz::TimeZone;

use super::super::context::Violation;
use super::super::message::SchedulingMessage;
use super::examples::{B_LINE, C_LINE, differing_occurrences, same_second, without_second};
use super::{Bench, MOVED, SECOND, SERIES, answered, lines, mailed, object, read, states, text, to};
use crate::ical::object::Object;
use crate::ical::recur::instances;
use crate::ical::zone::Zones;
use crate::model::calendar::TimeRange;

const A: &str = "mailto:a@v.fr";
const C: &str = "mailto:c@v.fr";
fn change(old: &Object, new: &Object) -> (Vec<String>, Vec<String>) {
    let change = Bench::default().organizer(Some(old), Some(new)).unwrap();
    (lines(&change.deliveries), states(&change.object.unwrap()))
}

#[test]
fn rows_1_and_2_an_occurrence_is_left_out() {
    let bench = Bench::default();
    let (old, new) = (object(&[SERIES]), object(&[&without_second()]));
    let changed = bench.organizer(Some(&old), Some(&new)).unwrap();
    let copy = bench.copy_of(&old, A);
    let cancel = to(A, "CANCEL", &changed.deliveries);
    let left_out = |copy: &Object| text(copy).contains("EXDATE;TZID=Europe/Paris:20260113T090000");
    assert!(!left_out(&copy));
    assert!(left_out(&bench.deliver(A, Some(&copy), cancel).unwrap()));
    let mail = mailed(&cancel.message);
    let after = bench.receive(A, Some(&copy), &mail).unwrap();
    assert!(left_out(&after) && mail.text().contains("STATUS:CANCELLED"), "{}", text(&after));
    assert_eq!(bench.receive(A, Some(&after), &mail), Some(after));
    // Of what differed, those hear who were in it.
    let moved = format!("{MOVED}{C_LINE}").replace("ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:b@v.fr\n", "");
    let old = object(&[SERIES, &moved]);
    let (sent, after) = change(&old, &new);
    let expected = ["a CANCEL 20260113T080000Z 3", "b refresh", "c CANCEL 20260113T080000Z 3"];
    assert_eq!((sent, after), (expected.map(str::to_owned).to_vec(), vec!["all 3 o+ a+ b-".to_owned()]));
}

#[test]
fn rows_3_to_6_an_occurrence_differs() {
    for (name, old, new, sent, after) in differing_occurrences() {
        let (messages, stored) = change(&old, &new);
        assert_eq!((messages, stored), (sent.into_iter().map(str::to_owned).collect(), after), "{name}");
    }
}

#[test]
fn rows_7_to_9_who_is_in_one_occurrence_only() {
    let bench = Bench::default();
    let old = object(&[SERIES, &same_second(C_LINE)]);
    let copy = bench.copy_of(&old, C);
    let written = text(&copy);
    assert!(copy.master().is_none() && !written.contains("RRULE") && written.contains("RECURRENCE-ID"));
    let zones = Zones::new(&copy.calendar, &TimeZone::UTC);
    let week = TimeRange { start: 1_768_176_000, end: 1_768_176_000 + 7 * 86_400 };
    assert_eq!(instances(&copy, &zones, week).instances.len(), 1);
    // 8: it comes back as if it were the whole.
    let mut whole = written.replace("RECURRENCE-ID;TZID=Europe/Paris:20260113T090000\n", "");
    whole = whole
        .replace("NEEDS-ACTION:mailto:c", "ACCEPTED:mailto:c")
        .replace("NEEDS-ACTION;RSVP=TRUE:mailto:c", "ACCEPTED:mailto:c");
    let change = bench.attendee(C, Some(&copy), Some(&read(&whole))).unwrap();
    assert_eq!(answered(&change).into_iter().collect::<Vec<_>>(), [(SECOND.to_owned(), "ACCEPTED".to_owned())]);
    let accepted = change.object.unwrap();
    assert!(text(&accepted).contains("RECURRENCE-ID;TZID=Europe/Paris:20260113T090000\n"));
    let elsewhere = whole.replace("20260113T", "20260114T");
    assert_eq!(bench.attendee(C, Some(&copy), Some(&read(&elsewhere))).err(), Some(Violation::AttendeeChange));
    // 9: and then in the series.
    let organizers = bench.reply(&old, &change.reply.unwrap().message).unwrap().object;
    assert_eq!(states(&organizers)[1], format!("{SECOND} 1 o+ a+ b- c+"));
    let all = text(&organizers).replacen(B_LINE, &format!("{B_LINE}{C_LINE}"), 1);
    let later = Bench { now: super::NOW + 60, ..Bench::default() };
    let change = later.organizer(Some(&organizers), Some(&read(&all))).unwrap();
    let delivery = to(C, "REQUEST", &change.deliveries);
    assert_eq!(lines(&change.deliveries), ["a refresh", "b refresh", "c REQUEST all 1"]);
    let after = later.deliver(C, Some(&accepted), delivery).unwrap();
    assert_eq!(states(&after), ["all 1 o+ a+ b- c?".to_owned(), format!("{SECOND} 1 o+ a+ b- c+")]);
    assert_eq!(states(&later.receive(C, Some(&accepted), &mailed(&delivery.message)).unwrap()), states(&after));
}

#[test]
fn row_10_from_the_series_to_one_occurrence() {
    let bench = Bench { now: super::NOW + 60, ..Bench::default() };
    let with_c = format!("{SERIES}{C_LINE}");
    let (old, new) = (object(&[&with_c]), object(&[SERIES, &same_second(C_LINE)]));
    let copy = Bench::default().copy_of(&old, C);
    let change = bench.organizer(Some(&old), Some(&new)).unwrap();
    assert_eq!(lines(&change.deliveries), ["a refresh", "b refresh", "c CANCEL all 2", "c REQUEST 20260113T080000Z 3"]);
    let (cancel, request) = (to(C, "CANCEL", &change.deliveries), to(C, "REQUEST", &change.deliveries));
    let live = |copy: &Object| {
        let part = copy.parts().find(|part| part.property("RECURRENCE-ID").is_some());
        part.is_some_and(|part| part.property("STATUS").is_none())
    };
    for order in [[cancel, request], [request, cancel]] {
        let mut mail = Some(copy.clone());
        let mut here = Some(copy.clone());
        for delivery in order {
            mail = bench.receive(C, mail.as_ref(), &mailed(&delivery.message));
            here = bench.deliver(C, here.as_ref(), delivery);
        }
        assert!(live(&mail.unwrap()));
        assert_eq!(states(&here.unwrap()), [format!("{SECOND} 3 o+ a+ b- c?")]);
    }
}

#[test]
fn rows_11_and_12_people_of_single_occurrences() {
    let bench = Bench::default();
    // 11: who is taken out of one sees the series without it, in the form of DTSTART.
    let old = object(&[SERIES, &same_second("").replace("ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@v.fr\n", "")]);
    let copy = bench.copy_of(&old, A);
    assert!(text(&copy).contains("EXDATE;TZID=Europe/Paris:20260113T090000\n"));
    assert_eq!(states(&copy), ["all 1 o+ a+ b-"]);
    let days =
        |lines: &str| lines.replace(";TZID=Europe/Paris", ";VALUE=DATE").replace("T090000", "").replace("T100000", "");
    let days = days(&text(&old))
        .replace("DTEND;VALUE=DATE:20260106", "DTEND;VALUE=DATE:20260107")
        .replace("DTEND;VALUE=DATE:20260113", "DTEND;VALUE=DATE:20260114");
    assert!(text(&bench.copy_of(&read(&days), A)).contains("EXDATE;VALUE=DATE:20260113\n"));
    // 12: what never had people has those of the series; what lost them has none.
    let people = |line: &&str| !line.starts_with("ATTENDEE") && !line.starts_with("ORGANIZER");
    let bare = format!("{}\n", MOVED.lines().filter(people).collect::<Vec<_>>().join("\n"));
    let with_c = format!("{SERIES}{C_LINE}");
    let (sent, after) = change(&object(&[SERIES]), &object(&[&with_c, &bare]));
    assert_eq!(sent, ["a REQUEST 20260113T080000Z 2", "b REQUEST 20260113T080000Z 2", "c REQUEST all 2"]);
    assert_eq!(after[1], format!("{SECOND} 2 o+ a? b? c?"));
    let (sent, after) = change(&object(&[SERIES, MOVED]), &object(&[SERIES, &bare]));
    assert_eq!(sent, ["a CANCEL 20260113T080000Z 3", "b CANCEL 20260113T080000Z 3"]);
    assert_eq!(after[1], format!("{SECOND} 3 "));
}

#[test]
fn row_15_what_is_over_keeps_its_answer() {
    let stored = object(&[SERIES, MOVED]);
    let after_second = Bench { now: 1_768_400_000, ..Bench::default() };
    let text = "BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:u\nSEQUENCE:1\nDTSTAMP:20260114T140000Z\n\
                ATTENDEE;PARTSTAT=ACCEPTED:mailto:b@v.fr\nEND:VEVENT\nEND:VCALENDAR\n";
    let reply = SchedulingMessage::parse(text.as_bytes()).unwrap();
    let after = after_second.reply(&stored, &reply).unwrap().object;
    assert_eq!(states(&after), ["all 1 o+ a+ b+".to_owned(), format!("{SECOND} 2 o+ a+ b?")]);
}

#[test]
fn rows_17_and_21_what_names_an_occurrence() {
    let reply = |id: &str| {
        let text = format!(
            "BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:u\nSEQUENCE:1\n{id}\nDTSTAMP:20260102T100000Z\n\
             ATTENDEE;PARTSTAT=TENTATIVE:mailto:a@v.fr\nEND:VEVENT\nEND:VCALENDAR\n"
        );
        SchedulingMessage::parse(text.as_bytes()).unwrap()
    };
    let days = SERIES
        .replace(";TZID=Europe/Paris", ";VALUE=DATE")
        .replace("T090000", "")
        .replace("20260106T100000", "20260107");
    let twice = SERIES.replace("COUNT=10", "COUNT=10;BYHOUR=9,14");
    let more = SERIES.replace("SEQUENCE", "RDATE;TZID=Europe/Paris:20260108T150000\nSEQUENCE");
    for (name, series, id, taken) in [
        ("a time of whole days", &days, "RECURRENCE-ID:20260113T090000", Some("20260112T230000Z")),
        ("midnight of whole days", &days, "RECURRENCE-ID:20260112T230000Z", Some("20260112T230000Z")),
        ("a day of whole days", &days, "RECURRENCE-ID;VALUE=DATE:20260113", Some("20260112T230000Z")),
        ("a day with two", &twice, "RECURRENCE-ID;VALUE=DATE:20260106", None),
        ("one of two", &twice, "RECURRENCE-ID:20260106T130000Z", Some("20260106T130000Z")),
        ("a day with none", &SERIES.to_owned(), "RECURRENCE-ID;VALUE=DATE:20260107", None),
        ("a date more", &more, "RECURRENCE-ID:20260108T140000Z", Some("20260108T140000Z")),
        ("the day of a date more", &more, "RECURRENCE-ID;VALUE=DATE:20260108", Some("20260108T140000Z")),
    ] {
        let outcome = Bench::default().reply(&object(&[series]), &reply(id)).unwrap();
        let expected = taken.map(|at| format!("{at} 1 o+ a~ b-"));
        assert_eq!(states(&outcome.object).get(1), expected.as_ref(), "{name}");
    }
}

#[test]
fn rows_23_and_24_another_rule() {
    let with_c = format!("{SERIES}{C_LINE}");
    // C is in a new override only.
    let (sent, _) = change(&object(&[&with_c]), &object(&[&SERIES.replace("WEEKLY", "DAILY"), &same_second(C_LINE)]));
    let expected = ["a REQUEST all 3", "b REQUEST all 3", "c CANCEL all 2", "c REQUEST 20260113T080000Z 3"];
    assert_eq!(sent, expected);
    // The cut of a series needs no word about each occurrence after it, not even where it differed.
    let (sent, after) = change(&object(&[SERIES, MOVED]), &object(&[&SERIES.replace("COUNT=10", "COUNT=1")]));
    assert_eq!((sent.join(","), after.join(",")), ("a REQUEST all 3,b REQUEST all 3".into(), "all 3 o+ a+ b-".into()));
    // Who was in nothing else hears of it.
    let (sent, _) =
        change(&object(&[SERIES, &same_second(C_LINE)]), &object(&[&SERIES.replace("COUNT=10", "COUNT=1")]));
    assert_eq!(sent, ["a REQUEST all 2", "b REQUEST all 2", "c CANCEL 20260113T080000Z 2"]);
}

#[test]
fn rows_26_to_30_messages_about_single_occurrences() {
    let bench = Bench::default();
    let series = object(&[SERIES, MOVED]);
    let copy = bench.copy_of(&series, A);
    let message = |method: &str, parts: &str| {
        let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:{method}\n{parts}END:VCALENDAR\n");
        SchedulingMessage::parse(text.replace("DTSTAMP:20260101", "DTSTAMP:20260103").as_bytes()).unwrap()
    };
    // 26: by instant, and nothing else.
    let cancel = "RECURRENCE-ID:20260120T080000Z\nSEQUENCE:2\nORGANIZER:mailto:o@v.fr\n\
                  ATTENDEE:mailto:a@v.fr\nSTATUS:CANCELLED\n";
    let after = bench.receive(A, Some(&copy), &message("CANCEL", &super::event(cancel))).unwrap();
    assert_eq!(states(&after), states(&copy));
    assert!(text(&after).contains("EXDATE;TZID=Europe/Paris:20260120T090000\n") && !text(&after).contains("CANCELLED"));
    let cancel = cancel.replace("20260120T080000Z", "20260113T080000Z");
    let after = bench.receive(A, Some(&copy), &message("CANCEL", &super::event(&cancel))).unwrap();
    assert_eq!(states(&after), ["all 1 o+ a+ b-"]);
    assert!(text(&after).contains("EXDATE;TZID=Europe/Paris:20260113T090000\n"));
    // 27: one occurrence of a meeting that is not known, then the whole.
    let one = message("REQUEST", &super::event(MOVED));
    let part = bench.receive(A, None, &one).unwrap();
    assert_eq!(states(&part), [format!("{SECOND} 2 o+ a+ b?")]);
    let whole = message("REQUEST", &format!("{}{}", super::event(SERIES), super::event(MOVED)));
    let completed = bench.receive(A, Some(&part), &whole).unwrap();
    assert_eq!(states(&completed), states(&series));
    // In the other order an older state changes nothing.
    assert_eq!(bench.receive(A, Some(&completed), &one), Some(completed.clone()));
    let older =
        message("REQUEST", &super::event(&MOVED.replace("SEQUENCE:2", "SEQUENCE:1").replace("Salle 2", "Salle 9")));
    assert_eq!(bench.receive(A, Some(&completed), &older), Some(completed.clone()));
    // 28: what is hidden stays so until it is asked about anew.
    let hides = text(&copy).replacen("SEQUENCE", "EXDATE;TZID=Europe/Paris:20260113T090000\nSEQUENCE", 1);
    let hides = read(&format!("{}END:VCALENDAR\n", &hides[..hides.match_indices("BEGIN:VEVENT").nth(1).unwrap().0]));
    let change = bench.attendee(A, Some(&copy), Some(&hides)).unwrap();
    assert_eq!(answered(&change).into_iter().collect::<Vec<_>>(), [(SECOND.to_owned(), "DECLINED".to_owned())]);
    let hidden = change.object.unwrap();
    let declined = MOVED.replace("ACCEPTED:mailto:a", "DECLINED:mailto:a").replace("Salle 2", "Salle 3");
    let update = message("REQUEST", &super::event(&declined));
    assert_eq!(states(&bench.receive(A, Some(&hidden), &update).unwrap()), ["all 1 o+ a+ b-"]);
    let anew =
        declined.replace("DECLINED:mailto:a", "NEEDS-ACTION;RSVP=TRUE:mailto:a").replace("SEQUENCE:2", "SEQUENCE:3");
    let shown = bench.receive(A, Some(&hidden), &message("REQUEST", &super::event(&anew))).unwrap();
    assert_eq!(states(&shown), ["all 1 o+ a+ b-".to_owned(), format!("{SECOND} 3 o+ a? b?")]);
    assert!(!text(&shown).contains("EXDATE") && !text(&shown).contains("HIDDEN"));
    // 30: each component has its own SEQUENCE.
    let newer = SERIES.replace("Texte", "Autre").replace("SEQUENCE:1", "SEQUENCE:2");
    let newer = message("REQUEST", &format!("{}{}", super::event(&newer), super::event(MOVED)));
    let both = message(
        "REQUEST",
        &format!(
            "{}{}",
            super::event(&SERIES.replace("Texte", "Vieux")),
            super::event(&MOVED.replace("SEQUENCE:2", "SEQUENCE:4"))
        ),
    );
    let after = bench.receive(A, bench.receive(A, Some(&copy), &newer).as_ref(), &both).unwrap();
    assert!(text(&after).contains("DESCRIPTION:Autre") && !text(&after).contains("Vieux"));
    assert_eq!(states(&after)[1], format!("{SECOND} 4 o+ a+ b?"));
}
