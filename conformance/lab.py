"""What the probes share: a server of one's own for each, a small client, raw bytes, and another person who measures
how long she waits.

A probe is a function that is given a `Lab`; `@probe` says which rule it shows, and of which standard. `probe.py`
runs them. Standard library only. Every probe begins with the people alice, bob, carol and dave and the project
`tramway`, of which alice is lead, bob member and carol reader.
"""

import base64
import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

BEFFROI = os.path.abspath(os.environ.get("BEFFROI", "target/release/beffroi"))
HERE = os.path.dirname(os.path.abspath(__file__))
MIB = 1 << 20
# What no probe may bring the process above.
MEMORY_MIB = 512
# What nobody may wait longer than, seconds, beyond what the same request takes then where nothing else is asked.
# On a small, busy machine one request of a whole probe may be late for want of a processor: the slowest may take twice
# that, the one after it may not.
WAIT_S = 1.0
# What a question may take, whatever comes of it, on a machine of its own.
LONG_S = 10
PEOPLE = ("alice", "bob", "carol", "dave")
NS = ('xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:Z="urn:schemas-microsoft-com:" '
    'xmlns:B="urn:beffroi:" xmlns:X="urn:probe"')
os.environ["TZ"] = "UTC"
time.tzset()

PROBES = []


def probe(source, rule, settings=""):
    """A probe shows `rule`, which follows from `source`; `settings` are those of its server."""

    def enter(function):
        PROBES.append((function, source, rule, settings))
        return function

    return enter


class Answer:
    """What came back, and how long it took."""

    def __init__(self, status, headers, body, seconds=0.0):
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def header(self, name):
        return self.headers.get(name) or ""

    def hrefs(self):
        """The addresses of its responses, as they stand there."""
        return [unescape(found) for found in re.findall(r"<D:response>\s*<D:href>([^<]*)", self.text)]

    def value(self, name):
        """The text of the first element of this local name that holds one."""
        found = re.search(r"[:<]" + re.escape(name) + r"(?:\s[^>]*)?>([^<]+)<", self.text)
        return unescape(found.group(1)) if found else None

    def statuses(self):
        return [int(found) for found in re.findall(r"HTTP/1\.1 (\d+)", self.text)]

    def __repr__(self):
        return f"{self.status} in {self.seconds:.1f} s, {self.text[:200]!r}"


def unescape(text):
    for escaped, plain in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#13;", "\r"), ("&#xD;", "\r"),
        ("&amp;", "&")):
        text = text.replace(escaped, plain)
    return text


