//! Examples of series in which single occurrences differ.

use super::{MOVED, SECOND, SERIES, THIRD, object};
use crate::ical::object::Object;

pub(super) const B_LINE: &str = "ATTENDEE;PARTSTAT=DECLINED:mailto:b@v.fr\n";
pub(super) const C_LINE: &str = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:c@v.fr\n";

/// The second occurrence as the series has it, with some more lines.
pub(super) fn same_second(more: &str) -> String {
    let second = SERIES.replace("RRULE:FREQ=WEEKLY;COUNT=10\n", "RECURRENCE-ID;TZID=Europe/Paris:20260113T090000\n");
    format!("{}{more}", second.replace("20260106", "20260113"))
}

/// The third, likewise.
pub(super) fn same_third() -> String {
    same_second("").replace("20260113", "20260120")
}

pub(super) fn without_second() -> String {
    SERIES.replace("SEQUENCE", "EXDATE;TZID=Europe/Paris:20260113T090000\nSEQUENCE")
}

/// What it is, the meeting before and after, the messages, and the components after it.
pub(super) type OccurrenceRow = (&'static str, Object, Object, Vec<&'static str>, Vec<String>);

/// Single occurrences that come to differ, or not any more.
pub(super) fn differing_occurrences() -> Vec<OccurrenceRow> {
    let old = object(&[SERIES]);
    let all = "all 1 o+ a+ b-";
    vec![
        (
            "3: it does not",
            old.clone(),
            object(&[SERIES, &same_second("X-A:1\n")]),
            vec![],
            vec![all.into(), format!("{SECOND} 1 o+ a+ b-")],
        ),
        (
            "3: answers of others",
            old.clone(),
            object(&[SERIES, &same_second("").replace("DECLINED", "ACCEPTED")]),
            vec![],
            vec![all.into(), format!("{SECOND} 1 o+ a+ b-")],
        ),
        (
            "4: another time",
            old.clone(),
            object(&[SERIES, MOVED]),
            vec!["a REQUEST 20260113T080000Z 2", "b REQUEST 20260113T080000Z 2"],
            vec![all.into(), format!("{SECOND} 2 o+ a? b?")],
        ),
        (
            "another title",
            old.clone(),
            object(&[SERIES, &same_second("").replace("Point", "Autre")]),
            vec!["a REQUEST 20260113T080000Z 2", "b REQUEST 20260113T080000Z 2"],
            vec![all.into(), format!("{SECOND} 2 o+ a+ b-")],
        ),
        (
            "5: one person more",
            old.clone(),
            object(&[SERIES, &same_second(C_LINE)]),
            vec!["a refresh", "b refresh", "c REQUEST 20260113T080000Z 1"],
            vec![all.into(), format!("{SECOND} 1 o+ a+ b- c?")],
        ),
        (
            "6: others than C's",
            object(&[SERIES, &same_second(C_LINE)]),
            object(&[SERIES, &same_second(C_LINE), &same_third().replace("LOCATION:Salle", "LOCATION:X")]),
            vec!["a REQUEST 20260120T080000Z 2", "b REQUEST 20260120T080000Z 2"],
            vec![all.into(), format!("{SECOND} 1 o+ a+ b- c?"), format!("{THIRD} 2 o+ a+ b-")],
        ),
        (
            "11: one person less",
            object(&[SERIES, &same_second("")]),
            object(&[SERIES, &same_second("").replace(B_LINE, "")]),
            vec!["a refresh", "b CANCEL 20260113T080000Z 2"],
            vec![all.into(), format!("{SECOND} 2 o+ a+")],
        ),
        (
            "11: in a new component",
            old.clone(),
            object(&[SERIES, &same_second("").replace(B_LINE, "")]),
            vec!["a refresh", "b CANCEL 20260113T080000Z 2"],
            vec![all.into(), format!("{SECOND} 2 o+ a+")],
        ),
        (
            "it is called off",
            old.clone(),
            object(&[SERIES, &same_second("STATUS:CANCELLED\n")]),
            vec!["a CANCEL 20260113T080000Z 2", "b CANCEL 20260113T080000Z 2"],
            vec![all.into(), format!("{SECOND} 2 o+ a+ b-")],
        ),
        (
            "it is as the series again",
            object(&[SERIES, MOVED]),
            object(&[SERIES]),
            vec!["a REQUEST 20260113T080000Z 4", "b REQUEST 20260113T080000Z 4"],
            vec!["all 3 o+ a+ b-".into(), format!("{SECOND} 4 o+ a? b?")],
        ),
        (
            "22: the series moves",
            object(&[SERIES, MOVED]),
            object(&[&SERIES.replace("T090000\nDTEND", "T083000\nDTEND")]),
            vec!["a REQUEST all 3", "b REQUEST all 3"],
            vec!["all 3 o+ a? b?".into()],
        ),
        (
            "4 of section 8: what does not move is not asked about",
            object(&[SERIES, MOVED]),
            object(&[&SERIES.replace("T100000", "T101500"), MOVED]),
            vec!["a REQUEST all 2", "b REQUEST all 2"],
            vec!["all 2 o+ a? b?".into(), format!("{SECOND} 2 o+ a+ b?")],
        ),
        (
            "it is there again",
            object(&[&without_second()]),
            object(&[SERIES]),
            vec!["a REQUEST all 2", "b REQUEST all 2"],
            vec!["all 2 o+ a+ b-".into(), format!("{SECOND} 2 o+ a? b?")],
        ),
        (
            "19: no occurrence",
            old.clone(),
            object(&[
                SERIES,
                &MOVED.replace("RECURRENCE-ID;TZID=Europe/Paris:20260113", "RECURRENCE-ID;TZID=Europe/Paris:20260114"),
            ]),
            vec!["a REQUEST 20260114T080000Z 2", "b REQUEST 20260114T080000Z 2"],
            vec![all.into(), "20260114T080000Z 2 o+ a? b?".into()],
        ),
    ]
}
