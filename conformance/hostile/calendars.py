"""Events, zones and questions made to exhaust whoever works them out: bounded while they are built, and fair to
others.
"""

import re
import time

from lab import ICS, NS, at_once, between, event, multiget, probe, query, sync

HOME = "/calendars/alice/personal/"
YEAR = ("20260101T000000Z", "20270101T000000Z")
EXPAND = '<C:calendar-data><C:expand start="{}" end="{}"/></C:calendar-data>'
REFUSED = (403, 413, 429, 503, 507)


def put(lab, name, text, who="alice", home=HOME):
    answer = lab.client(who)("PUT", f"{home}{name}.ics", text, **ICS)
    lab.say(answer.status in (201, 204, *REFUSED) and lab.soon(answer),
        f"PUT of {name}: {answer.status} in {answer.seconds:.1f} s")
    return answer.status


def asked(lab, what, answers):
    for answer in answers:
        status = getattr(answer, "status", answer)
        seconds = getattr(answer, "seconds", 0)
        lab.say(status in (200, 207, *REFUSED) and (not seconds or lab.soon(answer)),
            f"{what}: {status} in {seconds:.1f} s, {len(getattr(answer, 'body', b'')) >> 20} MiB")


def report(lab, body, home=HOME, who="alice", depth="1"):
    return lab.client(who)("REPORT", home, body, Depth=depth)


def fat(uid, size, *lines):
    return event(uid, "SUMMARY:fat", *lines, "DESCRIPTION:" + "d" * size)


@probe("RFC 4791 section 9.6.5", "expansion of large events is bounded as it is built, by whatever report and rule it "
    "is asked")
def expansion(lab):
    rules = {"minutely": "RRULE:FREQ=MINUTELY", "hourly": "RRULE:FREQ=HOURLY", "daily": "RRULE:FREQ=DAILY;BYHOUR="
        + ",".join(map(str, range(24))), "dates": "RDATE:" + ",".join(f"2026{m:02}{d:02}T{h:02}0000Z"
            for m in range(1, 13) for d in range(1, 29) for h in range(24))}
    for name, rule in rules.items():
        for size in (40_000, 400_000):
            put(lab, f"{name}-{size}", fat(f"{name}-{size}", size, rule, "ATTENDEE;CN=A:mailto:a@ville.example"))
    lab.watch()
    data = EXPAND.format(*YEAR)
    names = [f"{HOME}{name}-{size}.ics" for name in rules for size in (40_000, 400_000)]
    jcal = ('<C:calendar-data content-type="application/calendar+json" version="2.0"><C:expand start="{}" '
        'end="{}"/></C:calendar-data>').format(*YEAR)
    for what, body in {
        "calendar-query": query("", data), "calendar-query of the year": query(between(*YEAR), data),
        "calendar-multiget": multiget(*names, data=data), "in jCal": query("", jcal), "sync-collection": sync("", "1",
            data),
        "limited": query("", '<C:calendar-data><C:limit-recurrence-set start="{}" end="{}"/></C:calendar-data>'.format(
                *YEAR)), "summaries": query("", data.replace("<C:expand",
                '<C:comp name="VCALENDAR"><C:comp name="VEVENT">'
                '<C:prop name="DESCRIPTION"/></C:comp></C:comp><C:expand')),
    }.items():
        asked(lab, what, [report(lab, body, depth="0" if "sync" in what else "1")])
    asked(lab, "five at once", at_once(*[lambda: report(lab, query("", data))] * 5))
    lab.unharmed("expansion of large events")


@probe("RFC 5545 section 3.8.5.3", "a feed of such events is bounded, asked by nobody in particular, many times")
def feeds(lab):
    for size in (40_000, 400_000):
        for name, rule in (("minutely", "RRULE:FREQ=MINUTELY"),
            ("odd", "RRULE:FREQ=DAILY;BYHOUR=9,10,11,12,13;BYSETPOS=1,3"),
            ("dates", "RDATE:" + ",".join(f"2026{m:02}{d:02}T100000Z" for m in range(1, 13) for d in range(1, 29)))):
            put(lab, f"{name}-{size}", fat(f"{name}-{size}", size, rule))
    path = re.sub(r"^https?://[^/]*", "", lab.command("feed", "add", "alice", HOME.rstrip("/"), "--detail", "full").split()[0])
    lab.watch()
    feed = lambda: lab.client(None).get(path)
    asked(lab, "the feed", [feed()])
    asked(lab, "six at once", at_once(*[feed] * 6))
    lab.unharmed("feeds of large events")


