"""What the benches share: where things are, Beffroi as a server among others, requests, processor time, memory."""

import base64
import http.client
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = os.environ.get("WORK", os.path.join(ROOT, "conformance", "work")) + "/bench"
BINARY = os.environ.get("BEFFROI", os.path.join(ROOT, "target", "release", "beffroi"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))


def need(tool, package):
    """Installs a Debian package where its tool is missing."""
    if not shutil.which(tool):
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        subprocess.run(["apt-get", "install", "-y", "-qq", package], check=True, env=env, stdout=subprocess.DEVNULL)


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


class Beffroi:
    """A fresh server with one person; `top` is where the bench works."""

    name = "Beffroi"

    def __init__(self, top="/files/bench"):
        self.data = f"{WORK}/beffroi"
        self.run("person", "add", "bench", "--display-name", "Bench", "--email", "bench@ville.example")
        self.auth = basic("bench", self.run("device", "add", "bench", "--label", "bench").strip())
        self.top = top
        env = dict(os.environ, BEFFROI_LOG_FILTER="warn")
        args = [BINARY, "serve", "--data", self.data, "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, text=True, env=env)
        self.host = self.process.stdout.readline().split("//")[1].strip().rstrip("/")
        self.pids = [self.process.pid]

    def run(self, *arguments):
        args = [BINARY, *arguments, "--data", self.data]
        return subprocess.run(args, check=True, capture_output=True, text=True).stdout


def ask(server, method, path, body=None, headers=None, connection=None):
    """One request below `server.top`: status and content."""
    own = connection or http.client.HTTPConnection(server.host, timeout=600)
    headers = dict(headers or {})
    if server.auth:
        headers["Authorization"] = server.auth
    own.request(method, server.top + path, body, headers)
    answer = own.getresponse()
    content = answer.read()
    if not connection:
        own.close()
    return answer.status, content


def cpu_seconds(server):
    ticks = 0
    for pid in server.pids:
        try:
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mib(server):
    total = 0
    for pid in server.pids:
        match = re.search(r"VmHWM:\s*(\d+)", open(f"/proc/{pid}/status").read())
        total += int(match.group(1)) if match else 0
    return total / 1024
