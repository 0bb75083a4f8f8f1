"""Another person's work, in a process of its own: small requests, one after the other, each on a new connection.
PORT NAME AUTHORIZATION CONTROL_PORT CONTROL_AUTHORIZATION [tls].

Each is sent to the server in question and then to the control, one that nothing else is asked of. Ends with the first
line on standard input, and says how long each took; whoever is answered to come again (503) does, and has waited
meanwhile.
"""

import http.client
import json
import select
import ssl
import sys
import time

port, name, authorization = int(sys.argv[1]), sys.argv[2], sys.argv[3]
control_port, control_authorization = int(sys.argv[4]), sys.argv[5]
MONTH = (
    '<C:calendar-query xmlns:D="DAV:" '
    'xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR">'
    '<C:comp-filter name="VEVENT"><C:time-range start="20260101T000000Z" '
    'end="20260201T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
)
WORK = (
    ("GET", f"/files/{name}/small.txt", None, {}),
    ("PUT", f"/files/{name}/written.txt", "written", {}),
    ("PROPFIND", f"/files/{name}/", None, {"Depth": "1"}),
    ("REPORT", f"/calendars/{name}/personal/", MONTH, {"Depth": "1"}),
)
TLS = ssl._create_unverified_context() if sys.argv[6:] else None


def control(method, path, body, headers):
    """How long the same takes where nobody else is served: what the machine is to blame for."""
    began = time.monotonic()
    link = http.client.HTTPConnection("127.0.0.1", control_port, timeout=30)
    try:
        link.request(method, path, body, {"Authorization": control_authorization, **headers})
        link.getresponse().read()
    except (OSError, http.client.HTTPException):
        pass
    finally:
        link.close()
    return time.monotonic() - began


waits, controls, fault, number, started = [], [], None, 0, None
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.03)[0] or len(waits) < 20:
    method, path, body, headers = WORK[number % len(WORK)]
    started = started or time.monotonic()
    try:
        link = http.client.HTTPSConnection("127.0.0.1", port, timeout=8,
            context=TLS) if TLS else http.client.HTTPConnection("127.0.0.1", port, timeout=8)
        link.request(method, path, body, {"Authorization": authorization, **headers})
        answer = link.getresponse()
        answer.read()
        if answer.status == 503 and time.monotonic() - started < 8:
            link.close()
            continue
        if answer.status >= 300 and fault is None:
            fault = f"{method} {answer.status}"
        link.close()
    except (OSError, http.client.HTTPException) as problem:
        fault = fault or f"{method} {problem!r}"
    waits.append(time.monotonic() - started)
    controls.append(control(method, path, body, headers))
    started, number = None, number + 1
    if waits[-1] > 5 and len(waits) > 1:
        break
twice = 1 if len(waits) > 1 else 2
print(json.dumps({"waits": waits * twice, "controls": controls * twice, "fault": fault}))
