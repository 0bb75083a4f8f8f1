"""Random recurrence rules, imported and expanded by the server, held to three libraries: HOST NAME PASSWORD COUNT
SEED PROGRAMS...

Prints the seed, how often each library was held to, how often it departs and by which named rule. What no named rule
explains fails.
"""

import base64
import collections
import datetime as dt
import html
import http.client
import multiprocessing
import os
import random
import re
import subprocess
import sys

import departures
import rules
from oracles import by_calcard, by_dateutil, by_libical, local, parts_of

UTC = dt.timezone.utc
NS = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
CHUNK = 500
# As many rules of a hundred may be held to no library, for each departs from the RFC there.
ALONE_PERCENT = 1
# Objects that one request asks for.
PAGE = 100


def question(rule):
    first, last = rules.question_window(rule.window)
    day = rule.zone == "DATE"
    return rule.name, rule.start, rule.rule, rule.count, rules.spelled(first, day), rules.spelled(last, day)


def chunk(job):
    """A share of the rules, and what each library says of them on local clocks."""
    seed, number, count, programs = job
    rng = random.Random(f"{seed}.{number}")
    made = [rules.make(f"r{number}-{n}", rng) for n in range(count)]
    asked = [question(rule) for rule in made]
    said = {"dateutil": {name: by_dateutil(*rest) for name, *rest in asked}}
    if "libical" in programs:
        said["libical"] = by_libical(programs["libical"], asked)
    if "calcard" in programs:
        said["calcard"] = by_calcard(programs["calcard"], asked)
    return [(rule, {library: answers.get(rule.name, ("! ended", [])) for library, answers in said.items()})
        for rule in made]


def moment(at, zone):
    """A time of a clock in UTC.

    RFC 5545 section 3.3.5: "If the local time described does not occur (when changing from standard to daylight
    time), the DATE-TIME value is interpreted using the UTC offset before the gap in local times", and "If the local
    time described occurs more than once (when changing from daylight to standard time), the DATE-TIME value refers
    to the first occurrence of the referenced time".
    """
    return at.replace(tzinfo=rules.zone_of(zone), fold=0).astimezone(UTC)


def settled(rule, first, found):
    """The instances of an object in its window, in UTC with their ends, from those of its rule on the local clock."""
    start, zone = local(rule.start), rule.zone
    times = [local(at) for at in found]
    if first != rule.start:
        # "The "DTSTART" property value always counts as the first occurrence" (RFC 5545 section 3.3.10).
        times = [start, *times]
    begun = {}
    for at in times:
        # Times that the gap brings together are one instance.
        begun.setdefault(moment(at, zone), at)
    begun = dict(sorted(begun.items())[: rule.count or None])
    if rule.until:
        until = local(rule.until.rstrip("Z")).replace(tzinfo=UTC)
        begun = {utc: at for utc, at in begun.items() if utc <= until}
    for at, _ in rule.added:
        begun.setdefault(moment(at, zone), at)
    for at, _ in rule.excluded:
        begun.pop(moment(at, zone), None)
    otherwise = {}
    for at, _, to in rule.moved:
        begun.pop(moment(at, zone), None)
        length = dt.timedelta(days=1) if zone == "DATE" else dt.timedelta(minutes=30)
        otherwise[moment(to, zone)] = moment(to, zone) + length
    opens, closes = (at.replace(tzinfo=UTC) for at in rule.window)
    periods = [(utc, end_of(rule, utc, at)) for utc, at in begun.items()] + list(otherwise.items())
    return sorted(spelled(rule, start, end) for start, end in periods if start < closes and end > opens)


def end_of(rule, utc, at):
    """RFC 5545 section 3.8.5.3: "If the duration of the recurring component is specified with the "DTEND" or "DUE"
    property, the same exact duration will apply to all the members of the generated recurrence set. Else, if the
    duration of the recurring component is specified with the "DURATION" property, the same nominal duration will
    apply".
    """
    name, seconds, days = rule.length
    if name == "DTEND":
        start = local(rule.start)
        return utc + (moment(start + dt.timedelta(days=days, seconds=seconds), rule.zone) - moment(start, rule.zone))
    if days:
        return moment(at + dt.timedelta(days=days), rule.zone)
    return utc + dt.timedelta(seconds=seconds)


def spelled(rule, start, end):
    form = "%Y%m%d" if rule.zone == "DATE" else "%Y%m%dT%H%M%S" if not rule.zone else "%Y%m%dT%H%M%SZ"
    return f"{start.strftime(form)}/{end.strftime(form)}"


