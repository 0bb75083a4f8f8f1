"""Objects of real programs, as libraries ship them for their own tests: stored, expanded, held to
recurring-ical-events, and asked for at their very instants.

HOST NAME PASSWORD ARCHIVE...: source distributions from PyPI and packages from npm. A difference, or a refusal, is
explained by a function below that recognises its class, beside the sentence of the RFC; what none explains fails.
"""

import collections
import datetime as dt
import hashlib
import html
import re
import sys
import tarfile
import warnings
import zoneinfo

import icalendar
import recurring_ical_events

from differential import NS, UTC, Server, instances
from questions import SECOND, query, ranged

warnings.simplefilter("ignore")
# As many instants are asked for of one object.
INSTANTS = 6
DIFFERENCES, REFUSALS = [], []


def explains(table):
    """The function below recognises a class of objects; its first line says what the RFC says of them."""

    def enter(function):
        table.append((" ".join(function.__doc__.split()), function))
        return function

    return enter


def lines_of(raw):
    """The content lines of an object: name, parameters, value."""
    found = []
    for line in re.sub(rb"\r?\n[ \t]", b"", raw).decode("utf-8", "replace").splitlines():
        parts = re.match(r'([A-Za-z0-9-]+)((?:;(?:[^":;]|"[^"]*")*)*):(.*)$', line)
        if parts:
            found.append((parts.group(1).upper(), parts.group(2), parts.group(3).strip()))
    return found


def values(raw, name):
    return [(parameters, value) for found, parameters, value in lines_of(raw) if found == name]


def events(raw):
    """The lines of each event, by name."""
    for body in re.findall(rb"BEGIN:VEVENT\r?\n(.*?)END:VEVENT", raw, re.S | re.I):
        yield {name: (parameters, value) for name, parameters,
            value in reversed(lines_of(re.sub(rb"BEGIN:VALARM.*?END:VALARM", b"", body, flags=re.S | re.I)))}


@explains(DIFFERENCES)
def nobody_describes_the_zone(raw, ours, theirs):
    """RFC 5545 section 3.2.19: "An individual "VTIMEZONE" calendar component MUST be specified for each unique
    "TZID" parameter value specified in the iCalendar object": a name that is described nowhere floats here, and is
    guessed there.
    """
    described = {value for _, value in values(raw, "TZID")}
    named = {found.strip('"') for _, parameters, _ in lines_of(raw) for found in re.findall(r';TZID=("[^"]*"|[^;:]*)',
            parameters)}
    return any(name not in described and not known(name) for name in named)


def known(name):
    try:
        return bool(zoneinfo.ZoneInfo(name.strip("/")))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False


@explains(DIFFERENCES)
def a_name_of_the_register_in_another_spelling(raw, ours, theirs):
    """RFC 5545 section 3.2.19 leaves open what a name of the register means whose letters are of another case, and
    which the object describes otherwise: it is the register's zone here (as `Europe/lisbon`, which a program
    described by the hour of its own machine), and the description there.
    """
    described = {value for _, value in values(raw, "TZID")}
    register = {name.lower(): name for name in zoneinfo.available_timezones()}
    return any(register.get(name.lower(), name) != name for name in described)


@explains(DIFFERENCES)
def ends_before_it_begins(raw, ours, theirs):
    """RFC 5545 section 3.8.2.2: "its value MUST be later in time than the value of the "DTSTART" property": it lasts
    no time here, and is turned round there.
    """
    return any("DTEND" in event and "DTSTART" in event and event["DTEND"][1][:15] < event["DTSTART"][1][:15]
        for event in events(raw))


@explains(DIFFERENCES)
def a_day_with_an_end_of_another_kind(raw, ours, theirs):
    """RFC 5545 section 3.6.1: "If the "DTSTART" property is specified with a DATE value type, then the "DTEND"
    property MUST also be a DATE": what begins on a day is a day here.
    """
    return any("DTEND" in event and "DTSTART" in event and ("T" in event["DTEND"][1]) != ("T" in event["DTSTART"][1])
        for event in events(raw))


