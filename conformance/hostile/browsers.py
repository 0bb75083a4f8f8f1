"""What a browser might be made to do: run what a document holds, or change something for a foreign page."""

import re

from lab import ICS, NS, event, probe

SCRIPT = '<script>fetch("/files/")</script>'
TYPES = ("image/png, text/html", "video/x, text/html;charset=utf-8", "audio/x+xml", "application/pdf+xml", "text/html",
         "TEXT/HTML", "text/html;charset=utf-8", "image/svg+xml", "application/xhtml+xml", "text/xml",
         "application/xml", "image/png;text/html", "image/png\ttext/html", "*/*", "text/*",
         "application/mathml+xml", "text/xsl", "application/rdf+xml", "multipart/x-mixed-replace",
         "application/javascript", "x", "image/", "/html", "image/png ; a=\"text/html\"", "unknown/unknown",
         "application/unknown", "text/plain+html", "message/rfc822", "application/x-shockwave-flash", "")
# Exact types that a browser shows and that run nothing.
PASSIVE = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "audio/mpeg", "audio/ogg",
    "audio/mp4", "audio/wav", "audio/x-wav", "video/mp4", "video/webm", "video/ogg", "application/pdf", "text/plain",
    "text/csv", "text/calendar"}


def passive(kind):
    whole, _, parameters = kind.partition(";")
    return whole.strip().lower() in PASSIVE and "," not in parameters and "/" not in parameters


def judged(answer):
    """Is what goes out confined, or of one passive type by its whole name?"""
    if answer.status not in (200, 206):
        return f"status {answer.status}"
    policy, disposition, said = answer.header("Content-Security-Policy"), answer.header(
        "Content-Disposition"), answer.header("Content-Type")
    if answer.header("X-Content-Type-Options").lower() != "nosniff":
        return "no nosniff"
    if "sandbox" in policy and "allow-scripts" not in policy or disposition.startswith("attachment"):
        return None
    # Of an answer of several ranges, the types of its parts count.
    parts = re.findall(r"(?im)^content-type: *([^\r\n]*)", answer.text) if said.startswith(
        "multipart/byteranges") else [said]
    if parts and all(passive(part) for part in parts):
        return None
    return f"{said!r} with policy {policy!r}"


@probe("RFC 9110 section 8.3", "only what is of one passive type by its whole name goes out without a sandbox, "
    "wherever it is shown")
def media_types(lab):
    alice = lab.client("alice")
    for number, kind in enumerate(TYPES):
        name = f"x{number}.png"
        status = alice.put(f"/files/alice/{name}", SCRIPT + "x" * 1000, Content_Type=kind)
        if status >= 400:
            lab.say(status in (400, 415), f"{kind!r} is refused ({status})")
            continue
        history = next(href for href in alice.list(f"/history/alice/{name}/", "D:getetag").hrefs()[1:])
        version = alice("REPORT", f"/files/alice/{name}",
            f"<D:version-tree {NS}><D:prop><D:version-name/></D:prop></D:version-tree>", Depth="0").hrefs()[0]
        alice.copy(f"/files/alice/{name}", f"/files/alice/copy-{name}")
        alice.put(f"/files/alice/gone-{name}", SCRIPT, Content_Type=kind)
        alice.delete(f"/files/alice/gone-{name}")
        asked = {"": (f"/files/alice/{name}", {}), "a range": (f"/files/alice/{name}", {"Range": "bytes=0-9"}),
            "ranges": (f"/files/alice/{name}", {"Range": "bytes=0-9,20-29"}), "history": (history, {}),
            "version": (version, {}), "trash": (f"/trash/alice/gone-{name}", {}),
            "a copy": (f"/files/alice/copy-{name}", {})}
        wrong = {how: fault for how, (path, headers) in asked.items() if (fault := judged(alice.get(path, **headers)))}
        lab.say(not wrong, f"{kind!r}: {wrong or 'confined'}")
    for name, content in (("page.html", SCRIPT), ("drawing.svg", "<svg/>"), ("none", SCRIPT), ("feed.xml", "<a/>"),
        ("a.xhtml", SCRIPT), ("b.mht", SCRIPT), ("c.htm", SCRIPT), ("d.js", "x")):
        alice.put(f"/files/alice/{name}", content)
        fault = judged(alice.get(f"/files/alice/{name}"))
        lab.say(not fault, f"{name} without a type: {fault or 'confined'}")
    alice.put("/files/alice/error", "x")
    for path in ("/files/alice/%3Cscript%3E", "/files/alice/", "/x%3Cscript%3Ealert(1)%3C/script%3E"):
        answer = alice.get(path)
        lab.say("<script>" not in answer.text and answer.header("X-Content-Type-Options").lower() == "nosniff",
            f"{path}: {answer.status} holds no script, and says nosniff")


EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


@probe("RFC 5995 section 3.1", "POST that changes something wants a type that no form can send, and comes from no "
    "foreign page")
def foreign_posts(lab):
    alice, place = lab.client("alice"), "/calendars/alice/personal/"

    def post(number, kind=None, **headers):
        more = {"Content_Type": kind} if kind is not None else {}
        return alice("POST", place, event(f"p{number}"), **more, **{name.replace("-", "_"): value for name,
                value in headers.items()}).status

    number = 0
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None, "",
        "TEXT/PLAIN; charset=utf-8", "text/plain;text/calendar", "text/plain, text/calendar"):
        for headers in (EVIL, {}):
            number += 1
            status = post(number, kind, **headers)
            lab.say(400 <= status < 500, f"{kind!r}{' from a foreign page' if headers else ''}: {status}")
    own = {"Origin": f"http://127.0.0.1:{lab.port}", "Sec-Fetch-Site": "same-origin"}
    for what, headers, wanted in (("a program", {}, 201), ("our own page", own, 201), ("a foreign page", EVIL, 403), ("a page of no origin", {"Origin": "null"}, 403), ("another port", {"Origin": "http://127.0.0.1:1"}, 403), ("a sibling", {"Sec-Fetch-Site": "same-site", "Origin": "https://other.ville.example"}, 403),
                                  ("only Sec-Fetch-Site", {"Sec-Fetch-Site": "cross-site"}, 403)):
        number += 1
        status = post(number, "text/calendar; charset=utf-8", **headers)
        lab.say(status == wanted, f"text/calendar of {what}: {status}")


@probe("Fetch section 3.2", "no method changes something for a foreign page, and reading goes on")
def foreign_changes(lab):
    alice = lab.client("alice")
    alice.put("/files/alice/f.txt", "mine")
    alice("PUT", "/calendars/alice/personal/e.ics", event("e"), **ICS)
    lock = f"<D:lockinfo {NS}><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>"
    rows = [("PUT", "/files/alice/f.txt", "other", {}), ("DELETE", "/files/alice/f.txt", None, {}),
            ("MKCOL", "/files/alice/d/", None, {}), ("COPY", "/files/alice/f.txt", None,
                {"Destination": "/files/alice/g.txt"}), ("MOVE", "/files/alice/f.txt", None,
                {"Destination": "/files/alice/g.txt"}),
            ("PROPPATCH", "/files/alice/f.txt", f"<D:propertyupdate "
            f"{NS}><D:set><D:prop><X:a>b</X:a></D:prop></D:set></D:propertyupdate>", {}),
            ("LOCK", "/files/alice/f.txt", lock, {"Depth": "0"}), ("MKCALENDAR", "/calendars/alice/c/", None, {}),
            ("DELETE", "/calendars/alice/personal/e.ics", None, {})]
    for method, path, body, headers in rows:
        for evil in (EVIL, {"Origin": "null"}):
            answer = alice(method, path, body, **headers, **{name.replace("-", "_"): value for name,
                    value in evil.items()})
            lab.say(answer.status == 403, f"{method} {path} for {evil}: {answer.status}")
    lab.say(alice.get("/files/alice/f.txt").text == "mine", "nothing has changed")
    for method, path in (("GET", "/files/alice/f.txt"), ("PROPFIND", "/files/alice/"), ("OPTIONS", "/files/alice/")):
        lab.say(alice(method, path, Depth="0", Origin="https://evil.example").status in (200, 207), f"{method} is answered, and tells the foreign page nothing")
        lab.say("Access-Control-Allow-Origin" not in alice(method, path, Depth="0", Origin="https://evil.example").headers, "by no header of Access-Control")


@probe("RFC 6797 section 7.2", "answers over TLS say Strict-Transport-Security, those without do not")
def strict_transport(lab):
    lab.say(lab.client("alice").get("/files/").header("Strict-Transport-Security") == "", "plain HTTP says nothing")
    lab.secure()
    for who, path in (("alice", "/files/"), (None, "/files/"), ("alice", "/files/none/")):
        answer = lab.client(who).get(path)
        lab.say("max-age=" in answer.header("Strict-Transport-Security"),
            f"{path} over TLS ({answer.status}): {answer.header('Strict-Transport-Security')!r}")
