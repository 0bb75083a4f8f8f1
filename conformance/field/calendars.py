"""Calendar objects as programs write them: exceptions off the clock of their series, times out of range, rules and
lengths that are seldom seen, names of objects.
"""

import os
import urllib.parse

from instances import HOME, REACH, Case, ask_all, components, mkcalendar, told, unfolded, value
from lab import ICS, between, event, probe, query

JANUARY = ("20260101T000000Z", "20260201T000000Z")
MARCH = ("20260301T000000Z", "20260401T000000Z")
YEAR = ("20260101T000000Z", "20270101T000000Z")


def hours(first, last, *days):
    """One instance a day, in UTC, between two times of day."""
    return [f"{day}T{first}Z/{day}T{last}Z" for day in days]


def series(name, start, *lines, more=()):
    """An object whose first event is of an hour unless its lines say otherwise; `more` are the lines of further
    events of its UID.
    """
    own = lines if any(line.startswith(("DURATION", "DTEND")) for line in lines) or "VALUE=DATE" in start else (
        "DURATION:PT1H", *lines)
    text = event(name, f"SUMMARY:{name}", *own, start=start)
    others = "".join("\r\n".join(["BEGIN:VEVENT", f"UID:{name}", "DTSTAMP:20260101T000000Z", *one, "END:VEVENT", ""])
        for one in more)
    return text.replace("END:VCALENDAR", others + "END:VCALENDAR").encode()


def case(name, start, *lines, window=JANUARY, instances, more=(), **rest):
    return Case(name, series(name, start, *lines, more=more), window, list(instances), **rest)


def cut(text, *letters):
    """A fold in front of the last byte of each of these letters, and a tab for a blank where there are several."""
    data = text.encode()
    for number, letter in enumerate(letters):
        place = data.index(letter.encode()) + len(letter.encode()) - 1
        data = data[:place] + (b"\r\n\t" if number % 2 else b"\r\n ") + data[place:]
    return data


@probe("RFC 5545 section 3.1", "a fold in any character, by a blank or a tab, in any property, harms neither the "
    "object nor its neighbours", REACH)
def folds(lab):
    hour = hours("120000", "130000", "20260310")
    at = {"start": "DTSTART:20260310T120000Z"}
    ask_all(lab, [
        Case("fold-two-bytes", cut(event("a", "DURATION:PT1H", "LOCATION:Mairie annexe, étage", **at), "é"), MARCH,
            hour, says=("LOCATION:Mairie annexe, étage",)),
        Case("fold-three-bytes", cut(event("b", "DURATION:PT1H", "SUMMARY:Coût : 20 €", **at), "û", "€"), MARCH, hour,
            says=("SUMMARY:Coût : 20 €",)),
        Case("fold-four-bytes", cut(event("c", "DURATION:PT1H", "X-NOTE:🚋 et 🎼", "SUMMARY:Œuvre", **at), "🚋", "🎼", "Œ"),
            MARCH, hour, says=("X-NOTE:🚋 et 🎼", "SUMMARY:Œuvre")),
        Case("fold-line-feeds", cut(event("d", "DURATION:PT1H", "COMMENT:été", **at), "é").replace(b"\r\n", b"\n"),
            MARCH, hour, says=("COMMENT:été",)),
    ])


@probe("RFC 5545 section 3.8.5.1", "what EXDATE excludes is read on the clock of DTSTART: floating, in UTC, as a day, "
    "in another zone, in the zone of a calendar that lies elsewhere", REACH)
