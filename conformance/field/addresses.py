"""An address is taken whole or refused, and told as it was asked."""

import unicodedata
from urllib.parse import quote, unquote

from lab import ICS, NS, Http2, event, multiget, probe, query, read_answer, sync, unescape

LOCKINFO = f'<D:lockinfo {NS}><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>'
PATCH = f'<D:propertyupdate {NS}><D:set><D:prop><X:a>b</X:a></D:prop></D:set></D:propertyupdate>'
# Every method that changes something: on which address, with what.
WRITES = {
    "PUT": ("/files/tramway/Bilan", "other", {}),
    "DELETE": ("/files/tramway/Bilan", None, {}),
    "MOVE": ("/files/tramway/Bilan", None, {"Destination": "/files/tramway/elsewhere"}),
    "COPY": ("/files/tramway/Bilan", None, {"Destination": "/files/tramway/elsewhere"}),
    "MKCOL": ("/files/tramway/made", None, {}),
    "PROPPATCH": ("/files/tramway/Bilan", PATCH, {}),
    "LOCK": ("/files/tramway/Bilan", LOCKINFO, {"Depth": "0"}),
    "UNLOCK": ("/files/tramway/Bilan", None, {"Lock-Token": "<urn:uuid:00000000-0000-4000-8000-000000000000>"}),
    "UPDATE": ("/files/tramway/Bilan", f'<D:update '
    f'{NS}><D:version><D:href>/versions/1/1</D:href></D:version></D:update>', {}),
    "VERSION-CONTROL": ("/files/tramway/Bilan", None, {}),
    "MKCALENDAR": ("/calendars/tramway/made", None, {}),
    "POST": ("/calendars/tramway/meetings/", event("posted"), {"Content-Type": "text/calendar"}),
}


@probe("RFC 9110 section 7.1", "a query is refused on every method that changes something, and ignored on those that "
    "read")
def query_refused(lab):
    alice = lab.client("alice")
    alice.put("/files/tramway/Bilan", "precious")
    for method, (path, body, headers) in WRITES.items():
        for ending in ("?-v2.txt", "?", "?a=b&c=d", "?x#y"):
            answer = alice(method, path + ending, body, **{name.replace("-", "_"): value for name,
                    value in headers.items()})
            lab.say(answer.status == 400, f"{method} {path}{ending} is refused ({answer.status})")
        for form in (f"http://127.0.0.1:{lab.port}{path}?v2", f"{path}?v2"):
            link = lab.connect()
            data = (body or "").encode()
            link.sendall(lab.head(method, form, **{name.replace("-", "_"): value for name, value in headers.items()},
                    Content_Length=len(data), Connection="close") + data)
            answer = read_answer(link.makefile("rb"))
            lab.say(answer.status == 400,
                f"{method} {form.replace(str(lab.port), 'PORT')} is refused ({answer.status})")
    seen = alice.get("/files/tramway/Bilan")
    lab.say(seen.text == "precious" and alice.versions("/files/tramway/Bilan") == 1,
        f"nothing of it was done ({seen.text!r})")
    lab.say(alice.list("/files/tramway/", "X:a").hrefs() == ["/files/tramway/", "/files/tramway/Bilan"],
        "nothing was made")
    for ending in ("?x", "#x"):
        lab.say(alice.copy("/files/tramway/Bilan", "/files/tramway/to" + ending) == 400,
            f"Destination with {ending} is refused")
    for method, path, body, wanted in (("GET", "/files/tramway/Bilan?web=1", None, 200),
                                       ("HEAD", "/files/tramway/Bilan?web=1", None, 200),
                                       ("OPTIONS", "/files/tramway/?x", None, 200),
                                       ("PROPFIND", "/files/tramway/?x=y", None, 207), ("REPORT", "/files/tramway/?x",
                                           sync(), 207)):
        lab.say(alice(method, path, body, Depth="1" if method != "REPORT" else "0").status == wanted,
            f"{method} {path} is answered")


@probe("RFC 9113 section 8.3.1", "a fragment or query over HTTP/2 does not hit another document")
def fragment_over_http2(lab):
    alice = lab.client("alice")
    alice.put("/files/tramway/Bilan", "precious")
    login = ("authorization", lab.authorization("alice"))
    for path in ("/files/tramway/Bilan?-v2.txt", "/files/tramway/Bilan#2", "/files/tramway/Bilan#"):
        for method, body in (("PUT", b"other"), ("DELETE", None)):
            two = Http2(lab)
            status = two.status(two.send(method, path, [login], body))
            two.close()
            seen = alice.get("/files/tramway/Bilan")
            lab.say(seen.text == "precious", f"{method} {path} over HTTP/2 ({status}): the other document is as it "
                f"was ({seen.status})")
            if seen.text != "precious":
                alice.put("/files/tramway/Bilan", "precious")


NAME = "L'Équipe+1 (2026) & cie"


def spellings(name):
    """Ways to spell one name in an address, each with its proper escapes."""
    return {
        "as it is": quote(name, safe="'+()"),
        "in capitals": quote(name.upper(), safe="'+()"),
        "in small letters": quote(name.lower(), safe="'+()&"),
        "decomposed": quote(unicodedata.normalize("NFD", name), safe="'+()&"),
        "decomposed, in capitals": quote(unicodedata.normalize("NFD", name.upper()), safe=""),
        "all escaped": quote(name, safe=""),
        "escaped in small letters": "".join(part.lower() if part.startswith("%") else part
            for part in split_escapes(quote(name, safe=""))),
        "letters escaped": "%4C" + quote(name[1:], safe="'"),
    }


