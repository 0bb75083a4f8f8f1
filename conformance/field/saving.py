"""How programs save: under locks, with names swapped, with the same bytes again, with dates of their own."""

import time
from urllib.parse import quote

from lab import HOUR_S, probe, sync

ASIDE = ("~WRL0001.tmp", "{name}.docx.bak", "{name}.wbk", "Sauvegarde de {name}.wbk")
LANDINGS = {
    "MOVE onto the old name": lambda c, path: (c.put(path + ".9A3F.tmp", "the new text"),
        c.move(path + ".9A3F.tmp", path, Overwrite="F")),
    "PUT onto the old name": lambda c, path: c.put(path, "the new text"),
    "LOCK and PUT onto the old name": lambda c, path: locked_put(c, path, "the new text"),
}


def locked_put(client, path, content):
    token = client.lock(path)
    client.put(path, content, If=f"(<{token}>)")
    client("UNLOCK", path, Lock_Token=f"<{token}>")


@probe("RFC 4918 sections 6.1 and 7.5", "a save that sets the old file aside and locks it there keeps that lock until "
    "it is given back")
def set_aside_and_locked(lab):
    ways = [(f"Rapport {number}", how, pattern) for number, (how, pattern) in enumerate((how, pattern)
            for how in LANDINGS for pattern in ASIDE)]
    for name, _, _ in ways:
        lab.client("alice").put(f"/files/tramway/{quote(name)}.docx", "the old text")
    lab.later(HOUR_S)
    alice, bob = lab.client("alice"), lab.client("bob")
    for name, way, pattern in ways:
        path, aside = f"/files/tramway/{quote(name)}.docx", f"/files/tramway/{quote(pattern.format(name=name))}"
        how = f"{pattern}, {way}"
        alice.move(path, aside)
        token = alice.lock(aside)
        LANDINGS[way](alice, path)
        lab.say(token is not None and token in alice.list(aside, "D:lockdiscovery", depth="0").text,
            f"{how}: the lock of the set-aside file is told")
        lab.say(bob.put(aside, "x") == 423, f"{how}: others are kept off it")
        status = alice.delete(aside, If=f"(<{token}>)")
        lab.say(status == 204, f"{how}: it is deleted with its token ({status})")
        seen, found = alice.get(path).text, alice.versions(path)
        lab.say(seen == "the new text" and found == 2, f"{how}: {seen!r}, {found} versions")


DOC = "/files/tramway/Rapport.docx"


@probe("RFC 4918 section 7.5", "a lock of what is saved over stays, and shuts out those who do not show it")
def saved_over_under_a_lock(lab):
    alice, bob = lab.client("alice"), lab.client("bob")
    alice.put(DOC, "the old text")
    token = alice.lock(DOC)
    alice.put("/files/tramway/new.tmp", "the new text")
    lab.say(alice.move("/files/tramway/new.tmp", DOC) == 423, "MOVE over without the token is refused")
    lab.say(bob.move("/files/tramway/new.tmp", DOC) == 423, "by another person, too")
    status = alice.move("/files/tramway/new.tmp", DOC, If=f"<http://127.0.0.1:{lab.port}{DOC}> (<{token}>)")
    lab.say(status == 204, f"MOVE over with the token ({status})")
    lab.say(token in alice.list(DOC, "D:lockdiscovery", depth="0").text, "the lock is on what stands there now")
    lab.say(alice.put(DOC, "more", If=f"(<{token}>)") == 204, "and its token opens it")
    lab.say(bob.put(DOC, "x") == 423, "to nobody else")
    lab.say(alice("UNLOCK", DOC, Lock_Token=f"<{token}>").status == 204, "it is given back")


@probe("RFC 4918 section 15.7", "a PUT of the same bytes moves the time of modification, and makes no version")
def same_bytes(lab):
    alice = lab.client("alice")
    path, body = "/files/tramway/lock.json", '{"type":1,"clientId":"c0ffee"}'
    seen = []

    def put(how):
        alice.put(path, body)
        told, head = alice.property(path, "D:getlastmodified"), alice("HEAD", path).header("Last-Modified")
        lab.say(told == head and told not in seen, f"{how}: {told}, by HEAD {head}")
        seen.append(told)

    put("a first time")
    token = alice("REPORT", "/files/tramway/", sync()).value("sync-token")
    time.sleep(1.1)
    put("the same bytes again")
    lab.say(path in alice("REPORT", "/files/tramway/", sync(token)).hrefs(), "synchronization tells it")
    lab.say(alice.versions(path) == 1, "no version was made")
    alice.delete(path)
    time.sleep(1.1)
    put("after a DELETE")
    alice.copy(path, path + ".copy")
    time.sleep(1.1)
    alice.put("/files/tramway/same", body)
    put("after a COPY")
    alice.put(path, body, X_OC_Mtime="1500000000")
    lab.say(alice.property(path, "D:getlastmodified") == "Fri, 14 Jul 2017 02:40:00 GMT",
        "a time that the client tells is taken, with the same bytes, too")


OLD = "Tue, 03 Mar 2015 09:15:00 GMT"


