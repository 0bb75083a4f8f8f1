"""Mail that the mail server of the machine hands over, by Python's own client (LMTP): mails in the forms of the usual
programs, floods, and who does not go on."""

import glob
import os
import smtplib
import socket
import time

from lab import probe

HERE = os.path.dirname(os.path.abspath(__file__))
MAILS = os.path.join(HERE, "..", "..", "tests", "it", "received")
SETTINGS = '[mail]\ndomain = "agenda.ville.fr"\n'
# What each sort of mail is answered with: taken, or refused for good.
IGNORED = ("absence-", "bounce-", "bulk", "list", "loop-", "null-sender", "no-calendar", "no-method", "publish",
    "thunderbird-declinecounter")
REFUSED = ("unreadable-calendar", "for-nobody-here")


def listening(lab):
    """The socket of a server that takes mail."""
    path = os.path.join(lab.folder, "lmtp")
    with open(os.path.join(lab.data, "beffroi.toml"), "a") as file:
        file.write(f'lmtp = ["unix:{path}"]\n')
    lab.restart()
    return path


def mails():
    for path in sorted(glob.glob(os.path.join(MAILS, "*.eml"))):
        with open(path, "rb") as file:
            yield os.path.basename(path)[:-4], file.read().replace(b"\n", b"\r\n")


def header(mail, name):
    for line in mail.split(b"\r\n"):
        if line.lower().startswith(name.lower().encode() + b":"):
            return line.split(b":", 1)[1].strip().strip(b"<>").decode()
    return ""


def hand_over(client, mail):
    """The code that the one recipient of a mail is answered with."""
    sender, recipient = header(mail, "Return-Path"), header(mail, "Delivered-To")
    client.docmd("MAIL", f"FROM:<{sender}>")
    code, _ = client.docmd("RCPT", f"TO:<{recipient}>")
    if code != 250:
        client.docmd("RSET")
        return code
    code, _ = client.data(mail)
    return code


@probe("RFC 2033 section 4.2", "each mail gets the answer that it deserves, and the server lives", SETTINGS)
def usual_programs(lab):
    path = listening(lab)
    wrong = {}
    with smtplib.LMTP(path) as client:
        client.ehlo("mx.ville.fr")
        for name, mail in mails():
            code = hand_over(client, mail)
            if name.startswith(IGNORED) and code != 250 or name in REFUSED and code < 500:
                wrong[name] = code
    lab.say(not wrong, f"answers: {wrong or 'as they have to be'}")
    lab.say(lab.client("alice").get("/files/alice/").status == 200, "the server serves")


@probe("RFC 5321 section 4.5.3.2", "who opens connections and says nothing, or never ends a mail, holds nobody else "
    "up for long, and takes no memory", SETTINGS)
def those_who_do_not_go_on(lab):
    path = listening(lab)
    held = []
    for _ in range(20):
        idle = socket.socket(socket.AF_UNIX)
        idle.connect(path)
        held.append(idle)
    for idle in held[:6]:
        idle.recv(1000)
        idle.sendall(b"MAIL FROM:<a@b.fr>\r\nRCPT TO:<a@agenda.ville.fr>\r\nDATA\r\n")
        try:
            idle.settimeout(5)
            for _ in range(400):
                idle.sendall(b"x" * 65_536)
        except OSError:
            pass
    started = time.monotonic()
    mail = dict(mails())["absence-vacation"]
    with smtplib.LMTP(path) as client:
        client.ehlo("mx.ville.fr")
        code = hand_over(client, mail)
    taken = time.monotonic() - started
    lab.say(code in (250, 452) and taken < 5, f"another is answered {code} after {taken:.1f} s")
    for idle in held:
        idle.close()
    time.sleep(0.5)
    with smtplib.LMTP(path) as client:
        client.ehlo("mx.ville.fr")
        lab.say(hand_over(client, mail) == 250, "when they have gone, mail is taken")
    lab.say(lab.peak() < 512, f"the process had {lab.peak()} MiB at most")


@probe("README: commands", "the command takes what it may ignore, and fails with what it refuses", SETTINGS)
def the_command(lab):
    wrong = {}
    for name, mail in mails():
        if name.startswith(IGNORED) or name in REFUSED:
            done = lab.command("imip", stdin=mail.decode(), refused=True)
            if done.returncode != (1 if name in REFUSED else 0):
                wrong[name] = done.stderr
    lab.say(not wrong, f"exit status: {wrong or 'as it has to be'}")
