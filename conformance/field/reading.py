"""What clients send that is lawful, or usual, and was not read."""

from lab import NS, probe

TOP = "/files/tramway/"


def update(name, text):
    return f'<D:propertyupdate {NS}><D:set><D:prop><X:{name}>{text}</X:{name}></D:prop></D:set></D:propertyupdate>'


@probe("XML 1.0 section 4.3.3", "bodies are read in UTF-8 and UTF-16 of either order, and in Latin-1 where they say so")
def encodings(lab):
    alice = lab.client("alice")
    alice.put(TOP + "f.txt")
    text = "Été à l'hôtel"

    def said(encoding):
        return f'<?xml version="1.0" encoding="{encoding}"?>'

    bodies = {
        "UTF-8 with a mark": lambda n: b"\xef\xbb\xbf" + (said("utf-8") + update(n, text)).encode(),
        "UTF-16, little end first, with a mark": lambda n: b"\xff\xfe" + (said("UTF-16") + update(n, text)).encode(
            "utf-16-le"),
        "UTF-16, big end first, with a mark": lambda n: b"\xfe\xff" + (said("utf-16") + update(n, text)).encode(
            "utf-16-be"),
        "UTF-16 with a mark, undeclared": lambda n: b"\xff\xfe" + update(n, text).encode("utf-16-le"),
        "UTF-16LE without a mark": lambda n: (said("UTF-16LE") + update(n, text)).encode("utf-16-le"),
        "UTF-16BE without a mark": lambda n: (said("UTF-16BE") + update(n, text)).encode("utf-16-be"),
        "ISO-8859-1": lambda n: (said("ISO-8859-1") + update(n, text)).encode("latin-1"),
        "iso-8859-1 in single quotes": lambda n: (said("iso-8859-1").replace('"', "'") + update(n, text)).encode(
            "latin-1"),
        "windows-1252": lambda n: (said("windows-1252") + update(n, text)).encode("cp1252"),
        "US-ASCII": lambda n: (said("US-ASCII") + update(n, text.encode("ascii", "xmlcharrefreplace").decode())).encode(
            "ascii"),
    }
    for number, (how, body) in enumerate(bodies.items()):
        name = f"p{number}"
        answer = alice("PROPPATCH", TOP + "f.txt", body(name), Content_Type="text/xml")
        told = alice.property(TOP + "f.txt", f"X:{name}")
        lab.say(told == text, f"{how}: {answer.status}, {told!r}")
    wide = f'<?xml version="1.0" encoding="utf-16"?><D:propfind {NS}><D:prop><D:getetag/></D:prop></D:propfind>'.encode(
        "utf-16")
    answer = alice("PROPFIND", TOP, wide, Depth="1", Content_Type='text/xml; charset="utf-16"')
    lab.say(answer.status == 207 and len(answer.hrefs()) == 2, f"PROPFIND in UTF-16: {answer.status}")
    for what, body in (("half a pair of UTF-16", b"\xff\xfe" + "<D:propfind".encode("utf-16-le") + b"\x00\xd8"),
        ("an odd number of bytes", wide[:-1]), ("a declaration that lies",
            (said("utf-8") + update("x", text)).encode("latin-1"))):
        status = alice("PROPPATCH", TOP + "f.txt", body).status
        lab.say(400 <= status < 500, f"{what} is refused ({status})")


@probe("RFC 4918 section 9.1", "PROPFIND without Depth on a folder of moderate size answers as Depth 1; infinity "
    "stays refused")
def without_depth(lab):
    alice = lab.client("alice")
    alice.mkcol(TOP + "d/")
    for number in range(20):
        alice.put(f"{TOP}d/{number}.txt")
    answer = alice("PROPFIND", TOP + "d/")
    lab.say(answer.status == 207 and len(answer.hrefs()) == 21,
        f"without: {answer.status}, {len(answer.hrefs())} responses")
    answer = alice("PROPFIND", TOP + "d/3.txt")
    lab.say(answer.status == 207 and len(answer.hrefs()) == 1, f"of a document: {answer.status}")
    answer = alice("PROPFIND", "/calendars/tramway/meetings/")
    lab.say(answer.status == 207, f"of a calendar: {answer.status}")
    answer = alice("PROPFIND", TOP + "d/", Depth="infinity")
    lab.say(answer.status == 403 and "propfind-finite-depth" in answer.text, f"infinity: {answer.status}")


@probe("RFC 9110 section 14.1.2", "a suffix range of an empty document is answered 200")
def suffix_of_nothing(lab):
    alice = lab.client("alice")
    alice.put(TOP + "empty", "")
    for asked in ("bytes=-5", "bytes=-1"):
        answer = alice.get(TOP + "empty", Range=asked)
        lab.say(answer.status == 200 and answer.body == b"", f"{asked}: {answer.status}")
    lab.say(alice.get(TOP + "empty", Range="bytes=0-").status in (200, 416), "from the first byte on")
    alice.put(TOP + "full", "abc")
    lab.say(alice.get(TOP + "full", Range="bytes=-2").status == 206, "of one that is not empty: 206")


@probe("RFC 4918 section 9.11", "UNLOCK of a lock that has lapsed is 204")
def lapsed(lab):
    alice = lab.client("alice")
    alice.put(TOP + "f.txt")
    token = alice.lock(TOP + "f.txt")
    lab.later(3600)
    status = lab.client("alice")("UNLOCK", TOP + "f.txt", Lock_Token=f"<{token}>").status
    lab.say(status == 204, f"UNLOCK after its time: {status}")


@probe("RFC 4918 section 5.2", "Finder's `Icon` with a carriage return is taken, and kept out of listings")
def finder_icon(lab):
    alice = lab.client("alice")
    alice.mkcol(TOP + "d/")
    status = alice.put(TOP + "d/Icon%0D", "")
    lab.say(status == 201, f"PUT {status}")
    lab.say(alice.list(TOP + "d/Icon%0D", "D:getetag", depth="0").status == 207, "PROPFIND of it")
    listed = alice.list(TOP + "d/", "D:getetag").hrefs()
    lab.say(listed == [TOP + "d/"], f"the listing: {listed}")
    lab.say("Icon" not in alice.get(TOP + "d/").text, "the page of the folder")
    lab.say(alice.put(TOP + "d/._Icon%0D", "x") in (201, 204), "its companion, too")
    lab.say(alice.put(TOP + "d/Other%0D", "") in (400, 403), "no other name with a control character")
    lab.say(alice.delete(TOP + "d/") == 204, "the folder goes with it")
