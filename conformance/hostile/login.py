"""Wrong log-ins cost who sends them: a rightful person is let in soon, whatever name or address is attacked."""

import threading
import time

from lab import probe

RIGHT = "Grand-beffroi-de-Lille-1905"
SOON_S = 2.0


def people(lab):
    for name in ("erin", "frank"):
        lab.person(name, RIGHT)


class Flood:
    """Wrong log-ins, some side by side, until it is ended; what was answered, and how long the longest took."""

    def __init__(self, lab, credentials, sources=("127.0.0.2",), width=100, most=500):
        self.lab, self.credentials, self.sources, self.most = lab, credentials, sources, most
        self.statuses, self.headers, self.number, self.ended = {}, {}, 0, False
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(width)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.ended and self.number < self.most:
            self.number += 1
            number = self.number
            client = self.lab.client(self.credentials(number), 30, self.sources[number % len(self.sources)])
            answer = client("PROPFIND", "/files/", Depth="0")
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            self.headers[answer.status] = answer.headers

    def end(self):
        self.ended = True
        for thread in self.threads:
            thread.join(30)
        return self.statuses


def enters(lab, who, source="127.0.0.1"):
    """A rightful person comes, with the account password."""
    answer = lab.client((who, RIGHT), 30, source)("PROPFIND", "/files/", Depth="0")
    return answer.status, answer.seconds


def alone(lab):
    """How long a log-in takes at this time where no other is verified: a wrong one, for a right one is known then."""
    return lab.control().client(("alice", f"wrong {time.monotonic()}"), 30)("PROPFIND", "/files/", Depth="0").seconds


@probe("RFC 9110 section 15.5.2", "a rightful person waits two seconds at most during 500 wrong log-ins, by name, by "
    "address, by many of each")
def rightful_person(lab):
    people(lab)
    many = [f"127.0.1.{number}" for number in range(1, 100)]
    floods = {
        "against her name, from elsewhere": (lambda n: ("erin", f"wrong {n}"), ("127.0.0.2",), "127.0.0.1"),
        "against her name, from many addresses": (lambda n: ("erin", f"wrong {n}"), many, "127.0.0.1"),
        "against another name, from her address": (lambda n: ("frank", f"wrong {n}"), ("127.0.0.1",), "127.0.0.1"),
        "against names that are none, from her address": (lambda n: (f"nobody{n}", "wrong"), ("127.0.0.1",),
            "127.0.0.1"),
        "her old password again and again, from her address": (lambda n: ("erin", "the old one"), ("127.0.0.1",),
            "127.0.0.1"),
        "against many names, from many addresses": (lambda n: (("erin", "frank", f"nobody{n}")[n % 3], f"wrong {n}"),
            many, "127.0.0.1"),
    }
    for what, (credentials, sources, own) in floods.items():
        lab.restart()
        lab.watch()
        flood = Flood(lab, credentials, sources)
        time.sleep(2)
        waits, elsewhere = [enters(lab, "erin", own) for _ in range(3)], alone(lab)
        statuses = flood.end()
        lab.say(all(status == 207 and seconds <= SOON_S + elsewhere for status, seconds in waits),
            f"{what}: she enters {', '.join(f'{status} in {seconds:.1f} s' for status, seconds in waits)}; "
            f"{sum(statuses.values())} wrong ones were answered {statuses}")
        lab.unharmed(what)


@probe("RFC 9110 section 15.5.2", "who was let in before is let in at once, whatever is tried in her name and from "
    "her address")
def known_person(lab):
    people(lab)
    lab.watch()
    first, _ = enters(lab, "erin")
    flood = Flood(lab, lambda n: ("erin", f"wrong {n}"), ("127.0.0.1",))
    time.sleep(2)
    waits, elsewhere = [enters(lab, "erin") for _ in range(10)], alone(lab)
    statuses = flood.end()
    lab.say(first == 207 and all(status == 207 and seconds <= 1 + elsewhere for status, seconds in waits),
        f"ten times: {max(seconds for _, seconds in waits):.2f} s at most, beside {statuses}")
    lab.unharmed("the same name from the same address")