class Server:
    def __init__(self, host, name, password):
        self.host, self.name, self.connection = host, name, http.client.HTTPConnection(host, timeout=300)
        self.authorization = "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()

    def __call__(self, method, path, body="", **headers):
        head = {"Authorization": self.authorization, **{name.replace("_", "-"): value for name,
                value in headers.items()}}
        self.connection.request(method, path, body.encode() if isinstance(body, str) else body, head)
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def fill(self, calendar, texts):
        """A calendar with many objects, through the command; what it said."""
        status, said = self("MKCALENDAR", calendar)
        assert status == 201, (status, said)
        path = os.path.join(os.environ["WORK"], "rules.ics")
        with open(path, "w", newline="") as file:
            file.write("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Suite//EN\r\n" + "".join(texts)
                + "END:VCALENDAR\r\n")
        done = subprocess.run([os.environ["BEFFROI"], "import", "calendar", calendar.rstrip("/"), path, "--data",
                os.environ["DATA"]], capture_output=True, text=True)
        return done.stdout + done.stderr

    def expanded(self, calendar, names, window):
        """The instances of objects by their names; None where there is no such object."""
        span = f'start="{window[0]:%Y%m%dT%H%M%SZ}" end="{window[1]:%Y%m%dT%H%M%SZ}"'
        found = {}
        for page in range(0, len(names), PAGE):
            hrefs = "".join(f"<D:href>{calendar}{name}.ics</D:href>" for name in names[page : page + PAGE])
            status, text = self("REPORT", calendar, f"<C:calendar-multiget {NS}><D:prop><C:calendar-data><C:expand "
                f"{span}/></C:calendar-data></D:prop>{hrefs}</C:calendar-multiget>")
            assert status == 207, (status, text[:500])
            for part in text.split("<D:response>")[1:]:
                name = re.search(r"<D:href>([^<]*)</D:href>", part).group(1).rsplit("/", 1)[1].removesuffix(".ics")
                data = re.search(r"calendar-data[^>]*>([^<]*)<", part)
                found[name] = instances(html.unescape(data.group(
                            1))) if data else None if " 404 " in part else "! " + re.sub(r"<[^>]*>|\s+", " ", part)
        return found


def instances(text):
    """The instances of expanded components, `START/END`."""
    found = []
    for body in text.split("BEGIN:VEVENT")[1:]:
        start = re.search(r"^DTSTART[^:\r\n]*:(\S+)", body, re.M).group(1)
        end = re.search(r"^DTEND[^:\r\n]*:(\S+)", body, re.M)
        length = re.search(r"^DURATION:(\S+)", body, re.M)
        if end:
            end = end.group(1)
        else:
            days, seconds = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)S)?)?", length.group(1)).groups() if length else (1,
                0)
            over = local(start.rstrip("Z")) + dt.timedelta(days=int(days or 0), seconds=int(seconds or 0))
            end = rules.spelled(over, len(start) == 8) + ("Z" if start.endswith("Z") else "")
        found.append(f"{start}/{end}")
    return sorted(found)


def main():
    host, name, password, count, seed = *sys.argv[1:4], int(sys.argv[4]), sys.argv[5]
    programs = dict(one.split("=", 1) for one in sys.argv[6:])
    server = Server(host, name, password)
    print(f"note seed {seed}, {count} rules, held to dateutil, {', '.join(programs)}", flush=True)
    jobs = [(seed, number, min(CHUNK, count - number * CHUNK), programs)
        for number in range((count + CHUNK - 1) // CHUNK)]
    alike, departed, unexplained, refused, told, alone = collections.Counter(), collections.Counter(), [], [], 0, 0
    groups = collections.defaultdict(list)
    with multiprocessing.Pool(os.cpu_count()) as pool:
        for made in pool.imap_unordered(chunk, jobs):
            for rule, said in made:
                groups[rule.window].append((rule, said))
    for number, (window, group) in enumerate(sorted(groups.items())):
        group.sort(key=lambda entry: entry[0].name)
        calendar = f"/calendars/{name}/rules-{number}/"
        heard = server.fill(calendar, [rule.text() for rule, _ in group])
        found = server.expanded(calendar, [rule.name for rule, _ in group], window)
        for rule, said in group:
            got = found.get(rule.name)
            if got is None or isinstance(got, str):
                refused.append((rule, got or next((line for line in heard.splitlines()
                                if line.startswith(rule.name + " ")), "refused")))
                continue
            told += len(got)
            held = 0
            for library, (first, times) in said.items():
                if first.startswith("!"):
                    departed[library, "does not read it: " + first[2:42]] += 1
                    continue
                expected = settled(rule, first, times)
                if expected == got:
                    alike[library] += 1
                    held += 1
                elif why := departures.of(library, rule, parts_of(rule.rule)):
                    departed[library, why] += 1
                else:
                    unexplained.append((rule, library, expected, got))
            alone += not held
    for library, number in alike.items():
        print("note", library, "agrees on", number)
    for (library, why), number in sorted(departed.items()):
        print("note", library, "departs", number, "times:", why)
    for rule, why in sorted(refused, key=lambda entry: len(entry[0].text()))[:20]:
        print("not ok a lawful rule is refused:", rule.told("DTSTART", local(rule.start)), rule.recurs(), "-", why)
    unexplained.sort(key=lambda entry: len(entry[0].recurs()) + 40 * bool(entry[0].excluded or entry[0].added))
    for rule, library, expected, got in unexplained[:25]:
        print("not ok", rule.told("DTSTART", local(rule.start)), rule.recurs(), "in",
            *(f"{at:%Y%m%dT%H%M%SZ}" for at in rule.window), "against", library)
        print("   missing", [at for at in expected if at not in got][:4], "too many",
            [at for at in got if at not in expected][:4], *rule.text().splitlines()[4:-1])
    if len(unexplained) > 25 or len(refused) > 20:
        print("not ok", len(unexplained), "unexplained differences in all,", len(refused), "refused")
    print("note", alone, "rules are held to no library")
    good = not unexplained and not refused and told > count and alone * 100 <= count * ALONE_PERCENT
    print("ok" if good else "not ok", count, "rules,", told, "instances,", len(unexplained), "unexplained")
    sys.exit(not good)


if __name__ == "__main__":
    main()
