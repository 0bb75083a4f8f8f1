"""Lines of calendars are folded by bytes: a fold may cut a character in two, and harms nobody."""

import os
import re

from lab import ICS, NS, between, event, multiget, probe, query, sync

HOME = "/calendars/alice/personal/"


def folded(text, *at):
    """Bytes of an object with a fold in front of these letters' last bytes."""
    data = text.encode()
    for letter in at:
        place = data.index(letter.encode()) + len(letter.encode()) - 1
        data = data[:place] + b"\r\n " + data[place:]
    return data


OBJECTS = {
    "summary": folded(event("summary", "SUMMARY:Réunion", "DTEND:20260310T130000Z", start="DTSTART:20260310T120000Z"),
        "é"),
    "four": folded(event("four", "DESCRIPTION:Un 🎻 et l'été", "LOCATION:Hôtel", "DURATION:PT1H",
            start="DTSTART:20260311T120000Z"), "🎻", "ô"),
    "series": folded(event("series", "SUMMARY:Comité", "RRULE:FREQ=DAILY;COUNT=3", "DURATION:PT1H",
            start="DTSTART:20260312T120000Z"), "é"),
    "people": folded(event("people", "ATTENDEE;CN=Zoé Noël:mailto:zoe@ville.example", "SUMMARY:À deux", "DURATION:PT1H",
            start="DTSTART:20260316T120000Z"), "é", "ë", "À"),
    "sound": event("sound", "SUMMARY:Sain", "DURATION:PT1H", start="DTSTART:20260317T120000Z").encode(),
}
FREE = f'<C:free-busy-query {NS}><C:time-range start="20260301T000000Z" end="20260401T000000Z"/></C:free-busy-query>'
BUSY = ("20260310T120000Z", "20260311T120000Z", "20260312T120000Z", "20260313T120000Z", "20260314T120000Z",
    "20260316T120000Z", "20260317T120000Z")


def plain(text):
    """A text as it reads once it is unfolded."""
    return re.sub(r"\r?\n[ \t]", "", text)


def all_told(lab, when):
    alice = lab.client("alice")
    names = {f"{HOME}{name}.ics" for name in OBJECTS}
    data = "<D:getetag/><C:calendar-data/>"
    asked = {
        "PROPFIND": alice.list(HOME, "D:getetag"),
        "calendar-query": alice("REPORT", HOME, query("", data), Depth="1"),
        "calendar-query of March": alice("REPORT", HOME, query(between("20260301T000000Z", "20260401T000000Z"), data),
            Depth="1"),
        "calendar-query, expanded": alice("REPORT", HOME,
            query("", '<C:calendar-data><C:expand start="20260301T000000Z" end="20260401T000000Z"/></C:calendar-data>'),
            Depth="1"),
        "calendar-query, summaries only": alice("REPORT", HOME,
            query("", '<C:calendar-data><C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop '
            'name="SUMMARY"/></C:comp></C:comp></C:calendar-data>'), Depth="1"),
        "calendar-query in jCal": alice("REPORT", HOME, query("",
                '<C:calendar-data content-type="application/calendar+json" version="2.0"/>'), Depth="1"),
        "calendar-multiget": alice("REPORT", HOME, multiget(*names), Depth="1"),
        "sync-collection": alice("REPORT", HOME, sync()),
    }
    for how, answer in asked.items():
        told = {href for href in answer.hrefs() if href != HOME}
        bad = [status for status in answer.statuses() if status != 200]
        lab.say(told == names and (not bad or how == "PROPFIND"),
            f"{when}, {how}: {answer.status}, missing {sorted(names - told)}, {bad}")
    for word, name in (("réunion", "summary"), ("comité", "series"), ("À deux", "people")):
        answer = alice("REPORT", HOME, query(f'<C:prop-filter '
            f'name="SUMMARY"><C:text-match>{word}</C:text-match></C:prop-filter>'), Depth="1")
        lab.say(answer.hrefs() == [f"{HOME}{name}.ics"], f"{when}, sought by {word!r}: {answer.hrefs()}")
    text = plain(asked["calendar-query"].text.replace("&#13;", "\r").replace("&#xD;", "\r"))
    lab.say(all(word in text for word in ("Réunion", "🎻", "Hôtel", "Comité", "Zoé Noël", "À deux", "Sain")),
        f"{when}, the texts are whole in a query")
    busy = alice("REPORT", HOME, FREE, Depth="1")
    missing = [start for start in BUSY if start not in plain(busy.text)]
    lab.say(busy.status == 200 and not missing, f"{when}, free-busy: {busy.status}, missing {missing}")
    got = [alice.get(f"{HOME}{name}.ics").body == data for name, data in OBJECTS.items()]
    lab.say(all(got), f"{when}, GET gives each as it was put")
    json = alice.get(HOME + "summary.ics", Accept="application/calendar+json")
    lab.say(json.status in (200, 406) and ("Réunion" in json.text or "R\\u00e9union" in json.text
            or not json.text.startswith("[")), f"{when}, GET as jCal: {json.status}")


