"""The workloads and their goals.

A goal is a text, and a function of the figures of a workload by server (medians), of all workloads, and of the
limits: how much of it is reached, 1 being just so.
"""

import re
import statistics
import time

from kit import SECONDS, WORK
from peers import SERIES, SINGLE, Beffroi, calendar, event, in_month

OURS = Beffroi.name
# What Explorer asks of each member of a folder.
EXPLORER = (
    '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:" '
    'xmlns:Z="urn:schemas-microsoft-com:"><D:prop><D:creationdate/>'
    "<D:getlastmodified/><D:getcontentlength/><D:getcontenttype/><D:resourcetype/>"
    "<D:displayname/><D:getetag/><D:lockdiscovery/>"
    "<D:supportedlock/><Z:Win32CreationTime/><Z:Win32LastModifiedTime/><Z:Win32FileAttributes/></D:prop></D:propfind>"
)
LOCK = (
    '<?xml version="1.0"?><D:lockinfo '
    'xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>'
    "<D:owner>bench</D:owner></D:lockinfo>"
)
XML = {"Content-Type": "application/xml; charset=utf-8"}
ICS = {"Content-Type": "text/calendar; charset=utf-8"}
NS = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
MIB = 1024 * 1024


def faster(peer, factor):
    """At least `factor` times as many a second as a peer."""
    return (f"≥ {factor:g} × {peer}", lambda mine, _all,
        _limits: mine[OURS]["per_second"] / mine[peer]["per_second"] / factor if peer in mine else None)


def of_limit(name, factor, shown):
    return (f"≥ {factor:g} × {shown}", lambda mine, _all, limits: mine[OURS]["per_second"] / limits[name] / factor)


def of_own(name, factor):
    return (f"≥ {factor:g} × our own “{name}”", lambda mine, all, _limits: mine[OURS]["per_second"] / all[name][OURS][
            "per_second"] / factor)


def within(milliseconds, key="ms", shown=""):
    return (f"{shown}≤ {milliseconds:g} ms", lambda mine, _all, _limits: milliseconds / mine[OURS][key])


def alike(name, key="ms"):
    """As fast as another workload of ours, give or take a quarter."""
    return (f"as “{name}”, within a quarter", lambda mine, all, _limits: 1.25 * all[name][OURS][key] / mine[OURS][key])


def get(connections):
    return lambda server, _run: server.load([("GET", "/small", "200")], connections)


def put(folder, connections):
    return lambda server, run: server.load([("PUT", f"/{folder}/p{run}-{{c}}-{{n}}.txt", "2", {"size": 4096})],
        connections)


# At most so many seconds, so many times.
ONCE = (60, 1)


def propfind(path, depth, connections=1, turns=()):
    headers = XML | {"Depth": depth}
    return lambda server, _run: server.load([("PROPFIND", path, "207", {"headers": headers, "body": EXPLORER})],
        connections, *turns)


def each_after_a_change(work, change, most=20):
    """A question about a collection that has just been changed, so that nothing remembered of its members serves:
    asked once after each change, which is not timed.
    """
    def turn(server, run):
        ends, told = time.monotonic() + SECONDS, []
        while not told or (len(told) < most and time.monotonic() < ends):
            change(server, f"{run}-{len(told)}")
            told.append(work(server, run))
        middle = {key: statistics.median(one[key] for one in told) for key in ("ms", "p99_us", "first_byte_us")}
        spent = statistics.mean(one["processor_us"] for one in told)
        wrong = next((one["wrong"] for one in told if one.get("wrong")), "")
        return middle | {"per_second": 1000 / middle["ms"], "processor_us": spent, "wrong": wrong}

    return turn


def changed_document(folder):
    def change(server, run):
        assert server.ask("PUT", f"/{folder}/document-7.txt", f"changed {run}".encode())[0] in (200, 201, 204)

    return change


def lock_put_unlock(server, run):
    with_token = {"If": "({lock})"}
    path = "/locked-{c}.txt"
    requests = [
        ("LOCK", path, "20", {"headers": XML | {"Timeout": "Second-600", "Depth": "0"}, "body": LOCK}),
        ("PUT", path, "20", {"headers": with_token, "size": 4096}),
        ("UNLOCK", path, "20", {"headers": {"Lock-Token": "{lock}"}}),
    ]
    done = server.load(requests, 1)
    # Three requests are one turn.
    return done | {"per_second": done["per_second"] / 3, "ms": done["ms"] * 3, "processor_us": done["processor_us"] * 3}


