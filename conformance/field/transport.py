"""Requests as they come over the wire: refused early, coded, half closed, through proxies."""

import gzip
import re
import socket
import threading
import time
import zlib

from lab import NS, probe, read_answer

LOCKINFO = f'<D:lockinfo {NS}><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>'


def upload(lab, size, send, method="PUT", path="/files/tramway/x", who="alice", chunked=False, **headers):
    """One request whose body is sent or held back, and the next on the same connection: status, what Connection
    says, status.
    """
    framing = {"Transfer_Encoding": "chunked"} if chunked else {"Content_Length": size}
    link = lab.connect()
    stream = link.makefile("rb")
    body = b"x" * size
    if chunked:
        body = b"%x\r\n" % size + body + b"\r\n0\r\n\r\n"

    def feed():
        try:
            link.sendall(lab.head(method, path, who, **framing, **headers) + (body if send else b""))
        except OSError:
            pass

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    answer = read_answer(stream, method)
    if answer.status == 100:
        if not send:
            link.sendall(body)
        answer = read_answer(stream, method)
    feeder.join(10)
    said = answer.header("Connection").lower()
    again = 0
    try:
        link.sendall(lab.head("OPTIONS", "/files/", "alice"))
        again = read_answer(stream).status
    except (OSError, ValueError):
        pass
    link.close()
    return answer.status, said, again


@probe("RFC 9112 section 9.6", "an answer before the body was read says that the connection ends, or the body is read "
    "and it goes on")
def refused_early(lab):
    alice = lab.client("alice")
    alice.put("/files/tramway/there", "x")
    alice.put("/files/tramway/locked", "x")
    alice.lock("/files/tramway/locked")
    lab.command("project", "add", "small", "--display-name", "Small", "--quota", "1KiB")
    lab.command("project", "member", "add", "small", "alice", "--role", "member")
    refusals = {
        "no log-in": (401, "/files/tramway/x", None, {}),
        "a wrong password": (401, "/files/tramway/x", ("alice", "wrong"), {}),
        "a reader": (403, "/files/tramway/x", "carol", {}),
        "a name that is not allowed": ((400, 403), "/files/tramway/CON", "alice", {}),
        "nothing to be seen there": ((404, 409), "/files/dave/x", "alice", {}),
        "no such folder": (409, "/files/tramway/missing/x", "alice", {}),
        "a folder": (405, "/files/tramway/", "alice", {}),
        "there already": (412, "/files/tramway/there", "alice", {"If_None_Match": "*"}),
        "another state": (412, "/files/tramway/there", "alice", {"If_Match": '"no"'}),
        "locked": (423, "/files/tramway/locked", "alice", {}),
        "a query": (400, "/files/tramway/x?y", "alice", {}),
        "a coding": (415, "/files/tramway/x", "alice", {"Content_Encoding": "gzip"}),
        "a part": (400, "/files/tramway/x", "alice", {"Content_Range": "bytes 0-9/10"}),
        "too much": (507, "/files/small/x", "alice", {}),
    }
    for what, (wanted, path, who, headers) in refusals.items():
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        for how, size, send, chunked, more in (("8 KiB", 8 << 10, True, False, {}), ("100 KB", 100_000, True, False,
                {}), ("4 MB", 4_000_000, True, False, {}), ("100 KB in chunks", 100_000, True, True, {}),
                                               ("asked first", 100_000, False, False, {"Expect": "100-continue"}),
                                               ("asked and sent", 100_000, True, False, {"Expect": "100-continue"})):
            status, said, again = upload(lab, size, send, path=path, who=who, chunked=chunked, **headers, **more)
            lab.say(status in wanted and (again == 200 or said == "close"),
                f"{what}, {how}: {status}, Connection: {said or '-'}, the next request {again}")
    for method, path in (("PROPFIND", "/files/tramway/missing/"), ("MKCOL", "/files/tramway/made/"),
        ("DELETE", "/files/tramway/missing"), ("REPORT", "/files/tramway/missing"), ("LOCK", "/files/tramway/locked")):
        status, said, again = upload(lab, 100_000, True, method, path)
        lab.say(400 <= status < 500 and (again == 200 or said == "close"),
            f"{method} with 100 KB: {status}, Connection: {said or '-'}, the next request {again}")