@probe("RFC 5545 section 3.8.5.3", "rules that fire each minute, never, or by thousands a day cost an object its "
    "budget and others nothing")
def rules(lab):
    numbers = lambda end: ",".join(map(str, range(end)))
    product = f"BYHOUR={numbers(24)};BYMINUTE={numbers(60)};BYSECOND={numbers(60)}"
    lab.watch()
    for name, rule in {
        "product-daily": f"FREQ=DAILY;{product}",
        "product-yearly": f"FREQ=YEARLY;BYMONTH={numbers(13)[2:]};BYMONTHDAY={numbers(32)[2:]};{product}",
        "product-positions": f"FREQ=MONTHLY;{product};BYSETPOS=-1",
        "product-weekly": f"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;{product}",
        "minutely-never": "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
        "secondly-never": "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=31",
        "minutely-positions": "FREQ=MINUTELY;BYHOUR=3;BYSETPOS=5",
        "hourly-rare": "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;BYHOUR=3",
        "yearly-53": "FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=1;BYDAY=WE",
        "count": "FREQ=MINUTELY;COUNT=2000000000", "until": "FREQ=MINUTELY;UNTIL=99991231T000000Z",
        "interval": "FREQ=MINUTELY;INTERVAL=7919;BYDAY=1MO",
    }.items():
        put(lab, name, event(name, f"RRULE:{rule}", "DURATION:PT1M"))
    put(lab, "many-rules", event("many-rules", *[f"RRULE:FREQ=DAILY;{product}"] * 5,
            *[f"EXRULE:FREQ=DAILY;{product}"] * 5))
    put(lab, "excluded", event("excluded", "RRULE:FREQ=MINUTELY", "EXDATE:" + ",".join(f"202601{d:02}T{h:02}{m:02}00Z"
                for d in range(1, 29) for h in range(24) for m in range(60))))
    put(lab, "long-ago", event("long-ago", "RRULE:FREQ=MINUTELY;BYMONTH=1", "DURATION:P400D",
            start="DTSTART:16010101T000000Z"))
    for what, body in {"a month": query(between("20260101T000000Z", "20260201T000000Z")),
                       "all time": query(between("19000101T000000Z", "99991231T000000Z")),
                       "a year, expanded": query(between(*YEAR), EXPAND.format(*YEAR)),
                       "busy times of a century": f'<C:free-busy-query '
                       f'{NS}>{between("20000101T000000Z", "21000101T000000Z")}</C:free-busy-query>',
                       "alarms": query('<C:comp-filter name="VALARM">' + between(*YEAR) + "</C:comp-filter>")}.items():
        asked(lab, what, [report(lab, body)])
    asked(lab, "six at once", at_once(*[lambda: report(lab, query(between("20260101T000000Z", "20260201T000000Z"),
                        EXPAND.format(*YEAR)))] * 6))
    lab.unharmed("rules of all kinds")


@probe("RFC 5545 section 3.6.5", "the rules of a time zone have a budget as those of events have")
def zones(lab):
    def zoned(uid, rule, count, rdates=""):
        one = (
            f"BEGIN:STANDARD\r\nDTSTART:19000101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n"
            f"{rule}\r\n{rdates}END:STANDARD")
        return event(uid, "RRULE:FREQ=DAILY", "DURATION:PT1H", start="DTSTART;TZID=mine:20260101T000000",
            before="\r\n".join(["BEGIN:VTIMEZONE", "TZID:mine", *[one] * count, "END:VTIMEZONE"]))

    lab.watch()
    kinds = {"never": ("RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", 1000), "minutely": ("RRULE:FREQ=MINUTELY", 500),
        "daily": ("RRULE:FREQ=DAILY", 1000), "one": ("RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", 1),
        "product": ("RRULE:FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE="
            + ",".join(map(str, range(60))), 50)}
    used = lab.processor()
    at_once(*[lambda name=name, kind=kind: put(lab, name, zoned(name, *kind)) for name, kind in kinds.items()])
    put(lab, "dates", zoned("dates", "X-N:1", 20, "".join(f"RDATE:19{y:02}{m:02}{d:02}T000000\r\n"
                for y in range(70, 99) for m in range(1, 13) for d in range(1, 28))))
    lab.note(f"all PUTs took {lab.processor() - used:.1f} s of processor")
    for what, body in {"a month": query(between("20260101T000000Z", "20260201T000000Z")),
        "a year, expanded": query("", EXPAND.format(*YEAR)),
        "busy times": f'<C:free-busy-query {NS}>{between(*YEAR)}</C:free-busy-query>'}.items():
        used = lab.processor()
        asked(lab, what, [report(lab, body)])
        lab.note(f"{what} took {lab.processor() - used:.1f} s of processor")
    asked(lab, "six at once", at_once(*[lambda: report(lab,
                    query(between("20260101T000000Z", "20260201T000000Z")))] * 6))
    lab.unharmed("zones of many rules")