def read_answer(stream, method="GET"):
    """One answer from a connection; status 0 where it ended instead."""
    try:
        line = stream.readline()
    except OSError:
        line = b""
    if not line.startswith(b"HTTP/"):
        return Answer(0, {}, line)
    headers = http.client.parse_headers(stream)
    status = int(line.split()[1])
    if method == "HEAD" or status in (204, 304) or status < 200:
        return Answer(status, headers, b"")
    if "chunked" in (headers.get("Transfer-Encoding") or ""):
        body = b""
        while size := int(stream.readline().split(b";")[0] or b"0", 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
        return Answer(status, headers, body)
    length = headers.get("Content-Length")
    return Answer(status, headers, stream.read(int(length)) if length else stream.read())


class Client:
    """One person's program. Each request has a connection of its own."""

    def __init__(self, lab, authorization, timeout, source="127.0.0.1"):
        self.lab, self.authorization, self.timeout, self.source = lab, authorization, timeout, source

    def __call__(self, method, path, body=None, **headers):
        body = body.encode() if isinstance(body, str) else body
        head = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.authorization:
            head.setdefault("Authorization", self.authorization)
        started = time.monotonic()
        to = {"host": "127.0.0.1", "port": self.lab.port, "timeout": self.timeout, "source_address": (self.source, 0)}
        link = http.client.HTTPSConnection(**to, context=self.lab.tls) if self.lab.tls else http.client.HTTPConnection(
            **to)
        try:
            link.putrequest(method, path, skip_accept_encoding=True)
            for name, value in head.items():
                link.putheader(name, value)
            if body is not None or method in ("PUT", "POST"):
                link.putheader("Content-Length", str(len(body or b"")))
            link.endheaders(body)
            found = link.getresponse()
            return Answer(found.status, found.headers, found.read(), time.monotonic() - started)
        except (OSError, http.client.HTTPException) as fault:
            return Answer(0, {}, repr(fault).encode(), time.monotonic() - started)
        finally:
            link.close()

    def put(self, path, body="x", **headers):
        return self("PUT", path, body, **headers).status

    def get(self, path, **headers):
        return self("GET", path, **headers)

    def move(self, path, to, **headers):
        return self("MOVE", path, Destination=to, **headers).status

    def copy(self, path, to, **headers):
        return self("COPY", path, Destination=to, **headers).status

    def mkcol(self, path):
        return self("MKCOL", path).status

    def delete(self, path, **headers):
        return self("DELETE", path, **headers).status

    def list(self, path, *properties, depth="1"):
        """PROPFIND of named properties; of all that `allprop` tells where none is named."""
        asked = "".join(f"<{name}/>" for name in properties)
        body = f'<D:propfind {NS}><D:prop>{asked}</D:prop></D:propfind>' if properties else None
        return self("PROPFIND", path, body, Depth=depth)

    def property(self, path, name):
        """The text of one property; None where there is none."""
        return self.list(path, name, depth="0").value(name.split(":")[1])

    def set(self, path, properties):
        return self("PROPPATCH", path, f'<D:propertyupdate '
            f'{NS}><D:set><D:prop>{properties}</D:prop></D:set></D:propertyupdate>')

    def lock(self, path, owner="probe", depth="0", **headers):
        """Takes an exclusive lock; the token, or None."""
        body = (f'<D:lockinfo '
            f'{NS}><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>'
            f'<D:owner>{owner}</D:owner></D:lockinfo>')
        answer = self("LOCK", path, body, Depth=depth, Timeout="Second-600", **headers)
        return answer.header("Lock-Token").strip("<>") if answer.status in (200, 201) else None

    def names(self, path):
        """The decoded last segments of a collection's members."""
        return [urllib.parse.unquote(href.rstrip("/").rsplit("/", 1)[1]) for href in self.list(path,
                "D:resourcetype").hrefs()[1:]]

    def versions(self, path):
        """How many versions a document has."""
        answer = self.list(path.replace("/files/", "/history/", 1).replace("/calendars/", "/history/", 1) + "/",
            "D:getetag")
        return len(answer.hrefs()) - 1 if answer.status == 207 else 0

    def trashed(self, home):
        """What lies in a trash: address there and address it was deleted from."""
        text = self.list(f"/trash/{home}/", "B:deleted-from").text
        pairs = re.findall(r"<D:response>\s*<D:href>([^<]*)</D:href>(.*?)</D:response>", text, re.S)[1:]
        places = {}
        for href, more in pairs:
            place = re.search(r"deleted-from[^>]*>(?:\s*<D:href>)?([^<]+)<", more)
            places[unescape(href)] = unescape(place.group(1)) if place else ""
        return places


class Lab:
    """A server in a folder of its own, begun as a copy of a prepared one."""

    prepared = None
    # How far its clock is ahead, seconds.
    ahead = 0
    tls = None

    def __init__(self, settings=""):
        if Lab.prepared is None:
            Lab.prepare()
        self.folder = tempfile.mkdtemp(prefix="lab-", dir=os.environ.get("WORK"))
        self.data = os.path.join(self.folder, "data")
        shutil.copytree(os.path.join(Lab.prepared[0], "data"), self.data)
        self.passwords = dict(Lab.prepared[1])
        self.failed, self.process, self.neighbour, self.peak_before, self.beside = False, None, None, 0, None
        if settings:
            with open(os.path.join(self.data, "beffroi.toml"), "w") as file:
                file.write(settings)

    @classmethod
    def prepare(cls):
        folder = tempfile.mkdtemp(prefix="prepared-", dir=os.environ.get("WORK"))
        Lab.prepared = (folder, {})
        lab = Lab.__new__(Lab)
        lab.data, lab.passwords = os.path.join(folder, "data"), Lab.prepared[1]
        for name in PEOPLE:
            lab.person(name)
        lab.command("project", "add", "tramway", "--display-name", "Tramway")
        for name, role in (("alice", "lead"), ("bob", "member"), ("carol", "reader")):
            lab.command("project", "member", "add", "tramway", name, "--role", role)

    # Commands.

    def environment(self):
        more = {"BEFFROI_DATA": self.data, "LANG": "C.UTF-8"}
        if self.ahead:
            more |= {"LD_PRELOAD": clock(), "AHEAD_S": str(self.ahead)}
        return {**os.environ, **more}

    def command(self, *arguments, stdin=None, refused=False):
        """Runs a command of the server; what it printed. `refused`: it may fail, and the whole result is wanted."""
        done = subprocess.run([BEFFROI, *arguments], env=self.environment(), input=stdin, capture_output=True,
            text=True, timeout=120)
        if refused:
            return done
        if done.returncode:
            raise RuntimeError(f"{arguments}: {done.stderr}")
        return done.stdout

    def person(self, name, password=None):
        more = ["--password-stdin"] if password else []
        self.command("person", "add", name, "--display-name", name.title(), "--email", f"{name}@ville.example", *more,
            stdin=f"{password or ''}\n")
        self.device(name)

    def device(self, name, label="probe", *more):
        """A device password, known as `name` or `name label`."""
        printed = self.command("device", "add", name, "--label", label, *more)
        self.passwords[name if label == "probe" else f"{name} {label}"] = (name, printed.split()[0])

    # The server.

    def start(self, wrap=()):
        """Starts the server; `wrap` goes before the command."""
        self.out = os.path.join(self.folder, "out")
        log = open(os.path.join(self.folder, "log"), "ab")

        def bound():
            # A fault ends the server and not the machine.
            resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        with open(self.out, "wb") as out:
            arguments = [*wrap, BEFFROI, "serve", "--listen", "127.0.0.1:0"]
            self.process = subprocess.Popen(arguments, env=self.environment(), stdout=out, stderr=log, preexec_fn=bound)
        for _ in range(600):
            with open(self.out) as file:
                ready = re.search(r"ready: \w+://[^/]*:(\d+)", file.read())
            if ready:
                self.port = int(ready.group(1))
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("the server does not start: " + self.log()[-2000:])

    def restart(self):
        self.stop()
        return self.start()

    def stock(self, folder, count, stem):
        """A folder of so many documents, whose names begin alike."""
        source = tempfile.mkdtemp(dir=self.folder)
        for number in range(count):
            with open(os.path.join(source, f"{stem}{number}.txt"), "w") as file:
                file.write(str(number))
        self.command("import", "files", folder, source)

    def later(self, seconds):
        """Time passes: for the server, which is started anew and tidies up at once, and for all commands."""
        self.ahead += seconds
        self.restart()
        time.sleep(0.3)
        return self

    def now(self):
        return time.time() + self.ahead

    def secure(self):
        """Starts it anew with a certificate of its own."""
        self.stop()
        certificate, key = os.path.join(self.folder, "certificate.pem"), os.path.join(self.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                "/CN=localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        with open(os.path.join(self.data, "beffroi.toml"), "a") as file:
            file.write(f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n')
        self.tls = ssl._create_unverified_context()
        return self.start()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.peak_before = max(self.peak_before, self.peak() or 0)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close(self):
        if self.neighbour:
            self.neighbour.kill()
        if self.beside:
            self.beside.close()
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def alive(self):
        return self.process.poll() is None

    def log(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as file:
            return file.read()

    def _status(self, key):
        try:
            with open(f"/proc/{self.process.pid}/status") as file:
                return next(int(line.split()[1]) // 1024 for line in file if line.startswith(key))
        except (OSError, StopIteration):
            return None

    def peak(self):
        """The most memory that the process has held, MiB; None when it is dead."""
        return self._status("VmHWM")

    def held(self, most=0, seconds=10):
        """The least memory that the process holds within some seconds, MiB, or what is at most `most`: what passes,
        like what has been freed and is not given back yet, is not held."""
        least, end = self._status("VmRSS"), time.monotonic() + seconds
        while least > most and time.monotonic() < end:
            time.sleep(0.2)
            least = min(least, self._status("VmRSS"))
        return least

    def processor(self):
        """Seconds of processor that it has used."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rests(self):
        """Seconds of processor that it uses in two seconds."""
        used = self.processor()
        time.sleep(2)
        return self.processor() - used

    # Clients.

    def authorization(self, who):
        name, password = self.passwords[who] if isinstance(who, str) else who
        return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()

    def client(self, who, timeout=60, source="127.0.0.1"):
        """The program of a person, or of nobody (None), or of (name, password)."""
        return Client(self, self.authorization(who) if who else None, timeout, source)

    def connect(self, source="127.0.0.1", timeout=15):
        link = socket.create_connection(("127.0.0.1", self.port), timeout, (source, 0))
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link

    def head(self, method, path, who="alice", **headers):
        """The head of a request as bytes, with the empty line."""
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1:%d" % self.port]
        if who:
            lines.append("Authorization: " + self.authorization(who))
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    # What is seen.

    def say(self, good, what):
        self.failed |= not good
        print(("ok " if good else "not ok ") + what.replace("\n", " ")[:600], flush=True)
        return good

    def note(self, what):
        print("note " + what, flush=True)

    def soon(self, answer, limit=LONG_S):
        """Was it answered in time, for a machine that is as busy with other things as this one?"""
        return answer.seconds <= limit or answer.seconds <= limit * slowness()

    def control(self):
        """A server beside it of which nothing is asked: what takes long there, too, is the machine's fault."""
        if not self.beside:
            self.beside = Lab().start()
        return self.beside

    def watch(self, who="dave"):
        """From now on another person goes about her work, and measures."""
        control = self.control()
        for lab in (self, control):
            lab.client(who)("PUT", f"/files/{who}/small.txt", "x")
        arguments = [sys.executable, os.path.join(HERE, "neighbour.py"), str(self.port), who, self.authorization(who),
            str(control.port), control.authorization(who), *(["tls"] if self.tls else [])]
        self.neighbour = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.neighbour.stdout.readline()

    def unharmed(self, what):
        """Ends the watch: nobody waited, the process stayed small, and it lives."""
        printed, _ = self.neighbour.communicate("end\n", 60)
        self.neighbour = None
        seen = json.loads(printed)
        waits, controls = sorted(seen["waits"]), sorted(seen["controls"])
        slowest, second = waits[-1], waits[-2]
        said = (f"{what}: {len(waits)} requests of another person, the slowest {slowest:.2f} and {second:.2f} s, "
            f"elsewhere {controls[-1]:.2f} and {controls[-2]:.2f} s")
        self.say(not seen["fault"] and second <= WAIT_S + controls[-2] and slowest <= 2 * WAIT_S + controls[-1],
            said + (f", {seen['fault']}" if seen["fault"] else ""))
        peak = self.peak()
        peak = None if peak is None else max(peak, self.peak_before)
        self.say(peak is not None and peak <= MEMORY_MIB, f"{what}: " + ("the server died" if peak is None
                else f"{peak} MiB at most"))


def slowness():
    """How many times longer than on a machine of its own a program takes at this moment."""
    code = "import time; w, c = time.monotonic(), time.process_time()\n" \
        "while time.process_time() - c < 0.5: pass\n" \
        "print((time.monotonic() - w) / (time.process_time() - c))"
    return max(1.0, float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
        check=True).stdout))


def clock():
    """The library that moves a process's wall clock, compiled once."""
    library = os.path.join(Lab.prepared[0], "ahead.so")
    if not os.path.exists(library):
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "ahead.c")], check=True)
    return library