@probe("RFC 5545 section 3.1", "an object whose fold cuts a character is told whole by every report, feed and export, "
    "before and after a restart, and so are its neighbours",
       "[feeds]\npast_days = 3650\nfuture_days = 3650\n")
def fold_in_a_character(lab):
    alice = lab.client("alice")
    for name, data in OBJECTS.items():
        answer = alice("PUT", f"{HOME}{name}.ics", data, **ICS)
        lab.say(answer.status == 201, f"PUT of {name}: {answer.status}")
    all_told(lab, "at once")
    address = lab.command("feed", "add", "alice", HOME.rstrip("/"), "--detail", "full").split()[0]
    feed = plain(lab.client(None).get(re.sub(r"^https?://[^/]*", "", address)).text)
    lab.say(feed.count("BEGIN:VEVENT") >= 5 and all(word in feed for word in ("Réunion", "Comité", "Sain")),
        f"the feed: {feed.count('BEGIN:VEVENT')} events")
    exported = plain(lab.command("export", "calendar", HOME.rstrip("/")))
    lab.say(all(word in exported for word in ("Réunion", "Comité", "À deux", "Sain"))
        and exported.count("BEGIN:VEVENT") == 5, f"the export: {exported.count('BEGIN:VEVENT')} events")
    lab.restart()
    all_told(lab, "after a restart")
    lab.say(lab.command("check", refused=True).returncode == 0, "nothing is damaged")


@probe("RFC 5545 section 3.1", "a file with such folds is imported whole, copied, moved, restored and rewound")
def imported_and_moved(lab):
    alice = lab.client("alice")
    lines = [data.decode("latin-1").split("BEGIN:VEVENT", 1)[1].split("END:VCALENDAR", 1)[0]
        for data in OBJECTS.values()]
    data = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Probe//EN\r\n" + "".join("BEGIN:VEVENT" + line
            for line in lines) + "END:VCALENDAR\r\n").encode("latin-1")
    path = os.path.join(lab.folder, "in.ics")
    with open(path, "wb") as file:
        file.write(data)
    done = lab.command("import", "calendar", HOME.rstrip("/"), path, refused=True)
    answer = alice("REPORT", HOME, query("", "<C:calendar-data/>"), Depth="1")
    text = plain(answer.text.replace("&#13;", "\r").replace("&#xD;", "\r"))
    lab.say(done.returncode == 0 and len(answer.hrefs()) == 5
        and all(word in text for word in ("Réunion", "Comité", "Sain")),
        f"import: exit {done.returncode}, {len(answer.hrefs())} objects")
    one = next((href for href in answer.hrefs() if "summary" in href), None)
    if not lab.say(one is not None, "the imported one bears its UID"):
        return
    lab.say(alice.copy(one, "/calendars/tramway/meetings/copy.ics") == 201, "COPY to another calendar")
    lab.say(alice.move("/calendars/tramway/meetings/copy.ics", "/calendars/tramway/meetings/moved.ics") == 201,
        "MOVE there")
    lab.say(alice.delete(one) == 204 and alice.move(next(iter(alice.trashed("alice"))), one) == 201, "out of the trash")
    answer = alice("REPORT", "/calendars/tramway/meetings/", query("", "<C:calendar-data/>"), Depth="1")
    lab.say("Réunion" in plain(answer.text.replace("&#13;", "\r").replace("&#xD;", "\r")), "it is told there")
