"""Three servers behind HAProxy, on PostgreSQL with a synchronous standby under Patroni and etcd.

Under load it kills a server, pauses the one that acts for all until another one does, kills the primary with
its Patroni, changes the schema as a newer server does while servers go on, restarts the servers one by one on
the newer schema, and at the end changes it so that they must stop. A ledger shows that nothing acknowledged is
lost and that no refresh token leads to two sessions. Clients see nothing worse than 503 with Retry-After.

    python3 tests/ha/failover.py target/debug/authd

Needs Debian's postgresql, patroni, etcd-server, haproxy and python3-psycopg2, and must be root or a user
that may run PostgreSQL. Takes about three minutes. Prints what it saw, and exits with 1 if a promise is broken.
"""

import collections
import glob
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import psycopg2

WORKERS = 8
PASSWORD = "correct horse battery staple"
BACK_WITHIN = 15


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def as_postgres(command):
    return ["runuser", "-u", "postgres", "--"] + command if os.getuid() == 0 else command


class World:
    def __init__(self, authd):
        self.authd = os.path.abspath(authd)
        self.folder = tempfile.mkdtemp(prefix="authd-ha-")
        os.chmod(self.folder, 0o755)
        self.processes = []
        self.key = secrets.token_hex(32)
        self.password = secrets.token_hex(8)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def start(self, name, command, env=None):
        log = open(self.path(name + ".log"), "ab")
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=env, start_new_session=True,
            cwd=self.folder,
        )
        self.processes.append(process)
        return process

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        for pid_file in glob.glob(self.path("pg*", "postmaster.pid")):
            try:
                os.kill(int(open(pid_file).readline()), signal.SIGKILL)
            except (OSError, ValueError):
                pass
        time.sleep(0.5)
        shutil.rmtree(self.folder, ignore_errors=True)

    # PostgreSQL

    def start_databases(self):
        client, peer = free_port(), free_port()
        self.start("etcd", [
            "etcd", "--data-dir", self.path("etcd"),
            "--listen-client-urls", f"http://127.0.0.1:{client}",
            "--advertise-client-urls", f"http://127.0.0.1:{client}",
            "--listen-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-cluster", f"default=http://127.0.0.1:{peer}",
        ])
        wait("etcd", lambda: answers(f"http://127.0.0.1:{client}/health"))
        self.databases = {}
        for name in ("pg1", "pg2"):
            self.databases[name] = Database(self, name, client)
            self.databases[name].start()
            wait(name, self.databases[name].is_running, 90)
        wait("a synchronous standby", self.has_synchronous_standby, 60)

    def primary(self):
        found = [one for one in self.databases.values() if one.is_primary()]
        return found[0] if len(found) == 1 else None

    def has_synchronous_standby(self):
        primary = self.primary()
        if primary is None:
            return False
        rows = primary.query("select count(*) from pg_stat_replication where sync_state = 'sync'")
        return rows == [(1,)]

    # HAProxy

    def start_balancer(self):
        self.front, self.sql = free_port(), free_port()
        self.ports = [free_port() for _ in range(3)]
        servers = "\n".join(
            f"    server authd-{at} 127.0.0.1:{port}" for at, port in enumerate(self.ports))
        databases = "\n".join(
            f"    server {one.name} 127.0.0.1:{one.port} check port {one.rest}"
            for one in self.databases.values())
        busy = "\n".join(
            f"    http-error status {status} content-type text/plain string \"not available\" hdr Retry-After 1"
            for status in (502, 503, 504))
        # The part for authd is that of examples/deploy/postgresql/haproxy.cfg.
        config = f"""
global
    maxconn 4096
defaults
    mode http
    timeout connect 2s
    timeout client 75s
    timeout server 75s
    timeout check 2s
    retries 2
    option redispatch
frontend http
    bind 127.0.0.1:{self.front}
    option forwardfor
{busy}
    http-after-response set-status 503 reason "Service Unavailable" if {{ status 502 504 }}
    default_backend authd
backend authd
    balance leastconn
    option httpchk
    http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host authd
    http-check expect status 200
    default-server check inter 1s fall 2 rise 1
{servers}
frontend sql
    mode tcp
    bind 127.0.0.1:{self.sql}
    timeout client 1h
    default_backend sql
backend sql
    mode tcp
    timeout server 1h
    option httpchk GET /primary
    http-check expect status 200
    default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
{databases}
"""
        self.start("haproxy", ["haproxy", "-db", "-f", self.write("haproxy.cfg", config)])

    # authd

    def start_server(self, at):
        env = {
            "AUTHD_MASTER_KEY": self.key, "PGPASSWORD": self.password, "PATH": os.environ["PATH"],
            "HOME": self.folder,
        }
        settings = [
            "signup.verify_email=false", "hashing.memory=64", "hashing.passes=1", "sessions.grace=2m",
            "limits.general=off", "limits.sign_in=off", "limits.sign_up=off", "limits.refresh=off",
            "server.trusted_proxies=127.0.0.1",
        ]
        command = [
            self.authd, "serve", "--listen", f"127.0.0.1:{self.ports[at]}",
            "--db", f"postgres://postgres@127.0.0.1:{self.sql}/authd",
        ]
        for setting in settings:
            command += ["--set", setting]
        self.servers[at] = self.start(f"authd-{at}", command, env)

    def start_servers(self):
        # At first the balancer takes every server for healthy, the standby too.
        time.sleep(3)
        connection = self.primary().connect()
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("create database authd encoding 'UTF8' template template0")
        connection.close()
        self.servers = {}
        for at in range(3):
            self.start_server(at)
        for at in range(3):
            wait(f"authd-{at}", lambda: self.is_ready(at))
        wait("the balancer", lambda: answers(f"http://127.0.0.1:{self.front}/readyz"))

    def query(self, sql):
        """The rows of the database of authd."""
        primary = self.primary()
        return [] if primary is None else primary.query(sql, "authd")

    def is_ready(self, at):
        return answers(f"http://127.0.0.1:{self.ports[at]}/readyz")


