//! Messages that cross each other, one rule each: what the runs of `convergence` found.

use super::super::copy::is_out_of;
use super::super::deliveries::DeliveryKind;
use super::super::organizer::refresh_all;
use super::examples::{C_LINE, same_second};
use super::{Bench, SECOND, SERIES, answered, lines, object, read, states, text, to};
use crate::ical::object::Object;

const A: &str = "mailto:a@v.fr";
const A_LINE: &str = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@v.fr\n";

/// The copy of A, who does not want to see the second occurrence, and their answer.
fn without_second(bench: &Bench, copy: &Object) -> (Object, super::SchedulingMessage) {
    let left_out = text(copy).replace("SEQUENCE", "EXDATE;TZID=Europe/Paris:20260113T090000\nSEQUENCE");
    let change = bench.attendee(A, Some(copy), Some(&read(&left_out))).unwrap();
    (change.object.unwrap(), change.reply.unwrap().message)
}

/// What all may know of a meeting by now arrives at A.
fn follow(bench: &Bench, copy: &Object, organizer: &Object, knows_answers: bool) -> Object {
    let all = refresh_all(organizer, bench.organizer_context()).unwrap();
    let view = all.iter().find(|view| view.recipients.iter().any(|to| to.address.as_str() == A)).unwrap();
    assert_eq!(view.kind, DeliveryKind::Refresh);
    bench.deliver_crossing(A, Some(copy), view, knows_answers).unwrap()
}

/// What the organizer says of the recipient's own answer holds where the organizer knows all of them. So an occurrence
/// that was declined, and is not declined any more for what the organizer did meanwhile, is shown again.
#[test]
fn a_message_that_knows_the_answers_of_its_recipient_says_which_of_them_hold() {
    let mut bench = Bench::default();
    let series = object(&[SERIES]);
    let copy = bench.copy_of(&series, A);
    let (hidden, answer) = without_second(&bench, &copy);
    // A is taken out of the occurrence, and let in again, while the answer is on its way.
    let out = bench.organizer(Some(&series), Some(&object(&[SERIES, &same_second("").replace(A_LINE, "")]))).unwrap();
    bench.now += 1;
    let out = out.object.unwrap();
    assert!(bench.reply(&out, &answer).unwrap().taken.is_empty());
    let back = bench.organizer(Some(&out), Some(&series)).unwrap().object.unwrap();
    bench.now += 1;
    let shown = |copy: &Object| !text(copy).contains("EXDATE");
    assert!(!shown(&follow(&bench, &hidden, &back, false)), "an answer that it crossed holds until the next message");
    let after = follow(&bench, &hidden, &back, true);
    assert!(shown(&after) && !text(&after).contains("X-BEFFROI-HIDDEN"), "{}", text(&after));
    // What the organizer knows to be declined stays out of sight, and so does what is called off meanwhile.
    let known = bench.reply(&series, &answer).unwrap().object;
    assert!(!shown(&follow(&bench, &hidden, &known, true)));
    let off = object(&[SERIES, &same_second("STATUS:CANCELLED\n")]);
    assert!(!shown(&follow(&bench, &hidden, &off, true)));
    // And the answer itself: of one that was not taken nothing is left, one that is still on its way stays.
    let declined = read(&text(&copy).replace("ACCEPTED:mailto:a@v.fr", "DECLINED:mailto:a@v.fr"));
    assert_eq!(states(&follow(&bench, &declined, &series, true)), ["all 1 o+ a+ b-"]);
    assert_eq!(states(&follow(&bench, &declined, &series, false)), ["all 1 o+ a- b-"]);
}

