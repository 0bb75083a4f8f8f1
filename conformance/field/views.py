"""What is shown is what one might see where it stood; who may only read changes nothing; what ended is over."""

import os
import re

from lab import ICS, NS, event, probe, sync

TREE = f"<D:version-tree {NS}><D:prop><D:version-name/></D:prop></D:version-tree>"


def shown(lab, who, home, names):
    """For each name, whether this person's program is shown it in a trash: by GET, by the listing."""
    client = lab.client(who)
    listed = " ".join(client.list(f"/trash/{home}/", "D:getetag").hrefs()[1:])
    return {name: (client.get(f"/trash/{home}/{name}").status == 200, name in listed) for name in names}


@probe("RFC 3744 section 3.3", "the trash shows what one might read where it stood, with a device that might ask there")
def trash(lab):
    alice = lab.client("alice")
    alice("PUT", "/calendars/alice/personal/event.ics", event("p", "SUMMARY:Rendez-vous"), **ICS)
    alice.put("/files/alice/act.txt")
    alice("PUT", "/calendars/tramway/meetings/meeting.ics", event("m"), **ICS)
    alice.mkcol("/files/tramway/closed/")
    alice.mkcol("/files/tramway/open/")
    for folder in ("closed", "open"):
        alice.put(f"/files/tramway/{folder}/{folder}.txt")
    for path in ("/calendars/alice/personal/event.ics", "/files/alice/act.txt",
        "/calendars/tramway/meetings/meeting.ics", "/files/tramway/closed/closed.txt", "/files/tramway/open/open.txt"):
        lab.say(alice.delete(path) == 204, f"{path} is deleted")
    lab.command("grant", "add", "/files/alice", "carol", "--role", "reader")
    lab.command("grant", "add", "/calendars/alice/personal", "bob", "--role", "reader")
    lab.command("grant", "add", "/files/tramway/open", "dave", "--role", "reader")
    for scope in ("files", "calendars"):
        lab.device("alice", scope, "--scope", scope)
        lab.device("bob", scope, "--scope", scope)
    both, none = (True, True), (False, False)
    own, project = ("event.ics", "act.txt"), ("meeting.ics", "closed.txt", "open.txt")
    rows = [
        ("alice", "alice", {"event.ics": both, "act.txt": both}),
        ("alice files", "alice", {"event.ics": none, "act.txt": both}),
        ("alice calendars", "alice", {"event.ics": both, "act.txt": none}),
        ("carol", "alice", {"event.ics": none, "act.txt": both}),
        ("carol", "tramway", {name: both for name in project}),
        ("bob files", "tramway", {"meeting.ics": none, "closed.txt": both, "open.txt": both}),
        ("bob calendars", "tramway", {"meeting.ics": both, "closed.txt": none, "open.txt": none}),
    ]
    for who, home, wanted in rows:
        seen = shown(lab, who, home, own if home == "alice" else project)
        for name, want in wanted.items():
            lab.say(seen[name] == want, f"{who} in the trash of {home}: {name} by GET and listing {seen[name]}, right "
                f"is {want}")
    # Who has a role on one place only may be shown what stood there, and nothing else.
    seen = shown(lab, "bob", "alice", own)
    lab.say(seen["act.txt"] == none, f"bob, who reads one calendar of alice: {seen}")
    seen = shown(lab, "dave", "tramway", project)
    lab.say(seen["meeting.ics"] == seen["closed.txt"] == none, f"dave, who reads one folder: {seen}")
    for who, path in (("carol", "/trash/alice/event.ics"), ("alice files", "/trash/alice/event.ics"),
        ("bob", "/trash/alice/act.txt"), ("dave", "/trash/tramway/closed.txt")):
        name = path.rsplit("/", 1)[1]
        own = lab.passwords[who][0]
        answers = [lab.client(who)(method, path, **headers).status for method, headers in (
            ("GET", {}), ("PROPFIND", {"Depth": "0"}), ("COPY", {"Destination": f"/files/{own}/{name}"}),
            ("COPY", {"Destination": f"/calendars/{own}/personal/{name}"}),
            ("MOVE", {"Destination": f"/files/{own}/{name}"}), ("DELETE", {}))]
        lab.say(set(answers) <= {403, 404} and answers[0] == answers[1] == 404, f"{who} with {path}: {answers}")


