"""TLS servers that others wrote, for fedge to look at: `openssl s_server`, nginx, stunnel, Kamailio; and certificates
of every kind for them to show. Each listens on loopback addresses of its own, port 5061.

Certificates are made by the openssl command, under faketime where a date has to be another one.
"""
import pathlib
import socket
import subprocess
import threading

from strangers import fresh_address, is_bound
from support import die_with_parent, wait_until

PORT = 5061
NGINX, STUNNEL, KAMAILIO = "/usr/sbin/nginx", "/usr/bin/stunnel4", "/usr/sbin/kamailio"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


def openssl(*arguments, when=None):
    """when: faketime's words for the present, "-400d"."""
    faked = ("faketime", "-f", when) if when else ()
    done = subprocess.run([*faked, "openssl", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, preexec_fn=die_with_parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Pair:
    """A certificate with what is to be sent behind it, and its key, as files."""

    def __init__(self, chain, key, leaf=None):
        self.chain, self.key, self.leaf = pathlib.Path(chain), pathlib.Path(key), pathlib.Path(leaf or chain)


class Pki:
    """A root that is trusted, an intermediate under it, and a stranger's root that nobody trusts."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.root = self._authority("root", "Federation Root")
        self.stranger = self._authority("stranger", "Stranger Root")
        self.intermediate = self._intermediate()

    def path(self, name):
        return self.folder / name

    def _authority(self, name, common_name):
        key, certificate = self.path(f"{name}.key"), self.path(f"{name}.pem")
        openssl("req", "-x509", *CURVE, "-nodes", "-days", "3650", "-subj", f"/CN={common_name}", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign", "-keyout", key, "-out", certificate, when="-1000d")
        return Pair(certificate, key)

    def _sign(self, name, subject, extensions, issuer, new_key=CURVE, days=90, digest="sha256", when=None):
        key, request = self.path(f"{name}.key"), self.path(f"{name}.csr")
        certificate, listed = self.path(f"{name}.crt"), self.path(f"{name}.ext")
        listed.write_text("\n".join(extensions) + "\n")
        openssl("req", "-new", *new_key, "-nodes", "-subj", subject, "-keyout", key, "-out", request)
        serial = 1 + len(list(self.folder.glob("*.crt")))
        openssl("x509", "-req", "-in", request, "-CA", issuer.chain, "-CAkey", issuer.key, "-set_serial", serial,
                "-days", days, f"-{digest}", "-extfile", listed, "-out", certificate, when=when)
        return certificate, key

    def _intermediate(self):
        certificate, key = self._sign("intermediate", "/CN=Federation Intermediate",
                                      ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"],
                                      self.root, days=3000, when="-900d")
        return Pair(certificate, key)

    def issue(self, name, common_name, names=None, usage="serverAuth,clientAuth", issuer=None, alone=False, more=(),
              **how):
        """names None: the common name alone in the SAN; (): no SAN at all. alone: without the intermediate."""
        names = [f"DNS:{common_name}"] if names is None else [n if ":" in n else f"DNS:{n}" for n in names]
        extensions = ["basicConstraints=CA:FALSE", *more]
        extensions += [f"subjectAltName={','.join(names)}"] if names else []
        extensions += [f"extendedKeyUsage={usage}"] if usage else []
        certificate, key = self._sign(name, f"/CN={common_name}", extensions, issuer or self.intermediate, **how)
        chain = self.path(f"{name}.chain.pem")
        behind = "" if alone or issuer else self.intermediate.chain.read_text()
        chain.write_text(certificate.read_text() + behind)
        return Pair(chain, key, certificate)

    def self_signed(self, name, common_name):
        key, certificate = self.path(f"{name}.key"), self.path(f"{name}.pem")
        openssl("req", "-x509", *CURVE, "-nodes", "-days", "90", "-subj", f"/CN={common_name}", "-addext",
                f"subjectAltName=DNS:{common_name}", "-keyout", key, "-out", certificate)
        return Pair(certificate, key)


class Place:
    """One server socket: where it is, what it shows, what it asks of callers.

    versions: "1.2", "1.2 1.3", …; None: what the program does by itself. asks: None, "request" or "require" a
    certificate; whose: the authority it must come from.
    """

    def __init__(self, pair, versions=None, asks=None, whose=None, weak=False):
        self.pair, self.versions, self.asks, self.whose, self.weak = pair, versions, asks, whose, weak
        self.address = fresh_address()


def await_bound(process, places, what):
    def ready():
        assert process.is_alive(), f"{what} ended: {process.text()[-3000:]}"
        return all(is_bound(place.address, PORT) for place in places)
    wait_until(ready, 20, f"{what} listens")


class Sink:
    """What stands behind those who only take TLS off: takes connections and bytes, and says nothing."""

    def __init__(self):
        self.address = fresh_address()
        self.listener = socket.create_server((self.address, 5060), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def behind(self):
        return f"{self.address}:5060"

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    @staticmethod
    def _hold(connection):
        with connection:
            connection.settimeout(20)
            try:
                while connection.recv(4096):
                    pass
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


# ---- nginx: one process for all ----


def nginx_server(place, behind):
    lines = [f"listen {place.address}:{PORT} ssl;", f"ssl_certificate {place.pair.chain};",
             f"ssl_certificate_key {place.pair.key};", f"proxy_pass {behind};"]
    if place.versions:
        lines.append("ssl_protocols " + " ".join("TLSv" + v.removesuffix(".0") for v in place.versions.split()) + ";")
    if place.weak:
        lines.append("ssl_ciphers DEFAULT@SECLEVEL=0;")
    if place.asks:
        lines.append(f"ssl_verify_client {'on' if place.asks == 'require' else 'optional'};")
        lines.append(f"ssl_client_certificate {place.whose};\nssl_verify_depth 3;")
    return "server {\n" + "\n".join(lines) + "\n}\n"


def start_nginx(fedge, places, behind):
    folder = fedge.folder / "nginx"
    folder.mkdir()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off;\nworker_processes 1;\n"
        f"pid {folder}/pid;\nerror_log {folder}/error.log info;\nevents {{}}\nstream {{\n"
        + "".join(nginx_server(place, behind) for place in places) + "}\n")
    process = fedge.start_other(NGINX, "-e", folder / "error.log", "-p", folder, "-c", configuration, name="nginx")
    await_bound(process, places, "nginx")
    return process


# ---- stunnel: one process for all ----


def stunnel_service(number, place, behind):
    lines = [f"[place{number}]", f"accept = {place.address}:{PORT}", f"connect = {behind}",
             f"cert = {place.pair.chain}", f"key = {place.pair.key}"]
    if place.versions:
        versions = place.versions.split()
        lines += [f"sslVersionMin = TLSv{versions[0]}", f"sslVersionMax = TLSv{versions[-1]}"]
    if place.asks:
        lines += [f"CAfile = {place.whose}", "verifyChain = yes" if place.asks == "require" else "verify = 1"]
    return "\n".join(lines) + "\n"


def start_stunnel(fedge, places, behind):
    configuration = fedge.folder / "stunnel.conf"
    configuration.write_text("foreground = yes\npid =\nsyslog = no\ndebug = notice\n"
                             + "".join(stunnel_service(i, p, behind) for i, p in enumerate(places)))
    process = fedge.start_other(STUNNEL, configuration, name="stunnel")
    await_bound(process, places, "stunnel")
    return process


# ---- openssl s_server: one process each ----


def start_s_server(fedge, place, name, *more, when=None):
    """when: faketime's words for the server's present."""
    arguments = ["openssl", "s_server", "-accept", f"{place.address}:{PORT}", "-cert", place.pair.leaf, "-cert_chain",
                 place.pair.chain, "-key", place.pair.key, "-rev", *more]
    if place.pair.leaf != place.pair.chain:
        arguments[arguments.index("-cert_chain") + 1] = behind_leaf(place.pair)
    else:
        del arguments[arguments.index("-cert_chain"):arguments.index("-cert_chain") + 2]
    if place.versions:
        arguments.append("-tls" + place.versions.removesuffix(".0").replace(".", "_"))
    if place.weak:
        arguments += ["-cipher", "DEFAULT@SECLEVEL=0"]
    if place.asks:
        arguments += ["-Verify" if place.asks == "require" else "-verify", "3", "-CAfile", place.whose]
        arguments += ["-verify_return_error"] if place.asks == "require" else []
    process = fedge.start_other(*(("faketime", "-f", when) if when else ()), *arguments, name=name)
    await_bound(process, [place], name)
    return process


def behind_leaf(pair):
    """What is sent after the leaf, in a file of its own; openssl would send the leaf twice."""
    path = pair.chain.with_suffix(".behind")
    path.write_text(pair.chain.read_text().removeprefix(pair.leaf.read_text()))
    return path


# ---- Kamailio: one process for all; it answers OPTIONS ----

KAMAILIO_CONFIGURATION = """\
debug=1
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
disable_tcp=no
mpath="{modules}"
enable_tls=yes
dns_srv_lb=no
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "tls.so"
modparam("tls", "config", "{folder}/tls.cfg")
request_route {{
    if (is_method("OPTIONS"))
        sl_send_reply("200", "OK");
    else
        sl_send_reply("405", "Method Not Allowed");
}}
"""


def kamailio_server(place):
    lines = [f"[server:{place.address}:{PORT}]", "method = TLSv1.2+", f"certificate = {place.pair.chain}",
             f"private_key = {place.pair.key}",
             f"verify_certificate = {'yes' if place.asks else 'no'}",
             f"require_certificate = {'yes' if place.asks == 'require' else 'no'}"]
    lines += [f"ca_list = {place.whose}"] if place.asks else []
    return "\n".join(lines) + "\n"


def kamailio_modules():
    listed = subprocess.run(["dpkg", "-L", "kamailio"], capture_output=True, text=True, check=True).stdout
    return next(line.rsplit("/", 1)[0] for line in listed.splitlines() if line.endswith("/tm.so"))


def start_kamailio(fedge, places):
    folder = fedge.folder / "kamailio"
    folder.mkdir()
    default = places[0]
    (folder / "tls.cfg").write_text(
        f"[server:default]\nmethod = TLSv1.2+\ncertificate = {default.pair.chain}\nprivate_key = {default.pair.key}\n"
        f"verify_certificate = no\nrequire_certificate = no\n" + "".join(map(kamailio_server, places)))
    text = KAMAILIO_CONFIGURATION.format(modules=kamailio_modules(), folder=folder)
    listens = "".join(f"listen=tls:{place.address}:{PORT}\n" for place in places)
    (folder / "kamailio.cfg").write_text(text.replace("enable_tls=yes\n", "enable_tls=yes\n" + listens))
    process = fedge.start_other(KAMAILIO, "-DD", "-E", "-f", folder / "kamailio.cfg", "-m", "32", "-M", "4", "-w",
                                folder, "-Y", folder, name="kamailio")
    await_bound(process, places, "Kamailio")
    return process