def exclusions(lab):
    daily = ("DTSTART;TZID=Europe/Madrid:20260112T183000", "RRULE:FREQ=DAILY;COUNT=5")
    kept = hours("173000", "183000", "20260112", "20260114", "20260116")
    cases = [
        case(name, *daily, *lines, instances=kept, zone=zone)
        for name, zone, *lines in (
            ("exdate-floats", "", "EXDATE:20260113T183000,20260115T183000"),
            ("exdate-floats-in-auckland", "Pacific/Auckland", "EXDATE:20260113T183000", "EXDATE:20260115T183000"),
            ("exdate-utc", "America/Lima", "EXDATE:20260113T173000Z,20260115T173000Z"),
            ("exdate-as-days", "", "EXDATE;VALUE=DATE:20260113,20260115"),
            ("exdate-as-bare-days", "", "EXDATE:20260113", "EXDATE:20260115"),
            ("exdate-in-tokyo", "", "EXDATE;TZID=Asia/Tokyo:20260114T023000,20260116T023000"),
            ("exdate-by-windows-name", "", "EXDATE;TZID=Romance Standard Time:20260113T183000",
                "EXDATE;TZID=W. Europe Standard Time:20260115T183000"),
        )
    ]
    cases.append(case("exdate-over-the-change", "DTSTART;TZID=America/Toronto:20260306T013000",
                      "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20260309T013000", window=MARCH,
                      instances=hours("063000", "073000", "20260306", "20260307", "20260308")))
    days = ("DTSTART;VALUE=DATE:20260309", "RRULE:FREQ=WEEKLY;BYDAY=MO,TH;COUNT=5")
    for name, zone, ahead, line in (
        ("exday-in-utc", "", 0, "EXDATE:20260316T000000Z"),
        ("exday-floats", "Pacific/Noumea", 11, "EXDATE:20260316T000000"),
        ("exday-by-windows-name", "America/Lima", -5, "EXDATE;TZID=Tokyo Standard Time:20260316T000000"),
        ("exday-at-noon", "", 0, "EXDATE;TZID=America/New_York:20260316T120000"),
    ):
        cases.append(case(name, *days, line, window=MARCH, instances=["20260309", "20260312", "20260319", "20260323"],
                zone=zone, ahead=ahead))
    ask_all(lab, cases)


@probe("RFC 5545 section 3.8.4.4", "what RECURRENCE-ID names is read on the clock of DTSTART, and each instance is "
    "told once", REACH)
def exceptions(lab):
    start = "DTSTART;TZID=Europe/Athens:20260112T100000"
    named = ["20260112T080000Z", "20260113T080000Z", "20260114T080000Z"]
    moved = [*hours("080000", "090000", "20260112", "20260114"), *hours("130000", "140000", "20260113")]
    cases = [
        case(name, start, "RRULE:FREQ=DAILY;COUNT=3", instances=moved, identified=named, zone=zone,
             more=[(line, "DTSTART;TZID=Europe/Athens:20260113T150000", "DURATION:PT1H", "SUMMARY:moved")])
        for name, zone, line in (
            ("id-floats", "", "RECURRENCE-ID:20260113T100000"),
            ("id-floats-in-denver", "America/Denver", "RECURRENCE-ID:20260113T100000"),
            ("id-utc", "", "RECURRENCE-ID:20260113T080000Z"),
            ("id-as-a-day", "", "RECURRENCE-ID;VALUE=DATE:20260113"),
            ("id-in-kolkata", "", "RECURRENCE-ID;TZID=Asia/Kolkata:20260113T133000"),
            ("id-by-windows-name", "", "RECURRENCE-ID;TZID=GTB Standard Time:20260113T100000"),
        )
    ]
    days = [case(name, "DTSTART;VALUE=DATE:20260309", "RRULE:FREQ=DAILY;COUNT=3", window=MARCH,
                 instances=["20260309", "20260311", "20260320"],
                 more=[(line, "DTSTART;VALUE=DATE:20260320", "SUMMARY:moved")])
            for name, line in (("id-of-a-day-utc", "RECURRENCE-ID:20260310T000000Z"),
                ("id-of-a-day-zoned", "RECURRENCE-ID;TZID=Europe/Berlin:20260310T000000"))]
    ask_all(lab, cases + days)


@probe("RFC 5545 section 3.8.4.4", "THISANDFUTURE moves by the clock: what follows keeps its hour over a change of "
    "clocks, either way", REACH)
