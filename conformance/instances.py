"""Calendar objects and the right answers about them, asked in every way that tells when something takes place.

A `Case` is an object with the instances that it has in a window; `put` stores it in a calendar of its own beside a
sound neighbour, `ask` holds every answer to it: reports, free-busy, the feed, export and import. Standard library
only.
"""

import datetime as dt
import os
import re
import urllib.parse
import zoneinfo
from dataclasses import dataclass, field

from lab import ICS, NS, between, event, multiget, query, sync

HOME = "/calendars/tramway/"
MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)
# As many instances of a case are asked for one by one.
SINGLE = 12
# What the feed needs to reach all windows.
REACH = "[feeds]\npast_days = 3650\nfuture_days = 3650\n"
OWN = "urn:ietf:params:xml:ns:caldav"


@dataclass
class Case:
    """An object, the window in which it is asked for, and the instances that it has there.

    An instance is `START/END` as they stand in an answer: in UTC, or days, half open; `DAY` alone is one day, a time
    alone lasts no time.
    """

    name: str
    text: bytes
    window: tuple
    instances: list
    # May it be refused with CALDAV:valid-calendar-data instead?
    refusal: bool = False
    # The time zone of its calendar: its name, or its description.
    zone: str = ""
    # Ranges in which it is listed, or is not, beside those that follow from the instances; an end may be "".
    listed: list = field(default_factory=list)
    absent: list = field(default_factory=list)
    # Does the feed reach the window?
    feed: bool = True
    # RECURRENCE-IDs that the expansion tells, and the feed where it tells any.
    identified: list = None
    # What the text says once it is unfolded, in every answer that gives it.
    says: tuple = ()
    # The time at which a floating hour or a day lies, for questions in UTC: hours that its zone is ahead.
    ahead: float = 0


def instant(text):
    """A time in UTC, or the beginning of a day, as a moment."""
    if len(text) == 8:
        return dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=dt.timezone.utc)
    return dt.datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S").replace(tzinfo=dt.timezone.utc)


def spelled(moment):
    return f"{moment.year:04}{moment:%m%dT%H%M%SZ}"