def split_escapes(text):
    at = 0
    while at < len(text):
        size = 3 if text[at] == "%" else 1
        yield text[at : at + size]
        at += size


def check(lab, what, asked, answer, least=1):
    hrefs = answer.hrefs()
    wrong = [href for href in hrefs if not href.startswith(asked)]
    lab.say(len(hrefs) >= least and not wrong and answer.status in (200, 207),
        f"{what}, asked {asked}: {answer.status}, {wrong[:2] or len(hrefs)}")


@probe("RFC 4918 section 8.3", "the hrefs of an answer begin with the address as it was asked: documents, their past, "
    "every method and report")
def documents(lab):
    alice = lab.client("alice")
    canonical = f"/files/tramway/{quote(NAME)}"
    alice.mkcol(canonical + "/")
    alice.mkcol(canonical + "/Sous-dossier/")
    for version in ("one", "two"):
        alice.put(canonical + "/f.txt", version)
    for how, name in spellings(NAME).items():
        asked = f"/files/tramway/{name}/"
        for depth, least in (("0", 1), ("1", 3)):
            check(lab, f"PROPFIND Depth {depth} {how}", asked, alice.list(asked, "D:getetag", depth=depth), least)
        check(lab, f"PROPFIND without a final slash {how}", asked[:-1], alice.list(asked[:-1], "D:getetag"), 3)
        check(lab, f"PROPFIND of a member {how}", asked + "F.TXT", alice.list(asked + "F.TXT", "D:getetag", depth="0"))
        check(lab, f"PROPPATCH {how}", asked, alice.set(asked, "<X:a>b</X:a>"))
        for level in ("1", "infinite"):
            begun = alice("REPORT", asked, sync(level=level), Depth="0")
            check(lab, f"sync-collection {level} {how}", asked, begun, 2)
            alice.put(canonical + "/gone.txt")
            alice.delete(canonical + "/gone.txt")
            token = begun.value("sync-token")
            alice.put(canonical + "/gone.txt")
            between = alice("REPORT", asked, sync(token, level), Depth="0")
            alice.delete(canonical + "/gone.txt")
            check(lab, f"sync-collection {level} of what went {how}", asked,
                alice("REPORT", asked, sync(between.value("sync-token"), level), Depth="0"))
        check(lab, f"version-tree {how}", "/versions/", alice("REPORT", asked + "f.txt",
                f"<D:version-tree {NS}><D:prop><D:getetag/></D:prop></D:version-tree>"))
        expand = f'<D:expand-property {NS}><D:property name="getetag"/></D:expand-property>'
        check(lab, f"expand-property {how}", asked, alice("REPORT", asked, expand, Depth="1"), 1)
        former = "/history" + asked[len("/files"):]
        check(lab, f"/history {how}", former, alice.list(former, "D:getetag"), 3)
        answer = alice("LOCK", asked, LOCKINFO, Depth="0")
        token = answer.header("Lock-Token").strip("<>")
        root = answer.value("lockroot") or (answer.text.split("<D:lockroot>")[-1].split("<D:href>")[-1].split("<")[0])
        root = unescape(root)
        lab.say(unquote(root).rstrip("/").lower().endswith(unquote(name).lower()), f"LOCK {how}: lockroot {root}")
        status = alice("UNLOCK", asked, Lock_Token=f"<{token}>").status
        lab.say(status == 204, f"UNLOCK {how} ({status})")
    home = "/files/TRAMWAY/"
    check(lab, "PROPFIND of a home in capitals", home, alice.list(home, "D:getetag"), 2)
    link = lab.connect()
    raw = f"/files/tramway/{NAME.replace(' ', '%20')}/"
    link.sendall(lab.head("PROPFIND", raw, Depth="1", Connection="close"))
    answer = read_answer(link.makefile("rb"))
    expected = raw.replace("É", "%C3%89")
    lab.say(answer.status == 400 or all(href.startswith(expected) for href in answer.hrefs()),
        f"a letter that is not escaped: {answer.status}, {answer.hrefs()[:2]}")


@probe("RFC 4918 section 8.3", "the hrefs of an answer begin with the address as it was asked: calendars, linked ones "
    "too, and principals")
def calendars(lab):
    alice, bob = lab.client("alice"), lab.client("bob")
    for number in range(2):
        alice("PUT", f"/calendars/tramway/meetings/{number}.ics", event(f"u{number}"), **ICS)
    for who, asked in ((alice, "/calendars/TRAMWAY/Meetings/"), (alice, "/calendars/%74ramway/%6deetings/"),
        (bob, "/calendars/BOB/meetings@tramway/"), (bob, "/calendars/bob/meetings%40tramway/")):
        check(lab, "PROPFIND", asked, who.list(asked, "D:getetag"), 3)
        check(lab, "calendar-query", asked, who("REPORT", asked, query(), Depth="1"), 2)
        told = who("REPORT", asked, multiget(asked + "0.ics", asked + "9.ics"), Depth="1")
        lab.say(sorted(told.hrefs()) == [asked + "0.ics", asked + "9.ics"],
            f"calendar-multiget answers what was asked: {told.hrefs()}")
        check(lab, "sync-collection", asked, who("REPORT", asked, sync(), Depth="0"), 2)
        check(lab, "PROPPATCH", asked, who.set(asked, "<X:a>b</X:a>"))
    for asked in ("/principals/ALICE/", "/principals/%61lice/", "/calendars/ALICE/"):
        check(lab, "PROPFIND", asked, alice.list(asked, "D:displayname", depth="0"))
    check(lab, "calendar home", "/calendars/ALICE/", alice.list("/calendars/ALICE/", "D:displayname"), 4)