def this_and_future(lab):
    ask_all(lab, [
        case("future-in-autumn", "DTSTART;TZID=Europe/Lisbon:20261016T140000",
             "DTEND;TZID=Europe/Lisbon:20261016T150000", "RRULE:FREQ=WEEKLY;COUNT=4",
             window=("20261001T000000Z", "20261201T000000Z"),
             instances=["20261016T130000Z/20261016T140000Z", "20261024T143000Z/20261024T153000Z",
                 "20261031T153000Z/20261031T163000Z", "20261107T153000Z/20261107T163000Z"],
             more=[("RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Lisbon:20261023T140000",
                     "DTSTART;TZID=Europe/Lisbon:20261024T153000", "DTEND;TZID=Europe/Lisbon:20261024T163000")]),
        case("future-by-utc-id", "DTSTART;TZID=America/Denver:20260301T080000", "RRULE:FREQ=WEEKLY;COUNT=3",
             window=("20260301T000000Z", "20260501T000000Z"),
             instances=["20260301T150000Z/20260301T160000Z", "20260308T150000Z/20260308T163000Z",
                 "20260315T150000Z/20260315T163000Z"],
             more=[("RECURRENCE-ID;RANGE=THISANDFUTURE:20260308T140000Z", "DTSTART;TZID=America/Denver:20260308T090000",
                     "DURATION:PT90M")]),
        case("future-of-days", "DTSTART;VALUE=DATE:20260320", "RRULE:FREQ=WEEKLY;COUNT=3",
             window=("20260301T000000Z", "20260501T000000Z"), instances=["20260320", "20260328/20260330",
                 "20260404/20260406"],
             more=[("RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260327", "DTSTART;VALUE=DATE:20260328",
                     "DTEND;VALUE=DATE:20260330")]),
    ])


@probe("RFC 5545 section 3.8.5.2", "what RDATE adds is read on the clock of DTSTART, and a period has its own length",
    REACH)
def additions(lab):
    start = "DTSTART;TZID=America/Halifax:20260106T100000"
    added = hours("140000", "150000", "20260106", "20260109", "20260120")
    ask_all(lab, [
        *(case(name, start, line, instances=added, zone=zone) for name, zone, line in (
            ("rdate-floats", "", "RDATE:20260109T100000,20260120T100000"),
            ("rdate-floats-in-seoul", "Asia/Seoul", "RDATE:20260109T100000,20260120T100000"),
            ("rdate-utc", "", "RDATE:20260109T140000Z,20260120T140000Z"),
            ("rdate-in-paris", "", "RDATE;TZID=Europe/Paris:20260109T150000,20260120T150000"),
        )),
        case("rdate-beside-a-rule", start, "RRULE:FREQ=WEEKLY;COUNT=2", "RDATE:20260113T100000,20260114T100000",
            instances=hours("140000", "150000", "20260106", "20260113", "20260114")),
        case("rdate-of-days", "DTSTART;VALUE=DATE:20260106", "RDATE;VALUE=DATE:20260109,20260120",
            instances=["20260106", "20260109", "20260120"]),
        case("rdate-periods", start, "RDATE;VALUE=PERIOD:20260107T140000Z/PT15M",
             "RDATE;VALUE=PERIOD:20260108T140000Z/20260109T020000Z",
             instances=[*hours("140000", "150000", "20260106"), *hours("140000", "141500", "20260107"),
                 "20260108T140000Z/20260109T020000Z"]),
        case("rdate-period-over-an-end", "DTSTART;TZID=Europe/Paris:20260105T090000",
             "DTEND;TZID=Europe/Paris:20260105T093000", "RDATE;VALUE=PERIOD;TZID=Europe/Paris:20260112T090000/P1DT2H",
             instances=["20260105T080000Z/20260105T083000Z", "20260112T080000Z/20260113T100000Z"]),
    ])


@probe("RFC 5545 section 3.3.4", "times out of range are neither 1970 nor nothing: a series lasts as long as it says, "
    "a long event its whole length, what lies after 2200 or before 1900 is found", REACH)
