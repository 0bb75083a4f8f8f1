//! What rules say, by the examples of the RFCs and by the table of RFC 5545 section 3.3.10.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::exceptions::Base;
use super::object::parse;
use super::rule::Rule;
use super::time::{When, write_local};
use super::zone::Zones;

/// The first instances of a series; the beginning is always one.
fn occurrences(start: &str, rule: &str, number: usize) -> Vec<DateTime> {
    let calendar = parse(b"BEGIN:VCALENDAR\nEND:VCALENDAR\n").unwrap();
    let zones = Zones::new(&calendar, &TimeZone::UTC);
    let start = When::read(start, Some("America/New_York")).unwrap();
    let zone = zones.of(&start.clock);
    let mut found = vec![start.local];
    let rule = Rule::read(rule).unwrap_or_else(|fault| panic!("{rule}: {fault:?}"));
    let until = Base { start: &start, zone: &zone }.until(&rule, &zones);
    rule.follow(&start, until, DateTime::MIN..=DateTime::MAX, &zones.steps, |local| {
        found.extend((local != start.local).then_some(local));
        found.len() < number
    });
    assert!(!zones.steps.is_cut(), "{rule:?}");
    found.truncate(number);
    found
}

/// `1997 Sep 2-4,30 Oct 2` at nine o'clock.
fn days(text: &str) -> Vec<DateTime> {
    let months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
    let (mut year, mut month, mut found) = (0, 0, Vec::new());
    for word in text.split_whitespace() {
        if let Some(place) = months.split(' ').position(|name| name == word) {
            month = i8::try_from(place).unwrap() + 1;
        } else if let (4, Ok(number)) = (word.len(), word.parse()) {
            year = number;
        } else {
            for part in word.split(',') {
                let (first, last) = part.split_once('-').unwrap_or((part, part));
                let days = first.parse::<i8>().unwrap()..=last.parse().unwrap();
                found.extend(days.map(|day| Date::new(year, month, day).unwrap().at(9, 0, 0, 0)));
            }
        }
    }
    found
}