@probe("RFC 4791 section 9.7.5", "text is sought in time that grows with the text, however long, and for nobody who "
    "has gone")
def text_match(lab):
    put(lab, "lines", event("lines", *[f"COMMENT;LANGUAGE=fr:x{number}" for number in range(12_000)]))
    put(lab, "long", event("long", "DESCRIPTION:" + "eé" * 400_000))
    lab.watch()

    def sought(size, letter="é", name="COMMENT", inner="{}"):
        match = f'<C:text-match collation="i;unicode-casemap">{letter * size}</C:text-match>'
        return query(f'<C:prop-filter name="{name}">{inner.format(match)}</C:prop-filter>')

    used = lab.processor()
    for what, body in {"12,000 letters in 12,000 lines": sought(12_000), "30,000 letters": sought(30_000),
                       "a long text in a long text": sought(300_000, "eé", "DESCRIPTION"),
                       "nearly there": sought(1, "e" * 20_000 + "z", "DESCRIPTION"),
                       "in parameters": sought(12_000, inner='<C:param-filter name="LANGUAGE">{}</C:param-filter>'),
                       "letters that fold to three": sought(9_000, "ﬃ")}.items():
        asked(lab, what, [report(lab, body)])
    many = "".join(f'<C:prop-filter name="COMMENT"><C:text-match>{"é" * 200}{number}</C:text-match></C:prop-filter>'
        for number in range(200))
    asked(lab, "200 texts at once", [report(lab, query(many))])
    spent = lab.processor() - used
    # All of it: some seconds on any machine, where a fault takes minutes.
    lab.say(spent <= 15, f"all of that took {spent:.1f} s of processor")
    body = sought(30_000).encode()
    for _ in range(20):
        link = lab.connect()
        link.sendall(lab.head("REPORT", HOME, Depth="1", Content_Length=len(body)) + body)
        time.sleep(0.05)
        link.close()
    time.sleep(2)
    lab.unharmed("text sought")
    used = lab.rests()
    lab.say(used <= 0.7, f"two seconds after all have gone, {used:.1f} s of processor in two seconds")


@probe("RFC 7265 section 3", "objects of megabytes cost no multiple of themselves as jCal, nor in parts, nor by "
    "hundreds")
def large_objects(lab):
    many = event("attached", *[f"X-PROP;X-A={number};X-B=b:{'v' * 20}" for number in range(90_000)])
    put(lab, "many-lines", many)
    for number in range(12):
        put(lab, f"large-{number}", fat(f"large-{number}", 9_000_000))
    lab.watch()
    jcal = query("", '<C:calendar-data content-type="application/calendar+json" version="2.0"/>')
    asked(lab, "jCal of all", [report(lab, jcal)])
    asked(lab, "GET as jCal", [lab.client("alice").get(HOME + "many-lines.ics", Accept="application/calendar+json")])
    asked(lab, "all whole", [report(lab, query("", "<C:calendar-data/>"))])
    asked(lab, "one part of each", [report(lab, query("",
                    '<C:calendar-data><C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop '
                    'name="DESCRIPTION"/></C:comp></C:comp></C:calendar-data>'))])
    names = [f"{HOME}large-{number % 12}.ics" for number in range(500)]
    asked(lab, "multiget of one thing hundreds of times", [report(lab, multiget(*names))])
    asked(lab, "eight at once", at_once(*[lambda: report(lab, jcal)] * 4,
            *[lambda: report(lab, query("", "<C:calendar-data/>"))] * 4))
    asked(lab, "GET as jCal, eight at once", at_once(*[lambda: lab.client("alice").get(HOME + "many-lines.ics",
                    Accept="application/calendar+json")] * 8))
    body = jcal.encode()
    links = []
    for _ in range(20):
        link = lab.connect()
        link.sendall(lab.head("REPORT", HOME, Depth="1", Content_Length=len(body)) + body)
        links.append(link)
    time.sleep(2)
    lab.unharmed("large objects, asked by 20 who do not read")
    for link in links:
        link.close()
