"""Objects made to exhaust whoever reads them: each is refused with its condition, or costs no more than another."""

from lab import ICS, MIB, NS, between, event, probe, query

HOME = "/calendars/alice/personal/"
nested = "BEGIN:VALARM\r\n" * 50_000 + "END:VALARM\r\n" * 50_000
zones = "".join(
    f"BEGIN:VTIMEZONE\r\nTZID:Z{n}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
    f"TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\n"
    "RRULE:FREQ=DAILY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n" for n in range(2000)
)
overrides = "".join(
    f"BEGIN:VEVENT\r\nUID:overrides\r\nDTSTAMP:20260101T000000Z\r\n"
    f"RECURRENCE-ID:2026{n // 28 % 12 + 1:02}{n % 28 + 1:02}T{n // 336 % 24:02}{n // 8064:02}00Z\r\n"
    f"DTSTART:20260105T100000Z\r\nEND:VEVENT\r\n" for n in range(15_000)
)
TOLD = ("valid-calendar-data", "max-resource-size", "max-attendees-per-instance", "valid-calendar-object-resource")


def ended(text, tail):
    """An object with more components after its event."""
    return text.replace("END:VCALENDAR\r\n", tail + "END:VCALENDAR\r\n")


REFUSED = {
    "nesting of 50,000 components": event("deep", nested.rstrip()),
    "100,000 components side by side": ended(event("wide"), "BEGIN:VEVENT\r\nUID:wide\r\nEND:VEVENT\r\n" * 100_000),
    "a million lines": event("lines", *["X:1"] * 1_000_000),
    "11 MiB in one line": event("long", "X-LONG:" + "x" * 11 * MIB),
    "11 MiB of folds": event("folds", "X-LONG:" + "\r\n x" * (11 * MIB // 4)),
    "5,000 attendees": event("people", *[f"ATTENDEE:mailto:p{n}@x.example" for n in range(5000)]),
    "1,000 rules": event("rules", *["RRULE:FREQ=DAILY"] * 1000),
    "no end": event("open")[:-20],
    "bytes that are no text": event("bytes").encode() + b"\xff\xfe\x00",
    "nothing but NUL": b"\x00" * MIB,
    "a calendar in a calendar in ...": "BEGIN:VCALENDAR\r\n" * 100_000,
}
TAKEN = {
    "a rule that never fires": event("never", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
    "a rule for each second": event("secondly", "RRULE:FREQ=SECONDLY"),
    "a rule for each minute since 1900": event("minutely", "RRULE:FREQ=MINUTELY", start="DTSTART:19000101T000000Z"),
    "a rule with a huge interval": event("interval", "RRULE:FREQ=DAILY;INTERVAL=4294967295"),
    "100,000 dates in one line": event("dates", "RDATE:" + ",".join(["20260106T090000Z"] * 100_000)),
    "9 MiB of one text": event("text", "DESCRIPTION:" + "x" * 9 * MIB),
    "9 MiB of folds": event("folded", "DESCRIPTION:" + "\r\n x" * (9 * MIB // 4)),
    "2,000 zones, each with a rule for each day": ended(event("zones", start="DTSTART;TZID=Z1999:20260105T090000"),
        zones),
    "15,000 overrides": ended(event("overrides", "RRULE:FREQ=HOURLY"), overrides),
    "an event of eight thousand years": event("years", "DTEND:99991231T235959Z", "RRULE:FREQ=DAILY",
        start="DTSTART:00010101T000000Z"),
}


@probe("RFC 4791 section 5.3.2.1", "objects beyond a limit are refused with the condition that names it, those within "
    "are taken, and all are queried beside other work")
def objects(lab):
    alice = lab.client("alice", 120)
    for number in range(100):
        lab.client("dave")("PUT", f"/calendars/dave/personal/q{number}.ics", event(f"q{number}"), **ICS)
    lab.watch()
    for what, text in REFUSED.items():
        answer = alice("PUT", HOME + "refused.ics", text, **ICS)
        lab.say(answer.status == 403 and any(element in answer.text for element in TOLD),
            f"refused: {what} ({answer.status})")
    lab.say(alice.get(HOME + "refused.ics").status == 404, "nothing of it is there")
    for number, (what, text) in enumerate(TAKEN.items()):
        answer = alice("PUT", f"{HOME}{number}.ics", text, **ICS)
        lab.say(answer.status == 201, f"taken: {what} ({answer.status})")
    for what, inner in {
        "a month": between("20260101T000000Z", "20260201T000000Z"), "all time": between("00010101T000000Z",
            "99991231T000000Z"),
        "a text": '<C:prop-filter name="DESCRIPTION"><C:text-match>yy</C:text-match></C:prop-filter>',
        "alarms": '<C:comp-filter name="VALARM"><C:time-range start="20260101T000000Z"/></C:comp-filter>',
    }.items():
        answer = alice("REPORT", HOME, query(inner), Depth="1")
        lab.say(answer.status == 207, f"query over all of them: {what} ({answer.seconds:.1f} s)")
    answer = alice("REPORT", HOME, query("", '<C:calendar-data><C:expand start="19000101T000000Z" '
        'end="22000101T000000Z"/></C:calendar-data>'), Depth="1")
    lab.say(answer.status == 207, f"expansion of three centuries ({len(answer.body) // MIB} MiB, {answer.seconds:.1f} "
        f"s)")
    answer = alice("REPORT", HOME, f"<C:free-busy-query "
        f"{NS}>{between('20260101T000000Z', '20270101T000000Z')}</C:free-busy-query>", Depth="1")
    lab.say(answer.status == 200, f"busy times of a year ({answer.status})")
    deep = query('<C:comp-filter name="VALARM">' * 5000 + "</C:comp-filter>" * 5000)
    lab.say(alice("REPORT", HOME, deep, Depth="1").status in (400, 403), "a filter of 5,000 levels is refused")
    many = query('<C:prop-filter name="SUMMARY"/>' * 5000)
    lab.say(alice("REPORT", HOME, many, Depth="1").status == 403, "a filter of 5,000 conditions is refused")
    bomb = (f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b '
        f'"&a;&a;&a;&a;&a;&a;&a;&a;">]><C:calendar-query {NS}>&b;</C:calendar-query>')
    lab.say(alice("REPORT", HOME, bomb, Depth="1").status in (400, 403), "an XML bomb is refused")
    lab.unharmed("objects of all kinds")
