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

HOST, NAME, PASSWORD = sys.argv[1:4]
AUTH = "Basic " + base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
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
    credentials = EDataServer.NamedParameters()
    credentials.set("username", NAME)
    credentials.set("password", PASSWORD)
    source.invoke_authenticate(credentials, None, lambda source, result: source.invoke_authenticate_finish(result))


registry.connect("credentials-required", credentials_wanted)


def opened(calendar, kind, parent):
    """A calendar of the server as Evolution opens it."""
    uid = f"beffroi-{calendar}"
    source = EDataServer.Source.new_with_uid(uid, None)
    source.set_display_name(calendar)
    source.set_parent("caldav-stub")
    source.get_extension(parent).set_backend_name("caldav")
    host, port = HOST.split(":")
    authentication = source.get_extension("Authentication")
    authentication.set_host(host)
    authentication.set_port(int(port))
    authentication.set_user(NAME)
    authentication.set_method("plain/password")
    source.get_extension("Security").set_method("none")
    source.get_extension("WebDAV Backend").set_resource_path(f"/calendars/{NAME}/{calendar}/")
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
sys.exit(failed)
