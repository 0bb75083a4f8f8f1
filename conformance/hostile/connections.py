"""Connections that say nothing, half of something, or do not listen: they keep nobody out, end in time, and hold
little memory.
"""

import os
import socket
import ssl
import struct
import threading
import time

from lab import MIB, Http2, probe

# Attackers come from an address of their own.
FOREIGN = "127.0.0.2"
ROOM = "[server]\nmax_connections = 64\nhead_timeout_s = 30\nidle_timeout_s = 30\n"
IMPATIENT = "[server]\nhead_timeout_s = 2\nidle_timeout_s = 3\n"


def silent(lab, source):
    return lab.connect(source)


def half_head(lab, source):
    link = lab.connect(source)
    link.sendall(b"GET /files/ HTTP/1.1\r\nHost: x\r\n")
    return link


def half_body(lab, source):
    link = lab.connect(source)
    link.sendall(lab.head("PUT", "/files/alice/half.bin", Content_Length=10_000_000) + b"x" * 1000)
    return link


def between_requests(lab, source):
    link = lab.connect(source)
    link.sendall(lab.head("OPTIONS", "/files/"))
    link.recv(4096)
    return link


def two_preface(lab, source):
    link = lab.connect(source)
    link.sendall(Http2.PREFACE[:10])
    return link


def two_idle(lab, source):
    return Http2(lab, source).link


def two_half_head(lab, source):
    two = Http2(lab, source)
    two.send("GET", "/files/", whole=False)
    return two.link


def two_half_body(lab, source):
    two = Http2(lab, source)
    two.stream += 2
    fields = [(":method", "PUT"), (":scheme", "http"), (":path", "/files/alice/half2.bin"),
        (":authority", two.authority), ("authorization", lab.authorization("alice"))]
    two.link.sendall(two.frame(1, 4, 1, b"".join(two.field(*pair) for pair in fields)) + two.frame(0, 0, 1,
            b"x" * 1000))
    return two.link


KINDS = {"silent": silent, "half a head": half_head, "half a body": half_body, "between requests": between_requests,
         "half a preface of HTTP/2": two_preface, "HTTP/2 without a request": two_idle,
         "half a head of HTTP/2": two_half_head, "half a body of HTTP/2": two_half_body}


def open_many(lab, make, source, count):
    links = []
    for _ in range(count):
        try:
            links.append(make(lab, source))
        except OSError:
            pass
    return links


@probe("RFC 9112 section 9.5", "as many connections of one address as there is room for, and twice that, keep nobody "
    "else out", ROOM)
def room(lab):
    for what, make in KINDS.items():
        lab.watch()
        links = open_many(lab, make, FOREIGN, 140)
        time.sleep(1)
        lab.unharmed(f"{len(links)} connections, {what}")
        for link in links:
            link.close()
    lab.watch()
    links = [link for number in range(70) for link in open_many(lab, silent, f"127.0.0.{10 + number}", 2)]
    time.sleep(1)
    lab.unharmed(f"{len(links)} silent connections of 70 addresses")


@probe("RFC 5246 section 7.4", "connections with TLS keep nobody else out, before, in and after the handshake", ROOM)
def room_with_tls(lab):
    lab.secure()

    def half_handshake(lab, source):
        link = lab.connect(source)
        link.sendall(b"\x16\x03\x01\x02\x00\x01")
        return link

    def after_handshake(lab, source):
        return ssl._create_unverified_context().wrap_socket(lab.connect(source))

    for what, make in {"silent": silent, "half a handshake": half_handshake,
        "silent after the handshake": after_handshake, "HTTP/2 without a request": two_idle}.items():
        lab.watch()
        links = open_many(lab, make, FOREIGN, 80)
        time.sleep(1)
        lab.unharmed(f"{len(links)} connections with TLS, {what}")
        for link in links:
            link.close()


def ends_within(link, seconds, drip=None):
    """How long until the other side ends a connection; `drip` is sent each half second. None: it does not."""
    started, last = time.monotonic(), time.monotonic()
    link.settimeout(0.25)
    while time.monotonic() - started < seconds:
        try:
            if not link.recv(65536):
                return time.monotonic() - started
        except (TimeoutError, socket.timeout, ssl.SSLWantReadError):
            pass
        except OSError:
            return time.monotonic() - started
        if drip and time.monotonic() - last > 0.5:
            last = time.monotonic()
            try:
                link.sendall(drip)
            except OSError:
                return time.monotonic() - started
    return None