def tree(method, source, target, times=5):
    """A folder of 1,000 again and again: each time another name."""
    def work(server, run):
        destination = {"Overwrite": "F", "Depth": "infinity"}
        if target:
            destination["Destination"] = f"http://{server.host}{server.top}{target.format(run=run)}"
        return server.load([(method, source.format(run=run), "20", {"headers": destination})], 1, 60, times)

    return work


# Name, work, goals. Those of files are asked of all file servers that can do them.
FILES = [
    ("GET 4 KiB, 16 connections", get(16), [faster("nginx", 1.1), faster("lighttpd", 0.85),
            faster("hyper from memory", 0.9)]),
    ("GET 4 KiB, 64 connections", get(64), [faster("nginx", 1.1), faster("lighttpd", 0.85),
            faster("hyper from memory", 0.9)]),
    (
        "GET 100 MiB", lambda s, _r: s.load([("GET", "/large", "200")]),
        [of_limit("sendfile_per_second", 0.5, "sendfile"), faster("rclone", 2)],
    ),
    ("PUT 4 KiB new, 1 connection", put("puts1", 1), [of_limit("commits_per_second", 0.5, "FULL commits")]),
    ("PUT 4 KiB new, 16 connections", put("puts16", 16), [of_own("PUT 4 KiB new, 1 connection", 2.5),
            faster("nginx", 0.8)]),
    (
        "PUT 100 MiB", lambda s, r: s.load([("PUT", f"/upload{r}-{{n}}", "2", {"size": 100 * MIB})]),
        [of_limit("receive_per_second", 0.8, "receive to a flushed file")],
    ),
    (
        "PUT over a document, a version kept", lambda s, _r: s.load([("PUT", "/over.txt", "2", {"size": 4096})]),
        [of_own("PUT 4 KiB new, 1 connection", 1)],
    ),
    ("PROPFIND Depth 0", propfind("/empty/", "0", 16), [faster("nginx", 0.8), faster("Apache", 2)]),
    ("PROPFIND Depth 1 of 1,000", propfind("/thousand/", "1"), [faster("nginx", 1), faster("lighttpd", 6)]),
    (
        "PROPFIND Depth 1 of 10,000", propfind("/ten/", "1"),
        [faster("nginx", 1), faster("lighttpd", 6), within(5, "first_byte_ms", "first byte ")],
    ),
    (
        "PROPFIND Depth 1 of 1,000, changed before each", each_after_a_change(propfind("/thousand/", "1", turns=ONCE),
            changed_document("thousand")),
        [faster("nginx", 1), faster("lighttpd", 6)],
    ),
    (
        "PROPFIND Depth 1 of 10,000, changed before each", each_after_a_change(propfind("/ten/", "1", turns=ONCE),
            changed_document("ten")),
        [faster("nginx", 1), faster("lighttpd", 6), within(5, "first_byte_ms", "first byte ")],
    ),
    ("LOCK, PUT, UNLOCK", lock_put_unlock, [faster("Apache", 5), faster("nginx", 0.5)]),
    ("COPY of a folder of 1,000", tree("COPY", "/thousand/", "/copy-{run}-{{n}}/"), [within(20), faster("lighttpd", 2),
            faster("nginx", 2)]),
    ("MOVE of a folder of 1,000", tree("MOVE", "/copy-{run}-{{n}}/", "/moved-{run}-{{n}}/"), [within(2)]),
    ("DELETE of a folder of 1,000", tree("DELETE", "/moved-{run}-{{n}}/", None), [within(10)]),
]
# What a server cannot do, or does not do in the time of a bench.
CANNOT = {
    "hyper from memory": {name for name, *_ in FILES if not name.startswith("GET 4 KiB")},
    "lighttpd": set(),
    "rclone": {name for name, *_ in FILES if not name.startswith("GET")},
}
# Workloads of the second run, in which nothing is flushed.
WRITES = [name for name, *_ in FILES if name.startswith(("PUT", "LOCK"))]


def prepare_files(server):
    if server.name == "hyper from memory":
        return
    with open(f"{WORK}/large", "rb") as large:
        assert server.ask("PUT", "/large", large)[0] in (200, 201, 204)
    assert server.ask("PUT", "/small", b"x" * 4096)[0] in (200, 201, 204)
    assert server.ask("GET", "/small")[1] == b"x" * 4096
    if server.name == "rclone":
        return
    for folder in ("puts1", "puts16", "thousand", "ten", "empty"):
        assert server.ask("MKCOL", f"/{folder}/")[0] == 201, server.name
    for path in ("/locked-0.txt", "/over.txt"):
        assert server.ask("PUT", path, b"x")[0] in (200, 201, 204)
    for folder, count in (("thousand", 1000), ("ten", 10000)):
        server.load([("PUT", f"/{folder}/document-{{n}}.txt", "2", {"body": "content {n}"})], 1, 600, count)
        request = ("PROPFIND", f"/{folder}/", "207", {"headers": XML | {"Depth": "1"}, "body": EXPLORER})
        told = server.load([request], 1, 60, 1, count=True)["responses"]
        # Counted piece by piece, so a few may be missed; what is asked first is asked whole.
        status, listed = server.ask("PROPFIND", f"/{folder}/", EXPLORER, XML | {"Depth": "1"})
        whole = len(re.findall(rb"</([^<>:]*:)?response>", listed))
        assert status == 207 and whole == count + 1 and told >= count * 0.98, (server.name, status, whole, told)


