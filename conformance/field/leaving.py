"""What a project held stays the project's, whichever way a member takes it out, and whatever is done with it then."""

import time

from lab import HOUR_S, ICS, event, probe

ACT = "acte.txt"


def settle(lab, folders):
    """Folders of the project, each with a document of three versions and one further down; an hour later they are of
    long standing.
    """
    alice = lab.client("alice")
    for folder in folders:
        alice.mkcol(f"/files/tramway/{folder}/")
        alice.mkcol(f"/files/tramway/{folder}/sub/")
        for version in range(3):
            alice.put(f"/files/tramway/{folder}/{ACT}", f"{folder} version {version}")
        alice.put(f"/files/tramway/{folder}/sub/in.txt", f"in {folder}")
    moment = lab.now() + HOUR_S
    lab.later(2 * HOUR_S)
    return moment


def empty_own(lab, who):
    """Deletes all of the own documents, and the own trash."""
    client = lab.client(who)
    for href in client.list(f"/files/{who}/", "D:resourcetype").hrefs()[1:]:
        client.delete(href)
    for href in client.list(f"/trash/{who}/", "D:resourcetype").hrefs()[1:]:
        client.delete(href)


def former(moment):
    return time.strftime("/history/tramway/@%Y-%m-%d%%20%H.%M.%S", time.gmtime(moment))


def from_trash(lab, lying=None):
    """The lead puts back all that lies in the project's trash (or lay there), where it was deleted from."""
    alice = lab.client("alice")
    for href, place in sorted((lying or alice.trashed("tramway")).items(), key=lambda pair: len(pair[1])):
        if place.startswith("/files/tramway/"):
            alice.move(href, place, Overwrite="F")


# Who takes what out, how; each with a folder of its own.
WAYS = {
    "MOVE of the document": lambda own, top: own.move(f"{top}/{ACT}", "/files/bob/one.txt"),
    "MOVE of the folder": lambda own, top: own.move(f"{top}/", "/files/bob/two/"),
    "MOVE of the document onto an own one": lambda own, top: (own.put("/files/bob/three.txt", "own"),
        own.move(f"{top}/{ACT}", "/files/bob/three.txt")),
    "MOVE of the folder onto an own one": lambda own, top: (own.mkcol("/files/bob/four/"),
        own.move(f"{top}/", "/files/bob/four/")),
    "a new name first, then MOVE": lambda own, top: (own.move(f"{top}/", f"{top}-renamed/"),
        own.move(f"{top}-renamed/", "/files/bob/five/")),
    "DELETE, then out of the project's trash": lambda own,
    top: (own.delete(f"{top}/"), own.move(top.replace("/files/", "/trash/") + "/", "/files/bob/six/")),
    "COPY of an empty folder over it": lambda own, top: (own.mkcol("/files/bob/empty/"),
        own.copy("/files/bob/empty/", f"{top}/")),
    "MOVE of an empty folder over it": lambda own, top: (own.mkcol("/files/bob/empty2/"),
        own.move("/files/bob/empty2/", f"{top}/")),
    "MOVE of a folder of the project over it": lambda own, top: (own.mkcol(f"{top}-new/"),
        own.move(f"{top}-new/", f"{top}/")),
    "COPY of a document over the folder": lambda own, top: (own.put("/files/bob/d.txt", "own"),
        own.copy("/files/bob/d.txt", top)),
    "members one by one, then the folder": lambda own, top: (
        own.move(f"{top}/sub/in.txt", "/files/bob/in.txt"), own.move(f"{top}/{ACT}", "/files/bob/ten.txt"),
        own.delete(f"{top}/")),
}