@probe("RFC 3253 section 3.5", "old versions are shown by the right to what they are versions of, dead or alive")
def old_versions(lab):
    alice = lab.client("alice")
    for folder in ("given", "closed"):
        alice.mkcol(f"/files/tramway/{folder}/")
        for text in ("one", "two"):
            alice.put(f"/files/tramway/{folder}/act.txt", f"{folder} {text}")
    for text in ("Secret", "Open"):
        alice("PUT", "/calendars/tramway/meetings/m.ics", event("m", f"SUMMARY:{text}"), **ICS)
    versions = {}
    for path in ("/files/tramway/given/act.txt", "/files/tramway/closed/act.txt", "/calendars/tramway/meetings/m.ics"):
        versions[path] = alice("REPORT", path, TREE, Depth="0").hrefs()
        lab.say(len(versions[path]) == 2, f"{path} has two versions")
    lab.command("grant", "add", "/files/tramway/given", "dave", "--role", "reader")

    def seen(who):
        return {path: [lab.client(who).get(href).status for href in hrefs] for path, hrefs in versions.items()}

    given, closed, meeting = versions
    told = seen("dave")
    lab.say(told == {given: [200, 200], closed: [404, 404], meeting: [404, 404]},
        f"who reads one folder: {list(told.values())}")
    lab.device("alice", "files", "--scope", "files")
    told = seen("alice files")
    lab.say(told == {given: [200, 200], closed: [200, 200], meeting: [404, 404]},
        f"a device for files: {list(told.values())}")
    for path in versions:
        alice.delete(path)
    told = seen("dave")
    lab.say(told[closed] == [404, 404] and told[meeting] == [404, 404], f"once deleted: {list(told.values())}")
    lab.command("grant", "remove", "/files/tramway/given", "dave")
    told = seen("dave")
    lab.say(set(sum(told.values(), [])) == {404}, f"once the role ended: {list(told.values())}")
    # The UID comes back in a calendar that others may read: what it was elsewhere does not come with it.
    lab.command("grant", "add", "/files/alice", "carol", "--role", "reader")
    alice("PUT", "/calendars/alice/personal/m.ics", event("private", "SUMMARY:Secret"), **ICS)
    first = alice("REPORT", "/calendars/alice/personal/m.ics", TREE, Depth="0").hrefs()
    alice.delete("/calendars/alice/personal/m.ics")
    alice("PUT", "/calendars/tramway/meetings/private.ics", event("private", "SUMMARY:Public"), **ICS)
    tree = lab.client("carol")("REPORT", "/calendars/tramway/meetings/private.ics", TREE, Depth="0").hrefs()
    texts = [lab.client("carol").get(href) for href in [*first, *tree]]
    lab.say(not any("Secret" in answer.text for answer in texts),
        f"a deleted event, of a UID that another calendar holds now, is not shown to who reads documents: "
        f"{[answer.status for answer in texts]}")


@probe("RFC 3744 section 5.4", "a read-only device changes nothing, by no method, at no address")
def read_only(lab):
    alice = lab.client("alice")
    lab.device("alice", "reads", "--read-only")
    alice.put("/files/alice/act.txt", "act")
    alice.put("/files/alice/locked.txt", "act")
    token = alice.lock("/files/alice/locked.txt")
    alice("PUT", "/calendars/alice/personal/e.ics", event("e"), **ICS)
    alice.put("/files/alice/gone.txt")
    alice.delete("/files/alice/gone.txt")
    reads = lab.client("alice reads")
    version = alice("REPORT", "/files/alice/act.txt", TREE, Depth="0").hrefs()[0]
    patch = (f'<D:propertyupdate '
        f'{NS}><D:set><D:prop><D:displayname>x</D:displayname><X:a>b</X:a></D:prop></D:set></D:propertyupdate>')
    lock = f'<D:lockinfo {NS}><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>'
    update = f'<D:update {NS}><D:version><D:href>{version}</D:href></D:version></D:update>'
    rows = [
        ("PUT", "/files/alice/act.txt", "x", {}), ("PUT", "/files/alice/new.txt", "x", {}),
        ("PUT", "/calendars/alice/personal/n.ics", event("n"), ICS), ("POST", "/calendars/alice/personal/", event("q"),
            ICS),
        ("DELETE", "/files/alice/act.txt", None, {}), ("DELETE", "/calendars/alice/personal/", None, {}),
        ("DELETE", "/trash/alice/gone.txt", None, {}), ("MKCOL", "/files/alice/made/", None, {}),
        ("MKCALENDAR", "/calendars/alice/made/", None, {}),
        ("COPY", "/files/alice/act.txt", None, {"Destination": "/files/alice/copy.txt"}),
        ("COPY", version, None, {"Destination": "/files/alice/copy.txt"}), ("MOVE", "/files/alice/act.txt", None,
            {"Destination": "/files/alice/moved.txt"}),
        ("MOVE", "/trash/alice/gone.txt", None, {"Destination": "/files/alice/gone.txt"}),
        ("LOCK", "/files/alice/act.txt", lock, {"Depth": "0"}), ("LOCK", "/files/alice/unmapped.txt", lock,
            {"Depth": "0"}),
        ("LOCK", "/files/alice/locked.txt", None, {"If": f"(<{token}>)"}), ("UNLOCK", "/files/alice/locked.txt", None,
            {"Lock_Token": f"<{token}>"}), ("UPDATE", "/files/alice/act.txt", update, {}),
            ("VERSION-CONTROL", "/files/alice/act.txt", None, {}),
        *(("PROPPATCH", path, patch, {}) for path in ("/files/alice/act.txt", "/files/alice/", "/calendars/alice/",
                "/calendars/alice/personal/", "/calendars/alice/meetings@tramway/", "/calendars/alice/meetings@tramway",
                "/calendars/tramway/meetings/", version)),
    ]
    before = state(alice)
    for method, path, body, headers in rows:
        answer = reads(method, path, body, **headers)
        refused = answer.status in (403, 405) or answer.status == 207 and answer.statuses() and set(
            answer.statuses()) <= {403, 424}
        lab.say(refused, f"{method} {path}: {answer.status} {answer.statuses() or ''}")
    lab.say(state(alice) == before, "nothing has changed")
    lab.say(reads.get("/files/alice/act.txt").status == 200, "and it reads")