MONTH = ("20260601T000000Z", "20260701T000000Z")
QUERY = (
    f"<C:calendar-query {NS}><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter "
    f"name=\"VCALENDAR\">"
    f"<C:comp-filter name=\"VEVENT\"><C:time-range start=\"{MONTH[0]}\" "
    f"end=\"{MONTH[1]}\"/></C:comp-filter></C:comp-filter></C:filter>"
    "</C:calendar-query>"
)
TAGS = f"<D:propfind {NS}><D:prop><D:getetag/></D:prop></D:propfind>"
FREE_BUSY = f'<C:free-busy-query {NS}><C:time-range start="{MONTH[0]}" end="{MONTH[1]}"/></C:free-busy-query>'


def multiget(hrefs):
    listed = "".join(f"<D:href>{href}</D:href>" for href in hrefs)
    return f"<C:calendar-multiget {NS}><D:prop><D:getetag/><C:calendar-data/></D:prop>{listed}</C:calendar-multiget>"


def sync(token):
    return (
        f"<D:sync-collection "
        f"{NS}><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>"
        "</D:sync-collection>"
    )


def report(method, body, depth, expected, counted=rb"href>[^<]*\.ics<", once=False):
    """A report, whose answer is counted before it is timed; or timed `once`, and counted afterwards."""
    def work(server, _run):
        sent = body(server)
        if sent is None:
            return None
        headers = XML | {"Depth": depth}
        request = (method, "", "20", {"headers": headers, "body": sent})
        done = server.load([request], 1, *ONCE) if once else None
        status, content = server.ask(method, "", sent, headers)
        found = len(re.findall(counted, content))
        done = done or server.load([request])
        wrong = "" if status in (200, 207) and expected in (None, found) else f"{found} of {expected}, status {status}"
        return done | {"wrong": wrong}

    return work


def event_put(connections):
    body = calendar(event(1)).replace("UID:event-00001", "UID:put-{run}-{{c}}-{{n}}")

    def work(server, run):
        name, text = f"put-{run}-{connections}", body.format(run=f"{run}-{connections}")
        return server.load([("PUT", f"{name}-{{c}}-{{n}}.ics", "2", {"headers": ICS, "body": text})], connections)

    return work


def changed_event(server, run):
    """Changes one of those that have changed since the token, so that their number stays."""
    name = server.names[0][len(server.top):]
    body = re.sub(rb"SEQUENCE:\d+", f"SEQUENCE:{int(time.time() * 1000) % 1000000000}".encode(),
        server.ask("GET", name)[1])
    assert server.ask("PUT", name, body, ICS)[0] in (200, 201, 204), (server.name, run)


def event_get(connections):
    return lambda server, _run: server.load([("GET", server.one, "200")], connections)