@probe("RFC 6585 section 4", "queues of log-ins are bounded by name and by address: beyond that 429 with Retry-After, "
    "at once")
def bounded_queues(lab):
    people(lab)
    for what, (credentials, count) in {"one name": (lambda n: ("erin", f"wrong {n}"), 160),
                                       "all names of one person": (
                                           lambda n: ((f"erin", "erin@ville.example", "VILLE\\erin", "ERIN")[n % 4],
                                               f"wrong {n}"), 160),
                                       "many names": (lambda n: (f"nobody{n}", "wrong"), 480)}.items():
        lab.restart()
        started = time.monotonic()
        flood = Flood(lab, credentials, width=count, most=count)
        for thread in flood.threads:
            thread.join(max(0, started + 60 - time.monotonic()))
        took, statuses = time.monotonic() - started, flood.end()
        lab.say(statuses.get(429, 0) > 0 and set(statuses) <= {401, 429},
            f"{what}: {count} wrong log-ins of one address were answered {statuses} in {took:.0f} s")
        lab.say(429 not in flood.headers or (flood.headers[429].get("Retry-After") or "").isdigit(), "with Retry-After")


@probe("RFC 9110 section 15.5.2", "log-ins whose sender has gone take no turn")
def abandoned(lab):
    people(lab)
    lab.watch()
    for source in ("127.0.0.1", "127.0.0.2"):
        for number in range(300):
            link = lab.connect(source)
            lab.passwords["guess"] = ("erin", f"wrong {number}")
            link.sendall(lab.head("GET", "/", "guess"))
            time.sleep(0.001)
            link.close()
        # So long that a queue of them would stand in the way by now.
        time.sleep(6)
        for who in ("frank", "erin"):
            status, seconds = enters(lab, who)
            lab.say(status == 207 and seconds <= SOON_S + alone(lab),
                f"{who}, with the right password, after 300 from {source} had gone: {status} in {seconds:.1f} s")
    lab.unharmed("abandoned log-ins")
    used = lab.rests()
    lab.say(used <= 0.7, f"then the processor rests ({used:.1f} s in two seconds)")


@probe("RFC 9110 section 17.16", "an unknown name takes the time of a known one")
def same_time(lab):
    people(lab)

    taken = {"erin": [], "nobody": []}
    for number in range(6):
        for name, times in taken.items():
            lab.restart()
            enters(lab, "frank")
            times.append(lab.client((name, f"wrong {number}"), 30)("GET", "/files/").seconds)
    # What the machine does besides only adds.
    known, unknown = (min(times) for times in taken.values())
    lab.say(0.5 <= known / unknown <= 2, f"known {known * 1000:.0f} ms, unknown {unknown * 1000:.0f} ms")


@probe("README: log-in", "a flood of wrong device passwords costs others nothing, and right ones never wait")
def device_passwords(lab):
    lab.watch()
    flood = Flood(lab, lambda n: ("alice", "wrong" * 5 + str(n)), ("127.0.0.1",), 8, 1500)
    time.sleep(2)
    waits = [lab.client("alice")("PROPFIND", "/files/", Depth="0") for _ in range(10)]
    good = all(answer.status == 207 and lab.soon(answer, 1) for answer in waits)
    statuses = flood.end()
    lab.say(good,
        f"ten right ones: {max(answer.seconds for answer in waits):.2f} s at most, beside {statuses}")
    lab.unharmed("wrong device passwords")


@probe("README: log-in", "an account password that is too weak is refused, and what is missing is said")
def weak_passwords(lab):
    for number, (password, good) in enumerate({"12345678": False, "motdepasse": False, "aaaaaaaaaaaa": False,
            "Beffroi1": False, "abcdefghij": False, RIGHT: True, "Ab3!Ab3!Xy9?": True,
            "cheval agrafe batterie correcte lampe neige fleuve": True}.items()):
        done = lab.command("person", "add", f"weak{number}", "--display-name", "W", "--email",
            f"weak{number}@ville.example", "--password-stdin", stdin=password + "\n", refused=True)
        lab.say((done.returncode == 0) == good and (good or password not in done.stderr),
            f"{password!r}: exit {done.returncode}, {done.stderr.strip()[:160]!r}")