def out_of_range(lab):
    weekly = hours("090000", "100000", "20260106", "20260113", "20260120", "20260127")
    ask_all(lab, [
        *(case(name, "DTSTART:20260106T090000Z", f"RRULE:FREQ=WEEKLY;UNTIL={until}", instances=weekly,
                listed=[("20490105T090000Z", "20490105T090001Z")], absent=[("20490106T000000Z", "20490107T000000Z")])
          for name, until in (("until-4001", "40010101T000000Z"), ("until-9999-local", "99991231T235959"),
              ("until-9999-utc", "99991231T000000Z"), ("until-2999", "29991231T235959Z"))),
        case("until-a-day-of-9999", "DTSTART;VALUE=DATE:20260106", "RRULE:FREQ=WEEKLY;UNTIL=99991231",
            instances=["20260106", "20260113", "20260120", "20260127"]),
        case("birthday-of-1604", "DTSTART;VALUE=DATE:16040229", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1",
            window=YEAR, instances=["20260228"]),
        case("yearly-since-1601", "DTSTART:16010714T080000Z", "RRULE:FREQ=YEARLY", window=YEAR,
            instances=hours("080000", "090000", "20260714")),
        case("lasts-until-9999", "DTSTART:20260110T000000Z", "DTEND:99991231T235959Z",
             window=("20300101T000000Z", "20300102T000000Z"), instances=["20260110T000000Z/99991231T235959Z"],
             listed=[("21500101T000000Z", "21500102T000000Z")], absent=[("20260101T000000Z", "20260110T000000Z")]),
        case("exdate-of-9999", "DTSTART:20260106T090000Z", "RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE:99991231T090000Z",
            instances=weekly),
        case("in-2250", "DTSTART;TZID=Europe/Paris:22500615T090000", window=("22500101T000000Z", "22510101T000000Z"),
            instances=["22500615T070000Z/22500615T080000Z"], listed=[("20260101T000000Z", "")], feed=False),
        case("days-of-2999", "DTSTART;VALUE=DATE:29990101", "DTEND;VALUE=DATE:29990103",
            window=("29981201T000000Z", "29990201T000000Z"), instances=["29990101/29990103"],
            listed=[("20260101T000000Z", "")], feed=False),
        case("a-series-in-2300", "DTSTART:20260106T090000Z", "RRULE:FREQ=YEARLY;INTERVAL=2",
            window=("23000101T000000Z", "23050101T000000Z"), instances=hours("090000", "100000", "23000106", "23020106",
                "23040106"), feed=False),
        case("in-1850", "DTSTART:18500310T090000Z", window=("18500101T000000Z", "18510101T000000Z"),
            instances=["18500310T090000Z/18500310T100000Z"], absent=[("19691231T000000Z", "19700102T000000Z")],
            feed=False),
    ])


@probe("RFC 5545 section 3.3.10", "a rule that fires often is entered anywhere, at its first instance and at each "
    "after it", REACH)
def entered_late(lab):
    ask_all(lab, [
        case("each-hour", "DTSTART:20250101T002000Z", "DURATION:PT5M", "RRULE:FREQ=HOURLY",
             window=("20261101T060000Z", "20261101T090000Z"),
             instances=[f"20261101T{hour:02}2000Z/20261101T{hour:02}2500Z" for hour in (6, 7, 8)],
             listed=[("20261215T102000Z", "20261215T102001Z")], absent=[("20261215T102500Z", "20261215T112000Z")],
             feed=False),
        case("each-fifth-hour", "DTSTART:20260101T030000Z", "DURATION:PT10M", "RRULE:FREQ=HOURLY;INTERVAL=5",
             window=("20260601T000000Z", "20260602T000000Z"),
             # From three o'clock on 1 January until four on 1 June are 725 times five hours.
             instances=[f"20260601T{hour:02}0000Z/20260601T{hour:02}1000Z" for hour in (4, 9, 14, 19)], feed=False),
        case("each-minute-of-two-hours", "DTSTART;TZID=Europe/Paris:20260105T090000", "DURATION:PT1M",
             "RRULE:FREQ=MINUTELY;INTERVAL=30;BYHOUR=9,10", window=("20260701T000000Z", "20260702T000000Z"),
             instances=[f"20260701T{at}00Z/20260701T{at[:2]}{int(at[2:]) + 1:02}00Z" for at in ("0700", "0730", "0800",
                     "0830")], feed=False),
        case("each-second-of-a-minute", "DTSTART:20260105T090000Z", "DURATION:PT1S",
             "RRULE:FREQ=SECONDLY;INTERVAL=20;BYMINUTE=0;BYHOUR=9", window=("20260302T090000Z", "20260302T090100Z"),
             instances=[f"20260302T0900{second:02}Z/20260302T0900{second + 1:02}Z" for second in (0, 20, 40)],
             feed=False),
        case("hours-over-the-change", "DTSTART;TZID=Europe/Paris:20260328T000000", "DURATION:PT5M", "RRULE:FREQ=HOURLY",
             window=("20260328T230000Z", "20260329T040000Z"),
             instances=[f"2026032{day}T{hour:02}0000Z/2026032{day}T{hour:02}0500Z" for day,
                 hour in ((8, 23), (9, 0), (9, 1), (9, 2), (9, 3))], feed=False),
    ])


@probe("RFC 5545 section 3.3.10", "every lawful rule is followed: ordinals from the end, weeks, days of the year, "
    "positions, leap days", REACH)