@probe("RFC 9110 section 8.4", "a coded body is decoded, its coding is kept and told, or it is refused; never are "
    "coded bytes taken for plain ones")
def content_codings(lab):
    alice, plain = lab.client("alice"), b"bonjour"
    for coding, data in (("gzip", gzip.compress(plain)), ("x-gzip", gzip.compress(plain)),
        ("deflate", zlib.compress(plain)), ("br", b"\x0b\x03\x80bonjour\x03"), ("aes128gcm", b"x" * 40),
        ("gzip, identity", gzip.compress(plain))):
        path = f"/files/tramway/{coding.replace(', ', '-')}.txt"
        put, got = alice("PUT", path, data, Content_Encoding=coding), alice.get(path)
        fine = put.status == 415 and got.status == 404 or got.body == plain or got.header("Content-Encoding") == coding
        lab.say(fine, f"PUT with {coding}: {put.status}, then GET {got.status} {got.body[:10]!r}")
        if put.status == 415:
            lab.say(put.header("Accept-Encoding") != "",
                f"and says which codings are taken ({put.header('Accept-Encoding')!r})")
    lab.say(alice.put("/files/tramway/identity.txt", "bonjour", Content_Encoding="identity") == 201, "identity is none")
    body = f"<D:propfind {NS}><D:prop><D:getetag/></D:prop></D:propfind>".encode()
    for method, path, text in (("PROPFIND", "/files/tramway/", body), ("PROPPATCH", "/files/tramway/identity.txt",
            f"<D:propertyupdate {NS}><D:set><D:prop><X:a>b</X:a></D:prop></D:set></D:propertyupdate>".encode()),
                               ("LOCK", "/files/tramway/identity.txt", LOCKINFO.encode()),
                               ("POST", "/calendars/tramway/meetings/", b"x")):
        answer = alice(method, path, gzip.compress(text), Content_Encoding="gzip", Content_Type="text/calendar"
            if method == "POST" else "application/xml", Depth="0")
        lab.say(answer.status == 415 or answer.status in (200, 207), f"{method} with gzip: {answer.status}")


@probe("RFC 9112 section 6.1", "transfer codings that are not understood are refused, and nothing is stored")
def transfer_codings(lab):
    alice = lab.client("alice")
    for number, coding in enumerate(("gzip, chunked", "gzip", "deflate, chunked", "x-unknown, chunked",
            "chunked, chunked", "chunked, gzip", "identity")):
        data, path = gzip.compress(b"bonjour"), f"/files/tramway/coded-{number}"
        link = lab.connect(timeout=5)
        link.sendall(lab.head("PUT", path, Transfer_Encoding=coding, Connection="close") + b"%x\r\n" % len(data) + data
            + b"\r\n0\r\n\r\n")
        try:
            status = read_answer(link.makefile("rb")).status
        except (OSError, ValueError):
            status = 0
        got = alice.get(path)
        lab.say(status in (400, 501) and got.status == 404 or got.body == b"bonjour",
            f"Transfer-Encoding: {coding}: {status}, then GET {got.status} {got.body[:10]!r}")


@probe("RFC 9112 section 6.3", "a client that ends its sending side after a whole request is answered, and what it "
    "asked is done")
def half_closed(lab):
    alice = lab.client("alice")
    alice.put("/files/tramway/there", "there")
    listing = f"<D:propfind {NS}><D:prop><D:getetag/></D:prop></D:propfind>".encode()
    for number in range(3):
        for method, path, body, wanted, more in (
            ("PUT", f"/files/tramway/half-{number}", b"abc", 201, {}), ("GET", "/files/tramway/there", b"", 200, {}),
            ("MKCOL", f"/files/tramway/made-{number}/", b"", 201, {}),
            ("PROPFIND", "/files/tramway/", listing, 207, {"Depth": "1"}), ("COPY", "/files/tramway/there", b"", 201,
                {"Destination": f"/files/tramway/copy-{number}"}), ("DELETE", f"/files/tramway/half-{number}", b"", 204,
                {}),
        ):
            for keep in ({}, {"Connection": "close"}):
                if keep and method in ("PUT", "MKCOL", "COPY", "DELETE"):
                    continue
                link = lab.connect()
                link.sendall(lab.head(method, path, Content_Length=len(body), **more, **keep) + body)
                link.shutdown(socket.SHUT_WR)
                answer = read_answer(link.makefile("rb"), method)
                lab.say(answer.status == wanted, f"{method} {path} {keep}: {answer.status}")
                link.close()


