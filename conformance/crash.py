"""Kills the server in the middle of concurrent uploads and looks whether anything acknowledged was lost."""

import base64
import hashlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

binary, data, name, password, rounds = sys.argv[1:]
login = {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}
acknowledged = {}
writing = threading.Lock()


def start():
    server = subprocess.Popen(
        [binary, "serve", "--data", data, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True
    )
    line = server.stdout.readline()
    if not line.startswith("ready: "):
        raise SystemExit("not ok the server starts")
    return server, line.split("//")[1].strip().rstrip("/")


def upload(host, number, until):
    """Overwrites its own few documents over and over; what was being written when the server died may be either."""
    connection = http.client.HTTPConnection(host, timeout=30)
    turn = 0
    while time.monotonic() < until:
        path = f"/files/{name}/document {number}-{turn % 5}.bin".replace(" ", "%20")
        body = os.urandom(random.choice([10, 1000, 60_000, 70_000, 400_000, 2_000_000]))
        digest = hashlib.sha256(body).hexdigest()
        with writing:
            acknowledged.setdefault(path, set()).add(digest)
        try:
            connection.request("PUT", path, body, login)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return
        if answer.status not in (201, 204):
            print(f"not ok PUT {path}: {answer.status}")
            return
        with writing:
            acknowledged[path] = {digest}
        turn += 1


lost = 0
kept = 0
for turn in range(int(rounds)):
    server, host = start()
    for path, digests in acknowledged.items():
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request("GET", path, headers=login)
        answer = connection.getresponse()
        found = hashlib.sha256(answer.read()).hexdigest()
        connection.close()
        if answer.status == 200 and found in digests:
            acknowledged[path] = {found}
            kept += 1
        elif len(digests) == 1 or answer.status not in (200, 404):
            lost += 1
            print(f"not ok {path} after kill {turn}: {answer.status}")
    for path in [path for path, digests in acknowledged.items() if len(digests) > 1]:
        del acknowledged[path]
    until = time.monotonic() + 10
    threads = [threading.Thread(target=upload, args=(host, number, until)) for number in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(random.uniform(0.2, 1.2))
    server.send_signal(signal.SIGKILL)
    server.wait()
    for thread in threads:
        thread.join()
    check = subprocess.run([binary, "check", "--data", data], capture_output=True, text=True)
    print("ok" if check.returncode == 0 else "not ok", f"check after kill {turn}", check.stdout.strip())
    lost += check.returncode != 0
jobs = json.loads(subprocess.run([binary, "jobs", "list", "--json", "--data", data], capture_output=True,
        text=True).stdout)
kinds = sorted(job["kind"] for job in jobs)
lost += len(kinds) != len(set(kinds)) or not kinds or any(job["state"] == "failed" for job in jobs)
print("ok" if kinds and len(kinds) == len(set(kinds)) else "not ok", "each job is there once after all kills:", *kinds)
print("ok" if lost == 0 and kept > 0 else "not ok", f"{kept} acknowledged documents read back, {lost} lost")
sys.exit(1 if lost or not kept else 0)