def lawful_rules(lab):
    at = lambda *days: hours("080000", "083000", *days)
    rule = lambda name, start, rule, *days, **rest: case(name, f"DTSTART:{start}T080000Z", "DURATION:PT30M",
        f"RRULE:{rule}", window=rest.pop("window", YEAR), instances=at(*days), **rest)
    ask_all(lab, [
        rule("fifth-from-last", "20260102", "FREQ=MONTHLY;BYDAY=-5FR", "20260102", "20260501", "20260703", "20261002"),
        rule("fifth-monday", "20260330", "FREQ=MONTHLY;BYDAY=5MO", "20260330", "20260629", "20260831", "20261130"),
        rule("last-monday-of-the-year-but-one", "20261221", "FREQ=YEARLY;BYDAY=-2MO", "20261221"),
        rule("week-53", "20261228", "FREQ=YEARLY;BYWEEKNO=53", "20261228"),
        rule("week-of-its-own-day", "20260114", "FREQ=YEARLY;BYWEEKNO=3,7", "20260114", "20260211"),
        rule("week-from-the-end", "20261222", "FREQ=YEARLY;BYWEEKNO=-2;BYDAY=TU", "20261222"),
        rule("friday-53-from-the-end", "20270101", "FREQ=YEARLY;BYDAY=-53FR", "20270101",
            window=("20270101T000000Z", "20280101T000000Z")),
        rule("day-from-the-end-of-the-year", "20260101", "FREQ=YEARLY;BYYEARDAY=-365,200", "20260101", "20260719"),
        rule("last-working-day", "20260130", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=4", "20260130",
            "20260227", "20260331", "20260430"),
        rule("second-of-a-week", "20260106", "FREQ=WEEKLY;BYDAY=MO,TU,WE;BYSETPOS=2;COUNT=3", "20260106", "20260113",
            "20260120"),
        rule("each-other-week-from-sunday", "20260104", "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,TU;COUNT=4",
            "20260104", "20260106", "20260118", "20260120"),
        rule("leap-day", "20240229", "FREQ=YEARLY", "20280229", window=("20250101T000000Z", "20310101T000000Z")),
        rule("thirty-first", "20260131", "FREQ=MONTHLY;COUNT=4", "20260131", "20260331", "20260531", "20260731"),
        rule("friday-the-thirteenth", "20260213", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "20260213", "20260313",
            "20261113"),
        rule("off-its-rule", "20260107", "FREQ=WEEKLY;BYDAY=MO;COUNT=3", "20260107", "20260112", "20260119"),
    ])


@probe("RFC 5545 section 3.3.10", "what a rule says against the grammar is refused, or says nothing; it is never "
    "another rule", REACH)
def unlawful_rules(lab):
    weekly = lambda *days: hours("080000", "090000", *days)
    ask_all(lab, [
        case(name, "DTSTART:20260105T080000Z", f"RRULE:{rule}", instances=weekly(*days), refusal=True)
        for name, rule, *days in (
            ("weekly-ordinals", "FREQ=WEEKLY;BYDAY=1MO,2WE;COUNT=4", "20260105", "20260107", "20260112", "20260114"),
            ("weekly-from-the-end", "FREQ=WEEKLY;BYDAY=-1MO;COUNT=3", "20260105", "20260112", "20260119"),
            ("daily-ordinals", "FREQ=DAILY;BYDAY=1MO,1TU;COUNT=4", "20260105", "20260106", "20260112", "20260113"),
        )
    ])


@probe("RFC 2445 section 4.8.5.2", "EXRULE takes away what it says, or is refused; it is never overlooked", REACH)
def exception_rules(lab):
    ask_all(lab, [
        case("exrule-weekend", "DTSTART:20260105T090000Z", "RRULE:FREQ=DAILY;COUNT=9", "EXRULE:FREQ=WEEKLY;BYDAY=SA,SU",
            instances=hours("090000", "100000", *(f"202601{day:02}" for day in (5, 6, 7, 8, 9, 12, 13))), refusal=True),
        case("exrule-each-third", "DTSTART;VALUE=DATE:20260105", "RRULE:FREQ=DAILY;UNTIL=20260112",
            "EXRULE:FREQ=DAILY;INTERVAL=3", instances=["20260106", "20260107", "20260109", "20260110", "20260112"],
            refusal=True),
        case("exrule-zoned", "DTSTART;TZID=Europe/Paris:20260327T090000", "RRULE:FREQ=DAILY;COUNT=5",
             "EXRULE:FREQ=MONTHLY;BYMONTHDAY=29", window=("20260301T000000Z", "20260501T000000Z"),
             instances=[*hours("080000", "090000", "20260327", "20260328"), *hours("070000", "080000", "20260330",
                     "20260331")], refusal=True),
    ])


