"""Only what programs leave about is litter: not what left such a name, and not what a person named so. Nothing
vanishes without trace.
"""

from urllib.parse import quote, unquote

from lab import DAY_S, HOUR_S, probe

# Names under which programs make what they then move to its place.
NAMES = ("Projet.tmp", "(A Document Being Saved By TextEdit)", ".sb-3f2c1b00-hX9a", "rapport.rtfd.sb-3f2c1b00",
    "Budget 2026.sb", "~$ossier", "._dossier", ".goutputstream-AB12CD")


def is_a_document(lab, client, path, how):
    """Two more writes are two more versions, and it stands there a day later."""
    before = client.versions(path)
    for content in ("two", "three"):
        client.put(path, content)
    versions = client.versions(path)
    lab.say(before == 1 and versions == 3, f"{how}: {versions} versions of {path} after three writes (after one "
        f"{before})")
    return path


def a_day_later(lab, paths, content="three"):
    lab.later(25 * HOUR_S)
    for path in paths:
        seen = lab.client("alice").get(path)
        lab.say(seen.text == content, f"a day later {path} is there ({seen.status})")


@probe("RFC 4918 section 9.9", "what a folder holds is no litter once the folder has another name")
def folder_renamed(lab):
    alice, paths = lab.client("alice"), []
    for number, name in enumerate(NAMES):
        old, new = f"/files/tramway/{quote(name)}", f"/files/tramway/moved-{number}"
        alice.mkcol(f"{old}/")
        alice.mkcol(f"{old}/deep/")
        alice.put(f"{old}/act.docx", "one")
        alice.put(f"{old}/deep/note.txt", "one")
        alice.move(f"{old}/", f"{new}/")
        paths += [is_a_document(lab, alice, f"{new}/{member}", f"MOVE of {name}") for member in ("act.docx",
                "deep/note.txt")]
    a_day_later(lab, paths)


@probe("RFC 4918 section 9.9", "what was made in a folder of such a name and moved out of it is no litter, nor what "
    "it holds")
def moved_out_of_one(lab):
    alice, paths = lab.client("alice"), []
    for number, name in enumerate(NAMES):
        old, new = f"/files/tramway/{quote(name)}", f"/files/tramway/package-{number}.rtfd"
        for folder in ("", "/Note.rtfd", "/Note.rtfd/images"):
            alice.mkcol(f"{old}{folder}/")
        alice.put(f"{old}/Note.rtfd/TXT.rtf", "one")
        alice.put(f"{old}/Note.rtfd/images/1.png", "one")
        alice.move(f"{old}/Note.rtfd/", f"{new}/")
        alice.delete(f"{old}/")
        paths += [is_a_document(lab, alice, f"{new}/{member}", f"MOVE out of {name}")
            for member in ("TXT.rtf", "images/1.png")]
    a_day_later(lab, paths)


@probe("RFC 4918 section 9.8", "a copy under another name is a document, and so is what is restored from the trash "
    "under one")
def copied_and_restored(lab):
    alice, paths = lab.client("alice"), []
    for number, name in enumerate(NAMES[:4]):
        old = f"/files/tramway/{quote(name)}"
        alice.mkcol(f"{old}/")
        alice.put(f"{old}/act.docx", "one")
        alice.copy(f"{old}/", f"/files/tramway/copied-{number}/")
        paths.append(is_a_document(lab, alice, f"/files/tramway/copied-{number}/act.docx", f"COPY of {name}"))
        alice.delete(f"{old}/")
        lying = [href for href, place in alice.trashed("tramway").items() if unquote(place).rstrip("/").endswith(name)]
        lab.say(bool(lying),
            f"a folder that is called {name} and holds a document lies in the trash when it is deleted")
        for href in lying:
            alice.move(href, f"/files/tramway/restored-{number}/")
            paths.append(is_a_document(lab, alice, f"/files/tramway/restored-{number}/act.docx", f"{name} restored"))
    alice.mkcol("/files/tramway/plain/")
    alice.put("/files/tramway/plain/act.docx", "one")
    alice.move("/files/tramway/plain/", "/files/tramway/plain.tmp/")
    alice.move("/files/tramway/plain.tmp/", "/files/tramway/plain/")
    alice.put("/files/tramway/plain/act.docx", "three")
    lab.say(alice.versions("/files/tramway/plain/act.docx") == 2, "a folder that bore such a name for a moment")
    a_day_later(lab, [*paths, "/files/tramway/plain/act.docx"])


def traces(client, home, name):
    """Where a document of this name is to be found still."""
    found = [place for place in client.trashed(home).values() if name in unquote(place)]
    return found + ([name] if client.get(f"/files/{home}/{quote(name)}").status == 200 else [])


# Names that people give. What bears a program's own pattern is cleared after a day, but not without trace.
OWN = ("budget.tmp", "notes~", "sauvegarde du 3 mai.tmp", "Projet.tmp/important.docx", "a~/b~/deep.txt")
PATTERNS = ("plan.sb", "~$moi.txt", "._carnet", ".brouillon.swp")


@probe("RFC 4918 section 9.6", "a person's own document of any name is found in the trash when it was deleted")
def own_names_deleted(lab):
    alice = lab.client("alice")
    for name in OWN:
        parts = name.split("/")
        for level in range(1, len(parts)):
            alice.mkcol(f"/files/alice/{quote('/'.join(parts[:level]))}/")
        alice.put(f"/files/alice/{quote(name)}", f"the text of {name}")
    # Of long standing: no program's swap is under way.
    lab.later(2 * HOUR_S)
    alice = lab.client("alice")
    for name in OWN:
        lab.say(alice.delete(f"/files/alice/{quote(name)}") == 204 and bool(traces(alice, "alice", name)),
            f"{name} lies in the trash")


@probe("RFC 4918 section 9.6", "a person's own document of any name is there, or in the trash, after a day, and after "
    "two")
def own_names_left(lab):
    alice = lab.client("alice")
    for name in OWN + PATTERNS:
        parts = name.split("/")
        for level in range(1, len(parts)):
            alice.mkcol(f"/files/alice/{quote('/'.join(parts[:level]))}/")
        alice.put(f"/files/alice/{quote(name)}", f"the text of {name}")
    for days in (1, 2):
        lab.later(DAY_S + HOUR_S)
        alice = lab.client("alice")
        for name in OWN + PATTERNS:
            # A folder that was cleared with it lies there with it.
            found = traces(alice, "alice", name) or traces(alice, "alice", name.split("/")[0])
            lab.say(bool(found), f"{name} after {days} days: {found or 'nowhere'}")