def length_of(text):
    """The length that a DURATION tells."""
    found = re.fullmatch(r"([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text.strip())
    sign, weeks, days, hours, minutes, seconds = found.groups(default="0")
    length = dt.timedelta(weeks=int(weeks), days=int(days), hours=int(hours), minutes=int(minutes),
        seconds=int(seconds))
    return -length if sign == "-" else length


def unfolded(text):
    """The content lines of a text."""
    text = text.encode() if isinstance(text, str) else text
    return re.sub(rb"\r?\n[ \t]", b"", text).decode("utf-8", "replace")


def components(text, name="VEVENT"):
    """The lines of each such component, without those inside it."""
    found, lines, inner = [], None, 0
    for line in unfolded(text).splitlines():
        if line.upper() == f"BEGIN:{name}":
            lines, inner = [], 0
        elif lines is None:
            continue
        elif line.upper() == f"END:{name}":
            found.append(lines)
            lines = None
        elif line.upper().startswith("BEGIN:"):
            inner += 1
        elif line.upper().startswith("END:"):
            inner -= 1
        elif not inner:
            lines.append(line)
    return found


def value(lines, name):
    """The parameters and the value of a property; None where it is not there."""
    for line in lines:
        found = re.match(rf'{name}((?:;(?:[^":;]|"[^"]*")*)*):(.*)$', line, re.I)
        if found:
            return found.group(1), found.group(2).strip()
    return None


def instance_of(lines):
    """An expanded component as a case spells it: START/END, one day, or a time that lasts no time."""
    start = value(lines, "DTSTART")[1]
    end, length = value(lines, "DTEND"), value(lines, "DURATION")
    if end:
        end = end[1]
    elif length:
        over = instant(start) + length_of(length[1])
        end = f"{over:%Y%m%d}" if len(start) == 8 else spelled(over) if start.endswith("Z") else spelled(over)[:-1]
    elif len(start) == 8:
        end = f"{instant(start) + DAY:%Y%m%d}"
    if len(start) == 8 and end == f"{instant(start) + DAY:%Y%m%d}" or end == start or end is None:
        return start
    return f"{start}/{end}"


def bounds(instance, ahead=0.0):
    """An instance as two moments in UTC."""
    start, _, end = instance.partition("/")
    begins = instant(start)
    ends = instant(end) if end else begins + DAY if len(start) == 8 else begins
    shift = dt.timedelta(hours=0 if start.endswith("Z") else ahead)
    return begins - shift, ends - shift


def merged(periods):
    """Periods without overlaps, in order; what lasts no time is not busy."""
    whole = []
    for start, end in sorted(period for period in periods if period[0] < period[1]):
        if whole and start <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return whole


def clipped(periods, window):
    return [(max(start, window[0]), min(end, window[1])) for start, end in periods if start < window[1]
        and end > window[0]]


def busy_of(text):
    """The periods that an answer of free-busy tells."""
    periods = []
    for line in unfolded(text).splitlines():
        found = re.match(r"FREEBUSY[^:]*:(.*)$", line)
        for period in found.group(1).split(",") if found else []:
            start, _, end = period.strip().partition("/")
            begins = instant(start)
            periods.append((begins, begins + length_of(end) if end.startswith("P") else instant(end)))
    return periods


def moment_of(parameters, text):
    """A value of a property in UTC, by its TZID; a day as it stands."""
    zone = re.search(r';TZID="?([^";:]*)', parameters or "", re.I)
    if len(text) == 8 or text.endswith("Z") or not zone:
        return text
    return spelled(instant(text).replace(tzinfo=zoneinfo.ZoneInfo(zone.group(1))).astimezone(dt.timezone.utc))


def told(answer):
    """The objects of an answer by address, each with its text unescaped."""
    found = {}
    for part in re.findall(r"<D:response>(.*?)</D:response>", answer.text, re.S):
        href = re.search(r"<D:href>([^<]*)</D:href>", part).group(1)
        data = re.search(r"calendar-data[^>]*>([^<]*)<", part)
        text = data.group(1) if data else ""
        for escaped, plain in (("&#13;", "\r"), ("&#xD;", "\r"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'),
            ("&amp;", "&")):
            text = text.replace(escaped, plain)
        found[href] = text
    return found


def expand(window):
    return f'<C:calendar-data><C:expand start="{window[0]}" end="{window[1]}"/></C:calendar-data>'


def mkcalendar(client, path, zone=""):
    """A calendar, with the time zone of what floats: its name, or its description."""
    prop = "calendar-timezone" if zone.startswith("BEGIN:") else "calendar-timezone-id"
    more = f"<D:set><D:prop><C:{prop}>{zone}</C:{prop}></D:prop></D:set>" if zone else ""
    return client("MKCALENDAR", path, f"<C:mkcalendar {NS}>{more}</C:mkcalendar>",
        Content_Type="application/xml") if more else client("MKCALENDAR", path)


def neighbour(case):
    """A sound event in the last minute of the window, and the instance that it is."""
    end = instant(case.window[1])
    start = f"{end - MINUTE:%Y%m%dT%H%M%SZ}"
    return event("sound", "SUMMARY:Sain", f"DTEND:{end:%Y%m%dT%H%M%SZ}",
        start=f"DTSTART:{start}"), f"{start}/{end:%Y%m%dT%H%M%SZ}"


class Asked:
    """A case in its calendar."""

    def __init__(self, lab, case):
        self.lab, self.case, self.client = lab, case, lab.client("alice")
        self.calendar = f"{HOME}{urllib.parse.quote(case.name)}/"
        self.object, self.sound = self.calendar + "object.ics", self.calendar + "sound.ics"
        self.feed_address, self.refused, self.copies = None, False, 0

    def say(self, good, what):
        return self.lab.say(good, f"{self.case.name}, {what}")

    def put(self):
        """Stores the object and its neighbour; is there anything to ask?"""
        made = mkcalendar(self.client, self.calendar, self.case.zone)
        beside, _ = neighbour(self.case)
        self.say(made.status == 201 and self.client.put(self.sound, beside, **ICS) == 201,
            f"a calendar with a sound event: {made.status}")
        answer = self.client("PUT", self.object, self.case.text, **ICS)
        self.refused = answer.status == 403 and "valid-calendar-data" in answer.text and OWN in answer.text
        if self.refused:
            return not self.say(self.case.refusal, f"PUT is refused: {answer}") and False
        return self.say(answer.status == 201, f"PUT: {answer}")

    def report(self, body, depth="1"):
        return self.client("REPORT", self.calendar, body, Depth=depth)

    def ask(self, when):
        """Every question."""
        case, lab = self.case, self.lab
        say = lambda good, what: self.say(good, f"{when}, {what}")
        window = tuple(map(instant, case.window))
        ranged = between(*case.window)
        _, beside = neighbour(case)
        expected = sorted(case.instances)
        hrefs = {self.object, self.sound} if expected else {self.sound}

        for how, answer in (
            ("calendar-query, expanded", self.report(query(ranged, expand(case.window)))),
            ("calendar-multiget, expanded", self.report(multiget(self.object, self.sound, data=expand(case.window)))),
        ):
            found = told(answer)
            got = sorted(instance_of(lines) for lines in components(found.get(self.object, "")))
            say(answer.status == 207 and got == expected,
                f"{how}: {answer.status}, missing {differing(expected, got)}, too many {differing(got, expected)}")
            say([instance_of(lines) for lines in components(found.get(self.sound, ""))] == [beside],
                f"{how}: the sound one is told")
            if case.identified is not None:
                ids = sorted(found[1] for lines in components(found.get(self.object, ""))
                    if (found := value(lines, "RECURRENCE-ID")))
                say(ids == sorted(case.identified), f"{how}: RECURRENCE-ID {ids}")
        for how, inner in (("in the window", ranged), ("with a filter beside the range",
                f'{ranged}<C:prop-filter name="UID"/>')):
            answer = self.report(query(inner, "<D:getetag/><C:calendar-data/>"))
            found = told(answer)
            say(set(found) == hrefs, f"calendar-query {how}: {answer.status} {sorted(found)}")
            if self.object in found:
                say(all(word in unfolded(found[self.object]) for word in case.says),
                    f"calendar-query {how}: the text is whole")
        answer = self.report(sync())
        say({self.object, self.sound} <= set(answer.hrefs()), f"sync-collection: {answer.status} {answer.hrefs()}")
        say(self.client.get(self.object).body == case.text, "GET gives it as it was put")

        periods = [bounds(instance, case.ahead) for instance in expected]
        answer = self.report(f"<C:free-busy-query {NS}>{ranged}</C:free-busy-query>")
        right, got = merged(clipped(periods, window) + [bounds(beside)]), merged(clipped(busy_of(answer.text), window))
        say(answer.status == 200 and got == right, f"free-busy: {answer.status}, missing {shown(right, got)}, too "
            f"many {shown(got, right)}")

        for start, end in periods[:SINGLE]:
            self.listed(when, (spelled(start), spelled(start + SECOND)), True)
            if end - start > 2 * SECOND:
                self.listed(when, (spelled(end - SECOND), spelled(end)), True)
        # What lasts no time takes place at its beginning.
        taken = merged([(start, max(end, start + SECOND)) for start, end in periods])
        edges = [window[0], *(edge for period in taken for edge in period), window[1]]
        for gap in [gap for gap in zip(edges[::2], edges[1::2]) if gap[0] < gap[1]][: SINGLE + 1]:
            self.listed(when, tuple(map(spelled, gap)), False)
        for one in case.listed:
            self.listed(when, one, True)
        for one in case.absent:
            self.listed(when, one, False)
        if case.feed:
            feed = self.feed()
            self.again(when, "the feed, imported", feed, expected + [beside])
            if case.identified is not None:
                ids = {moment_of(*found) for lines in components(feed) if (found := value(lines, "RECURRENCE-ID"))}
                say(ids <= set(case.identified), f"the feed: RECURRENCE-ID {sorted(ids)}")
        exported = lab.command("export", "calendar", self.calendar.rstrip("/"))
        say(all(word in unfolded(exported) for word in case.says), "the export says it")
        self.again(when, "the export, imported", exported, expected + [beside])
        self.again(when, "imported as it is", case.text, expected)

    def listed(self, when, asked, right):
        start, end = asked
        until = f' end="{end}"' if end else ""
        answer = self.report(query(f'<C:time-range start="{start}"{until}/>'))
        what = "is" if right else "is not"
        self.say(answer.status == 207 and (self.object in answer.hrefs()) == right,
            f"{when}, calendar-query: {what} in {start}/{end}: {answer.status}")

    def feed(self):
        if not self.feed_address:
            address = self.lab.command("feed", "add", "alice", self.calendar.rstrip("/"), "--detail", "full").split()[0]
            self.feed_address = re.sub(r"^https?://[^/]*", "", address)
        return self.lab.client(None).get(self.feed_address).text

    def again(self, when, how, text, expected):
        """A text imported into another calendar has the same instances."""
        self.copies += 1
        calendar = f"{self.calendar[:-1]}-{self.copies}/"
        mkcalendar(self.client, calendar, self.case.zone)
        path = os.path.join(self.lab.folder, "in.ics")
        with open(path, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
        done = self.lab.command("import", "calendar", calendar.rstrip("/"), path, refused=True)
        answer = self.client("REPORT", calendar, query(between(*self.case.window), expand(self.case.window)), Depth="1")
        got = sorted(instance_of(lines) for part in told(answer).values() for lines in components(part))
        expected = sorted(expected)
        self.say(done.returncode == 0 and got == expected,
                 f"{when}, {how}: exit {done.returncode}, missing {differing(expected, got)}, too many "
                 f"{differing(got, expected)}, {done.stderr.strip()[-120:]}")


def differing(one, other):
    """What stands in one list and not in the other, as often as it does."""
    rest, more = list(other), []
    for item in one:
        if item in rest:
            rest.remove(item)
        else:
            more.append(item)
    return more[:4]


def shown(one, other):
    return [f"{spelled(start)}/{spelled(end)}" for start, end in one if (start, end) not in other][:4]


def ask_all(lab, cases):
    """Stores cases, and asks before and after a restart."""
    stored = [one for one in (Asked(lab, case) for case in cases) if one.put()]
    for one in stored:
        one.ask("at once")
    lab.restart()
    for one in stored:
        one.ask("after a restart")