def at_once(*jobs):
    """Runs functions side by side; what each gave, or the fault."""
    results = [None] * len(jobs)

    def run(number):
        try:
            results[number] = jobs[number]()
        except Exception as fault:
            results[number] = fault

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def event(uid, *lines, start="DTSTART:20260105T090000Z", before=""):
    """One object with one event of an hour; `lines` are more of its lines, `before` stands before the event."""
    text = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Probe//EN", *([before] if before else []), "BEGIN:VEVENT",
            f"UID:{uid}", "DTSTAMP:20260101T000000Z",
            start, *lines, "END:VEVENT", "END:VCALENDAR", ""]
    return "\r\n".join(text)


HOUR_S = 3600
DAY_S = 24 * HOUR_S
ICS = {"Content_Type": "text/calendar; charset=utf-8"}


def query(inner="", data="<D:getetag/>"):
    """A calendar-query of events."""
    return (f'<C:calendar-query {NS}><D:prop>{data}</D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter '
        f'name="VEVENT">{inner}'
            "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>")


def between(start, end):
    return f'<C:time-range start="{start}" end="{end}"/>'


def multiget(*hrefs, data="<D:getetag/><C:calendar-data/>"):
    return f'<C:calendar-multiget {NS}><D:prop>{data}</D:prop>' + "".join(f"<D:href>{href}</D:href>"
        for href in hrefs) + "</C:calendar-multiget>"