/// What is called off as a whole is so above all that was said of its occurrences, for whatever comes late.
#[test]
fn the_whole_is_called_off_above_all_its_occurrences() {
    let bench = Bench::default();
    let second = |sequence: u64| same_second(C_LINE).replace("SEQUENCE:1", &format!("SEQUENCE:{sequence}"));
    let old = object(&[SERIES, &second(7)]);
    let without = |lines: &str| lines.replace(A_LINE, "");
    let let_go = object(&[&without(SERIES), &without(&second(7))]);
    for (name, new) in [("deleted", None), ("let go", Some(&let_go))] {
        let mut bench = Bench { now: bench.now, ..Bench::default() };
        let late = refresh_all(&object(&[SERIES, &second(7)]), bench.organizer_context()).unwrap();
        let late = late.iter().find(|view| view.recipients.iter().any(|to| to.address.as_str() == A)).unwrap();
        let copy = bench.copy_of(&object(&[SERIES, &second(4)]), A);
        bench.now += 1;
        let change = bench.organizer(Some(&old), new).unwrap();
        let cancel = to(A, "CANCEL", &change.deliveries);
        assert_eq!(cancel.sequence, 8, "{name}");
        let off = bench.deliver(A, Some(&copy), cancel).unwrap();
        assert!(off.parts().all(super::super::fields::is_cancelled), "{name}");
        assert_eq!(bench.deliver(A, Some(&off), late), Some(off), "{name}: what was sent before comes late");
    }
}

/// The header `Schedule-Reply` is about copies that are deleted (RFC 6638 section 8.1); a copy that stays says nothing
/// that the organizer does not know.
#[test]
fn an_answer_in_a_copy_that_stays_is_sent() {
    let bench = Bench::default();
    let copy = bench.copy_of(&object(&[SERIES]), A);
    let me = super::Addresses::of([A]);
    let quiet = super::AttendeeContext { at: bench.at(), me: &me, replies: false };
    let declined = read(&text(&copy).replace("ACCEPTED:mailto:a@v.fr", "DECLINED:mailto:a@v.fr"));
    let change = super::attendee_diff(Some(&copy), Some(&declined), quiet).unwrap();
    assert_eq!(answered(&change).into_iter().collect::<Vec<_>>(), [("all".to_owned(), "DECLINED".to_owned())]);
    assert_eq!(super::attendee_diff(Some(&copy), None, quiet).unwrap().reply, None);
}

/// An occurrence is hidden by leaving it out, and comes back by not leaving it out any more. What its owner says of it
/// then is what the copy shows. One that the series does not have comes back as a component, or not at all.
#[test]
fn what_is_seen_again_is_answered_again() {
    let bench = Bench::default();
    let series = object(&[SERIES]);
    let (hidden, answer) = without_second(&bench, &bench.copy_of(&series, A));
    let back = read(&text(&hidden).replace("EXDATE;TZID=Europe/Paris:20260113T090000\n", ""));
    let change = bench.attendee(A, Some(&hidden), Some(&back)).unwrap();
    assert_eq!(answered(&change).into_iter().collect::<Vec<_>>(), [(SECOND.to_owned(), "ACCEPTED".to_owned())]);
    let declined = bench.reply(&series, &answer).unwrap().object;
    assert_eq!(states(&declined), ["all 1 o+ a+ b-", &format!("{SECOND} 1 o+ a- b-")]);
    let mut later = Bench { now: bench.now + 1, ..Bench::default() };
    let change = later.attendee(A, Some(&hidden), Some(&back)).unwrap();
    let known = later.reply(&declined, &change.reply.unwrap().message).unwrap();
    assert_eq!(states(&known.object), ["all 1 o+ a+ b-", &format!("{SECOND} 1 o+ a+ b-")]);
    // Another rule leaves the second week out; what was declined of it stands alone.
    later.now += 1;
    let rare = |object: &Object| read(&text(object).replace("COUNT=10", "INTERVAL=2;COUNT=5"));
    let rare = later.organizer(Some(&declined), Some(&rare(&declined))).unwrap().object.unwrap();
    let hidden = follow(&later, &hidden, &rare, true);
    let kept = read(&text(&hidden).replace("SUMMARY", "CATEGORIES:mine\nSUMMARY"));
    let change = later.attendee(A, Some(&hidden), Some(&kept)).unwrap();
    assert_eq!(change.reply, None);
    assert!(text(&change.object.unwrap()).contains("X-BEFFROI-HIDDEN"));
}

