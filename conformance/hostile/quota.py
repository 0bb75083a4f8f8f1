"""A quota counts all that is kept, and what was refused leaves nothing."""

import hashlib
import os

from lab import DAY_S, NS, MIB, at_once, probe


def project(lab, name, quota):
    lab.command("project", "add", name, "--display-name", name, "--quota", quota)
    lab.command("project", "member", "add", name, "alice", "--role", "lead")
    return f"/files/{name}/"


def used(client, top):
    return int(client.property(top, "D:quota-used-bytes") or 0)


def until_refused(most, job):
    """How often something was done before it was refused, and what was said then."""
    for number in range(most):
        status = job(number)
        if status not in (200, 201, 204, 207):
            return number, status
    return most, 0


@probe("RFC 4331 section 3", "versions, what lies in the trash, properties, and a little for each node count; "
    "deleting and purging are never refused by it")
def all_counts(lab):
    alice, hundred = lab.client("alice"), 100_000
    top = project(lab, "versions", "1MiB")
    done, status = until_refused(30, lambda number: alice.put(top + "f.bin", os.urandom(hundred)))
    lab.say(status == 507 and done <= 11, f"versions: {done} of 100 kB in 1 MiB, then {status}")
    lab.say(used(alice, top) >= (done - 1) * hundred, f"they are told: {used(alice, top)} bytes used")
    lab.say(alice.delete(top + "f.bin") == 204, "a document is deleted in a home that is full")
    top = project(lab, "trash", "1MiB")
    done, status = until_refused(30, lambda number: (alice.put(f"{top}{number}.bin", os.urandom(hundred)),
            alice.delete(f"{top}{number}.bin") if number % 2 else 201)[0])
    lab.say(status == 507 and done <= 11, f"what lies in the trash: {done} of 100 kB, then {status}")
    purged = {alice.delete(href) for href in alice.trashed("trash")}
    lab.say(purged == {204}, f"purging is not refused: {purged}")
    lab.say(alice.put(top + "after.bin", os.urandom(hundred)) == 201, "and makes room")
    top = project(lab, "properties", "1MiB")
    alice.put(top + "f")

    def patch(number):
        path = f"{top}f{number // 5}"
        if number % 5 == 0:
            alice.put(path)
        answer = alice("PROPPATCH", path, f"<D:propertyupdate "
            f"{NS}><D:set><D:prop><X:p{number}>{'A' * hundred}</X:p{number}></D:prop></D:set></D:propertyupdate>")
        return max(answer.statuses() or [answer.status])

    done, status = until_refused(30, patch)
    lab.say(status == 507 and done <= 11, f"properties: {done} of 100 kB, then {status}")
    top = project(lab, "copied", "1MiB")
    alice.put(top + "f", "x")
    alice("PROPPATCH", top + "f", f"<D:propertyupdate "
        f"{NS}><D:set><D:prop><X:p>{'A' * hundred}</X:p></D:prop></D:set></D:propertyupdate>")
    done, status = until_refused(60, lambda number: alice.copy(top + "f", f"{top}c{number}"))
    lab.say(status == 507 and done <= 11, f"properties of copies: {done} of 100 kB, then {status}")
    top = project(lab, "nodes", "1MiB")
    alice.mkcol(top + "d/")
    before = used(alice, top)
    for number in range(100):
        alice.mkcol(f"{top}d/{number}/")
    lab.say(used(alice, top) > before, f"a hundred empty folders count {used(alice, top) - before} bytes")
    done, status = until_refused(400, lambda number: alice.copy(top + "d/", f"{top}d{number}/"))
    lab.say(status == 507, f"a hundred empty folders, copied {done} times into 1 MiB, then {status}")
    free = int(alice.property(top, "D:quota-available-bytes") or 0)
    lab.say(used(alice, top) <= MIB and free < 65536,
        f"used and available agree with it: {used(alice, top)} and {free}")


@probe("RFC 4331 section 6", "what is thinned, purged or cleared in time gives its room back, and the sums stay right")
def given_back(lab):
    alice, top = lab.client("alice"), project(lab, "room", "1MiB")
    lab.command("project", "retention", "room", "--versions", "30", "--every", "month")
    for number in range(5):
        alice.put(top + "f.bin", os.urandom(90_000))
    for number in range(4):
        alice.put(f"{top}{number}.bin", os.urandom(90_000))
        alice.delete(f"{top}{number}.bin")
    full = used(alice, top)
    lab.later(400 * DAY_S)
    lab.later(DAY_S)
    alice = lab.client("alice")
    lab.say(used(alice, top) <= full - 4 * 90_000, f"a year later {used(alice, top)} bytes of {full} are used")
    lab.say(lab.command("check", refused=True).returncode == 0, "the sums are right")


def stored(lab):
    return sum(os.path.getsize(os.path.join(path, name)) for path, _,
        files in os.walk(os.path.join(lab.data, "bodies")) for name in files)


@probe("RFC 4918 section 9.7", "an upload that is refused, or that does not come to its end, leaves nothing")
def refused_uploads(lab):
    alice, top = lab.client("alice"), project(lab, "small", "2MiB")
    alice.put(top + "there.bin", os.urandom(500_000))
    alice.put(top + "locked.bin", "x")
    alice.lock(top + "locked.bin")
    alice("MKCALENDAR", "/calendars/alice/c/")
    lab.watch()
    before, counted = stored(lab), used(alice, top)
    size = 1_000_000
    seen = {}
    for number in range(12):
        data = os.urandom(size)
        for what, status in {
            "over the quota": alice.put(top + "x.bin", os.urandom(3 * MIB)),
            "there already": alice.put(top + "there.bin", data, If_None_Match="*"),
            "locked": alice.put(top + "locked.bin", data), "another state": alice.put(top + "there.bin", data,
                If_Match='"no"'),
            "a wrong sum": alice.put(top + "sum.bin", data, OC_Checksum="SHA256:"
                + hashlib.sha256(b"other").hexdigest()), "no calendar": alice.put("/calendars/alice/c/x.ics", data),
                "a part": alice.put(top + "part.bin", data, Content_Range="bytes 0-9/10"),
            "a reader": lab.client("carol").put("/files/tramway/x.bin", data),
            "no folder": alice.put(top + "missing/x.bin", data),
        }.items():
            seen.setdefault(what, set()).add(status)
        link = lab.connect()
        link.sendall(lab.head("PUT", top + "cut.bin", Content_Length=size) + data[: size // 2])
        link.close()
    lab.say(all(status >= 400 for statuses in seen.values() for status in statuses), f"all are refused: {seen}")
    for _ in range(50):
        if stored(lab) <= before:
            break
        alice.get("/files/")
    lab.say(stored(lab) <= before, f"bodies on disk: {before} bytes, then {stored(lab)}")
    lab.say(used(alice, top) == counted, f"counted: {counted} bytes, then {used(alice, top)}")
    lab.say(alice.get(top + "cut.bin").status == 404, "half a document is none")
    at_once(*[lambda: alice.put(top + "same.bin", os.urandom(900_000))] * 6)
    lab.say(used(alice, top) <= 2 * MIB, f"uploads side by side stay within the quota: {used(alice, top)}")
    lab.unharmed("refused uploads")