def taken_out(lab, bring_back):
    tops = {way: f"W{number}" for number, way in enumerate(WAYS)}
    moment = settle(lab, tops.values())
    bob, alice = lab.client("bob"), lab.client("alice")
    for way, folder in tops.items():
        WAYS[way](bob, f"/files/tramway/{folder}")
        empty_own(lab, "bob")
    for way, folder in tops.items():
        seen = alice.get(f"{former(moment)}/{folder}/{ACT}").text
        lab.say(seen == f"{folder} version 2", f"{way}: the former day shows the document ({seen[:30]!r})")
    for href in alice.list("/trash/tramway/", "D:resourcetype").hrefs()[1:]:
        status = bob.delete(href)
        if status != 403:
            lab.say(False, f"a member purged {href} from the project's trash ({status})")
    bring_back(moment, tops.values())
    for way, folder in tops.items():
        top = f"/files/tramway/{folder}"
        if alice.get(f"{top}-renamed/{ACT}").status == 200:
            # It was put back where it was deleted from.
            top += "-renamed"
        act, deep = alice.get(f"{top}/{ACT}").text, alice.get(f"{top}/sub/in.txt").text
        versions = alice.versions(f"{top}/{ACT}")
        good = act == f"{folder} version 2" and deep == f"in {folder}" and versions >= 3
        lab.say(good,
            f"{way}: the lead has both documents back, with {versions} versions ({act[:30]!r}, {deep[:20]!r})")
    checked = lab.command("check", refused=True)
    lab.say(checked.returncode == 0, "nothing is damaged " + checked.stderr[-200:])


@probe("RFC 3253 section 5.3.1", "what leaves a project leaves there a full entry in the trash: the lead restores it "
    "with its versions")
def comes_back_from_the_trash(lab):
    def bring_back(_, folders):
        alice = lab.client("alice")
        lying = alice.trashed("tramway")
        for folder in folders:
            # What was put over it makes room.
            there = alice.get(f"/files/tramway/{folder}/{ACT}")
            if there.status != 200 and alice.get(f"/files/tramway/{folder}/sub/in.txt").status != 200:
                alice.delete(f"/files/tramway/{folder}")
                alice.delete(f"/files/tramway/{folder}/")
        from_trash(lab, lying)

    taken_out(lab, bring_back)


@probe("RFC 3253 section 7.1", "what leaves a project is brought back by a rewind, with its versions")
def comes_back_by_rewind(lab):
    def bring_back(moment, _):
        lab.command("rewind", "/files/tramway", "--to", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)))

    taken_out(lab, bring_back)


@probe("RFC 3744 section 3.1", "who has a role on one folder only destroys no more than a member does")
def role_on_one_folder(lab):
    moment = settle(lab, ["given", "other"])
    lab.command("grant", "add", "/files/tramway/given", "dave", "--role", "member")
    dave, alice = lab.client("dave"), lab.client("alice")
    dave.move(f"/files/tramway/given/{ACT}", "/files/dave/act.txt")
    dave.move("/files/tramway/given/sub/", "/files/dave/sub/")
    empty_own(lab, "dave")
    lab.say(dave.get(f"/files/tramway/other/{ACT}").status == 404, "what has no role shows nothing")
    from_trash(lab)
    for name, wanted in ((ACT, "given version 2"), ("sub/in.txt", "in given")):
        now, then = alice.get(f"/files/tramway/given/{name}").text, alice.get(f"{former(moment)}/given/{name}").text
        lab.say(now == then == wanted, f"{name}: the former day shows {then[:20]!r}, the lead has {now[:20]!r} back")
    lab.say(alice.versions(f"/files/tramway/given/{ACT}") >= 3, "with its versions")


@probe("RFC 4791 section 5.3.2", "an event that leaves a project's calendar by MOVE, or lies in its trash, stays the "
    "project's")
def events(lab):
    alice, bob = lab.client("alice"), lab.client("bob")
    top, own = "/calendars/tramway/meetings", "/calendars/bob/personal"
    for name in ("moved", "trashed", "kept"):
        lab.say(alice("PUT", f"{top}/{name}.ics", event(name, f"SUMMARY:{name}"), **ICS).status == 201,
            f"{name} is there")
    lab.later(2 * HOUR_S)
    bob.move(f"{top}/moved.ics", f"{own}/moved.ics")
    bob.delete(f"{top}/trashed.ics")
    bob.move("/trash/tramway/trashed.ics", f"{own}/trashed.ics")
    for name in ("moved", "trashed"):
        bob.delete(f"{own}/{name}.ics")
    for href in bob.list("/trash/bob/", "D:resourcetype").hrefs()[1:]:
        bob.delete(href)
    for href, place in alice.trashed("tramway").items():
        alice.move(href, place, Overwrite="F")
    for name in ("moved", "trashed", "kept"):
        lab.say(f"SUMMARY:{name}" in alice.get(f"{top}/{name}.ics").text, f"the lead has {name} back")