@probe("RFC 5545 section 3.6.1", "an event of days lasts its days: also where its end is its beginning, where a time "
    "stands behind a day, and at 24 o'clock", REACH)
def lengths(lab):
    ask_all(lab, [
        case("ends-where-it-begins", "DTSTART;VALUE=DATE:20260117", "DTEND;VALUE=DATE:20260117", instances=["20260117"],
            listed=[("20260117T220000Z", "20260117T230000Z")]),
        case("ends-where-it-begins-each-week", "DTSTART;VALUE=DATE:20260117", "DTEND;VALUE=DATE:20260117",
            "RRULE:FREQ=WEEKLY;COUNT=2", instances=["20260117", "20260124"]),
        case("ends-where-it-begins-in-honolulu", "DTSTART;VALUE=DATE:20260117", "DTEND;VALUE=DATE:20260117",
            instances=["20260117"], zone="Pacific/Honolulu", ahead=-10),
        case("a-day-without-end", "DTSTART;VALUE=DATE:20260117", instances=["20260117"]),
        case("days-with-a-time", "DTSTART;VALUE=DATE:20260113T000000", "DTEND;VALUE=DATE:20260115T000000",
            instances=["20260113/20260115"], refusal=True),
        case("days-with-a-time-in-utc", "DTSTART;VALUE=DATE:20260113T000000Z", "DTEND;VALUE=DATE:20260114T000000Z",
            instances=["20260113"], refusal=True),
        case("days-with-a-time-each-week", "DTSTART;VALUE=DATE:20260113T000000", "DTEND;VALUE=DATE:20260115T000000",
            "RRULE:FREQ=WEEKLY;COUNT=2", "EXDATE;VALUE=DATE:20260120T000000", instances=["20260113/20260115"],
            refusal=True),
        case("ends-at-24", "DTSTART:20260113T200000Z", "DTEND:20260113T240000Z",
            instances=["20260113T200000Z/20260114T000000Z"], refusal=True),
        case("begins-at-24", "DTSTART;TZID=Europe/Paris:20260113T240000", "DURATION:PT1H",
            instances=["20260113T230000Z/20260114T000000Z"], refusal=True),
    ])


@probe("RFC 4791 section 4.1", "an import tells what it did not take and why, takes UIDs as bytes, and has nothing "
    "against nothing")