@explains(DIFFERENCES)
def several_rules(raw, ours, theirs):
    """RFC 5545 section 3.8.5.3: "This property can be specified, but the "RRULE" property SHOULD NOT be specified
    more than once. The recurrence set generated with multiple "RRULE" properties is undefined".
    """
    return any(len(re.findall(rb"^RRULE", body, re.M | re.I)) > 1
        for body in re.findall(rb"BEGIN:VEVENT(.*?)END:VEVENT", raw, re.S | re.I))


@explains(DIFFERENCES)
def until_of_another_kind(raw, ours, theirs):
    """RFC 5545 section 3.3.10: "The value of the UNTIL rule part MUST have the same value type as the "DTSTART"
    property": a day counts whole here, and ends at its midnight there.
    """
    return any("RRULE" in event and (until := re.search(r"UNTIL=([0-9TZ]+)", event["RRULE"][1]))
        and ("T" in until.group(1)) != ("T" in event["DTSTART"][1]) for event in events(raw))


@explains(DIFFERENCES)
def an_exception_of_no_instance(raw, ours, theirs):
    """RFC 5545 section 3.8.4.4 leaves open what a "RECURRENCE-ID" that names no instance of its series is: the event
    takes place here, as its lines say.
    """
    named = {event["RECURRENCE-ID"][1] for event in events(raw) if "RECURRENCE-ID" in event}
    return bool(named) and set(theirs) < set(ours) and len(ours) - len(theirs) <= len(named)


@explains(REFUSALS)
def no_uid(raw, content):
    """RFC 5545 section 3.6.1: "The following are REQUIRED, but MUST NOT occur more than once: dtstamp / uid"; RFC
    4791 section 4.1 goes by the UID.
    """
    return any(not event.get("UID", ("", ""))[1] for event in events(raw))


@explains(REFUSALS)
def no_beginning(raw, content):
    """RFC 5545 section 3.6.1: DTSTART "is REQUIRED if the component appears in an iCalendar object that doesn't
    specify the "METHOD" property"; one that is no DATE and no DATE-TIME is none.
    """
    return any(not re.fullmatch(r"\d{8}(T\d{6}Z?)?", event.get("DTSTART", ("", ""))[1]) for event in events(raw))


@explains(REFUSALS)
def no_content_line(raw, content):
    """RFC 5545 section 3.1: "contentline = name *(";" param ) ":" value CRLF"."""
    unfolded = re.sub(rb"\r?\n[ \t]", b"", raw).decode("utf-8", "replace")
    return any(line.strip() and not re.match(r"[A-Za-z0-9-]+[;:]", line) for line in unfolded.splitlines())


@explains(REFUSALS)
def twice_the_same_instance(raw, content):
    """RFC 5545 section 3.8.4.4: RECURRENCE-ID "is used in conjunction with the "UID" and "SEQUENCE" properties to
    identify a specific instance": two components of one UID name two.
    """
    named = [event.get("RECURRENCE-ID", ("", ""))[1] for event in events(raw)]
    return len(set(named)) < len(named)