def sync(token="", level="1", data="<D:getetag/>"):
    return (f'<D:sync-collection '
        f'{NS}><D:sync-token>{token}</D:sync-token><D:sync-level>{level}</D:sync-level>'
        f'<D:prop>{data}</D:prop></D:sync-collection>')


class Http2:
    """As much of HTTP/2 as the probes need: frames, and heads without a table or Huffman's code."""

    PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    DIGITS = {0b00000: "0", 0b00001: "1", 0b00010: "2"} | {0b011001 + n: str(3 + n) for n in range(7)}

    def __init__(self, lab, source="127.0.0.1", settings=True):
        self.link = lab.connect(source)
        if lab.tls:
            context = ssl._create_unverified_context()
            context.set_alpn_protocols(["h2"])
            self.link = context.wrap_socket(self.link, server_hostname="localhost")
        self.authority, self.stream = "127.0.0.1:%d" % lab.port, -1
        self.file = self.link.makefile("rb")
        if settings:
            self.link.sendall(self.PREFACE + self.frame(4, 0, 0, b""))

    @staticmethod
    def frame(kind, flags, stream, payload):
        return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload

    @staticmethod
    def field(name, value):
        def text(part):
            # A length of up to 7 bits, then continued.
            if len(part) < 127:
                return bytes((len(part),)) + part
            more, out = len(part) - 127, b"\x7f"
            while more >= 128:
                out, more = out + bytes((more % 128 + 128,)), more // 128
            return out + bytes((more,)) + part

        return b"\x00" + text(name.encode()) + text(value.encode())

    def send(self, method, path, headers=(), body=None, whole=True):
        """Sends a request; `whole=False` leaves its head unfinished."""
        self.stream += 2
        fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", self.authority), *headers]
        block = b"".join(self.field(name, value) for name, value in fields)
        flags = (4 if whole else 0) | (1 if body is None and whole else 0)
        self.link.sendall(self.frame(1, flags, self.stream, block) + (self.frame(0, 1, self.stream, body)
                if body is not None else b""))
        return self.stream

    def status(self, stream):
        """The status of the answer on a stream; 0 when the connection or the stream was ended instead."""
        while len(head := self.file.read(9)) == 9:
            payload = self.file.read(int.from_bytes(head[:3], "big"))
            kind, number = head[3], int.from_bytes(head[5:9], "big")
            if kind == 4 and not head[4] & 1:
                self.link.sendall(self.frame(4, 1, 0, b""))
            if kind == 7 or (kind == 3 and number == stream):
                return 0
            if kind == 1 and number == stream:
                return self.first_status(payload)
        return 0

    def first_status(self, block):
        known = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}
        while block and block[0] & 0xE0 == 0x20:
            block = block[1:]
        if block[0] in known:
            return known[block[0]]
        length = block[1]
        value = block[2 : 2 + (length & 0x7F)]
        if not length & 0x80:
            return int(value)
        bits, digits = "".join(f"{byte:08b}" for byte in value), ""
        while len(digits) < 3:
            for size in (5, 6):
                if digit := self.DIGITS.get(int(bits[:size], 2)) if size == (5 if bits[:5] in ("00000", "00001",
                        "00010") else 6) else None:
                    digits, bits = digits + digit, bits[size:]
                    break
            else:
                return -1
        return int(digits)

    def close(self):
        self.link.close()