EVENTS = [
    ("GET of an event, 1 connection", event_get(1), [("≥ 10 × Radicale", faster("Radicale", 10)[1])]),
    ("GET of an event, 16 connections", event_get(16), [of_limit("hyper_per_second", 0.5, "hyper from memory"),
            faster("Radicale", 10)]),
    (
        "calendar-query of a month", report("REPORT", lambda s: QUERY, "1", in_month(2026, 6), rb"BEGIN:VCALENDAR"),
        [within(5)],
    ),
    ("multiget of 100", report("REPORT", lambda s: multiget(s.names[::100]), "1", 100, rb"BEGIN:VCALENDAR"),
        [within(1)]),
    ("multiget of 1,000", report("REPORT", lambda s: multiget(s.names[::10]), "1", 1000, rb"BEGIN:VCALENDAR"),
        [within(9)]),
    ("PROPFIND of 10,000 tags", report("PROPFIND", lambda s: TAGS, "1", SINGLE + SERIES), [within(12)]),
    ("sync-collection, initial, 10,000", report("REPORT", lambda s: sync(""), "0", SINGLE + SERIES), [within(12)]),
    ("sync-collection, 10 changes in 10,000", report("REPORT", lambda s: s.token and sync(s.token), "0", 10),
        [within(0.4)]),
    ("free-busy of a month", report("REPORT", lambda s: FREE_BUSY, "1", None), [within(3)]),
    (
        "calendar-query of a month, changed before each",
        each_after_a_change(report("REPORT", lambda s: QUERY, "1", in_month(2026, 6), rb"BEGIN:VCALENDAR", once=True),
            changed_event), [within(5)],
    ),
    (
        "PROPFIND of 10,000 tags, changed before each",
        each_after_a_change(report("PROPFIND", lambda s: TAGS, "1", SINGLE + SERIES, once=True), changed_event),
        [within(12)],
    ),
    (
        "sync-collection, initial, 10,000, changed before each",
        each_after_a_change(report("REPORT", lambda s: sync(""), "0", SINGLE + SERIES, once=True), changed_event),
        [within(12)],
    ),
    ("PUT of an event, 1 connection", event_put(1), [of_limit("commits_per_second", 0.4, "FULL commits")]),
    ("PUT of an event, 16 connections", event_put(16), [("≥ 10 × 690/s × FULL commits of this run / 6,500",
        lambda mine, _all, limits: mine[OURS]["per_second"] / (6900 * limits["commits_per_second"] / 6500))]),
]


def invitation(uid, title, day):
    """A meeting of 200: people here, a room, and fifty who are not of this server."""
    here = [f"guest{number}@ville.example" for number in range(149)] + ["hall@ville.example"]
    people = here + [f"guest{number}@dehors.example" for number in range(50)]
    lines = "".join(f"ATTENDEE;RSVP=TRUE:mailto:{who}\r\n" for who in people)
    return calendar(f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{day}T090000Z\r\n"
        f"DTEND:{day}T100000Z\r\nSUMMARY:{title}\r\nORGANIZER:mailto:bench@ville.example\r\n{lines}END:VEVENT\r\n")


def meeting_put(uid):
    """A meeting of 200 by one client; where the name stays, each is a change that all hear of."""

    def work(server, run):
        name = uid.replace("{run}", run)
        body = invitation(name, "Meeting {c}-{n}", "20350105")
        return server.load([("PUT", f"{name}.ics", "2", {"headers": ICS, "body": body})], rounds=20)

    return work


# What the server itself may take, whatever the number of those who are invited.
MEETINGS = [
    ("new meeting of 200, 50 of them outside", meeting_put("new-{run}-{c}-{n}"), [within(60)]),
    ("change of a meeting of 200, 50 of them outside", meeting_put("changed-{run}"), [within(60)]),
]


def prepare_events(server):
    """Names, and ten changes since a token."""
    status, content = server.ask("PROPFIND", "", TAGS, XML | {"Depth": "1"})
    server.names = sorted(href.decode() for href in re.findall(rb"<[^>]*href>([^<]*\.ics)</", content))
    assert status == 207 and len(server.names) == SINGLE + SERIES, (server.name, status, len(server.names))
    server.one = server.names[7][len(server.top):]
    status, content = server.ask("REPORT", "", sync(""), XML | {"Depth": "0"})
    found = re.search(rb"sync-token>([^<]+)<", content)
    server.token = found.group(1).decode() if status == 207 and found else None
    for number in range(10):
        name = server.names[number * 37][len(server.top):]
        _, stored = server.ask("GET", name)
        body = re.sub(rb"SEQUENCE:0", b"SEQUENCE:1", stored)
        status, content = server.ask("PUT", name, body, ICS)
        assert status in (200, 201, 204), (server.name, status, content[:300])


def grown(server, size):
    """Ten changes in a calendar of another size."""
    part = type("Part", (), {})()
    part.__class__ = type("Part", (server.__class__,), {"__init__": lambda self: None})
    part.__dict__.update(server.__dict__)
    part.top = f"/calendars/bench/grown{size}/"
    assert part.ask("MKCALENDAR", "")[0] == 201
    part.fill(part.top, (event(n % SINGLE).replace("UID:event-", f"UID:grown-{n}-") for n in range(size)))
    _, content = part.ask("PROPFIND", "", f"<D:propfind {NS}><D:prop><D:sync-token/></D:prop></D:propfind>",
        XML | {"Depth": "0"})
    part.token = re.search(rb"sync-token>([^<]+)<", content).group(1).decode()
    for number in range(10):
        assert part.ask("PUT", f"new-{number}.ics", calendar(event(number).replace("UID:", "UID:new-")), ICS)[0] == 201
    return part
