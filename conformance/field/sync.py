"""Synchronization at depth infinity, when names of folders are given anew."""

import re
from urllib.parse import unquote

from lab import probe, sync, unescape

TOP = "/files/tramway/"


def tree(client, address=TOP):
    """All that stands below, by asking each folder: address and tag."""
    found = {}
    text = client.list(address, "D:getetag", "D:resourcetype").text
    for href, more in re.findall(r"<D:response>\s*<D:href>([^<]*)</D:href>(.*?)</D:response>", text, re.S)[1:]:
        href = unescape(href)
        tag = re.search(r"getetag>([^<]*)<", more)
        found[unquote(href)] = tag.group(1) if tag else ""
        if href.endswith("/"):
            found.update(tree(client, href))
    return found


class Picture:
    """What a client believes that synchronizes with all below."""

    def __init__(self, client):
        self.client, self.token, self.members = client, "", {}

    def update(self):
        """One synchronization; the status that ended it."""
        for _ in range(50):
            answer = self.client("REPORT", TOP, sync(self.token, "infinite", "<D:getetag/><D:resourcetype/>"),
                Depth="0")
            if answer.status != 207:
                return answer.status
            more = False
            for href, told in re.findall(r"<D:response>\s*<D:href>([^<]*)</D:href>(.*?)</D:response>", answer.text,
                re.S):
                address = unquote(unescape(href))
                if "HTTP/1.1 507" in told:
                    more = True
                elif re.match(r"\s*<D:status>HTTP/1.1 404", told):
                    self.members = {name: tag for name, tag in self.members.items() if name != address
                        and name != address + "/" and not name.startswith(address.rstrip("/") + "/")}
                else:
                    # A document where a folder was, or the other way round, is one name.
                    self.members.pop(address.rstrip("/") if address.endswith("/") else address + "/", None)
                    tag = re.search(r"getetag>([^<]*)<", told)
                    self.members[address] = tag.group(1) if tag else ""
            self.token = answer.value("sync-token")
            if not more:
                return 207
        return 0


def make(client, name, *members):
    client.mkcol(TOP + name + "/")
    for member in members:
        if member.endswith("/"):
            client.mkcol(f"{TOP}{name}/{member}")
        else:
            client.put(f"{TOP}{name}/{member}", f"{name} {member}")


STEPS = {
    "a folder is deleted and made anew": lambda c: (c.delete(TOP + "A/"), make(c, "A", "new.txt")),
    "renamed, and its name given to a new one": lambda c: (c.move(TOP + "A/", TOP + "B/"),
        make(c, "A", "other.txt", "deep/", "deep/er.txt")),
    "two folders change names": lambda c: (c.move(TOP + "A/", TOP + "x/"), c.move(TOP + "B/", TOP + "A/"),
        c.move(TOP + "x/", TOP + "B/")),
    "one is moved over another": lambda c: (make(c, "C", "c.txt", "same.txt"), make(c, "D", "d.txt", "same.txt"),
        c.move(TOP + "C/", TOP + "D/")),
    "a nested one is given anew": lambda c: (c.delete(TOP + "B/deep/"), make(c, "B/deep", "fresh.txt")),
    "a folder in a folder that is given anew, both": lambda c: (c.delete(TOP + "B/"),
        make(c, "B", "deep/", "deep/last.txt")),
    "a document takes a folder's name": lambda c: (c.delete(TOP + "A/"), c.put(TOP + "A", "a document")),
    "a folder takes a document's name": lambda c: (c.delete(TOP + "A"), make(c, "A", "again.txt")),
    "a change of case only": lambda c: c.move(TOP + "A/", TOP + "a/"),
    "from another home, onto a former name": lambda c: (c.mkcol("/files/alice/E/"), c.put("/files/alice/E/e.txt"),
        c.delete(TOP + "D/"), c.move("/files/alice/E/", TOP + "D/")),
    "out of the trash, after the name was given anew": lambda c: (c.delete(TOP + "B/"), make(c, "B", "mean.txt"),
        c.delete(TOP + "B/mean.txt"), c.delete(TOP + "B/"), c.move("/trash/tramway/B/", TOP + "B/")),
    "all of it goes": lambda c: [c.delete(TOP + name) for name in ("a/", "B/", "D/")],
}


@probe("RFC 6578 section 3.5", "tokens stay good at depth infinity when names are given anew, and former members are "
    "told as gone")
def names_given_anew(lab):
    alice = lab.client("alice")
    make(alice, "A", "one.txt", "two.txt", "deep/", "deep/three.txt")
    picture, seldom = Picture(alice), Picture(alice)
    lab.say(picture.update() == 207 and picture.members == tree(alice), "a first synchronization")
    seldom.update()
    for what, step in STEPS.items():
        step(alice)
        status, there = picture.update(), tree(alice)
        wrong = {name for name in picture.members.keys() | there.keys() if picture.members.get(name) != there.get(name)}
        lab.say(status == 207 and not wrong, f"{what}: {status}, {sorted(wrong)[:4] or 'the picture is the tree'}")
        if status != 207:
            picture = Picture(alice)
            picture.update()
    status = seldom.update()
    lab.say(status == 207 and seldom.members == tree(alice),
        f"a client that was away for all of it: {status}, {len(seldom.members)} members believed, {len(tree(alice))} "
        f"there")