/// Start, rules that say the same, whether they end, what they say.
type ExampleRow = (&'static str, &'static [&'static str], bool, &'static str);

fn holds(rows: &[ExampleRow]) {
    for (start, rules, ends, expected) in rows {
        let expected = days(expected);
        let number = expected.len() + usize::from(*ends);
        for rule in *rules {
            assert_eq!(occurrences(start, rule, number), expected, "{rule}");
        }
    }
}

#[test]
fn examples_of_rfc_5545_by_days() {
    holds(&[
        ("19970902T090000", &["FREQ=DAILY;COUNT=10"], true, "1997 Sep 2-11"),
        ("19970902T090000", &["FREQ=DAILY;UNTIL=19971224T000000Z"], true, "1997 Sep 2-30 Oct 1-31 Nov 1-30 Dec 1-23"),
        (
            "19970902T090000",
            &["FREQ=DAILY;INTERVAL=2"],
            false,
            "1997 Sep 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30 Oct 2,4",
        ),
        ("19970902T090000", &["FREQ=DAILY;INTERVAL=10;COUNT=5"], true, "1997 Sep 2,12,22 Oct 2,12"),
        (
            "19980101T090000",
            &[
                "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
                "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
            ],
            true,
            "1998 Jan 1-31 1999 Jan 1-31 2000 Jan 1-31",
        ),
        ("19970902T090000", &["FREQ=WEEKLY;COUNT=10"], true, "1997 Sep 2,9,16,23,30 Oct 7,14,21,28 Nov 4"),
        (
            "19970902T090000",
            &["FREQ=WEEKLY;UNTIL=19971224T000000Z"],
            true,
            "1997 Sep 2,9,16,23,30 Oct 7,14,21,28 Nov 4,11,18,25 Dec 2,9,16,23",
        ),
        (
            "19970902T090000",
            &["FREQ=WEEKLY;INTERVAL=2;WKST=SU"],
            false,
            "1997 Sep 2,16,30 Oct 14,28 Nov 11,25 Dec 9,23 1998 Jan 6,20 Feb 3,17",
        ),
        (
            "19970902T090000",
            &["FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH"],
            true,
            "1997 Sep 2,4,9,11,16,18,23,25,30 Oct 2",
        ),
        (
            "19970901T090000",
            &["FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR"],
            true,
            "1997 Sep 1,3,5,15,17,19,29 Oct 1,3,13,15,17,27,29,31 Nov 10,12,14,24,26,28 Dec 8,10,12,22",
        ),
        (
            "19970902T090000",
            &["FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH"],
            true,
            "1997 Sep 2,4,16,18,30 Oct 2,14,16",
        ),
        (
            "19970905T090000",
            &["FREQ=MONTHLY;COUNT=10;BYDAY=1FR"],
            true,
            "1997 Sep 5 Oct 3 Nov 7 Dec 5 1998 Jan 2 Feb 6 Mar 6 Apr 3 May 1 Jun 5",
        ),
        ("19970905T090000", &["FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR"], true, "1997 Sep 5 Oct 3 Nov 7 Dec 5"),
        (
            "19970907T090000",
            &["FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU"],
            true,
            "1997 Sep 7,28 Nov 2,30 1998 Jan 4,25 Mar 1,29 May 3,31",
        ),
        (
            "19970922T090000",
            &["FREQ=MONTHLY;COUNT=6;BYDAY=-2MO"],
            true,
            "1997 Sep 22 Oct 20 Nov 17 Dec 22 1998 Jan 19 Feb 16",
        ),
        (
            "19970928T090000",
            &["FREQ=MONTHLY;BYMONTHDAY=-3"],
            false,
            "1997 Sep 28 Oct 29 Nov 28 Dec 29 1998 Jan 29 Feb 26",
        ),
        (
            "19970902T090000",
            &["FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15"],
            true,
            "1997 Sep 2,15 Oct 2,15 Nov 2,15 Dec 2,15 1998 Jan 2,15",
        ),
        (
            "19970930T090000",
            &["FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1"],
            true,
            "1997 Sep 30 Oct 1,31 Nov 1,30 Dec 1,31 1998 Jan 1,31 Feb 1",
        ),
        (
            "19970910T090000",
            &["FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15"],
            true,
            "1997 Sep 10-15 1999 Mar 10-13",
        ),
        (
            "19970902T090000",
            &["FREQ=MONTHLY;INTERVAL=2;BYDAY=TU"],
            false,
            "1997 Sep 2,9,16,23,30 Nov 4,11,18,25 1998 Jan 6,13,20,27 Mar 3,10,17,24,31",
        ),
        (
            "19970610T090000",
            &["FREQ=YEARLY;COUNT=10;BYMONTH=6,7"],
            true,
            "1997 Jun 10 Jul 10 1998 Jun 10 Jul 10 1999 Jun 10 Jul 10 2000 Jun 10 Jul 10 2001 Jun 10 Jul 10",
        ),
        (
            "19970310T090000",
            &["FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3"],
            true,
            "1997 Mar 10 1999 Jan 10 Feb 10 Mar 10 2001 Jan 10 Feb 10 Mar 10 2003 Jan 10 Feb 10 Mar 10",
        ),
        (
            "19970101T090000",
            &["FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200"],
            true,
            "1997 Jan 1 Apr 10 Jul 19 2000 Jan 1 Apr 9 Jul 18 2003 Jan 1 Apr 10 Jul 19 2006 Jan 1",
        ),
        ("19970519T090000", &["FREQ=YEARLY;BYDAY=20MO"], false, "1997 May 19 1998 May 18 1999 May 17"),
        ("19970512T090000", &["FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO"], false, "1997 May 12 1998 May 11 1999 May 17"),
        (
            "19970313T090000",
            &["FREQ=YEARLY;BYMONTH=3;BYDAY=TH"],
            false,
            "1997 Mar 13,20,27 1998 Mar 5,12,19,26 1999 Mar 4,11,18,25",
        ),
        (
            "19970605T090000",
            &["FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8"],
            false,
            "1997 Jun 5,12,19,26 Jul 3,10,17,24,31 Aug 7,14,21,28 1998 Jun 4,11,18,25 Jul 2,9,16,23,30 Aug 6,13,20,27",
        ),
        // There the beginning is left out by EXDATE.
        (
            "19970902T090000",
            &["FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"],
            false,
            "1997 Sep 2 1998 Feb 13 Mar 13 Nov 13 1999 Aug 13 2000 Oct 13",
        ),
        (
            "19970913T090000",
            &["FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13"],
            false,
            "1997 Sep 13 Oct 11 Nov 8 Dec 13 1998 Jan 10 Feb 7 Mar 7 Apr 11 May 9 Jun 13",
        ),
        (
            "19961105T090000",
            &["FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8"],
            false,
            "1996 Nov 5 2000 Nov 7 2004 Nov 2",
        ),
        ("19970904T090000", &["FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3"], true, "1997 Sep 4 Oct 7 Nov 6"),
        (
            "19970929T090000",
            &["FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2"],
            false,
            "1997 Sep 29 Oct 30 Nov 27 Dec 30 1998 Jan 29 Feb 26 Mar 30",
        ),
        ("19970805T090000", &["FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO"], true, "1997 Aug 5,10,19,24"),
        ("19970805T090000", &["FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU"], true, "1997 Aug 5,17,19,31"),
        ("20070115T090000", &["FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5"], true, "2007 Jan 15,30 Feb 15 Mar 15,30"),
    ]);
}

fn times(day: &str, times: &[&str]) -> Vec<String> {
    times.iter().map(|time| format!("{day}T{time}00")).collect()
}

fn written(found: &[DateTime]) -> Vec<String> {
    found.iter().map(|local| write_local(*local)).collect()
}

#[test]
fn examples_of_rfc_5545_by_hours() {
    let table: [(&str, &[&str]); 3] = [
        // It says 17:00 UTC, and means 17:00 by the clock (erratum 3883).
        ("FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", &["0900", "1200", "1500"]),
        ("FREQ=MINUTELY;INTERVAL=15;COUNT=6", &["0900", "0915", "0930", "0945", "1000", "1015"]),
        ("FREQ=MINUTELY;INTERVAL=90;COUNT=4", &["0900", "1030", "1200", "1330"]),
    ];
    for (rule, expected) in table {
        assert_eq!(written(&occurrences("19970902T090000", rule, 10)), times("19970902", expected), "{rule}");
    }
    let each: Vec<String> =
        (9..17).flat_map(|hour| ["00", "20", "40"].map(|minute| format!("{hour:02}{minute}"))).collect();
    let each: Vec<&str> = each.iter().map(String::as_str).collect();
    for rule in [
        "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
        "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
    ] {
        let found = written(&occurrences("19970902T090000", rule, 48));
        assert_eq!(found, [times("19970902", &each), times("19970903", &each)].concat(), "{rule}");
    }
    let sundays = "FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYDAY=SU;BYHOUR=8,9;BYMINUTE=30";
    let found = written(&occurrences("19970105T083000", sundays, 9));
    let days = ["19970105", "19970112", "19970119", "19970126"].map(|day| times(day, &["0830", "0930"]));
    assert_eq!(found, [days.concat(), times("19990103", &["0830"])].concat());
}

/// Each row of the table in section 3.3.10, where it expands and where it limits.
#[test]
fn parts_expand_below_their_frequency_and_limit_above() {
    holds(&[
        // BYMONTH.
        ("20260105T090000", &["FREQ=YEARLY;BYMONTH=1,3"], false, "2026 Jan 5 Mar 5 2027 Jan 5 Mar 5"),
        ("20260105T090000", &["FREQ=MONTHLY;BYMONTH=1,3"], false, "2026 Jan 5 Mar 5 2027 Jan 5"),
        ("20260105T090000", &["FREQ=WEEKLY;BYMONTH=1,3"], false, "2026 Jan 5,12,19,26 Mar 2,9"),
        ("20260130T090000", &["FREQ=DAILY;BYMONTH=1,3"], false, "2026 Jan 30,31 Mar 1"),
        ("20260130T090000", &["FREQ=HOURLY;INTERVAL=24;BYMONTH=1,3"], false, "2026 Jan 30,31 Mar 1"),
        ("20260130T090000", &["FREQ=MINUTELY;INTERVAL=1440;BYMONTH=3"], false, "2026 Jan 30 Mar 1,2"),
        ("20260130T090000", &["FREQ=SECONDLY;INTERVAL=86400;BYMONTH=3"], false, "2026 Jan 30 Mar 1,2"),
        // BYWEEKNO: alone, the day of the week of the beginning.
        ("20260105T090000", &["FREQ=YEARLY;BYWEEKNO=2,20"], false, "2026 Jan 5 May 11 2027 Jan 11 May 17"),
        ("20260105T090000", &["FREQ=YEARLY;BYWEEKNO=-1"], false, "2026 Jan 5 Dec 28 2027 Dec 27"),
        ("20260105T090000", &["FREQ=YEARLY;BYWEEKNO=53"], false, "2026 Jan 5 Dec 28 2032 Dec 27"),
        ("20260105T090000", &["FREQ=YEARLY;BYWEEKNO=-53"], false, "2026 Jan 5 2031 Dec 29 2036 Dec 29"),
        ("20260105T090000", &["FREQ=YEARLY;BYWEEKNO=2;BYDAY=MO,SU;WKST=SU"], false, "2026 Jan 5,11,12 2027 Jan 10,11"),
        ("20260101T090000", &["FREQ=YEARLY;BYWEEKNO=1,53;BYMONTH=12;BYDAY=TH"], false, "2026 Jan 1 Dec 31 2032 Dec 30"),
        // A week is of one year with all its days, which may lie in the neighbour's.
        (
            "20240101T090000",
            &["FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=MO,SU"],
            false,
            "2024 Jan 1,7 2025 Dec 29 2026 Jan 4",
        ),
        (
            "20241231T090000",
            &["FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=TU,TH"],
            false,
            "2024 Dec 31 2025 Jan 2 2027 Jan 5,7",
        ),
        ("20270102T090000", &["FREQ=YEARLY;BYWEEKNO=53;BYDAY=SA,SU;BYSETPOS=-1"], false, "2027 Jan 2,3 2033 Jan 2"),
        // BYYEARDAY.
        ("20260101T090000", &["FREQ=YEARLY;BYYEARDAY=1,-1"], false, "2026 Jan 1 Dec 31 2027 Jan 1 Dec 31"),
        ("20260101T090000", &["FREQ=YEARLY;BYYEARDAY=366"], false, "2026 Jan 1 2028 Dec 31 2032 Dec 31"),
        ("20260101T090000", &["FREQ=YEARLY;BYYEARDAY=-366"], false, "2026 Jan 1 2028 Jan 1 2032 Jan 1"),
        (
            "20260101T090000",
            &["FREQ=YEARLY;BYYEARDAY=59,60;BYMONTH=2"],
            false,
            "2026 Jan 1 Feb 28 2027 Feb 28 2028 Feb 28,29",
        ),
        ("20260101T090000", &["FREQ=HOURLY;BYYEARDAY=60;BYHOUR=9"], false, "2026 Jan 1 Mar 1 2027 Mar 1 2028 Feb 29"),
        // BYMONTHDAY.
        ("20260101T090000", &["FREQ=YEARLY;BYMONTHDAY=31"], false, "2026 Jan 1,31 Mar 31 May 31 Jul 31 Aug 31"),
        ("20260101T090000", &["FREQ=YEARLY;BYMONTHDAY=-31"], false, "2026 Jan 1 Mar 1 May 1 Jul 1 Aug 1"),
        ("20260101T090000", &["FREQ=MONTHLY;BYMONTHDAY=-30"], false, "2026 Jan 1,2 Mar 2 Apr 1 May 2"),
        ("20260101T090000", &["FREQ=DAILY;BYMONTHDAY=1,-1"], false, "2026 Jan 1,31 Feb 1,28 Mar 1"),
        ("20260101T090000", &["FREQ=HOURLY;INTERVAL=12;BYMONTHDAY=30;BYHOUR=9"], false, "2026 Jan 1,30 Mar 30 Apr 30"),
        ("20240229T090000", &["FREQ=YEARLY", "FREQ=MONTHLY;INTERVAL=12"], false, "2024 Feb 29 2028 Feb 29 2032 Feb 29"),
        // BYDAY: of the week, of the month, of the year; a limit where the days are named otherwise.
        ("20260105T090000", &["FREQ=WEEKLY;BYDAY=MO,SU"], false, "2026 Jan 5,11,12,18"),
        (
            "20260105T090000",
            &["FREQ=WEEKLY;BYDAY=1MO", "FREQ=DAILY;BYDAY=1MO", "FREQ=DAILY;BYDAY=MO"],
            false,
            "2026 Jan 5,12,19",
        ),
        (
            "20260102T090000",
            &["FREQ=MONTHLY;BYDAY=-5FR", "FREQ=YEARLY;BYMONTH=1,5,7,10;BYDAY=-5FR"],
            false,
            "2026 Jan 2 May 1 Jul 3 Oct 2",
        ),
        ("20260101T090000", &["FREQ=MONTHLY;BYDAY=5TH"], false, "2026 Jan 1,29 Apr 30 Jul 30"),
        ("20260101T090000", &["FREQ=YEARLY;BYDAY=53TH"], false, "2026 Jan 1 Dec 31 2032 Dec 30"),
        ("20260101T090000", &["FREQ=YEARLY;BYDAY=-53TH"], false, "2026 Jan 1 2032 Jan 1 2037 Jan 1"),
        (
            "20260101T090000",
            &["FREQ=YEARLY;BYDAY=1TH,-1TH,TH;BYMONTH=2"],
            false,
            "2026 Jan 1 Feb 5,12,19,26 2027 Feb 4",
        ),
        (
            "20260101T090000",
            &["FREQ=YEARLY;BYMONTHDAY=13;BYDAY=FR"],
            false,
            "2026 Jan 1 Feb 13 Mar 13 Nov 13 2027 Aug 13",
        ),
        (
            "20260101T090000",
            &["FREQ=YEARLY;BYYEARDAY=100,101;BYDAY=SA"],
            false,
            "2026 Jan 1 Apr 11 2027 Apr 10 2032 Apr 10",
        ),
        // BYSETPOS over all of a period.
        (
            "20260101T090000",
            &["FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1"],
            false,
            "2026 Jan 1 Dec 31 2027 Jan 1 Dec 31",
        ),
        ("20260105T090000", &["FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2"], false, "2026 Jan 5,7,14,21"),
    ]);
    let table: [(&str, &[&str]); 12] = [
        ("FREQ=DAILY;BYHOUR=10,9", &["0900", "1000"]),
        ("FREQ=WEEKLY;BYMINUTE=5,0;COUNT=2", &["0900", "0905"]),
        ("FREQ=MONTHLY;BYHOUR=9,10;BYMINUTE=0,30;BYSETPOS=1,-1", &["0900", "1030"]),
        ("FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,30;BYSETPOS=-1", &["0900", "1030"]),
        ("FREQ=HOURLY;BYHOUR=9,11", &["0900", "1100"]),
        ("FREQ=HOURLY;BYMINUTE=0,30", &["0900", "0930", "1000", "1030"]),
        ("FREQ=HOURLY;BYMINUTE=0,10,20;BYSETPOS=2", &["0900", "0910", "1010", "1110"]),
        ("FREQ=HOURLY;INTERVAL=2;BYHOUR=9,10,11,12", &["0900", "1100"]),
        ("FREQ=MINUTELY;BYHOUR=9;BYMINUTE=0,59", &["0900", "0959"]),
        ("FREQ=MINUTELY;INTERVAL=7;BYHOUR=10", &["0900", "1003", "1010", "1017"]),
        ("FREQ=SECONDLY;BYSECOND=0;BYMINUTE=0,7", &["0900", "0907", "1000", "1007"]),
        ("FREQ=SECONDLY;INTERVAL=90;BYSECOND=0", &["0900", "0903", "0906", "0909"]),
    ];
    for (rule, expected) in table {
        let found = written(&occurrences("20260101T090000", rule, expected.len()));
        assert_eq!(found, times("20260101", expected), "{rule}");
    }
    // A leap second is the second before it (section 3.3.10).
    let found = written(&occurrences("20260101T090000", "FREQ=MINUTELY;BYSECOND=60", 3));
    assert_eq!(found, ["20260101T090000", "20260101T090059", "20260101T090159"]);
    // Days have no times.
    let found = written(&occurrences("20260101", "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=5", 3));
    assert_eq!(found, ["20260101T000000", "20260102T000000", "20260103T000000"]);
    assert_eq!(written(&occurrences("20260101", "FREQ=HOURLY", 3)), found);
}

#[test]
fn examples_of_rfc_7529() {
    holds(&[
        (
            "20120229T090000",
            &["RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD"],
            false,
            "2012 Feb 29 2013 Mar 1 2014 Mar 1 2015 Mar 1 2016 Feb 29",
        ),
        (
            "20120229T090000",
            &["RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=BACKWARD"],
            false,
            "2012 Feb 29 2013 Feb 28 2014 Feb 28 2015 Feb 28 2016 Feb 29",
        ),
        (
            "20140131T090000",
            &[
                "RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=OMIT;COUNT=4",
                "FREQ=MONTHLY;COUNT=4",
                "SKIP=OMIT;RSCALE=gregorian;FREQ=MONTHLY;COUNT=4",
            ],
            true,
            "2014 Jan 31 Mar 31 May 31 Jul 31",
        ),
        (
            "20140131T090000",
            &["RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD;COUNT=4"],
            true,
            "2014 Jan 31 Feb 28 Mar 31 Apr 30",
        ),
        (
            "20140131T090000",
            &["RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD;COUNT=4"],
            true,
            "2014 Jan 31 Mar 1,31 May 1",
        ),
        // What falls on one day is once.
        (
            "20140128T090000",
            &["RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD;BYMONTHDAY=1,28,29,30,31"],
            false,
            "2014 Jan 28-31 Feb 1,28 Mar 1,28-31 Apr 1,28-30 May 1",
        ),
        (
            "20140128T090000",
            &["RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD;BYMONTHDAY=28,31"],
            false,
            "2014 Jan 28,31 Feb 28 Mar 28,31 Apr 28,30",
        ),
        (
            "20140128T090000",
            &["RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=BACKWARD;BYMONTHDAY=-31"],
            false,
            "2014 Jan 28,31 Mar 1,31 May 1,31",
        ),
        (
            "20140128T090000",
            &["RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD;BYMONTH=2;BYMONTHDAY=30;BYDAY=SU"],
            false,
            "2014 Jan 28 2015 Mar 1 2020 Mar 1",
        ),
        (
            "20140101T090000",
            &["RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD;BYYEARDAY=366"],
            false,
            "2014 Jan 1 2015 Jan 1 2016 Jan 1 Dec 31 2018 Jan 1",
        ),
        // What limits brings no day forth that there is not.
        ("20140131T090000", &["RSCALE=GREGORIAN;FREQ=DAILY;SKIP=FORWARD;BYMONTHDAY=31"], false, "2014 Jan 31 Mar 31"),
    ]);
}