def refused_when_all_go(lab, name, take):
    """A project of 120 documents of long standing in four folders, and what a member takes of it, folder by folder."""
    lab.command("project", "add", name, "--display-name", name)
    lab.command("project", "member", "add", name, "bob", "--role", "member")
    bob = lab.client("bob")
    for folder in range(4):
        bob.mkcol(f"/files/{name}/F{folder}/")
        for number in range(30):
            bob.put(f"/files/{name}/F{folder}/{number}.txt", f"{number}")

    def go():
        statuses = [take(bob, f"/files/{name}/F{folder}", folder) for folder in range(4)]
        lab.say(403 in statuses, f"{name}: a member who takes away all of a project is stopped ({statuses})")

    return go


@probe("RFC 4918 section 9.6.1", "the brake counts whatever takes documents from a project: DELETE, MOVE out, COPY "
    "and MOVE over a folder")
def brake(lab):
    def one_by_one(bob, top, folder):
        return max(bob.move(f"{top}/{number}.txt", f"/files/bob/single-{folder}-{number}.txt") for number in range(30))

    def copied_over(bob, top, folder):
        bob.mkcol(f"/files/bob/empty-{folder}/")
        return bob.copy(f"/files/bob/empty-{folder}/", f"{top}/")

    def moved_over(bob, top, folder):
        bob.mkcol(f"/files/bob/none-{folder}/")
        return bob.move(f"/files/bob/none-{folder}/", f"{top}/")

    ways = {
        "DELETE": lambda bob, top, folder: bob.delete(f"{top}/"),
        "MOVE out of folders": lambda bob, top, folder: bob.move(f"{top}/", f"/files/bob/out-{folder}/"),
        "MOVE out of documents": one_by_one,
        "COPY over": copied_over,
        "MOVE over": moved_over,
    }
    goes = [refused_when_all_go(lab, f"p{number}", take) for number, take in enumerate(ways.values())]
    for number, way in enumerate(ways):
        lab.note(f"p{number} is {way}")
    lab.later(2 * HOUR_S)
    for go in goes:
        go()


@probe("RFC 4918 section 9.6.1", "the brake holds nobody in the own home for long, nor for what was made within the "
    "hour")
def brake_at_home(lab):
    alice, bob = lab.client("alice"), lab.client("bob")
    alice("MKCALENDAR", "/calendars/alice/course/")
    for number in range(90):
        alice("PUT", f"/calendars/alice/course/{number}.ics", event(f"u{number}"), **ICS)
    lab.say(alice.delete("/calendars/alice/course/") == 204, "an own calendar of 90 new events is deleted")
    alice.put("/files/alice/later.txt", "x")
    lab.say(alice.delete("/files/alice/later.txt") == 204, "and another deletion follows at once")
    for number in range(90):
        bob.put(f"/files/tramway/new-{number}.txt", f"{number}")
    gone = {bob.delete(f"/files/tramway/new-{number}.txt") for number in range(90)}
    lab.say(gone == {204}, f"what a member made within the hour is deleted, in a project, too ({gone})")
    for number in range(120):
        alice.put(f"/files/alice/old-{number}.txt", f"{number}")
    lab.later(2 * HOUR_S)
    said = [alice.delete(f"/files/alice/old-{number}.txt") for number in range(110)]
    lab.note(f"of 110 own documents of long standing {said.count(204)} were deleted at once")
    lab.later(660)
    lab.say(lab.client("alice").delete("/files/alice/old-119.txt") == 204,
        "eleven minutes later the own home is open again")
