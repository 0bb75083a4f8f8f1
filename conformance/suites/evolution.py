"""Drives Evolution's calendar backend against the server, and changes the same calendar from beside it."""

import base64
import http.client
import re
import sys
import threading
import time

import gi

gi.require_version("EDataServer", "1.2")
gi.require_version("ECal", "2.0")
from gi.repository import ECal, EDataServer, GLib, ICalGLib  # noqa: E402

# The server, then names and device passwords of two people.
HOST, NAME, OTHER = sys.argv[1], sys.argv[2], sys.argv[4]
PASSWORDS = {NAME: sys.argv[3], OTHER: sys.argv[5]}
AUTH = "Basic " + base64.b64encode(f"{NAME}:{PASSWORDS[NAME]}".encode()).decode()
failed = False


def say(good, what):
    global failed
    failed |= not good
    print(("ok " if good else "not ok ") + what, flush=True)


def ask(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(HOST, timeout=60)
    connection.request(method, path, body, {"Authorization": AUTH, **(headers or {})})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def text(component, uid, lines):
    lines = lines.replace("\n", "\r\n")
    return f"BEGIN:{component}\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n{lines}\r\nEND:{component}\r\n"


def put(path, component, uid, lines):
    whole = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Suite//EN\r\n{text(component, uid, lines)}END:VCALENDAR\r\n"
    return ask("PUT", path, whole.encode(), {"Content-Type": "text/calendar; charset=utf-8"})[0]


def until(what, holds):
    for _ in range(150):
        if holds():
            return say(True, what)
        time.sleep(0.1)
    say(False, what)


loop = GLib.MainLoop()
threading.Thread(target=loop.run, daemon=True).start()
registry = EDataServer.SourceRegistry.new_sync(None)


def credentials_wanted(_registry, source, *_reason):
    user = source.get_extension("Authentication").get_user()
    credentials = EDataServer.NamedParameters()
    credentials.set("username", user)
    credentials.set("password", PASSWORDS[user])
    source.invoke_authenticate(credentials, None, lambda source, result: source.invoke_authenticate_finish(result))


registry.connect("credentials-required", credentials_wanted)


def opened(calendar, kind, parent, user=NAME):
    """A calendar of a person as Evolution opens it."""
    uid = f"beffroi-{user}-{calendar}"
    source = EDataServer.Source.new_with_uid(uid, None)
    source.set_display_name(calendar)
    source.set_parent("caldav-stub")
    source.get_extension(parent).set_backend_name("caldav")
    host, port = HOST.split(":")
    authentication = source.get_extension("Authentication")
    authentication.set_host(host)
    authentication.set_port(int(port))
    authentication.set_user(user)
    authentication.set_method("plain/password")
    source.get_extension("Security").set_method("none")
    source.get_extension("WebDAV Backend").set_resource_path(f"/calendars/{user}/{calendar}/")
    extension = source.get_extension("WebDAV Backend")
    extension.set_calendar_auto_schedule(True)
    extension.set_email_address(f"{user}@ville.example")
    source.get_extension("Offline").set_stay_synchronized(True)
    registry.commit_source_sync(source, None)
    return ECal.Client.connect_sync(registry.ref_source(uid), kind, 30, None)


def summaries(client):
    client.refresh_sync(None)
    _, components = client.get_object_list_as_comps_sync("#t", None)
    return sorted(component.get_summary().get_value() for component in components)


HOME = f"/calendars/{NAME}/"
for number in range(300):
    put(f"{HOME}personal/e{number}.ics", "VEVENT", f"e{number}",
        f"DTSTART:202601{number % 28 + 1:02}T090000Z\nDURATION:PT1H\nSUMMARY:Réunion {number:03}")
client = opened("personal", ECal.ClientSourceType.EVENTS, "Calendar")
say(not client.is_readonly(), "the calendar is opened for writing")
until("300 events are there", lambda: len(summaries(client)) == 300)
made = ICalGLib.Component.new_from_string(
    text("VEVENT", "evolution-1",
    "DTSTART;TZID=Europe/Paris:20260216T090000\nDTEND;TZID=Europe/Paris:20260216T100000\nRRULE:FREQ=WEEKLY;COUNT=4\n"
    "SUMMARY:Faite dans Evolution")
)
say(client.create_object_sync(made, ECal.OperationFlags.NONE, None)[0], "Evolution makes a series")
status, stored = ask("GET", f"{HOME}personal/evolution-1.ics")
say(status == 200 and "Faite dans Evolution" in stored and "RRULE:FREQ=WEEKLY;COUNT=4" in stored,
    "and the server has it")
_, changed = client.get_object_sync("evolution-1", None, None)
changed.set_summary("Changée dans Evolution")
say(client.modify_object_sync(changed, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None), "Evolution changes it")
say("Changée dans Evolution" in ask("GET", f"{HOME}personal/evolution-1.ics")[1], "and the server has that")
say(client.remove_object_sync("e7", None, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None),
    "Evolution deletes an event")
say(ask("GET", f"{HOME}personal/e7.ics")[0] == 404, "and the server has it no more")
say(put(f"{HOME}personal/beside.ics", "VEVENT", "beside", "DTSTART:20260220T090000Z\nSUMMARY:D'à côté") == 201,
    "another program adds one")
ask("DELETE", f"{HOME}personal/e8.ics")
put(f"{HOME}personal/e9.ics", "VEVENT", "e9", "DTSTART:20260110T090000Z\nSUMMARY:Déplacée")
until("all three changes arrive", lambda: {"D'à côté", "Déplacée"} <= set(found := summaries(client))
    and "Réunion 008" not in found and len(found) == 300)
# What it still fetches must not tell it of the change.
time.sleep(2)
_, stale = client.get_object_sync("e10", None, None)
put(f"{HOME}personal/e10.ics", "VEVENT", "e10", "DTSTART:20260111T090000Z\nSUMMARY:Entre-temps")
stale.set_summary("Trop tard")
try:
    client.modify_object_sync(stale, ECal.ObjModType.ALL, ECal.OperationFlags.CONFLICT_FAIL, None)
except GLib.Error:
    pass
say("Entre-temps" in ask("GET", f"{HOME}personal/e10.ics")[1], "what changed meanwhile is not overwritten")

tasks = opened("tasks", ECal.ClientSourceType.TASKS, "Task List")
task = ICalGLib.Component.new_from_string(text("VTODO", "task-1", "SUMMARY:Relire\nDUE;VALUE=DATE:20260301"))
say(tasks.create_object_sync(task, ECal.OperationFlags.NONE, None)[0], "Evolution makes a task")
say(re.search("BEGIN:VTODO", ask("GET", f"{HOME}tasks/task-1.ics")[1]) is not None, "and the server has it")
until("300 events are still there", lambda: len(summaries(client)) == 300)


def attendee(component, user):
    """The line of an attendee."""
    line = component.get_first_property(ICalGLib.PropertyKind.ATTENDEE_PROPERTY)
    while line and line.get_attendee() != f"mailto:{user}@ville.example":
        line = component.get_next_property(ICalGLib.PropertyKind.ATTENDEE_PROPERTY)
    return line


def answer(component, user):
    """What an attendee has answered."""
    line = attendee(component, user)
    found = line and line.get_first_parameter(ICalGLib.ParameterKind.PARTSTAT_PARAMETER)
    return found.get_partstat() if found else ICalGLib.ParameterPartstat.NEEDSACTION


def seen(client, uid):
    """An event as Evolution has it after it has looked; None where it has none."""
    client.refresh_sync(None)
    try:
        return client.get_object_sync(uid, None, None)[1]
    except GLib.Error:
        return None


PARTSTAT = ICalGLib.ParameterPartstat
theirs = opened("personal", ECal.ClientSourceType.EVENTS, "Calendar", OTHER)
say(client.check_save_schedules(), "Evolution leaves invitations to the server")
people = "".join(f"\nATTENDEE;PARTSTAT={state};RSVP=TRUE:mailto:{who}@ville.example" for who, state in (
    (NAME, "ACCEPTED"), (OTHER, "NEEDS-ACTION"), ("salle", "NEEDS-ACTION")))
meeting = ICalGLib.Component.new_from_string(text("VEVENT", "meeting-1",
    "DTSTART;TZID=Europe/Paris:20300305T090000\nDTEND;TZID=Europe/Paris:20300305T100000\n"
    f"SUMMARY:Réunion à deux\nORGANIZER:mailto:{NAME}@ville.example{people}"))
say(client.create_object_sync(meeting, ECal.OperationFlags.NONE, None)[0], "Evolution makes a meeting")
say(answer(seen(client, "meeting-1"), "salle") == PARTSTAT.ACCEPTED, "and sees that the room said yes")
until("who is invited finds it", lambda: seen(theirs, "meeting-1") is not None)
invited = seen(theirs, "meeting-1")
say(answer(invited, OTHER) == PARTSTAT.NEEDSACTION, "and has not answered")
line = attendee(invited, OTHER)
line.set_parameter(ICalGLib.Parameter.new_partstat(PARTSTAT.ACCEPTED))
say(theirs.modify_object_sync(invited, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None), "Evolution accepts")
until("the organizer sees that", lambda: answer(seen(client, "meeting-1"), OTHER) == PARTSTAT.ACCEPTED)
start = int(time.mktime((2030, 3, 5, 0, 0, 0, 0, 0, 0)))
busy = client.get_free_busy_sync(start, start + 86400, [f"{OTHER}@ville.example"], None)[1]
say(any("FREEBUSY" in found.get_icalcomponent().as_ical_string() for found in busy), "and when the other is busy")
moved = seen(client, "meeting-1")
moved.set_dtstart(ICalGLib.Time.new_from_string("20300305T130000Z"))
moved.set_dtend(ICalGLib.Time.new_from_string("20300305T140000Z"))
say(client.modify_object_sync(moved, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None), "Evolution moves it")
until("the other is asked anew", lambda: answer(seen(theirs, "meeting-1"), OTHER) == PARTSTAT.NEEDSACTION)
say(theirs.remove_object_sync("meeting-1", None, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None),
    "the other deletes it")
until("which declines", lambda: answer(seen(client, "meeting-1"), OTHER) == PARTSTAT.DECLINED)
say(client.remove_object_sync("meeting-1", None, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None),
    "the organizer calls it off")
say(ask("GET", f"{HOME}personal/meeting-1.ics")[0] == 404, "and it is gone")
sys.exit(failed)
