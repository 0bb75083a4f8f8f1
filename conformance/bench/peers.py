"""The servers of the bench, each with its folders below WORK."""

import datetime
import os
import subprocess

from kit import BINARY, LOAD, WORK, Server, basic, free_port, wait_for

VENV = os.environ.get("BENCH_VENV", f"{os.path.dirname(WORK)}/bench-venv")
FROM_PYPI = ["radicale==3.9.0", "xandikos==0.4.10", "setuptools"]
SINGLE, SERIES = 9500, 500
FIRST = datetime.date(2024, 1, 1)


def event(number, sequence=0):
    if number < SINGLE:
        day, rule = FIRST + datetime.timedelta(days=number * 1826 // SINGLE), ""
    else:
        day, rule = FIRST + datetime.timedelta(days=number % 7), "RRULE:FREQ=WEEKLY;COUNT=260\r\n"
    hour = 7 + number % 10
    return (
        f"BEGIN:VEVENT\r\nUID:event-{number:05}\r\nDTSTAMP:20260101T000000Z\r\nSEQUENCE:{sequence}\r\n"
        f"DTSTART:{day:%Y%m%d}T{hour:02}0000Z\r\nDTEND:{day:%Y%m%d}T{hour + 1:02}0000Z\r\n{rule}"
        f"SUMMARY:Meeting {number} of the steering committee\r\nLOCATION:Town hall, room {number % 40}\r\n"
        f"DESCRIPTION:{'Agenda and notes. ' * 8}\r\nEND:VEVENT\r\n"
    )


def calendar(events):
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Bench//EN\r\n{events}END:VCALENDAR\r\n"


def in_month(year, month):
    days = [FIRST + datetime.timedelta(days=n * 1826 // SINGLE) for n in range(SINGLE)]
    return sum(1 for day in days if (day.year, day.month) == (year, month)) + SERIES


def folder(*parts):
    path = "/".join([WORK, *parts])
    os.makedirs(path, exist_ok=True)
    return path


def start(args, **more):
    """Some servers end their process group with them."""
    return subprocess.Popen(args, start_new_session=True, **more)


def config(path, text):
    with open(path, "w") as out:
        out.write(text)
    return path


class Beffroi(Server):
    """A fresh server with one person, who has a device password."""

    name, top = "Beffroi", "/files/bench"

    def __init__(self, **settings):
        self.data = folder(f"beffroi-{type(self).__name__.lower()}")
        self.run("person", "add", "bench", "--display-name", "Bench", "--email", "bench@ville.example")
        self.auth = basic("bench", self.run("device", "add", "bench", "--label", "bench").strip())
        env = dict(os.environ, BEFFROI_LOG_FILTER="warn", **settings)
        args = [BINARY, "serve", "--data", self.data, "--listen", "127.0.0.1:0"]
        self.process = start(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)
        self.host = self.process.stdout.readline().split("//")[1].strip().rstrip("/")

    def run(self, *arguments):
        args = [BINARY, *arguments, "--data", self.data]
        return subprocess.run(args, check=True, capture_output=True, text=True).stdout

    def fill(self, path, events):
        source = f"{WORK}/all.ics"
        with open(source, "w", newline="") as out:
            out.write("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Bench//EN\r\n")
            out.writelines(events)
            out.write("END:VCALENDAR\r\n")
        self.run("import", "calendar", path, source)


class Unflushed(Beffroi):
    """For comparison only: what is acknowledged may be lost."""

    name = "Beffroi without flush"

    def __init__(self):
        super().__init__(BEFFROI_STORE_FLUSH="false")


class Meetings(Beffroi):
    """With people who can be invited, and a domain for mail to others: nothing is sent, for nobody takes it."""

    name = "Beffroi with meetings"
    here = 149

    def __init__(self):
        super().__init__(BEFFROI_MAIL_DOMAIN="agenda.ville.example")
        self.top = "/calendars/bench/personal/"
        for number in range(self.here):
            self.run("person", "add", f"guest{number}", "--display-name", f"Guest {number}", "--email",
                f"guest{number}@ville.example", "--invitations", "calendar")
        self.run("room", "add", "hall", "--display-name", "Hall", "--email", "hall@ville.example")


class Hyper(Server):
    name = "hyper from memory"

    def __init__(self):
        self.process = start([LOAD, "hyper"], stdout=subprocess.PIPE, text=True)
        self.host = self.process.stdout.readline().split('"')[3]


class Nginx(Server):
    name = "nginx"

    def __init__(self):
        port, root, state = free_port(), folder("nginx/root"), folder("nginx/state")
        modules = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so"
        file = config(
            f"{state}/conf",
            f"load_module {modules};\nuser root;\ndaemon off;\nworker_processes 2;\npid {state}/pid;\nerror_log "
            f"{state}/error.log;\n"
            "events { worker_connections 1024; }\nhttp {\naccess_log off;\nsendfile on;\ntcp_nopush "
            "on;\nkeepalive_requests 1000000000;\n"
            f"client_max_body_size 0;\nclient_body_temp_path {state}/body;\ndav_ext_lock_zone zone=locks:16m;\nserver "
            f"{{\n"
            f"listen 127.0.0.1:{port};\nroot {root};\nlocation / {{\ndav_methods PUT DELETE MKCOL COPY MOVE;\n"
            "dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK;\ndav_ext_lock zone=locks;\n}\n}\n}\n",
        )
        self.host = f"127.0.0.1:{port}"
        self.process = start(["/usr/sbin/nginx", "-c", file], stderr=subprocess.DEVNULL)
        wait_for(self.host)


class Apache(Server):
    name = "Apache"

    def __init__(self):
        port, root, state = free_port(), folder("apache/root"), folder("apache/state")
        modules = "/usr/lib/apache2/modules"
        loads = "\n".join(
            f"LoadModule {m}_module {modules}/mod_{m}.so"
            for m in ("mpm_event", "authz_core", "mime", "dav", "dav_fs", "unixd")
            if os.path.exists(f"{modules}/mod_{m}.so")
        )
        file = config(
            f"{state}/conf",
            f"{loads}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {state}/pid\nErrorLog "
            f"{state}/error.log\nLogLevel warn\n"
            f"User www-data\nGroup www-data\nMaxKeepAliveRequests 0\nDocumentRoot {root}\nDavLockDB {state}/lock\n"
            f"TypesConfig /etc/mime.types\nDefaultRuntimeDir {state}\n<Directory {root}>\nDav On\nRequire all "
            f"granted\n</Directory>\n",
        )
        subprocess.run(["chown", "-R", "www-data", root, state], check=True)
        self.host = f"127.0.0.1:{port}"
        self.process = start(["/usr/sbin/apache2", "-DFOREGROUND", "-f", file])
        wait_for(self.host)


class Lighttpd(Server):
    name = "lighttpd"

    def __init__(self):
        port, root, state = free_port(), folder("lighttpd/root"), folder("lighttpd/state")
        file = config(
            f"{state}/conf",
            f'server.modules = ("mod_webdav")\nserver.document-root = "{root}"\nserver.port = {port}\nserver.bind = '
            f'"127.0.0.1"\n'
            f'server.errorlog = "{state}/error.log"\nserver.max-keep-alive-requests = 65000\nserver.max-worker = 2\n'
            f'server.upload-dirs = ("{state}")\nserver.max-request-size = 0\nwebdav.activate = "enable"\n'
            f'webdav.sqlite-db-name = "{state}/locks.sqlite"\n',
        )
        self.host = f"127.0.0.1:{port}"
        self.process = start(["/usr/sbin/lighttpd", "-D", "-f", file], stderr=subprocess.DEVNULL)
        wait_for(self.host)


class Rclone(Server):
    name = "rclone"

    def __init__(self):
        self.host = f"127.0.0.1:{free_port()}"
        args = ["rclone", "serve", "webdav", folder("rclone"), "--addr", self.host, "--vfs-cache-mode", "off"]
        self.process = start(args, stderr=subprocess.DEVNULL)
        wait_for(self.host)


class Calendars(Beffroi):
    name, top = "Beffroi", "/calendars/bench/personal/"

    def __init__(self):
        super().__init__()
        self.fill(self.top, (event(n) for n in range(SINGLE + SERIES)))


class Radicale(Server):
    name, auth, top = "Radicale", basic("bench", "bench"), "/bench/calendar/"

    def __init__(self):
        self.host = f"127.0.0.1:{free_port()}"
        args = [
            f"{VENV}/bin/python", "-m", "radicale", "--config", "", "--server-hosts", self.host, "--auth-type", "none",
            "--storage-filesystem-folder", folder("radicale"), "--server-max-content-length", "100000000",
            "--server-timeout", "600",
        ]
        self.process = start(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.host)
        whole = calendar("".join(event(n) for n in range(SINGLE + SERIES)))
        status, content = self.ask("PUT", "", whole, {"Content-Type": "text/calendar"})
        assert status == 201, (status, content[:300])


class Xandikos(Server):
    name, top = "Xandikos", "/bench/calendars/calendar/"

    def __init__(self):
        port = free_port()
        self.host = f"127.0.0.1:{port}"
        place = folder("xandikos/bench/calendars/calendar")
        args = [
            f"{VENV}/bin/xandikos", "serve", "-d", f"{WORK}/xandikos", "--current-user-principal", "/bench/",
            "--autocreate",
            "--defaults", "--port", str(port), "-l", "127.0.0.1", "--state-dir", f"{WORK}/xandikos-state", "--eager",
        ]
        for number in range(SINGLE + SERIES):
            with open(f"{place}/event-{number:05}.ics", "w", newline="") as out:
                out.write(calendar(event(number)))
        config(f"{place}/.xandikos", "[DEFAULT]\ntype = calendar\n")
        git = ["git", "-C", place, "-c", "user.name=bench", "-c", "user.email=bench@ville.example"]
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "All"]):
            subprocess.run(git + command, check=True, stdout=subprocess.DEVNULL)
        self.process = start(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.host)
