"""What the bench is made of: where things are, the load, requests, processor time, memory."""

import base64
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = os.environ.get("WORK", os.path.join(ROOT, "conformance", "work")) + "/bench"
BINARY = os.environ.get("BEFFROI", os.path.join(ROOT, "target", "dist", "beffroi"))
LOAD = os.environ.get("LOAD", os.path.join(ROOT, "target", "dist", "examples", "load"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = float(os.environ.get("SECONDS_EACH", "2"))


def need(path, *packages):
    """Installs Debian packages where what they bring is missing."""
    if not shutil.which(path) and not os.path.exists(path):
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        # Nobody wants the services that the packages bring to start.
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
        subprocess.run(["apt-get", "install", "-y", "-qq", *packages], check=True, env=env, stdout=subprocess.DEVNULL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(host):
    for _ in range(200):
        try:
            http.client.HTTPConnection(host, timeout=1).connect()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{host} does not answer")


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def limit(*arguments):
    """What `load` measures of the machine."""
    return json.loads(subprocess.run([LOAD, *arguments], check=True, capture_output=True, text=True).stdout)


class Server:
    """Somebody who answers at `host`; `top` is where the bench works."""

    name, auth, top = "", "", ""

    def pids(self):
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        return [self.process.pid, *map(int, found)]

    def processor_seconds(self):
        ticks = 0
        for pid in self.pids():
            try:
                fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_mib(self, what="VmRSS"):
        total = 0
        for pid in self.pids():
            try:
                match = re.search(rf"{what}:\s*(\d+)", open(f"/proc/{pid}/status").read())
                total += int(match.group(1)) if match else 0
            except OSError:
                pass
        return total / 1024

    def ask(self, method, path, body=None, headers=None):
        """One request below `top`: status and content."""
        connection = http.client.HTTPConnection(self.host, timeout=600)
        headers = dict(headers or {})
        if self.auth:
            headers["Authorization"] = self.auth
        connection.request(method, self.top + path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def load(self, requests, connections=1, seconds=SECONDS, rounds=None, count=False):
        """Sends requests (method, path, what a good status begins with, and more by name) and tells what came of it."""
        told = []
        for method, path, expect, *more in requests:
            request = {"method": method, "path": self.top + path, "expect": expect, "headers": {},
                **(more[0] if more else {})}
            if self.auth:
                request["headers"] = {**request["headers"], "Authorization": self.auth}
            told.append(request)
        plan = {
            "address": self.host, "connections": connections, "seconds": seconds, "rounds": rounds, "count": count,
            "requests": told,
        }
        before = self.processor_seconds()
        out = subprocess.run([LOAD, "run"], input=json.dumps(plan), check=True, capture_output=True, text=True).stdout
        done = json.loads(out)
        if done["errors"]:
            raise SystemExit(f"{self.name}: {done['errors']} errors of {done['operations']}: {done['wrong']}")
        done["processor_us"] = (self.processor_seconds() - before) * 1e6 / max(done["operations"], 1)
        done["ms"] = done["p50_us"] / 1000
        return done

    def stop(self):
        self.process.terminate()
        self.process.wait()