def state(client):
    """All that synchronization, listings and properties tell."""
    tokens = [client("REPORT", path, sync(), Depth="0").value("sync-token") for path in ("/files/alice/",
            "/calendars/alice/personal/", "/calendars/tramway/meetings/")]
    names = [client.list(path, "D:displayname", "X:a").text for path in ("/files/alice/", "/calendars/alice/",
            "/calendars/tramway/", "/trash/alice/")]
    return tokens, names, "urn:uuid" in client.list("/files/alice/locked.txt", "D:lockdiscovery", depth="0").text


@probe("RFC 4918 section 20.4", "what readers set for themselves on a shared calendar is bounded for each of them")
def own_properties(lab):
    carol, alice = lab.client("carol"), lab.client("alice")
    # Smaller and smaller ones, until not even those fit.
    for size in (200_000, 20_000, 2_000, 200, 20):
        for number in range(60):
            answer = carol.set("/calendars/carol/meetings@tramway/",
                f"<X:p{size}-{number}>{'x' * size}</X:p{size}-{number}>")
            status = min(answer.statuses() or [answer.status]) if answer.status == 207 else answer.status
            if status not in (200, 207):
                break
        lab.say(status in (403, 413, 507), f"a reader's own properties have an end: {number} of {size} bytes, then "
            f"{status}")
    answer = alice.set("/calendars/tramway/meetings/", "<D:displayname>Réunions</D:displayname><X:a>b</X:a>")
    lab.say(set(answer.statuses()) == {200} or answer.status == 200,
        f"the lead's are not touched by it: {answer.status} {answer.statuses()}")
    answer = lab.client("bob").set("/calendars/bob/meetings@tramway/", "<X:a>b</X:a>")
    lab.say(set(answer.statuses()) == {200} or answer.status == 200,
        f"nor are another reader's: {answer.status} {answer.statuses()}")


