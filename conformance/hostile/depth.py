"""Trees that are deep or large: no deeper than an address, and nobody waits for what is done to all of one."""

import os
import time

from lab import probe, sync

LEVELS = 100


def chain(client, top, levels):
    """A chain of folders below `top`; how many of them were made."""
    path = top
    for made in range(levels):
        if client.mkcol(path + "/") != 201:
            return made
        path += "/c"
    return levels


@probe("RFC 4918 section 9.8.5", "nothing stands deeper than an address can be, however it comes there, and what is "
    "refused changes nothing")
def no_deeper_than_an_address(lab):
    alice = lab.client("alice")
    lab.watch()
    made = chain(alice, "/files/alice/t", 120)
    lab.say(90 <= made <= LEVELS, f"MKCOL goes down {made} levels")
    chain(alice, "/files/alice/a", 60)
    chain(alice, "/files/alice/b", 60)
    bottom = "/files/alice/a" + "/c" * 59
    before = alice.property("/files/alice/", "D:sync-token")
    chain(alice, "/files/tramway/t", 60)
    for what, status in {
        "MOVE": alice.move("/files/alice/b/", f"{bottom}/b/"), "COPY": alice.copy("/files/alice/b/", f"{bottom}/b/"),
        "COPY into itself": alice.copy("/files/alice/a/", f"{bottom}/again/"),
        "MOVE to another home": alice.move("/files/alice/b/", "/files/tramway/t" + "/c" * 59 + "/b/"),
    }.items():
        lab.say(400 <= status < 500, f"{what} beyond is refused ({status})")
    lab.say(alice.property("/files/alice/", "D:sync-token") == before, "and none of it has changed anything")
    alice.delete("/files/alice/b/")
    status = alice.move("/trash/alice/b/", f"{bottom}/b/")
    lab.say(400 <= status < 500, f"out of the trash is refused ({status})")
    lab.say(alice.move("/trash/alice/b/", "/files/alice/b/") == 201, "and it is restored where it fits")
    source = os.path.join(lab.folder, "source")
    os.makedirs(source + "/d" * 130)
    open(source + "/d" * 130 + "/f.txt", "w").write("deep")
    done = lab.command("import", "files", "/files/alice/imported", source, refused=True)
    path, depth = "/files/alice/imported", 0
    while alice.list(path + "/", "D:getetag", depth="0").status == 207:
        path, depth = path + "/d", depth + 1
    lab.say(depth <= LEVELS and "panic" not in done.stderr,
        f"import goes down {depth} levels (exit {done.returncode}: {done.stderr.strip()[-150:]})")
    # As deep as it goes, by MOVE of chains into chains.
    chain(alice, "/files/alice/k", 60)
    alice.copy("/files/alice/k/", "/files/alice/m0/")
    depth, number = 60, 0
    while depth < 2000:
        alice.copy("/files/alice/k/", f"/files/alice/m{number + 1}/")
        if alice.move(f"/files/alice/m{number}/", f"/files/alice/m{number + 1}" + "/c" * 59 + "/m/") != 201:
            break
        depth, number = depth + 60, number + 1
    lab.say(depth <= LEVELS, f"a chain of chains: {depth} levels")
    for what, answer in {"synchronization with all below": alice("REPORT", f"/files/alice/m{number}/",
            sync("", "infinite"), Depth="0"), "DELETE": alice("DELETE", f"/files/alice/m{number}/"),
            "purge": alice("DELETE", f"/trash/alice/m{number}/")}.items():
        lab.say(answer.status in (204, 207, 404) and lab.soon(answer, 5),
            f"{what}: {answer.status} in {answer.seconds:.1f} s")
    lab.unharmed("deep chains")


@probe("RFC 4918 section 9.6.1", "what is done to a tree of thousands, DELETE, purge, COPY, MOVE between homes, "
    "rewind, keeps no other writer waiting")
def large_trees(lab):
    alice, source = lab.client("alice", 300), os.path.join(lab.folder, "source")
    for folder in range(40):
        os.makedirs(f"{source}/{folder}")
        for number in range(100):
            with open(f"{source}/{folder}/{number}.txt", "w") as file:
                file.write(f"{folder} {number}")
    lab.watch()
    lab.command("import", "files", "/files/alice/tree", source)
    lab.unharmed("import of 4,000 documents")
    for number in range(4):
        alice.copy("/files/alice/tree/0/", f"/files/alice/tree/more-{number}/")
        for folder in range(1, 40):
            alice.copy(f"/files/alice/tree/{folder}/", f"/files/alice/tree/more-{number}/{folder}/")

    def step(what, job):
        started = time.monotonic()
        lab.watch()
        status = job()
        lab.say(status in (201, 204, 207, 0), f"{what} of 20,000 documents: {status} in "
            f"{time.monotonic() - started:.1f} s")
        lab.unharmed(what)

    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(lab.now()))
    time.sleep(1.1)
    step("COPY", lambda: alice.copy("/files/alice/tree/", "/files/alice/copy/"))
    step("COPY to another home", lambda: alice.copy("/files/alice/tree/", "/files/tramway/copy/"))
    step("MOVE", lambda: alice.move("/files/alice/copy/", "/files/alice/moved/"))
    step("MOVE to another home", lambda: alice.move("/files/alice/moved/", "/files/tramway/moved/"))
    step("MOVE to another home and back", lambda: alice.move("/files/tramway/moved/", "/files/alice/moved/"))
    step("DELETE", lambda: alice.delete("/files/alice/moved/"))
    step("restoring", lambda: alice.move("/trash/alice/moved/", "/files/alice/moved/"))
    step("DELETE again", lambda: alice.delete("/files/alice/moved/"))
    step("purge", lambda: alice.delete("/trash/alice/moved/"))
    step("rewind", lambda: lab.command("rewind", "/files/alice", "--to", moment, refused=True).returncode)
    step("synchronization with all below", lambda: alice("REPORT", "/files/alice/", sync("", "infinite"),
            Depth="0").status)
    lab.say(lab.command("check", refused=True).returncode == 0, "nothing is damaged")


@probe("RFC 4918 section 9.6.1", "what a home held and lets go in time is cleared away in slices")
def tidied_up(lab):
    alice, source = lab.client("alice", 300), os.path.join(lab.folder, "source")
    os.makedirs(source)
    for number in range(1000):
        with open(f"{source}/{number}.txt", "w") as file:
            file.write(str(number))
    alice.mkcol("/files/alice/tree/")
    lab.command("import", "files", "/files/alice/tree/0", source)
    for number in range(1, 10):
        alice.copy("/files/alice/tree/0/", f"/files/alice/tree/{number}/")
    alice.delete("/files/alice/tree/")
    lab.ahead += 100 * 24 * 3600
    lab.restart()
    lab.watch()
    time.sleep(3)
    lab.unharmed("the trash of 10,000 documents is emptied after its days")
    lab.say(not lab.client("alice").trashed("alice"), "and it is empty")