@probe("RFC 4918 section 15.7", "the two dates of modification that Windows reads are one fact, whoever writes")
def windows_date(lab):
    alice = lab.client("alice")

    def dated(name):
        path = f"/files/tramway/{name}"
        alice.put(path, f"from Windows {name}")
        alice.set(path, f"<Z:Win32LastModifiedTime>{OLD}</Z:Win32LastModifiedTime>")
        return path

    def one_fact(path, how, kept=None):
        told, windows = alice.property(path, "D:getlastmodified"), alice.property(path, "Z:Win32LastModifiedTime")
        fits = windows in (None, told) and (kept is None or (told == OLD) == kept)
        lab.say(fits, f"{how}: getlastmodified {told}, Win32LastModifiedTime {windows}")

    one_fact(dated("set.docx"), "as set", True)
    path = dated("put.docx")
    alice.put(path, "from a Mac")
    one_fact(path, "after a PUT", False)
    path = dated("mtime.docx")
    alice.put(path, "from a synchronizer", X_OC_Mtime="1500000000")
    one_fact(path, "after a PUT with a time", False)
    path = dated("deleted.docx")
    alice.delete(path)
    alice.put(path, "anew")
    one_fact(path, "after DELETE and PUT", False)
    alice.copy(dated("copied.docx"), "/files/tramway/copy.docx")
    one_fact("/files/tramway/copy.docx", "of a copy")
    alice.move(dated("moved.docx"), "/files/tramway/moved2.docx")
    one_fact("/files/tramway/moved2.docx", "of what was moved", True)
    alice.put("/files/tramway/over.tmp", "over")
    path = dated("target.docx")
    alice.copy("/files/tramway/over.tmp", path)
    one_fact(path, "after a COPY over it", False)
    path = dated("target2.docx")
    alice.move("/files/tramway/over.tmp", path)
    one_fact(path, "after a MOVE over it", False)
    path = dated("rclone.docx")
    alice.set(path, "<D:lastmodified>1500000000</D:lastmodified>")
    one_fact(path, "after another program's date", False)


@probe("RFC 4918 section 9.2", "no date of Windows refuses the PROPPATCH it comes in; it is kept and told")
def windows_dates_out_of_range(lab):
    alice = lab.client("alice")
    dates = ("Mon, 01 Jan 1601 00:00:00 GMT", "Wed, 31 Dec 1969 23:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 14 Sep 30828 02:48:05 GMT")
    for number, date in enumerate(dates):
        path = f"/files/tramway/old-{number}.docx"
        alice.put(path, "x")
        names = ("Win32CreationTime", "Win32LastModifiedTime", "Win32LastAccessTime")
        answer = alice.set(path, "".join(f"<Z:{name}>{date}</Z:{name}>" for name in names)
            + "<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>")
        lab.say(answer.status in (200, 207) and set(answer.statuses()[:1] or [200]) == {200}
            and not [s for s in answer.statuses() if s != 200], f"{date}: {answer.status} {answer.statuses()}")
        told = {name: alice.property(path, f"Z:{name}") for name in names}
        lab.say(set(told.values()) == {date}, f"{date} is told: {told}")
        modified = alice("HEAD", path).header("Last-Modified")
        try:
            year = time.strptime(modified, "%a, %d %b %Y %H:%M:%S GMT").tm_year
        except ValueError:
            year = 0
        lab.say(1601 <= year <= 9999, f"Last-Modified is a date: {modified!r}")


@probe("RFC 4918 section 9.6", "what a program set about a file that is deleted is not what the next file of that "
    "name is")
def attributes_of_the_deleted(lab):
    alice = lab.client("alice")
    facts = ("<Z:Win32FileAttributes>00000002</Z:Win32FileAttributes><Z:Win32CreationTime>Tue, 03 Mar 2015 09:15:00 "
        "GMT</Z:Win32CreationTime>"
             "<Z:Win32LastAccessTime>Tue, 03 Mar 2015 09:15:00 "
             "GMT</Z:Win32LastAccessTime><Z:Win32LastModifiedTime>Tue, 03 Mar 2015 09:15:00 "
             "GMT</Z:Win32LastModifiedTime>")
    landings = {
        "PUT": lambda path: alice.put(path, "new"),
        "LOCK and PUT": lambda path: locked_put(alice, path, "new"),
        "MOVE of a temporary one": lambda path: (alice.put(path + ".tmp", "new"), alice.move(path + ".tmp", path)),
        "PUT of the same bytes": lambda path: alice.put(path, "old"),
    }
    for number, (how, land) in enumerate(landings.items()):
        path = f"/files/tramway/hidden-{number}.docx"
        alice.put(path, "old")
        alice.set(path, facts)
        alice.delete(path)
        land(path)
        for name in ("Win32FileAttributes", "Win32CreationTime"):
            told = alice.property(path, f"Z:{name}")
            lab.say(told in (None, "00000000", "00000020", "00000080") or "2015" not in told and name
                == "Win32CreationTime", f"{how}: {name} {told}")
        created = alice.property(path, "D:creationdate")
        lab.say("2015" not in (created or ""), f"{how}: creationdate {created}")