@explains(REFUSALS)
def a_frequency_that_is_none(raw, content):
    """RFC 5545 section 3.3.10: freq = "SECONDLY" / "MINUTELY" / "HOURLY" / "DAILY" / "WEEKLY" / "MONTHLY" /
    "YEARLY".
    """
    known = ("SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
    return any(frequency.upper() not in known for _, rule in values(raw, "RRULE")
        for frequency in re.findall(r"FREQ=([^;]*)", rule, re.I))


@explains(REFUSALS)
def a_part_that_is_none(raw, content):
    """RFC 5545 section 3.3.10: recur-rule-part = FREQ, UNTIL, COUNT, INTERVAL, WKST, or one that begins with BY; RFC
    7529 adds RSCALE and SKIP.
    """
    known = re.compile(
        r"FREQ|UNTIL|COUNT|INTERVAL|WKST|RSCALE|SKIP|X-.*|"
        r"BY(SECOND|MINUTE|HOUR|DAY|MONTHDAY|YEARDAY|WEEKNO|MONTH|SETPOS)", re.I)
    return any(not known.fullmatch(part.split("=")[0]) for _, rule in values(raw, "RRULE") for part in rule.split(";")
        if part)


@explains(REFUSALS)
def an_alarm_at_no_time(raw, content):
    """RFC 5545 section 3.8.6.3: "The default value type is DURATION. The value type can be set to a DATE-TIME value
    type": a TIME is neither.
    """
    return any("VALUE=TIME" in parameters.upper() for parameters, _ in values(raw, "TRIGGER"))


@explains(REFUSALS)
def a_rule_of_another_calendar(raw, content):
    """RFC 7529 lets RSCALE name calendars beside the Gregorian one of RFC 5545 section 3.3.10: only that is followed
    here, and what cannot be followed is refused.
    """
    return any(re.search(r"RSCALE=(?!GREGORIAN)", rule, re.I) for _, rule in values(raw, "RRULE"))


@explains(REFUSALS)
def a_length_beyond_all_years(raw, content):
    """RFC 5545 section 3.3.6 bounds no DURATION, section 3.3.4 all times by the year 9999: a length of millions of
    weeks reaches beyond them.
    """
    return any(re.search(r"\d{9}", value) for _, value in values(raw, "DURATION"))


@explains(REFUSALS)
def dates_that_are_none(raw, content):
    """RFC 5545 section 3.8.5.2: RDATE is of DATE-TIME, or set to DATE or PERIOD: a TIME is none of them."""
    return any("VALUE=TIME" in parameters.upper() for parameters, _ in values(raw, "RDATE"))


def objects(raw):
    """The events of a file by UID, each with all its time zones; lines as they stand."""
    depth, part, zones, by_uid = 0, [], [], {}
    for line in raw.splitlines(keepends=True):
        name = line.strip().upper()
        if name.startswith(b"BEGIN:"):
            depth += 1
        if depth >= 2:
            part.append(line)
        if name.startswith(b"END:"):
            depth -= 1
            if depth == 1 and part:
                text = b"".join(part)
                uid = re.search(rb"^UID:(.*)$", text, re.M)
                if b"VTIMEZONE" in part[0].upper():
                    zones.append(text)
                elif part[0].strip().upper() == b"BEGIN:VEVENT":
                    by_uid.setdefault(uid.group(1).strip() if uid else b"", []).append(text)
                part = []
    for parts in by_uid.values():
        yield b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Suite//EN\r\n" + b"".join(zones
            + parts) + b"END:VCALENDAR\r\n"


def window(raw):
    """Four years from the first that an event names."""
    years = [int(year) for year in re.findall(rb"DTSTART[^:]*:(\d{4})\d{4}", raw)]
    first = min((year for year in years if 1980 < year < 9000), default=2020)
    return dt.datetime(first, 1, 1, tzinfo=UTC), dt.datetime(first + 4, 1, 1, tzinfo=UTC)


def spelled(value):
    if not isinstance(value, dt.datetime):
        return f"{value:%Y%m%d}"
    return f"{value:%Y%m%dT%H%M%S}" if value.tzinfo is None else f"{value.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def theirs_of(raw, span):
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(raw), components=["VEVENT"]).between(*span)
    return sorted(spelled(event["DTSTART"].dt) for event in found)


