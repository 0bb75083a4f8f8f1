"""The world outside a server, by aiosmtpd: people who are invited by mail and answer by LMTP in the forms of their
programs, addresses that nobody has, mail that comes back, and a mail server that is away, slow or silent. Each attendee
shows what came of it (RFC 6638 section 7.3)."""

import asyncio
import base64
import email
import email.policy
import os
import re
import smtplib
import socket
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from lab import ICS, Lab

DOMAIN = "agenda.ville.fr"
PATH = "/calendars/tramway/meetings/{}.ics"


class World:
    """Takes mail. What it says of a recipient follows from the name."""

    def __init__(self):
        self.taken, self.tried, self.mood = [], [], "well"

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        if self.mood == "silent":
            await asyncio.sleep(200)
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.tried.append((time.monotonic(), address))
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        if self.mood == "busy":
            return "451 4.3.2 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.mood == "slow":
            await asyncio.sleep(3)
        if self.mood == "full":
            return "452 4.3.1 no room"
        self.taken.append((envelope.mail_from, envelope.rcpt_tos[0], envelope.content))
        return "250 2.0.0 taken"


class Mail:
    """A mail that was taken."""

    def __init__(self, sender, to, content):
        self.sender, self.to, self.content = sender, to, content
        self.parsed = email.message_from_bytes(content, policy=email.policy.default)
        parts = [part for part in self.parsed.walk() if part.get_content_type() == "text/calendar"]
        self.calendar = parts[0].get_content().replace("\r\n", "\n").replace("\n ", "") if parts else ""

    def value(self, name):
        found = re.search(rf"^{name}[;:](.*)$", self.calendar, re.M)
        return found.group(1) if found else ""

    @property
    def organizer(self):
        return self.value("ORGANIZER").rsplit("mailto:", 1)[1]


def meeting(uid, people, more=""):
    lines = "".join(f"ATTENDEE;RSVP=TRUE:mailto:{who}\r\n" for who in people)
    return ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\n" f"UID:{uid}\r\n"
        "DTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Europe/Paris:20350108T090000\r\n"
        f"DTEND;TZID=Europe/Paris:20350108T100000\r\nSUMMARY:Comité {uid}\r\nORGANIZER:mailto:alice@ville.example\r\n"
        f"{lines}{more}END:VEVENT\r\nEND:VCALENDAR\r\n")


# The answers of programs, by what is particular in them.
PROGRAMS = {
    "outlook": lambda mail, answer: (f"PRODID:Microsoft Exchange Server 2010\r\n", "",
        f"SUMMARY;LANGUAGE=fr:Accepté : {mail.value('SUMMARY')}\r\nCLASS:PUBLIC\r\nPRIORITY:5\r\n"
        "TRANSP:OPAQUE\r\nSTATUS:CONFIRMED\r\n"),
    "google": lambda mail, answer: ("PRODID:-//Google Inc//Google Calendar 70.9054//EN\r\nCALSCALE:GREGORIAN\r\n",
        f"ORGANIZER;CN=x:mailto:{mail.organizer}\r\n", "X-NUM-GUESTS:0\r\n" f"SUMMARY:{mail.value('SUMMARY')}\r\n"),
    "apple": lambda mail, answer: ("PRODID:-//Apple Inc.//macOS 14.4//EN\r\n",
        f"ORGANIZER;CN=\"x\";EMAIL={mail.organizer}:MAILTO:{mail.organizer}\r\n", "REQUEST-STATUS:2.0;Success\r\n"),
    "thunderbird": lambda mail, answer: ("PRODID:-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN\r\n",
        f"ORGANIZER;RSVP=TRUE:mailto:{mail.organizer}\r\n", "LAST-MODIFIED:20350101T080000Z\r\n"),
}