class Database:
    """A PostgreSQL server with its Patroni."""

    def __init__(self, world, name, etcd):
        self.world, self.name, self.etcd = world, name, etcd
        self.port, self.rest = free_port(), free_port()

    def start(self):
        folder = self.world.path(self.name)
        os.makedirs(folder, mode=0o700)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        programs = max(glob.glob("/usr/lib/postgresql/*/bin"))
        password = self.world.password
        config = {
            "scope": "authd",
            "name": self.name,
            "restapi": {"listen": f"127.0.0.1:{self.rest}", "connect_address": f"127.0.0.1:{self.rest}"},
            "etcd3": {"host": f"127.0.0.1:{self.etcd}"},
            "bootstrap": {
                "dcs": {
                    "ttl": 20, "loop_wait": 2, "retry_timeout": 5, "synchronous_mode": True,
                    "postgresql": {"parameters": {"max_connections": 200, "shared_buffers": "64MB"}},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, {"auth": "scram-sha-256"}],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{self.port}",
                "connect_address": f"127.0.0.1:{self.port}",
                "data_dir": os.path.join(folder, "data"),
                "bin_dir": programs,
                "pgpass": os.path.join(folder, "pgpass"),
                "parameters": {"unix_socket_directories": folder},
                "pg_hba": [
                    "host all all 127.0.0.1/32 scram-sha-256",
                    "host replication all 127.0.0.1/32 scram-sha-256",
                    "local all all trust",
                ],
                "authentication": {
                    "superuser": {"username": "postgres", "password": password},
                    "replication": {"username": "replicator", "password": password},
                },
            },
        }
        # JSON is YAML.
        path = self.world.write(self.name + ".yaml", json.dumps(config))
        self.process = self.world.start(self.name, as_postgres(["patroni", path]))

    def is_running(self):
        return answers(f"http://127.0.0.1:{self.rest}/health")

    def is_primary(self):
        return answers(f"http://127.0.0.1:{self.rest}/primary")

    def connect(self, database="postgres"):
        return psycopg2.connect(
            host="127.0.0.1", port=self.port, user="postgres", password=self.world.password,
            dbname=database, connect_timeout=3)

    def query(self, sql, database="postgres"):
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()
        finally:
            connection.close()

    def kill(self):
        """As a failure of its machine: Patroni first, or it starts the server again."""
        with open(self.world.path(self.name, "data", "postmaster.pid")) as file:
            server = int(file.readline())
        os.killpg(self.process.pid, signal.SIGKILL)
        os.kill(server, signal.SIGKILL)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def wait(what, holds, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if holds():
                return
        except psycopg2.Error:
            pass
        time.sleep(0.1)
    raise SystemExit(f"FAILED: {what} did not come within {seconds} s")


class Ledger:
    """What was acknowledged, and all that went wrong."""

    def __init__(self):
        self.lock = threading.Lock()
        self.statuses = collections.Counter()
        self.signed_up = []
        self.broken = []
        self.acknowledged_at = 0.0
        self.longest = 0.0

    def note(self, status, retry_after):
        with self.lock:
            self.statuses[status] += 1
            if status == 503 and retry_after is None:
                self.broken.append("503 without Retry-After")

    def acknowledge(self):
        with self.lock:
            self.acknowledged_at = time.monotonic()

    def fail(self, why):
        with self.lock:
            self.broken.append(why)


class Client:
    def __init__(self, world, ledger):
        self.world, self.ledger = world, ledger

    def post(self, path, body, port=None):
        """The status and the data of an answer; None if the connection was lost."""
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", port or self.world.front, timeout=60)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.ledger.note("lost", None)
            return None, {}
        finally:
            connection.close()
            self.ledger.longest = max(self.ledger.longest, time.monotonic() - began)
        self.ledger.note(answer.status, answer.getheader("Retry-After"))
        data = {}
        if answer.status < 300:
            data = json.loads(text).get("data") or {}
            self.ledger.acknowledge()
        return answer.status, data

    def insist(self, path, body, expected, seconds=90):
        """Repeats what may be repeated until it succeeds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status, data = self.post(path, body)
            if status in expected:
                return data
            if status is not None and status < 500:
                return self.ledger.fail(f"{path} was answered with {status}")
            time.sleep(0.2)
        return self.ledger.fail(f"{path} had no success for {seconds} s")


def work(number, world, ledger, stop, tokens):
    client = Client(world, ledger)
    count = 0
    while not stop.is_set():
        # A sign-up, whose outcome may stay open.
        email = f"u{number}-{count}@example.com"
        count += 1
        status, _ = client.post("/v1/auth/register", {"email": email, "password": PASSWORD})
        if status == 201:
            ledger.signed_up.append(email)
        elif status is not None and status < 500:
            ledger.fail(f"a sign-up was answered with {status}")
        # Rotations of one session; now and then the same token at two servers at once.
        for turn in range(5):
            token = {"refreshToken": tokens[number]}
            if turn == 4:
                found = []
                ask = lambda: found.append(client.post("/v1/auth/refresh", token))
                pair = [threading.Thread(target=ask) for _ in range(2)]
                [one.start() for one in pair]
                [one.join() for one in pair]
                next_tokens = {data["refreshToken"] for status, data in found if status == 200}
                if len(next_tokens) > 1:
                    ledger.fail("one refresh token led to two")
            data = client.insist("/v1/auth/refresh", token, (200,))
            if data is None:
                return
            tokens[number] = data["refreshToken"]


def main(authd):
    world = World(authd)
    try:
        return run(world)
    finally:
        if "--keep" in sys.argv:
            print(world.folder)
        else:
            world.stop()


def run(world):
    world.start_databases()
    world.start_balancer()
    world.start_servers()
    ledger, stop, tokens = Ledger(), threading.Event(), {}
    client = Client(world, ledger)
    for number in range(WORKERS):
        email = f"worker{number}@example.com"
        client.insist("/v1/auth/register", {"email": email, "password": PASSWORD}, (201,))
        data = client.insist("/v1/auth/login", {"email": email, "password": PASSWORD}, (200,))
        tokens[number] = data["refreshToken"]
    workers = [
        threading.Thread(target=work, args=(number, world, ledger, stop, tokens))
        for number in range(WORKERS)]
    [one.start() for one in workers]
    time.sleep(5)
    say(ledger, "load on three servers")

    os.kill(world.servers[0].pid, signal.SIGKILL)
    time.sleep(5)
    say(ledger, "after kill -9 of a server")
    world.start_server(0)
    wait("the server that was killed", lambda: world.is_ready(0))
    time.sleep(2)

    pause(world, ledger)

    dead = world.primary()
    dead.kill()
    killed = time.monotonic()
    other = next(one for one in world.databases.values() if one is not dead)
    wait("a new primary", other.is_primary, 60)
    promoted = time.monotonic()
    wait("an acknowledged change", lambda: ledger.acknowledged_at > promoted, 60)
    back = ledger.acknowledged_at - promoted
    wait("all servers", lambda: all(world.is_ready(at) for at in range(3)), 60)
    ready = time.monotonic() - promoted
    print(f"promotion {promoted - killed:.1f} s after kill -9 of the primary; a change was acknowledged "
          f"{back:.1f} s after it, all servers were ready after {ready:.1f} s")
    if back > BACK_WITHIN:
        ledger.fail(f"it took {back:.1f} s after the promotion")
    time.sleep(3)
    say(ledger, "after kill -9 of the primary")

    # A newer server adds to the schema. The older ones go on, and start again on the newer schema.
    before = ledger.statuses.copy()
    change_schema(world, f"""
        lock table {writing(world)} in exclusive mode;
        create table devices (id text primary key, account_id text not null references accounts (id));
        alter table accounts add column nickname text;
        alter table sessions add column device_id text;
        create index sessions_device on sessions (device_id);
        update authd_schema set version = version + 1;
    """)
    time.sleep(3)
    unavailable = (ledger.statuses - before)[503]
    print(f"while and after a newer server added to the schema: {dict(ledger.statuses - before)}")
    if unavailable or not all(world.is_ready(at) for at in range(3)):
        ledger.fail("servers did not go on beside an addition to the schema")

    before = ledger.statuses.copy()
    for at in range(3):
        world.servers[at].send_signal(signal.SIGTERM)
        if world.servers[at].wait(30) != 0:
            ledger.fail("a server did not end normally")
        world.start_server(at)
        wait(f"authd-{at}", lambda: world.is_ready(at))
        time.sleep(2)
    say(ledger, "after a rolling restart")
    print(f"during it: {dict(ledger.statuses - before)}")
    stop.set()
    [one.join() for one in workers]

    # The ledger.
    for email in ledger.signed_up:
        if client.insist("/v1/auth/login", {"email": email, "password": PASSWORD}, (200,)) is None:
            ledger.fail(f"{email} was acknowledged and is lost")
    for number in range(WORKERS):
        if client.insist("/v1/auth/refresh", {"refreshToken": tokens[number]}, (200,)) is None:
            ledger.fail(f"the session of worker {number} is lost")
    print(f"{len(ledger.signed_up)} acknowledged sign-ups and {WORKERS} sessions: all there; "
          f"slowest answer {ledger.longest:.1f} s")
    outlive(world, ledger, client)
    unexpected = {one for one in ledger.statuses if one not in (200, 201, 503)}
    if unexpected:
        ledger.fail(f"statuses {unexpected}")
    for why in sorted(set(ledger.broken)):
        print(f"BROKEN: {why} ({ledger.broken.count(why)} times)")
    return 1 if ledger.broken else 0


def leader(world):
    """The number of the server that acts for all."""
    rows = world.query("select n.name from authd_nodes n join authd_schema s on s.server = n.id")
    processes = [int(name.rsplit("/", 1)[1]) for (name,) in rows]
    found = [at for at in range(3) if world.servers[at].pid in processes]
    return found[0] if found else None


def pause(world, ledger):
    """The server that acts for all stops for so long that the others go on without it, and comes back."""
    wait("one that acts for all", lambda: leader(world) is not None)
    at = leader(world)
    world.servers[at].send_signal(signal.SIGSTOP)
    wait("another one that acts for all", lambda: leader(world) not in (None, at), 30)
    world.servers[at].send_signal(signal.SIGCONT)
    wait("the one that was paused", lambda: world.is_ready(at))
    time.sleep(3)
    if leader(world) in (None, at):
        ledger.fail("the server that was paused acts for all again")
    say(ledger, "after a pause of the server that acts for all")


def writing(world):
    return world.query("select relname::text from pg_class where relname like 'authd_writing_%' and relkind = 'r'")[0][0]


def change_schema(world, sql):
    """In one transaction, as a server applies a step, again if a reader was in the way."""
    connection = world.primary().connect("authd")
    for attempt in range(5):
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("set local lock_timeout = '2s'; update authd_schema set beat = beat + 1;" + sql)
            return connection.close()
        except (psycopg2.errors.DeadlockDetected, psycopg2.errors.LockNotAvailable) as error:
            print(f"again: {error}")
    raise SystemExit("FAILED: the schema was not changed")


def outlive(world, ledger, client):
    """A step that older servers would not survive: from it on they change nothing, and say so."""
    change_schema(world, f"""
        lock table {writing(world)} in exclusive mode;
        alter table accounts rename column email to address;
        update authd_schema set oldest = version + 1;
        alter table {writing(world)} rename to authd_writing_1000;
        update authd_schema set version = version + 1;
    """)
    counts = "select (select count(*) from accounts), (select count(*) from sessions)"
    before = world.query(counts)
    statuses = set()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for at in range(3):
            email = f"late{len(statuses)}@example.com"
            body = {"email": email, "password": PASSWORD}
            statuses.add(client.post("/v1/auth/register", body, world.ports[at])[0])
    print(f"after a step that is more than an addition, servers answer with {statuses}")
    if statuses != {503} or world.query(counts) != before:
        ledger.fail("a server went on with a schema that it does not know")
    if any(world.is_ready(at) for at in range(3)):
        ledger.fail("a server is ready that does not know the schema")
    world.servers[0].kill()
    world.servers[0].wait()
    world.start_server(0)
    if world.servers[0].wait(30) != 1:
        ledger.fail("a server starts that does not know the schema")


def say(ledger, when):
    print(f"{when}: {dict(ledger.statuses)}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
