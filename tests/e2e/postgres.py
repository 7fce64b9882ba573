"""A PostgreSQL server of a test's own, by Debian's programs: on a loopback address, with TLS and passwords."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from strangers import fresh_address
from support import descendants, die_with_parent, wait_until

USER, PASSWORD = "fedge", "open/sesame"
IN_URL = "open%2Fsesame"


def find_programs():
    """The folder of the newest server's programs, or None."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


def has_all_users():
    """False in a namespace whose only user is the one who made it."""
    return sum(int(line.split()[2]) for line in open("/proc/self/uid_map", encoding="ascii")) > 1


def is_alive(pid):
    """Also where nobody has noticed yet that it ended: then it is not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Postgres:
    """Root may not run it: it is `postgres` then, or nobody of a namespace of its own."""

    def __init__(self, authority):
        self.programs, self.address, self.server = find_programs(), fresh_address(), None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fedge-postgres-"))
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 and has_all_users() else None
        self.prefix = ["unshare", "--user", "--map-user=70", "--map-group=70"] if os.geteuid() == 0 and not self.user else []
        certificate, key = authority.issue("db.example", self.address)
        self.authority = authority.certificate
        password = self.folder / "password"
        password.write_text(PASSWORD)
        shutil.copy(certificate, self.folder / "server.pem")
        shutil.copy(key, self.folder / "server.key")
        os.chmod(self.folder / "server.key", 0o600)
        if self.user:
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, self.user.pw_uid, self.user.pw_gid)
        self.run("initdb", "-D", self.folder / "data", "-U", USER, "-A", "scram-sha-256", f"--pwfile={password}",
                 "--no-sync", "-E", "UTF8", "--locale=C")
        self.start()

    def _prepare(self):
        if self.user:
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)
        die_with_parent()

    def run(self, program, *arguments):
        done = subprocess.run([*self.prefix, str(self.programs / program), *map(str, arguments)], capture_output=True,
                              text=True, timeout=120, cwd=self.folder, preexec_fn=self._prepare, check=False)
        assert done.returncode == 0, done.stderr

    def start(self):
        options = {"listen_addresses": self.address, "port": 5432, "unix_socket_directories": "", "fsync": "off",
                   "ssl": "on", "ssl_cert_file": self.folder / "server.pem", "ssl_key_file": self.folder / "server.key"}
        with open(self.folder / "log", "ab") as log:
            self.server = subprocess.Popen(
                [*self.prefix, str(self.programs / "postgres"), "-D", str(self.folder / "data"),
                 *(word for name, value in options.items() for word in ("-c", f"{name}={value}"))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, preexec_fn=self._prepare)
        wait_until(self.is_ready, 60, "PostgreSQL is ready")

    def is_ready(self):
        """It listens before it answers: after a crash it has to look at its logs first."""
        return subprocess.run([str(self.programs / "pg_isready"), "-q", "-h", self.address, "-p", "5432"], timeout=60,
                              check=False).returncode == 0

    def stop(self, number=signal.SIGINT):
        """SIGINT: in order, connections are cut; SIGKILL: its other processes notice and end."""
        others = descendants(self.server.pid)
        self.server.send_signal(number)
        self.server.wait(60)
        wait_until(lambda: not any(is_alive(pid) for pid in others), 60, "all of it is gone")

    def freeze(self, number=signal.SIGSTOP):
        """Connections stand, and nobody answers; SIGCONT ends it."""
        for pid in (self.server.pid, *descendants(self.server.pid)):
            os.kill(pid, number)

    def url(self, database="postgres", password=True):
        """With its password, or without."""
        return (f"postgresql://{USER}{':' + IN_URL if password else ''}@{self.address}/{database}"
                f"?sslmode=verify-full&sslrootcert={self.authority}")

    def sql(self, text, database="postgres"):
        """Lines of a query's result."""
        done = subprocess.run([str(self.programs / "psql"), "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text,
                               self.url(database)], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def remove(self):
        if self.server.poll() is None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
