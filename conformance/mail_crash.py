"""Kills the server at a hundred points of sending mail, and holds what the next mail server has seen to what was asked:
each message under one Message-ID, byte for byte the same however often, none missing, and what came of it on each
attendee. The clock leaps at each start, so that nothing has to be waited for."""

import collections
import json
import os
import random
import re
import signal
import socketserver
import sqlite3
import sys
import threading
import time

from lab import ICS, Lab

KILLS = int(os.environ.get("KILLS", "100"))
# Where in a session the server is killed, and how much later at most, seconds.
STEPS = [("connected", 0), ("hello", 0), ("sender", 0), ("recipient", 0), ("data", 0), ("content", 0), ("dot", 0),
    ("answered", 0), ("answered", 0.01), ("answered", 0.05), ("gone", 0.02), ("started", 0.3)]
# Longer than a lease lasts, and than the first retries wait.
LEAP_S = 200
random.seed(38)


class Session(socketserver.StreamRequestHandler):
    """One session of the server with the next one."""

    def step(self, name):
        self.server.sink.reached(name)

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        try:
            self.step("connected")
            self.say("220 mx.ville.fr ESMTP")
            self.serve()
            self.step("gone")
        except OSError:
            pass

    def serve(self):
        recipient = None
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"EHLO":
                self.step("hello")
                self.say("250 mx.ville.fr")
            elif word == b"MAIL":
                self.step("sender")
                self.say("250 ok")
            elif word == b"RCPT":
                self.step("recipient")
                recipient = line.split(b"<", 1)[1].split(b">", 1)[0].decode()
                self.say("550 5.1.1 no such user" if recipient.startswith("nobody") else "250 ok")
            elif word == b"DATA":
                self.step("data")
                self.say("354 go on")
                self.take(recipient)
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def take(self, recipient):
        content = [self.rfile.readline()]
        self.step("content")
        while content[-1] not in (b".\r\n", b""):
            content.append(self.rfile.readline())
        if content[-1] == b"":
            return
        self.server.sink.taken.append((recipient, b"".join(content)))
        self.step("dot")
        self.say("250 2.0.0 taken")
        self.wfile.flush()
        self.step("answered")


class Sink:
    """The next mail server. It remembers all that it has taken, and kills whoever sends at a step that it is given."""

    def __init__(self):
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)
        self.server.daemon_threads, self.server.sink = True, self
        self.port, self.taken = self.server.server_address[1], []
        self.plan, self.killed = None, threading.Event()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reached(self, step):
        if not self.plan or self.plan["step"] != step:
            return
        self.plan["sessions"] -= 1
        if self.plan["sessions"] > 0:
            return
        plan, self.plan = self.plan, None
        time.sleep(random.uniform(0, plan["later"]))
        os.kill(plan["process"], signal.SIGKILL)
        self.killed.set()


class Meetings:
    """What was asked of the server: by UID its object and whom it invites, and what it answered."""

    def __init__(self, lab):
        self.lab, self.objects, self.acknowledged, self.gone = lab, {}, {}, set()

    def path(self, uid):
        return f"/calendars/tramway/meetings/{uid}.ics"

    def put(self, uid, title, people):
        client = self.lab.client("alice", timeout=20)
        lines = "".join(f"ATTENDEE;RSVP=TRUE:mailto:{who}\r\n" for who in people)
        before = self.objects.get(uid, ("", "", []))
        self.objects[uid] = (title, before[0], people)
        known = client.get(self.path(uid))
        text = known.text if known.status == 200 else (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\n" f"UID:{uid}\r\n"
            "DTSTAMP:20260101T000000Z\r\nDTSTART:20350105T090000Z\r\nDTEND:20350105T100000Z\r\nSUMMARY:x\r\n"
            f"ORGANIZER:mailto:alice@ville.example\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n")
        text = re.sub(r"SUMMARY:[^\r]*", f"SUMMARY:{title}", text)
        answer = client("PUT", self.path(uid), text, **ICS)
        if answer.status in (201, 204):
            self.acknowledged[uid] = title
        return answer.status

    def call_off(self, uid):
        status = self.lab.client("alice").delete(self.path(uid))
        if status == 204:
            self.gone.add(uid)
        return status