class Suite:
    def __init__(self, server):
        self.server, self.counts, self.explained, self.bad = server, collections.Counter(), collections.Counter(), []

    def one(self, source, calendar, raw):
        """An object of a file."""
        name = hashlib.sha256(raw).hexdigest()[:20]
        href = f"{calendar}{name}.ics"
        status, content = self.server("PUT", href, raw, Content_Type="text/calendar")
        if status == 204:
            return
        self.counts["objects"] += 1
        if status != 201:
            self.refused(source, raw, status, content)
            return
        status, content = self.server("GET", href)
        span = window(raw)
        told = self.expanded(calendar, href, span)
        if told is None:
            self.bad.append(f"{source}: not told")
            return
        self.counts["stored"] += 1
        self.compare(source, raw, span, told)
        self.ask(source, calendar, raw, span, told)

    def refused(self, source, raw, status, content):
        self.counts["refused"] += 1
        why = next((why for why, holds in REFUSALS if status == 403 and "error" in content and holds(raw, content)),
            None)
        if why:
            self.explained["refused: " + why] += 1
        else:
            said = html.unescape(re.sub(r"<[^>]*>|\s+", " ", content)).strip()
            condition = re.search(r"<([BC]:[a-z-]+)", content)
            self.bad.append(f"{source} is refused: {status} {condition and condition.group(1)} {said[:150]}")

    def expanded(self, calendar, href, span):
        data = (f'<C:calendar-data><C:expand start="{span[0]:%Y%m%dT%H%M%SZ}" '
            f'end="{span[1]:%Y%m%dT%H%M%SZ}"/></C:calendar-data>')
        status, text = self.server("REPORT", calendar, f"<C:calendar-multiget "
            f"{NS}><D:prop>{data}</D:prop><D:href>{href}</D:href></C:calendar-multiget>")
        found = re.search(r"calendar-data[^>]*>([^<]*)<", text)
        if status == 207 and "<C:calendar-data/>" in text:
            return []
        return [text for text in html.unescape(found.group(1)).split("BEGIN:VEVENT")[1:]] if found else None

    def compare(self, source, raw, span, told):
        ours = sorted(re.search(r"^DTSTART[^:\r\n]*:(\S+)", body, re.M).group(1) for body in told)
        try:
            theirs = theirs_of(raw, span)
        except Exception:
            self.counts["not read by the other library"] += 1
            return
        inner = lambda all: [at for at in all if f"{span[0]:%Y}0103" < at < f"{span[1].year - 1}1229"]
        ours, theirs = inner(ours), inner(theirs)
        self.counts["compared"] += 1
        self.counts["instances"] += len(theirs)
        if ours == theirs:
            return
        why = next((why for why, holds in DIFFERENCES if holds(raw, ours, theirs)), None)
        if why:
            self.explained[why] += 1
        else:
            self.bad.append(f"{source}: only ours {sorted(set(ours) - set(theirs))[:4]} only theirs "
                f"{sorted(set(theirs) - set(ours))[:4]}")

    def ask(self, source, calendar, raw, span, told):
        """At its very instants it is found."""
        silent = any(value in ("TRANSPARENT", "CANCELLED") for name, _, value in lines_of(raw)
            if name in ("TRANSP", "STATUS"))
        for body in told[:: max(1, len(told) // INSTANTS)][:INSTANTS]:
            start = re.search(r"^DTSTART[^:\r\n]*:(\S+)", body, re.M).group(1)
            first = dt.datetime.strptime(start.rstrip("Z"), "%Y%m%dT%H%M%S" if "T" in start else "%Y%m%d").replace(
                tzinfo=UTC)
            if not span[0] <= first < span[1]:
                continue
            name = hashlib.sha256(raw).hexdigest()[:20]
            status, text = self.server("REPORT", calendar, query(first, first + SECOND), Depth="1")
            self.counts["questions"] += 1
            if name not in text:
                self.bad.append(f"{source}: calendar-query at {start}: {status}, not found")
            ends = re.search(r"^(DTEND|DURATION)[^:\r\n]*:(\S+)", body, re.M)
            if silent or "T" in start and (not ends or ends.group(2) in (start, "PT0S")) or ends and ends.group(
                1) == "DTEND" and ends.group(2) <= start:
                continue
            status, text = self.server("REPORT", calendar,
                f"<C:free-busy-query {NS}>{ranged(first, first + SECOND)}</C:free-busy-query>", Depth="1")
            self.counts["questions"] += 1
            if not re.search(r"^FREEBUSY", text, re.M):
                self.bad.append(f"{source}: free-busy at {start}: {status}, free")


def main():
    suite = Suite(Server(*sys.argv[1:4]))
    name, files = sys.argv[2], 0
    for archive in sys.argv[4:]:
        with tarfile.open(archive) as members:
            for member in sorted((member for member in members if member.isfile() and member.name.endswith(".ics")),
                key=lambda member: member.name):
                files += 1
                calendar = f"/calendars/{name}/file-{files}/"
                assert suite.server("MKCALENDAR", calendar)[0] == 201
                for raw in objects(members.extractfile(member).read()):
                    suite.one(member.name, calendar, raw)
    for why, number in suite.explained.most_common():
        print("note", number, "explained:", why)
    for what in suite.bad[:60]:
        print("not ok", what)
    good = not suite.bad and suite.counts["compared"] > 400
    print("ok" if good else "not ok", files, "files:", ", ".join(f"{number} {what}" for what,
            number in suite.counts.items()), f"- {len(suite.bad)} unexplained")
    sys.exit(not good)


if __name__ == "__main__":
    main()