def reply(mail, program, answer, author=None):
    """A mail with an answer, as a program writes it."""
    head, organizer, more = PROGRAMS[program](mail, answer)
    author = author or mail.to
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    text = (f"BEGIN:VCALENDAR\r\n{head}VERSION:2.0\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:{mail.value('UID')}\r\n"
        f"DTSTAMP:{stamp}\r\nSEQUENCE:{mail.value('SEQUENCE')}\r\nDTSTART:20350108T080000Z\r\n{organizer}{more}"
        f"ATTENDEE;PARTSTAT={answer}:mailto:{author}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    body = base64.encodebytes(text.encode()).replace(b"\n", b"\r\n").decode()
    return (f"From: <{author}>\r\nTo: <{mail.organizer}>\r\nSubject: Re\r\nDate: Mon, 08 Jan 2035 08:00:00 +0000\r\n"
        f"Message-ID: <{program}-{time.monotonic_ns()}@dehors.fr>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/calendar; charset=utf-8; method=REPLY\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{body}").encode()


def bounce(mail):
    """A notice that a mail could not be delivered (RFC 3464)."""
    return (f"From: MAILER-DAEMON@dehors.fr\r\nTo: <{mail.sender}>\r\nSubject: Undelivered\r\n"
        "Date: Mon, 08 Jan 2035 08:00:00 +0000\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
        "Content-Type: text/plain\r\n\r\nNo.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.dehors.fr\r\n\r\n" f"Final-Recipient: rfc822; {mail.to}\r\nAction: failed\r\n"
        "Status: 5.2.1\r\nDiagnostic-Code: smtp; 550 mailbox disabled\r\n--b--\r\n").encode()


class Office:
    """The server, and the world around it."""

    def __init__(self):
        self.world = World()
        self.port = self.free_port()
        self.controller = None
        self.lab = Lab(f'[mail]\ndomain = "{DOMAIN}"\nsmtp = "smtp://127.0.0.1:{self.port}"\n'
            f'from = "Beffroi <beffroi@{DOMAIN}>"\n')
        self.lmtp = os.path.join(self.lab.folder, "lmtp")
        with open(os.path.join(self.lab.data, "beffroi.toml"), "a") as file:
            file.write(f'lmtp = ["unix:{self.lmtp}"]\n')
        self.lab.start()
        self.alice = self.lab.client("alice")

    @staticmethod
    def free_port():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def come(self):
        """The next mail server is there."""
        self.controller = Controller(self.world, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def go(self):
        self.controller.stop()

    def put(self, uid, people, more=""):
        return self.alice("PUT", PATH.format(uid), meeting(uid, people, more), **ICS).status

    def stored(self, uid):
        return self.alice.get(PATH.format(uid)).text.replace("\r\n ", "")

    def line(self, uid, who):
        found = re.search(rf"^ATTENDEE.*:mailto:{re.escape(who)}", self.stored(uid), re.M)
        return found.group(0) if found else ""

    def until(self, seconds, holds):
        """Waits until something holds; whether it does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds():
                return True
            time.sleep(0.25)
        return holds()

    def status(self, uid, who, code, seconds=20):
        return self.until(seconds, lambda: f"SCHEDULE-STATUS={code}" in self.line(uid, who))

    def mails(self, who):
        return [Mail(*taken) for taken in self.world.taken if taken[1] == who]

    def hand_over(self, sender, recipient, content):
        with smtplib.LMTP(self.lmtp) as client:
            client.ehlo("mx.ville.fr")
            client.docmd("MAIL", f"FROM:<{sender}>")
            code, _ = client.docmd("RCPT", f"TO:<{recipient}>")
            return client.data(content)[0] if code == 250 else code


def received(office, say):
    """Each is invited by one mail, and answers from the own program."""
    people = [f"{program}@dehors.fr" for program in PROGRAMS]
    say(office.put("reply", people) == 201, "a meeting with four people outside is made")
    for who in people:
        say(office.status("reply", who, "1.1"), f"{who} is sent for")
    mails = {who: office.mails(who) for who in people}
    say(all(len(own) == 1 for own in mails.values()), "one mail each")
    senders = {own[0].sender for own in mails.values()}
    say(len(senders) == len(people), "each has an envelope sender of its own")
    for number, program in enumerate(PROGRAMS):
        who, answer = f"{program}@dehors.fr", ("ACCEPTED", "DECLINED", "TENTATIVE", "ACCEPTED")[number]
        mail = mails[who][0]
        code = office.hand_over(who, mail.organizer, reply(mail, program, answer))
        line = office.line("reply", who)
        say(code == 250 and f"PARTSTAT={answer}" in line and "SCHEDULE-STATUS=2.0" in line, f"{program}: {line}")
    forged = office.hand_over("eve@dehors.fr", mails[people[0]][0].organizer,
        reply(mails[people[0]][0], "google", "DECLINED", author="eve@dehors.fr"))
    say(forged in (250, 550) and "eve@" not in office.stored("reply"), "who was not invited answers nothing")


def bounced(office, say):
    """Who is nobody, and whose mail comes back."""
    office.put("bounce", ["nobody@dehors.fr", "closed@dehors.fr", "fine@dehors.fr"])
    say(office.status("bounce", "nobody@dehors.fr", "5.2"), "refused at once: 5.2")
    say(office.status("bounce", "closed@dehors.fr", "1.1"), "taken: 1.1")
    mail = office.mails("closed@dehors.fr")[0]
    say(office.hand_over("", mail.sender, bounce(mail)) == 250, "the notice is taken")
    say(office.status("bounce", "closed@dehors.fr", "5.2"), "what came back: 5.2")
    say("SCHEDULE-STATUS=1.1" in office.line("bounce", "fine@dehors.fr"), "and nothing of the other")


def away(office, say):
    """Nobody is there, then someone who has no time or no room, then all is well: what waits is sent, and once."""
    office.world.mood = "full"
    office.put("full", ["full@dehors.fr"])
    office.until(20, lambda: any(who == "full@dehors.fr" for _, who in office.world.tried))
    time.sleep(1)
    office.go()
    office.put("away", ["late@dehors.fr"])
    time.sleep(8)
    say("SCHEDULE-STATUS=1.0" in office.line("away", "late@dehors.fr"), "it waits: 1.0")
    office.world.mood = "busy"
    office.come()
    began = time.monotonic()
    heard = office.until(60, lambda: any(who == "late@dehors.fr" for _, who in office.world.tried))
    say(heard, f"the first retry came after {8 + time.monotonic() - began:.0f} s")
    office.world.mood = "well"
    say(office.status("away", "late@dehors.fr", "1.1", 100), "then it is taken: 1.1")
    say(office.status("full", "full@dehors.fr", "1.1", 100), "what was refused for want of room, too: 1.1")
    say([len(office.mails(who)) for who in ("late@dehors.fr", "full@dehors.fr")] == [1, 1], "once each")


def slow(office, say):
    """A server that takes its time is waited for, and nobody else waits for it."""
    office.world.mood = "slow"
    began = time.monotonic()
    say(office.put("slow", [f"slow{number}@dehors.fr" for number in range(3)]) == 201
        and time.monotonic() - began < 2, "the change does not wait")
    say(all(office.status("slow", f"slow{number}@dehors.fr", "1.1", 40) for number in range(3)), "all are taken: 1.1")
    office.world.mood = "well"
    say(all(len(office.mails(f"slow{number}@dehors.fr")) == 1 for number in range(3)), "once each")


def given_up(office, say):
    """What nobody takes for two days is given up; the server is silent meanwhile, and serves."""
    office.world.mood = "busy"
    office.put("never", ["never@dehors.fr"])
    office.until(20, lambda: any(who == "never@dehors.fr" for _, who in office.world.tried))
    office.world.mood = "silent"
    office.put("silent", ["silent@dehors.fr"])
    time.sleep(7)
    say("SCHEDULE-STATUS=1.0" in office.line("silent", "silent@dehors.fr"), "a silent server holds up no request")
    office.world.mood = "busy"
    office.lab.later(2 * 86_400 + 600)
    office.alice = office.lab.client("alice")
    say(office.status("never", "never@dehors.fr", "5.1", 30), "after two days: 5.1")
    office.world.mood = "well"
    forced = office.stored("never").replace(":mailto:never", ";SCHEDULE-FORCE-SEND=REQUEST:mailto:never")
    say(office.alice("PUT", PATH.format("never"), forced, **ICS).status == 204, "it is wanted once more")
    say(office.status("never", "never@dehors.fr", "1.1", 30), "and taken: 1.1")


def lone(office, say):
    """One occurrence that changes is mailed alone; the end of all is one mail."""
    rule = "RRULE:FREQ=WEEKLY;COUNT=5\r\n"
    office.put("series", ["series@dehors.fr"], rule)
    office.status("series", "series@dehors.fr", "1.1")
    text = office.stored("series")
    event = text[text.index("BEGIN:VEVENT"):text.index("END:VCALENDAR")]
    moved = event.replace(rule, "RECURRENCE-ID;TZID=Europe/Paris:20350115T090000\r\n").replace(
        "20350108T09", "20350115T14").replace("20350108T10", "20350115T15")
    office.alice("PUT", PATH.format("series"), text.replace("END:VCALENDAR", moved + "END:VCALENDAR"), **ICS)
    office.until(20, lambda: len(office.mails("series@dehors.fr")) == 2)
    mails = office.mails("series@dehors.fr")
    last = mails[-1]
    say(len(mails) == 2 and last.calendar.count("BEGIN:VEVENT") == 1 and "RECURRENCE-ID" in last.calendar
        and int(last.value("SEQUENCE")) > int(mails[0].value("SEQUENCE")), "one component, above the series")
    office.alice.delete(PATH.format("series"))
    office.until(20, lambda: len(office.mails("series@dehors.fr")) == 3)
    say([mail.value("METHOD") for mail in office.mails("series@dehors.fr")] == ["REQUEST", "REQUEST", "CANCEL"],
        "and one end")


def main():
    office = Office()
    office.come()
    for part in (received, bounced, lone, slow, away, given_up):
        say = lambda good, what: office.lab.say(bool(good), f"{part.__name__}: {what}")
        try:
            part(office, say)
        except Exception as fault:
            say(False, f"{type(fault).__name__}: {fault} at line {fault.__traceback__.tb_next.tb_lineno}")
        office.world.mood = "well"
    failed = office.lab.failed
    office.go()
    office.lab.stop()
    office.lab.close()
    sys.exit(failed)


main()