def killed_while_sending(lab, sink, number):
    """One start of the server that ends at a planned step; was it reached?"""
    step, later = STEPS[number % len(STEPS)]
    sink.killed.clear()
    lab.ahead += LEAP_S
    lab.start()
    if step == "started":
        time.sleep(random.uniform(0, later))
        lab.process.kill()
    else:
        sink.plan = {"step": step, "later": later, "sessions": 1 + number // len(STEPS) % 3,
            "process": lab.process.pid}
        sink.killed.wait(6)
        reached, sink.plan = sink.killed.is_set(), None
        if not reached:
            lab.process.kill()
    lab.process.wait()
    return step == "started" or reached


def killed_while_asked(lab, meetings, uid, title, people):
    """A change that is under way when the server dies; whether it was made nobody knows but the server."""
    lab.ahead += LEAP_S
    lab.start()
    process, later = lab.process, random.uniform(0, 0.05)
    threading.Timer(later, process.kill).start()
    try:
        meetings.put(uid, title, people)
    except Exception as fault:
        print(f"note {uid}: {fault}")
    process.kill()
    process.wait()


def settle(lab):
    """Lets the server end what it has begun."""
    for _ in range(5):
        lab.ahead += 15_000
        lab.start()
        for _ in range(60):
            time.sleep(0.25)
            jobs = json.loads(lab.command("jobs", "list", "--json"))
            waiting = [job for job in jobs if job["kind"].startswith("mail") and job["kind"] != "mail-forget"]
            if not waiting:
                return True
            if all(job["state"] == "waiting" and job["tries"] == 0 for job in waiting) and _ > 20:
                break
        lab.stop()
    return False


def header(mail, name):
    found = re.search(rb"^" + name + rb":\s*([^\r]*)", mail, re.M | re.I)
    return found.group(1).decode() if found else ""


def calendar(mail):
    import base64
    part = re.search(rb"text/calendar[^\r]*\r\nContent-Transfer-Encoding: base64\r\n\r\n(.*?)\r\n--", mail, re.S)
    return base64.b64decode(part.group(1)).decode().replace("\r\n ", "")


def line(text, name):
    found = re.search(rf"^{name}[;:]([^\r]*)", text, re.M)
    return found.group(1) if found else ""


def in_doubt(lab):
    """Who was being sent an invitation when the server was killed: neither they nor the server know whether it came,
    so they are sent its end, too. The server writes that before it sends, and keeps it when the invitation is given
    up."""
    database = sqlite3.connect(f"file:{lab.data}/beffroi.sqlite?mode=ro", uri=True)
    # 1 and 4: it may be leaving, it may have left.
    rows = database.execute("SELECT address FROM mail WHERE method = 'REQUEST' AND state IN (1, 4)"
        " AND finished_at IS NOT NULL")
    return {address for address, in rows}