/// What is a meeting again is asked about as a new one, above all that was sent before.
#[test]
fn what_is_a_meeting_again_is_a_new_one() {
    let mut bench = Bench::default();
    let series = object(&[SERIES]);
    let alone = SERIES.lines().filter(|line| !line.starts_with("ORGANIZER") && !line.starts_with("ATTENDEE"));
    let alone = object(&[&alone.map(|line| format!("{line}\n")).collect::<String>()]);
    let change = bench.organizer(Some(&series), Some(&alone)).unwrap();
    assert_eq!(lines(&change.deliveries), ["a CANCEL all 2", "b CANCEL all 2"]);
    bench.highest_sent = Some(2);
    let change = bench.organizer(Some(&alone), Some(&series)).unwrap();
    assert_eq!(lines(&change.deliveries), ["a REQUEST all 3", "b REQUEST all 3"]);
    assert_eq!(states(&change.object.unwrap()), ["all 3 o+ a? b?"]);
}

/// Where the series is called off and an occurrence is not, or the other way round, each hears of what is left.
#[test]
fn what_is_called_off_is_not_the_rest() {
    let bench = Bench::default();
    let off = |lines: &str| format!("{lines}STATUS:CANCELLED\n");
    let open = object(&[&off(SERIES), &same_second("")]);
    let change = bench.organizer(None, Some(&open)).unwrap();
    assert_eq!(lines(&change.deliveries), ["a REQUEST all 1", "b REQUEST all 1"]);
    let change = bench.organizer(Some(&open), None).unwrap();
    assert_eq!(lines(&change.deliveries), ["a CANCEL 20260113T080000Z 2", "b CANCEL 20260113T080000Z 2"]);
    let closed = object(&[&off(SERIES), &off(&same_second(""))]);
    assert!(bench.organizer(None, Some(&closed)).unwrap().deliveries.is_empty());
    assert!(bench.organizer(Some(&closed), None).unwrap().deliveries.is_empty());
}

/// Who has declined all that is not called off, and has no copy, gets none.
#[test]
fn who_is_out_of_all_gets_no_copy() {
    let me = super::Addresses::of([A]);
    let declined = |lines: &str| lines.replace("ACCEPTED:mailto:a", "DECLINED:mailto:a");
    let off = same_second("STATUS:CANCELLED\n");
    for (parts, expected) in [
        (vec![declined(SERIES)], true),
        (vec![SERIES.to_owned()], false),
        (vec![declined(SERIES), off.clone()], true),
        (vec![SERIES.to_owned(), off], false),
        (vec![declined(SERIES), same_second("")], false),
    ] {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        assert_eq!(is_out_of(&object(&parts), &me), expected, "{parts:?}");
    }
}

/// That a message is sent in any case is wanted once, and not stored (RFC 6638 section 7.2), whoever sends it.
#[test]
fn what_is_to_be_sent_once_is_not_stored() {
    let bench = Bench::default();
    for agent in ["SERVER", "CLIENT", "NONE"] {
        let line =
            format!("ATTENDEE;SCHEDULE-AGENT={agent};SCHEDULE-FORCE-SEND=REQUEST;PARTSTAT=ACCEPTED:mailto:a@v.fr\n");
        let sent = object(&[&SERIES.replace(A_LINE, &line)]);
        let stored = bench.organizer(Some(&object(&[SERIES])), Some(&sent)).unwrap().object.unwrap();
        assert!(!text(&stored).contains("FORCE-SEND"), "{agent}: {}", text(&stored));
        assert!(bench.organizer(Some(&stored), Some(&stored)).unwrap().deliveries.is_empty(), "{agent}");
    }
}
