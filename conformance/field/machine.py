"""Commands and the server on one data directory: whose it is, who may read it, who makes it."""

import os
import shutil
import stat
import subprocess

from lab import BEFFROI, Lab, probe

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def modes(folder):
    """What in a data directory others than its owner might enter, read or write."""
    found = []
    for path, folders, files in os.walk(folder):
        for name in [".", *files]:
            here = os.path.join(path, name) if name != "." else path
            if stat.S_IMODE(os.lstat(here).st_mode) & 0o077:
                found.append(f"{os.path.relpath(here, folder)} {stat.S_IMODE(os.lstat(here).st_mode):o}")
    return found


def owners(folder):
    return {os.lstat(os.path.join(path, name)).st_uid for path, folders, files in os.walk(folder)
        for name in [".", *folders, *files]}


def fill(client, folder="/files/alice"):
    for number in range(3):
        client.put(f"{folder}/small-{number}", os.urandom(100))
        client.put(f"{folder}/large-{number}", os.urandom(200_000))


@probe("README: run it", "the data directory is open to its owner only, whatever the umask; one that was open is "
    "tightened, and that is said")
def closed_to_others(lab):
    lab.stop()
    fresh = os.path.join(lab.folder, "fresh")
    environment = {**os.environ, "BEFFROI_DATA": fresh, "LANG": "C.UTF-8"}
    subprocess.run(["sh", "-c", 'umask 000; exec "$0" person add eve --display-name Eve --email eve@ville.example',
            BEFFROI], env=environment, check=True, capture_output=True)
    lab.say(not modes(fresh), f"made by a command: {modes(fresh) or 'closed'}")
    lab.start(wrap=["sh", "-c", 'umask 000; exec "$@"', "sh"])
    fill(lab.client("alice"))
    lab.say(not modes(lab.data), f"filled by a server: {modes(lab.data)[:4] or 'closed'}")
    lab.stop()
    for path, folders, files in os.walk(lab.data):
        os.chmod(path, 0o755)
        for name in files:
            os.chmod(os.path.join(path, name), 0o644)
    before = len(lab.log())
    lab.start()
    fill(lab.client("alice"), "/files/tramway")
    open_still = [name for name in modes(lab.data) if name.startswith((". ", "beffroi."))]
    lab.say(not open_still, f"one that was open, once a server has started: {open_still or 'closed'}")
    lab.say(lab.data in lab.log()[before:], "and the log says so")


@probe("README: run it", "what a command run as root makes in the data directory of another user is that user's, or "
    "the command refuses")
def root_beside_another(lab):
    if os.geteuid() or not shutil.which("setpriv"):
        lab.say(False, "this wants root and setpriv")
        return
    lab.stop()
    os.chmod(lab.folder, 0o755)
    subprocess.run(["chown", "-R", "65534:65534", lab.data], check=True)
    lab.start(wrap=NOBODY)
    alice = lab.client("alice")
    source = os.path.join(lab.folder, "source")
    os.makedirs(source)
    for number in range(300):
        with open(os.path.join(source, f"{number}.bin"), "wb") as file:
            file.write(os.urandom(70_000))
    calendar = os.path.join(lab.folder, "in.ics")
    with open(calendar, "w") as file:
        file.write(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20260101T000000Z\r\n"
            "DTSTART:20260101T000000Z\r\nDESCRIPTION:" + "x" * 90_000 + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    for command in (["import", "files", "/files/alice/imported", source],
                    ["import", "calendar", "/calendars/alice/personal", calendar], ["device", "add", "bob", "--label",
                        "root"], ["check"],
                    ["rewind", "/files/alice", "--to", "2030-01-01T00:00:00Z"],
                    ["person", "add", "eve", "--display-name", "Eve", "--email", "eve@ville.example"]):
        done = lab.command(*command, refused=True)
        lab.say(owners(lab.data) == {65534}, f"{' '.join(command[:2])} as root (exit {done.returncode}): all belongs "
            f"to {owners(lab.data)}")
    statuses = [alice.put(f"/files/alice/{number}.bin", os.urandom(100_000)) for number in range(60)]
    lab.say(set(statuses) == {201}, f"60 large documents are put: {sorted(set(statuses))}")
    # The server is down: a command is alone with the files.
    lab.stop()
    lab.command("device", "add", "bob", "--label", "alone", refused=True)
    lab.say(owners(lab.data) == {65534}, f"a command beside no server: all belongs to {owners(lab.data)}")
    lab.start(wrap=NOBODY)
    lab.say(lab.client("alice").put("/files/alice/after.bin", os.urandom(100_000)) == 201, "the server goes on")
    # And a directory that is made by root for another user's server.
    fresh = Lab.__new__(Lab)
    fresh.data, fresh.passwords = os.path.join(lab.folder, "made"), {}
    os.makedirs(fresh.data)
    os.chown(fresh.data, 65534, 65534)
    fresh.command("person", "add", "alice", "--display-name", "Alice", "--email", "alice@ville.example", refused=True)
    lab.say(owners(fresh.data) == {65534}, f"an empty directory of another user: all belongs to {owners(fresh.data)}")


@probe("README: run it", "of many processes that start at once on an empty data directory one makes it, and the "
    "others wait")
def many_at_once(lab):
    for attempt in range(3):
        data = os.path.join(lab.folder, f"empty-{attempt}")
        environment = {**os.environ, "BEFFROI_DATA": data, "LANG": "C.UTF-8"}
        arguments = [[BEFFROI, "person", "add", f"p{number}", "--display-name", f"P{number}", "--email",
                f"p{number}@ville.example"] for number in range(8)]
        started = [subprocess.Popen(each, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for each in arguments]
        servers = [subprocess.Popen([BEFFROI, "serve", "--listen", "127.0.0.1:0"], env=environment,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        ended = [(process.communicate(timeout=60)[1].strip()[-120:], process.returncode) for process in started]
        ready = [server.stdout.readline() for server in servers]
        for server in servers:
            server.terminate()
            server.communicate(timeout=30)
        lab.say(not [end for end in ended if end[1]] and all(line.startswith("ready:") for line in ready),
            f"eight commands and two servers: {[end for end in ended if end[1]][:2] or 'all well'}, "
            f"{[line[:6] for line in ready]}")
        listed = subprocess.run([BEFFROI, "person", "list", "--json"], env=environment, capture_output=True,
            text=True).stdout
        lab.say(all(f'"p{number}"' in listed for number in range(8)), "and all eight are there")