def logged(lab, path):
    """The address that the log tells for a request."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lab.log().splitlines()]
    found = [re.search(r'address="?([0-9a-fA-F.:]+)', line) for line in lines if f'"{path}"' in line]
    return found[-1].group(1) if found and found[-1] else None


@probe("RFC 7239 section 7.1", "of forwarded addresses the hop next to a trusted proxy counts, in lists and on "
    "several lines; what cannot be read is not believed",
       '[server]\ntrusted_proxies = ["127.0.0.1", "192.0.2.1"]\n')
def forwarded_for(lab):
    here = "127.0.0.1"
    rows = {
        ("203.0.113.7",): "203.0.113.7", ("203.0.113.7:5555",): "203.0.113.7", ("[2001:db8::7]:80",): "2001:db8::7",
        ("2001:db8::7",): "2001:db8::7", ("[2001:db8::7]",): "2001:db8::7",
        ("198.51.100.1, 203.0.113.7",): "203.0.113.7", ("198.51.100.1", "203.0.113.7"): "203.0.113.7",
        ("198.51.100.1,203.0.113.7 , 192.0.2.1",): "203.0.113.7",
        ("203.0.113.7", "192.0.2.1"): "203.0.113.7", ("203.0.113.7, unknown",): here, ("unknown",): here,
        ("_hidden",): here, ("203.0.113.7, _x, 192.0.2.1",): "192.0.2.1", ("",): here, ("203.0.113.999",): here,
    }
    for number, (lines, wanted) in enumerate(rows.items()):
        path = f"/files/tramway/asked-{number}"
        link = lab.connect()
        head = lab.head("GET", path, Connection="close")[:-2] + "".join(f"X-Forwarded-For: {line}\r\n"
            for line in lines).encode() + b"\r\n"
        link.sendall(head)
        read_answer(link.makefile("rb"))
        link.close()
        for _ in range(20):
            if logged(lab, path):
                break
            time.sleep(0.02)
        lab.say(logged(lab, path) == wanted, f"X-Forwarded-For {lines}: {logged(lab, path)}, right is {wanted}")


@probe("RFC 7239 section 5.3", "of forwarded hosts the hop next to a trusted proxy counts, and Destination is known "
    "by it", '[server]\ntrusted_proxies = ["127.0.0.1"]\n')
def forwarded_host(lab):
    alice = lab.client("alice")
    alice.put("/files/tramway/there", "x")

    def copy(lines, host, source="127.0.0.1"):
        link = lab.connect(source)
        head = lab.head("COPY", "/files/tramway/there", Destination=f"https://{host}/files/tramway/copy", Connection="close")[:-2]
        link.sendall(head + "".join(f"X-Forwarded-Host: {line}\r\nX-Forwarded-Proto: https\r\n"
                for line in lines).encode() + b"\r\n")
        return read_answer(link.makefile("rb")).status

    for lines, host, wanted in (
        (("docs.example",), "docs.example", True), (("docs.example:8443",), "docs.example:8443", True),
        (("evil.example, docs.example",), "docs.example", True),
        (("evil.example, docs.example",), "evil.example", False), (("evil.example", "docs.example"), "docs.example",
            True), (("evil.example", "docs.example"), "evil.example", False), (("docs.example",), "other.example",
            False),
    ):
        status = copy(lines, host)
        lab.say((status in (201, 204)) == wanted, f"X-Forwarded-Host {lines}, Destination at {host}: {status}")
    status = copy(("docs.example",), "docs.example", "127.0.0.2")
    lab.say(status == 502, f"from no trusted proxy: {status}")