def imports(lab):
    alice = lab.client("alice")
    path = os.path.join(lab.folder, "in.ics")

    def taken(name, *events):
        """Imports events into a new calendar; what came of it, and the summaries of what is there."""
        calendar = f"{HOME}{name}/"
        mkcalendar(alice, calendar)
        body = "".join("\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""]) for lines in events)
        with open(path, "w", newline="") as file:
            file.write(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Probe//EN\r\n{body}END:VCALENDAR\r\n")
        done = lab.command("import", "calendar", calendar.rstrip("/"), path, refused=True)
        return done, calendar

    def there(calendar):
        answer = alice("REPORT", calendar, query("", "<C:calendar-data/>"), Depth="1")
        return sorted(value(lines, "SUMMARY")[1] for text in told(answer).values() for lines in components(text))

    one = lambda uid, day, summary, *more: (f"UID:{uid}", "DTSTAMP:20260101T000000Z", f"DTSTART:{day}T090000Z",
        f"SUMMARY:{summary}", *more)
    twice, calendar_twice = taken("twice", one("cours@ecole.example", "20260310", "lundi"),
        one("autre@ecole.example", "20260311", "autre"), one("cours@ecole.example", "20260317", "mardi"))
    said = twice.stdout + twice.stderr
    known = lambda: twice.returncode == 0 and there(calendar_twice) == ["autre", "lundi",
        "mardi"] or twice.returncode == 1 and there(calendar_twice) == ["autre",
        "lundi"] and "cours@ecole.example" in said
    lab.say(known(), f"two masters of one UID: exit {twice.returncode}, {there(calendar_twice)}, {said!r}")
    lab.say("cours@ecole.example is in the calendar already" not in said,
        f"and the second is not told as there already: {said!r}")
    cases, calendar_cases = taken("cases", one("Reunion-1", "20260310", "large"), one("reunion-1", "20260311", "small"))
    lab.say(cases.returncode == 0 and there(calendar_cases) == ["large", "small"],
        f"UIDs that differ by case are two: exit {cases.returncode}, {there(calendar_cases)}, {cases.stderr!r}")
    forms, calendar_forms = taken("forms", one("caf\u00e9", "20260310", "composed"),
        one("cafe\u0301", "20260311", "decomposed"))
    lab.say(forms.returncode == 0 and there(calendar_forms) == ["composed", "decomposed"],
        f"UIDs that differ by form are two: exit {forms.returncode}, {there(calendar_forms)}, {forms.stderr!r}")
    for number, body in enumerate((event("Sitting", "SUMMARY:large"), event("sitting", "SUMMARY:small"))):
        lab.say(alice.put(f"{calendar_cases}put-{number}.ics", body, **ICS) == 201, "and so they are by PUT")
    nothing, calendar_nothing = taken("nothing")
    lab.say(nothing.returncode == 0 and there(calendar_nothing) == [],
        f"a calendar of nothing: exit {nothing.returncode}, {nothing.stderr!r}")
    exported = lab.command("export", "calendar", calendar_nothing.rstrip("/"))
    with open(path, "w", newline="") as file:
        file.write(exported)
    again = lab.command("import", "calendar", calendar_nothing.rstrip("/"), path, refused=True)
    lab.say(again.returncode == 0, f"and so is its export: exit {again.returncode}, {again.stderr!r}")
    lab.restart()
    lab.say(known() and there(calendar_cases) == ["large", "large", "small", "small"], "and after a restart")


@probe("RFC 4791 section 5.3.2", "names of calendar objects are clients' business: those made of a UID, with any "
    "character escaped, of any length that an address may have")
def names(lab):
    alice = lab.client("alice")
    mkcalendar(alice, HOME + "names/")
    stored = {}
    for number, name in enumerate(("https%3A%252F%252Fagenda.example%252Fe%252F7.ics", "urn%3Auuid%3A6f1c.ics",
                                   "mailto%3Azoe%40ville.example.ics", "10%3A30.ics", "a%2Ab.ics", "quoi%3F.ics",
                                   "%22cite%22.ics", "a%5Cb.ics",
                                   "%3Cu%3E.ics", "a%7Cb.ics", "CON.ics", "aux.ics", "LPT1.ics", "fin..ics",
                                   "fin%20.ics", ".ics", "040000008200E00074C5B7101A82E008.ics", "sans-ending",
                                   "%C3%A9t%C3%A9.ics", "A.ics", "a.ics", "x%2Fy.ics", "~$a.ics",
                                   "%25.ics", "a%23b.ics", "a%3Bb%3Dc.ics", "a+b.ics", "%F0%9F%8E%BB.ics")):
        body = event(f"named-{number}", "DURATION:PT1H", start="DTSTART:20260107T100000Z")
        answer = alice("PUT", HOME + "names/" + name, body, **ICS)
        # A slash is the one character that a name cannot hold.
        good = answer.status == 201 or "%2F" in name and "%252F" not in name and answer.status in (400, 403, 404, 409)
        lab.say(good, f"PUT of {name}: {answer}")
        if answer.status == 201:
            stored[HOME + "names/" + name] = body.encode()

    def held(when):
        bad = [address for address, body in stored.items() if alice.get(address).body != body]
        lab.say(not bad, f"{when}, GET where they were put: {bad}")
        hrefs = alice("REPORT", HOME + "names/", query(between("20260107T000000Z", "20260108T000000Z")),
            Depth="1").hrefs()
        bodies = [alice.get(href).body for href in hrefs]
        lab.say(sorted(bodies) == sorted(stored.values()),
            f"{when}, GET where a query tells them: {len(hrefs)} of {len(stored)}, "
            f"{[href for href, body in zip(hrefs, bodies) if body not in stored.values()][:5]}")

    held("at once")
    lab.restart()
    held("after a restart")
    for address in stored:
        lab.say(alice.delete(address) == 204, f"DELETE of {address}")
    plain = {urllib.parse.unquote(address): address for address in stored}
    gone = {there: plain.get(urllib.parse.unquote(place)) for there, place in alice.trashed("tramway").items()}
    back = [alice.move(there, place) for there, place in gone.items() if place]
    lab.say(len(back) == len(stored) and set(back) <= {201},
        f"out of the trash, where they were: {len(back)} of {len(stored)}, {back}")
    held("restored")
