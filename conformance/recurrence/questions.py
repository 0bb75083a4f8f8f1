"""Asked at the very instant that its expansion tells, an object is found, and just before it is not: HOST NAME
PASSWORD OBJECTS SEED.

Each object lies in a calendar of its own, so that nothing covers for it. Asked are calendar-query and free-busy,
each at the first second of an instance and at the one before, and the feed, imported again. What is right follows
from the server's own expansion, which the other suites hold to libraries.
"""

import collections
import datetime as dt
import html
import os
import random
import re
import subprocess
import sys

import rules
from differential import NS, UTC, Server, instances
from oracles import local

SECOND = dt.timedelta(seconds=1)
# As many instants are asked for of one object.
INSTANTS = 10
# Objects that one feed tells.
SHARED = 150
# What the feed of this suite reaches (see recurrence.sh), within its edges.
TODAY = dt.datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
FED = (TODAY - dt.timedelta(days=390), TODAY + dt.timedelta(days=1190))


def moments(instance):
    """The bounds of an instance; days and what floats lie in UTC, for the calendars have no zone."""
    start, _, end = instance.partition("/")
    return tuple(local(at.rstrip("Z")).replace(tzinfo=UTC) for at in (start, end))


def ranged(start, end):
    return f'<C:time-range start="{start:%Y%m%dT%H%M%SZ}" end="{end:%Y%m%dT%H%M%SZ}"/>'


def query(start, end, data="<D:getetag/>"):
    return (f'<C:calendar-query {NS}><D:prop>{data}</D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter '
        f'name="VEVENT">{ranged(start, end)}'
            "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>")


def whole(rule):
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Suite//EN\r\n{rule.text()}END:VCALENDAR\r\n"


def main():
    host, name, password, count, seed = *sys.argv[1:4], int(sys.argv[4]), sys.argv[5]
    server, rng = Server(host, name, password), random.Random(f"{seed}.questions")
    asked, wrong, told, fed = collections.Counter(), [], {}, []
    for number in range(count):
        rule = rules.make(f"q{number}", rng)
        calendar = f"/calendars/{name}/q{number}/"
        server("MKCALENDAR", calendar)
        status, said = server("PUT", f"{calendar}{rule.name}.ics", whole(rule), Content_Type="text/calendar")
        if status != 201:
            wrong.append((rule, f"PUT: {status} {said[:200]}"))
            continue
        found = server.expanded(calendar, [rule.name], rule.window)[rule.name]
        if isinstance(found, str):
            wrong.append((rule, found))
            continue
        told[rule.name] = rule, found
        periods = [moments(instance) for instance in found]
        opens = rule.window[0].replace(tzinfo=UTC)
        within = [period for period in periods if period[0] > opens]
        for start, end in rng.sample(within, min(INSTANTS, len(within))):
            for first, right in ((start, True), (start - SECOND, any(a <= start - SECOND < b for a, b in periods))):
                what = "at" if first == start else "a second before"
                status, text = server("REPORT", calendar, query(first, first + SECOND), Depth="1")
                asked["calendar-query"] += 1
                if status != 207 or ("<D:response>" in text) != right:
                    wrong.append((rule, f"calendar-query {what} {start:%Y%m%dT%H%M%SZ}: {status}, "
                        f"{'not found' if right else 'found'}"))
                status, text = server("REPORT", calendar,
                    f"<C:free-busy-query {NS}>{ranged(first, first + SECOND)}</C:free-busy-query>", Depth="1")
                asked["free-busy"] += 1
                if status != 200 or bool(re.search(r"^FREEBUSY", text, re.M)) != right:
                    wrong.append((rule, f"free-busy {what} {start:%Y%m%dT%H%M%SZ}: {status}, "
                        f"{'free' if right else 'busy'}"))
        # What fires all day long would make a feed of megabytes.
        if rules.FREQUENCIES.index(rule.rule.split(";")[0].removeprefix(
                "FREQ=")) < 4 and "BYMINUTE" not in rule.rule and "BYSECOND" not in rule.rule:
            fed.append(rule)
    for page in range(0, len(fed), SHARED):
        ask_feed(server, name, page // SHARED, fed[page : page + SHARED], told, asked, wrong)
    for rule, what in sorted(wrong, key=lambda entry: len(entry[0].text()))[:25]:
        print("not ok", what, "of", *rule.text().splitlines()[4:-1])
    good = not wrong and asked.total() >= 10 * count
    print("ok" if good else "not ok", ", ".join(f"{number} questions of {how}" for how, number in asked.items()),
        f"about {len(told)} objects, seed {seed}: {len(wrong)} wrong")
    sys.exit(not good)


def ask_feed(server, name, number, page, told, asked, wrong):
    """Some objects in one calendar, its feed imported into another: the same instances within its reach."""
    calendar, again = f"/calendars/{name}/fed-{number}/", f"/calendars/{name}/fed-{number}-again/"
    server.fill(calendar, [rule.text() for rule in page])
    done = subprocess.run([os.environ["BEFFROI"], "feed", "add", name, calendar.rstrip("/"), "--detail", "full",
            "--data", os.environ["DATA"]], capture_output=True, text=True)
    status, feed = server("GET", re.sub(r"^https?://[^/]*", "", done.stdout.split()[0]))
    assert status == 200, (status, feed[:300])
    server.fill(again, [feed.replace("\r\n ", "").split("\r\n", 1)[1].rsplit("END:VCALENDAR", 1)[0]])
    windows = collections.defaultdict(list)
    for rule in page:
        windows[rule.window].append(rule)
    for (opens, closes), rules_of_it in windows.items():
        edges = max(FED[0], opens.replace(tzinfo=UTC)), min(FED[1], closes.replace(tzinfo=UTC))
        if edges[0] >= edges[1]:
            continue
        data = (f'<C:calendar-data><C:expand start="{edges[0]:%Y%m%dT%H%M%SZ}" '
            f'end="{edges[1]:%Y%m%dT%H%M%SZ}"/></C:calendar-data>')
        status, text = server("REPORT", again, query(*edges, data), Depth="1")
        assert status == 207, (status, text[:300])
        found = collections.defaultdict(list)
        for body in html.unescape(text).split("BEGIN:VEVENT")[1:]:
            summary = re.search(r"^SUMMARY:(\S+)", body, re.M).group(1)
            found[summary] += instances("BEGIN:VEVENT" + body.split("END:VEVENT")[0])
        for rule in rules_of_it:
            # Floating times and days are told in UTC or as days; as moments they are the same.
            within = lambda all: sorted(period for period in map(moments, all) if edges[0] <= period[0] < edges[1])
            right, got = within(told[rule.name][1]), within(found[rule.name])
            asked["the feed"] += len(right)
            if right != got:
                missing, more = [at for at in right if at not in got], [at for at in got if at not in right]
                wrong.append((rule, f"the feed: missing "
                    f"{[f'{a:%Y%m%dT%H%M%SZ}/{b:%Y%m%dT%H%M%SZ}' for a, b in missing[:3]]}, too many "
                    f"{[f'{a:%Y%m%dT%H%M%SZ}/{b:%Y%m%dT%H%M%SZ}' for a, b in more[:3]]}"))


if __name__ == "__main__":
    main()
