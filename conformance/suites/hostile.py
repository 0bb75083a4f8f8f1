"""Sends what is made to exhaust a reader of calendars: each is refused with its condition, or costs no more than another."""

import base64
import http.client
import statistics
import sys
import threading
import time

HOST, NAME, PASSWORD = sys.argv[1:4]
AUTH = "Basic " + base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
TOP = f"/calendars/{NAME}/personal/"
NS = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
failed = False


def say(good, what):
    global failed
    failed |= not good
    print(("ok " if good else "not ok ") + what, flush=True)


def ask(method, path, body=b"", headers=None, timeout=120):
    connection = http.client.HTTPConnection(HOST, timeout=timeout)
    body = body.encode() if isinstance(body, str) else body
    connection.request(method, path, body, {"Authorization": AUTH, **(headers or {})})
    answer = connection.getresponse()
    return answer.status, answer.read()


def event(uid, lines, tail=""):
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Hostile//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n"
        f"{lines}\r\nEND:VEVENT\r\n{tail}END:VCALENDAR\r\n"
    )


START = "DTSTART:20260105T090000Z"
MIB = 1024 * 1024
nested = "BEGIN:VALARM\r\n" * 50_000 + "END:VALARM\r\n" * 50_000
zones = "".join(
    f"BEGIN:VTIMEZONE\r\nTZID:Z{n}\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\n"
    "RRULE:FREQ=DAILY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n" for n in range(2000)
)
overrides = "".join(
    f"BEGIN:VEVENT\r\nUID:overrides\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:2026{n // 28 % 12 + 1:02}{n % 28 + 1:02}T{n // 336 % 24:02}{n // 8064:02}00Z\r\n"
    f"DTSTART:20260105T100000Z\r\nEND:VEVENT\r\n" for n in range(15_000)
)
REFUSED = {
    "nesting of 50,000 components": event("deep", f"{START}\r\n{nested.rstrip()}"),
    "100,000 components side by side": event("wide", START, "BEGIN:VEVENT\r\nUID:wide\r\nEND:VEVENT\r\n" * 100_000),
    "a million lines": event("lines", START + "\r\nX:1" * 1_000_000),
    "11 MiB in one line": event("long", START + "\r\nX-LONG:" + "x" * 11 * MIB),
    "11 MiB of folds": event("folds", START + "\r\nX-LONG:" + "\r\n x" * (11 * MIB // 4)),
    "5,000 attendees": event("people", START + "".join(f"\r\nATTENDEE:mailto:p{n}@x.example" for n in range(5000))),
    "1,000 rules": event("rules", START + "\r\nRRULE:FREQ=DAILY" * 1000),
    "a rule for each second": event("secondly", START + "\r\nRRULE:FREQ=SECONDLY"),
    "no end": event("open", START)[:-20],
    "bytes that are no text": event("bytes", START).encode() + b"\xff\xfe\x00",
    "nothing but NUL": b"\x00" * MIB,
    "a calendar in a calendar in ...": "BEGIN:VCALENDAR\r\n" * 100_000,
}
TAKEN = {
    "a rule that never fires": event("never", START + "\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
    "a rule for each minute since 1900": event("minutely", "DTSTART:19000101T000000Z\r\nRRULE:FREQ=MINUTELY"),
    "a rule with a huge interval": event("interval", START + "\r\nRRULE:FREQ=DAILY;INTERVAL=4294967295"),
    "a rule of all parts": event(
        "parts",
        START + "\r\nRRULE:FREQ=YEARLY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYHOUR=" + ",".join(map(str, range(24)))
        + ";BYMINUTE=" + ",".join(map(str, range(60))) + ";BYSECOND=" + ",".join(map(str, range(60))),
    ),
    "100,000 dates in one line": event("dates", START + "\r\nRDATE:" + ",".join(["20260106T090000Z"] * 100_000)),
    "9 MiB of one text": event("text", START + "\r\nDESCRIPTION:" + "x" * 9 * MIB),
    "9 MiB of folds": event("folded", START + "\r\nDESCRIPTION:" + "\r\n x" * (9 * MIB // 4)),
    "2,000 zones, each with a rule for each day": event("zones", "DTSTART;TZID=Z1999:20260105T090000", zones),
    "15,000 overrides": event("overrides", START + "\r\nRRULE:FREQ=HOURLY", overrides),
    "an event of eight thousand years": event("years", "DTSTART:00010101T000000Z\r\nDTEND:99991231T235959Z\r\nRRULE:FREQ=DAILY"),
}

stop, waited = threading.Event(), []


def neighbour():
    """Somebody else, who opens a month again and again."""
    body = (
        f'<C:calendar-query {NS}><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
        '<C:time-range start="20260101T000000Z" end="20260201T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
    )
    while not stop.is_set():
        started = time.monotonic()
        status, _ = ask("REPORT", f"/calendars/{NAME}/quiet/", body, {"Depth": "1"})
        waited.append(time.monotonic() - started if status == 207 else 999)
        time.sleep(0.02)


def query(path, filter_, data="", method="REPORT"):
    body = (
        f'<C:calendar-query {NS}><D:prop><D:getetag/>{data}</D:prop><C:filter><C:comp-filter name="VCALENDAR">{filter_}</C:comp-filter></C:filter>'
        "</C:calendar-query>"
    )
    started = time.monotonic()
    status, content = ask(method, path, body, {"Depth": "1"})
    return status, content, time.monotonic() - started


say(ask("MKCALENDAR", f"/calendars/{NAME}/quiet/")[0] == 201, "a calendar for somebody else")
for number in range(100):
    ask("PUT", f"/calendars/{NAME}/quiet/q{number}.ics", event(f"q{number}", START))
thread = threading.Thread(target=neighbour)
thread.start()
for what, text in REFUSED.items():
    status, content = ask("PUT", TOP + "refused.ics", text)
    told = any(element in content for element in (b"valid-calendar-data", b"max-resource-size", b"max-attendees-per-instance", b"valid-calendar-object-resource"))
    say(status == 403 and told, f"refused: {what} ({status})")
say(ask("GET", TOP + "refused.ics")[0] == 404, "nothing of it is there")
for what, text in TAKEN.items():
    status, _ = ask("PUT", TOP + what.replace(" ", "-").replace(",", "") + ".ics", text)
    say(status == 201, f"taken: {what} ({status})")
for what, filter_ in {
    "a month": '<C:comp-filter name="VEVENT"><C:time-range start="20260101T000000Z" end="20260201T000000Z"/></C:comp-filter>',
    "all time": '<C:comp-filter name="VEVENT"><C:time-range start="00010101T000000Z" end="99991231T000000Z"/></C:comp-filter>',
    "a text": '<C:comp-filter name="VEVENT"><C:prop-filter name="DESCRIPTION"><C:text-match>yy</C:text-match></C:prop-filter></C:comp-filter>',
    "alarms": '<C:comp-filter name="VEVENT"><C:comp-filter name="VALARM"><C:time-range start="20260101T000000Z"/></C:comp-filter></C:comp-filter>',
}.items():
    status, _, took = query(TOP, filter_)
    say(status == 207, f"query over all of them: {what} ({took:.1f} s)")
expand = '<C:calendar-data><C:expand start="19000101T000000Z" end="22000101T000000Z"/></C:calendar-data>'
status, content, took = query(TOP, '<C:comp-filter name="VEVENT"/>', expand)
say(status == 207, f"expansion of three centuries ({len(content) // MIB} MiB, {took:.1f} s)")
busy = f'<C:free-busy-query {NS}><C:time-range start="20260101T000000Z" end="20270101T000000Z"/></C:free-busy-query>'
say(ask("REPORT", TOP, busy)[0] == 200, "busy times of a year")
deep = '<C:comp-filter name="VEVENT">' * 5000 + "</C:comp-filter>" * 5000
say(query(TOP, deep)[0] in (400, 403), "a filter of 5,000 levels is refused")
many = '<C:comp-filter name="VEVENT">' + '<C:prop-filter name="SUMMARY"/>' * 5000 + "</C:comp-filter>"
say(query(TOP, many)[0] == 403, "a filter of 5,000 conditions is refused")
bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><C:calendar-query ' + NS + ">&b;</C:calendar-query>"
say(ask("REPORT", TOP, bomb, {"Depth": "1"})[0] in (400, 403), "an XML bomb is refused")
stop.set()
thread.join()
waited.sort()
tenth = waited[len(waited) * 9 // 10]
print(f"note somebody else asked {len(waited)} times: median {statistics.median(waited) * 1000:.0f} ms, nine of ten within {tenth * 1000:.0f} ms")
# Two processors: one for whoever attacks, one for everyone else.
say(len(waited) > 20 and statistics.median(waited) < 1.0, "somebody else goes on working")
sys.exit(failed)