@probe("RFC 3986 section 7.5", "the secret of a feed is not logged, in whatever spelling it is asked")
def secrets(lab):
    alice = lab.client("alice")
    alice("PUT", "/calendars/alice/personal/e.ics", event("e"), **ICS)
    address = lab.command("feed", "add", "alice", "/calendars/alice/personal", "--detail", "full").split()[0]
    path = re.sub(r"^https?://[^/]*", "", address)
    secret = path.split("/")[2]
    lab.say(lab.client(None).get(path).status == 200, "the feed is there")
    half = secret[: len(secret) // 2]
    escaped = "".join(f"%{ord(letter):02x}" for letter in secret)
    spellings = [path, path.replace("/feeds/", "/feeds//"), path.replace("/feeds/", "//feeds/"),
                 path.replace("/feeds/", "/%66eeds/"), path.replace("/feeds/", "/Feeds/"),
                 path.replace("/feeds/", "/FEEDS/"),
                 path.replace("/feeds/", "/./feeds/"), path.replace("/feeds/", "/x/../feeds/"), path.replace("/feeds/", "/feeds%2F"), path + "?x", path + "/more", path + "x", path.replace("/feeds/", "/feeds/feeds/"), f"/feeds/{secret}", f"http://127.0.0.1:{lab.port}{path}", path.replace("/", "\\", 1)]
    for spelled in spellings:
        for method in ("GET", "PROPFIND", "PUT", "MOVE", "X-NO-SUCH"):
            link = lab.connect()
            link.sendall(lab.head(method, spelled, None, Connection="close", Referer=f"http://127.0.0.1:{lab.port}{path}", Destination=path, Content_Length="0"))
            link.makefile("rb").read()
            link.close()
    for broken in (f"GET {path}\r\n\r\n", f"GET {path} HTTP/9.9\r\n\r\n",
        f"GET {path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", f"GET {path} HTTP/1.1\r\n\r\n"):
        link = lab.connect(timeout=3)
        link.sendall(broken.encode())
        try:
            link.makefile("rb").read()
        except OSError:
            pass
        link.close()
    log = lab.log()
    found = [line for line in log.splitlines() if half in line or escaped[: len(escaped) // 2] in line]
    lab.say(not found, f"the log holds no secret: "
        f"{re.sub(chr(27) + '[^m]*m', '', found[0])[:300] if found else len(log.splitlines())}")


@probe("README: import and export", "export follows no symbolic link, to a file or to a folder, and import takes none "
    "in")
def symbolic_links(lab):
    alice = lab.client("alice")
    alice.mkcol("/files/alice/d/")
    alice.put("/files/alice/d/in.txt", "from the server")
    alice.put("/files/alice/act.txt", "from the server")
    outside = os.path.join(lab.folder, "outside")
    os.makedirs(outside)
    for what, link, name in (("a file", "act.txt", "victim.txt"), ("a folder", "d", "")):
        target = os.path.join(lab.folder, "to-" + (name or "folder"))
        os.makedirs(target)
        victim = os.path.join(outside, name)
        if name:
            open(victim, "w").write("mine")
        os.symlink(victim, os.path.join(target, link))
        done = lab.command("export", "files", "/files/alice", target, refused=True)
        wrote = open(victim).read() != "mine" if name else bool([entry for entry in os.listdir(outside) if entry
                == "in.txt"])
        lab.say(not wrote, f"export where {what} is a symbolic link (exit {done.returncode}) leaves what it points to "
            f"alone")
    source = os.path.join(lab.folder, "source")
    os.makedirs(os.path.join(source, "sub"))
    open(os.path.join(outside, "secret.txt"), "w").write("secret")
    os.symlink(os.path.join(outside, "secret.txt"), os.path.join(source, "linked.txt"))
    os.symlink(outside, os.path.join(source, "sub", "linked"))
    open(os.path.join(source, "plain.txt"), "w").write("plain")
    lab.command("import", "files", "/files/alice/imported", source, refused=True)
    lab.say(alice.get("/files/alice/imported/linked.txt").status == 404
        and alice.get("/files/alice/imported/sub/linked/secret.txt").status == 404,
        "import takes in nothing that a link points to")


@probe("RFC 4918 section 6.1", "locks end with the right under which they were taken")
def locks_of_former_members(lab):
    alice, n = lab.client("alice"), iter(range(100))

    def locked_by(who, folder="/files/tramway"):
        path = f"{folder}/locked-{next(n)}.txt"
        alice.put(path, "x")
        token = lab.client(who).lock(path)
        lab.say(token is not None and alice.put(path, "y") == 423, f"{who} holds a lock")
        return path

    rows = []
    for who in ("bob", "dave"):
        if who == "dave":
            alice.mkcol("/files/tramway/given/")
            lab.command("grant", "add", "/files/tramway/given", "dave", "--role", "member")
        rows.append((who, locked_by(who, "/files/tramway" if who == "bob" else "/files/tramway/given")))
    lab.command("project", "member", "add", "tramway", "bob", "--role", "reader")
    lab.say(alice.put(rows[0][1], "z") in (201, 204), "a role was lowered")
    lab.command("grant", "remove", "/files/tramway/given", "dave")
    lab.say(alice.put(rows[1][1], "z") in (201, 204), "a grant was removed")
    lab.command("project", "member", "add", "tramway", "bob", "--role", "member")
    path = locked_by("bob")
    lab.command("project", "member", "remove", "tramway", "bob")
    lab.say(alice.put(path, "z") in (201, 204), "a member left")
    lab.command("project", "member", "add", "tramway", "bob", "--role", "member")
    path = locked_by("bob")
    lab.say("urn:uuid" in alice.list(path, "D:lockdiscovery", depth="0").text, "the lock is told")
    lab.command("person", "disable", "bob")
    lab.say(alice.put(path, "z") in (201, 204), "a person was disabled")
    lab.say("urn:uuid" not in alice.list(path, "D:lockdiscovery", depth="0").text, "and the lock is told no more")


@probe("README: settings", "the log holds colour codes only on a terminal")
def colours(lab):
    lab.client("alice").get("/files/")
    lab.say(lab.log() != "" and "\x1b" not in lab.log(), "a log that goes to a file is plain")