def all_end(lab, kinds, seconds):
    """All kinds are watched side by side."""
    found = {}

    def one(what, make, drip):
        found[what] = ends_within(make(lab, "127.0.0.1"), seconds, drip)

    threads = [threading.Thread(target=one, args=(what, *kind)) for what, kind in kinds.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for what in kinds:
        took = found.get(what)
        lab.say(took is not None, f"{what}: " + (f"ended after {took:.1f} s" if took is not None
                else f"stands after {seconds} s"))


@probe("RFC 9112 section 9.5", "a head has a time, from the first byte that is awaited, however slowly it comes, and "
    "so has a pause", IMPATIENT)
def deadlines(lab):
    kinds = {what: (make, None) for what, make in KINDS.items()}
    kinds["a head, letter by letter"] = (half_head, b"X")
    kinds["empty lines"] = (silent, b"\r\n")
    all_end(lab, kinds, 12)


@probe("RFC 9112 section 9.5", "a handshake of TLS has a time, and so has the silence after it", IMPATIENT)
def deadlines_with_tls(lab):
    lab.secure()

    def after_handshake(lab, source):
        return ssl._create_unverified_context().wrap_socket(lab.connect(source))

    def half_handshake(lab, source):
        link = lab.connect(source)
        link.sendall(b"\x16\x03\x01\x02\x00\x01")
        return link

    all_end(lab, {"silent": (silent, None), "half a handshake": (half_handshake, None),
                  "a handshake, byte by byte": (half_handshake, b"\x00"), "silent after it": (after_handshake, None),
                  "HTTP/2 without a request": (two_idle, None),
                  "half a head of HTTP/2": (two_half_head, None)}, 12)


@probe("RFC 9110 section 15.5.9", "a body that comes a letter at a time ends in time, too", IMPATIENT)
def dripping_bodies(lab):
    all_end(lab, {"a body, letter by letter": (half_body, b"x"), "a body of HTTP/2, byte by byte": (two_half_body,
                Http2.frame(0, 0, 1, b"x"))}, 40)


def unread(lab, method, path, headers):
    """Who asks and takes nothing of the answer."""
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link.bind((FOREIGN, 0))
    link.connect(("127.0.0.1", lab.port))
    link.sendall(lab.head(method, path, **headers))
    return link


def unread_streams(lab, method, path, headers):
    """The same of four streams of HTTP/2, with all the window in the world."""
    two = Http2(lab, FOREIGN)
    two.link.sendall(two.frame(4, 0, 0, struct.pack(">HI", 4, 2**31 - 1)) + two.frame(8, 0, 0,
            struct.pack(">I", 2**31 - 1 - 65535)))
    for _ in range(4):
        two.send(method, path, [("authorization", lab.authorization("alice")), *((name.lower(), value) for name,
                    value in headers.items())])
    return two


@probe("RFC 9113 section 5.2", "who asks and does not read holds little memory, over HTTP/1.1 and HTTP/2")
def slow_readers(lab):
    lab.stock("/files/alice/many", 1500, "a long name " * 12)
    alice = lab.client("alice")
    alice.put("/files/alice/large.bin", os.urandom(64 * MIB))
    alice.list("/files/alice/many/", "D:getetag")
    count = 60
    for what, (method, path, headers) in {"GET of 64 MiB": ("GET", "/files/alice/large.bin", {}),
        "PROPFIND of 1,500 members": ("PROPFIND", "/files/alice/many/", {"Depth": "1"})}.items():
        for who, (make, links) in {"who do not read": (unread, count),
            "streams of HTTP/2 that nobody reads": (unread_streams, count // 4)}.items():
            # 256 KiB each, and some for the connections and for what stands still in between. What else the process
            # holds for a while only adds to that: the least of three times is what they make it hold.
            most, grown = count // 4 + 32, None
            for _ in range(3):
                lab.restart()
                lab.client("alice")(method, path, **headers)
                before = lab.held(seconds=2)
                open_links = [make(lab, method, path, headers) for _ in range(links)]
                lab.watch()
                time.sleep(2)
                once = lab.held(before + most) - before
                grown = once if grown is None else min(grown, once)
                if grown <= most:
                    break
                for link in open_links:
                    link.close()
            lab.say(grown <= most, f"{count} {who}, {what}: {grown} MiB more")
            lab.unharmed(f"{count} {who}, {what}")
            for link in open_links:
                link.close()