def main():
    sink = Sink()
    lab = Lab(f'[mail]\ndomain = "agenda.ville.fr"\nsmtp = "smtp://127.0.0.1:{sink.port}"\n')
    meetings, points = Meetings(lab), collections.Counter()
    invited = lambda number: [f"guest{number}-{guest}@dehors.fr" for guest in range(3)] + (
        [f"nobody{number}@dehors.fr"] if number % 8 == 0 else [])
    # Nothing is sent while they are made: the next server is not asked for five seconds, and by then all is over.
    lab.start()
    for number in range(24):
        meetings.put(f"meeting{number}", f"Point {number}", invited(number))
    lab.process.kill()
    lab.process.wait()
    fresh = 24
    for number in range(KILLS):
        if number % 10 == 9:
            killed_while_asked(lab, meetings, f"meeting{fresh}", f"Point {fresh}", invited(fresh))
            points["asked"] += 1
            fresh += 1
            continue
        if number % 25 == 12:
            # Some change, some are called off, more come: sent or not.
            lab.ahead += 3
            lab.start()
            for uid in random.sample(sorted(set(meetings.objects) - meetings.gone), 6):
                meetings.put(uid, f"{meetings.objects[uid][0]} bis", meetings.objects[uid][2])
            for uid in random.sample(sorted(set(meetings.acknowledged) - meetings.gone), 2):
                meetings.call_off(uid)
            for _ in range(8):
                meetings.put(f"meeting{fresh}", f"Point {fresh}", invited(fresh))
                fresh += 1
            lab.process.kill()
            lab.process.wait()
        reached = killed_while_sending(lab, sink, number)
        points[STEPS[number % len(STEPS)][0] if reached else "in between"] += 1
    lab.say(settle(lab), "what was begun comes to its end")
    judge(lab, sink, meetings, points)
    lab.say("no damage" in lab.command("check") or lab.command("check") == "", "nothing is damaged")
    failed = lab.failed
    lab.close()
    sys.exit(failed)


def judge(lab, sink, meetings, points):
    copies = collections.defaultdict(list)
    for recipient, mail in sink.taken:
        text = calendar(mail)
        key = (recipient, line(text, "METHOD"), line(text, "UID"), line(text, "SEQUENCE"), line(text, "SUMMARY"))
        copies[key].append(mail)
    several = {key: {header(mail, b"Message-ID") for mail in mails} for key, mails in copies.items()}
    several = {key: ids for key, ids in several.items() if len(ids) > 1}
    lab.say(not several, f"{len(copies)} messages, each under one Message-ID: {several or 'so it is'}")
    owner = collections.defaultdict(set)
    for recipient, mail in sink.taken:
        owner[header(mail, b"Message-ID")].add(mail)
    other = [identifier for identifier, mails in owner.items() if len(mails) > 1]
    again = sum(len(mails) - 1 for mails in copies.values())
    lab.say(not other, f"{again} came once more, byte for byte the same: {other or 'so they are'}")
    missing, surplus, statuses, doubted = [], [], [], in_doubt(lab)
    client = lab.client("alice")
    for uid, (title, before, people) in meetings.objects.items():
        answer = client.get(meetings.path(uid))
        stored = answer.text.replace("\r\n ", "")
        if uid in meetings.acknowledged and uid not in meetings.gone and answer.status != 200:
            missing.append((uid, answer.status))
        for who in people:
            got = [key for key in copies if key[0] == who and key[2] == uid]
            if who.startswith("nobody"):
                expected = "5.2"
            else:
                expected = "1.1"
                if answer.status == 200 and not any(key[1] == "REQUEST" and key[4] == line(stored, "SUMMARY")
                        for key in got):
                    missing.append((uid, who, line(stored, "SUMMARY")))
                asked = any(key[1] == "REQUEST" for key in got)
                if answer.status != 200 and asked and not any(key[1] == "CANCEL" for key in got):
                    missing.append((uid, who, "its end"))
                if answer.status != 200 and not asked and got and who not in doubted:
                    surplus.append((uid, who))
            if answer.status == 200:
                own = re.search(rf"ATTENDEE[^\r]*:mailto:{re.escape(who)}", stored)
                if f"SCHEDULE-STATUS={expected}" not in (own.group(0) if own else ""):
                    statuses.append((uid, own and own.group(0)))
    lab.say(not missing, f"{len(meetings.objects)} meetings, none missing: {missing or 'so it is'}")
    killed = sum(number for step, number in points.items() if step not in ("gone", "in between"))
    lab.say(len(doubted) <= killed, f"{len(doubted)} were given up in doubt, each for a kill")
    lab.say(not surplus, f"no end of what nobody heard of: {surplus or 'so it is'}")
    lab.say(not statuses, f"what came of it stands on each attendee: {statuses or 'so it does'}")
    done = sum(points.values())
    lab.say(done >= KILLS and points["in between"] < KILLS / 4, f"{done} times killed: {dict(points)}")


main()
