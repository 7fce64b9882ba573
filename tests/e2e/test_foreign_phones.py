"""Phones that others wrote stand where the lab's own telephone stands: they register with cucm by digest, and call and
are called through everything, phone - cucm - vcsc - cms - vcse - Edge - client."""
import hashlib
import json

import pytest
from softphones import Baresip, Linphone, may_mount
from support import Fedge, Lab, wait_until

DOMAIN, USER, PASSWORD = "steven.lab", "2001", "not-in-a-dictionary"
CLIENT = "sip:stejanss@skype.lab"


@pytest.fixture(scope="module")
def lab(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    runner = Fedge(program, folder)
    yield Lab(runner, "healthy", folder / "lab")
    runner.stop_all()


def records(lab, host, kind):
    lines = (lab.folder / f"{host}.json").read_text(errors="replace").splitlines()
    return [r for r in (json.loads(line) for line in lines if line.endswith("}")) if r["kind"] == kind]


def md5_secret(user, password):
    return hashlib.md5(f"{user}:{DOMAIN}:{password}".encode()).hexdigest()


def give_user(lab, account, everybody_md5=False):
    """cucm knows one more user. everybody_md5: nobody has another secret, so nothing but MD5 is offered."""
    path = lab.folder / "cucm.yaml"
    text = path.read_text()
    head, _, rest = text.partition("users:\n")
    rest = rest[rest.index("zones:"):]
    own = (lab.folder / "phone.password").read_text().strip()
    own = f"secret_md5: {md5_secret('2000', own)}" if everybody_md5 else "password_file: phone.password"
    path.write_text(f'{head}users:\n  - {{username: "2000", {own}}}\n  - {{username: "{USER}", {account}}}\n{rest}')
    done = lab.fedge.run("config", "reload", "-s", "cucm.sock", cwd=lab.folder)
    assert done.returncode == 0, done.stderr


def baresip(lab):
    """1.0 knows MD5 alone, and gives up where it reads of anything else."""
    give_user(lab, f"secret_md5: {md5_secret(USER, PASSWORD)}", everybody_md5=True)
    server = f"{lab.host('cucm.steven.lab')['address']}:5060;transport=tcp"
    return Baresip(lab.fedge, "baresip", "127.48.54.21",
                   f'<sip:{USER}@{DOMAIN};transport=tcp>;auth_user={USER};auth_pass={PASSWORD};regint=600;'
                   f'answermode=auto;audio_codecs=pcmu;outbound="sip:{server}"', ":".join(map(str, lab.resolver)))


def linphone(lab):
    if not may_mount():
        pytest.skip("no program may have an /etc/resolv.conf of its own here")
    if lab.resolver[1] != 53:
        pytest.skip("linphonec asks port 53 alone")
    give_user(lab, f"password: {PASSWORD}")
    server = f"sip:{lab.host('cucm.steven.lab')['address']};transport=tcp"
    return Linphone(lab.fedge, "linphone", server, USER, DOMAIN, PASSWORD, lab.resolver[0])


AGENTS = {baresip: "baresip", linphone: "Linphonec"}


@pytest.fixture(scope="module", params=AGENTS, ids=lambda phone: phone.__name__)
def phone(request, lab):
    """A phone that has registered."""
    made = request.param(lab)
    made.agent = AGENTS[request.param]
    made.registered = wait_until(lambda: [r for r in records(lab, "cucm", "registration") if r["event"] == "accepted"
                                          and r.get("agent", "").startswith(made.agent)], 30, "it registers")[0]
    yield made
    made.close()


def test_it_registers_with_digest(lab, phone):
    assert (phone.registered["alias"], phone.registered["user"]) == (f"{USER}@{DOMAIN}", USER)
    asked = [r["bytes"] for r in records(lab, "cucm", "message") if r.get("remote") == phone.registered["remote"]
             and r["direction"] == "received" and r["bytes"].startswith("REGISTER ")]
    assert "Authorization:" not in asked[0] and "Authorization: Digest" in asked[1].replace("  ", " ")


def requests(lab, host, call, direction=None):
    """The methods of a call's requests that passed there."""
    texts = [r["bytes"] for r in records(lab, host, "message")
             if direction in (None, r["direction"]) and f"Call-ID: {call}\r\n" in r["bytes"]]
    return {text.split(" ", 1)[0] for text in texts if not text.startswith("SIP/")}


def new_call(lab, host, known):
    """The Call-ID of an INVITE that came there since `known` was looked up."""
    return wait_until(lambda: [c for c in calls(lab, host) if c not in known], 20, f"a call comes to {host}")[0]


def calls(lab, host):
    texts = [r["bytes"] for r in records(lab, host, "message")
             if r["direction"] == "received" and r["bytes"].startswith("INVITE ")]
    return list(dict.fromkeys(text.partition("Call-ID: ")[2].partition("\r\n")[0] for text in texts))


def was_everywhere(lab, near, far):
    """INVITE, ACK and BYE of both halves of the call came by every host between: near is the half inside of cms."""
    whole = {"INVITE", "ACK", "BYE"}
    for call, hosts in ((near, ("cucm", "vcsc", "cms")), (far, ("cms", "vcsc", "vcse", "sfvedge", "stejanss"))):
        for host in hosts:
            wait_until(lambda: requests(lab, host, call) >= whole, 20, f"{host} has had {whole} of {call}")


def test_it_calls_out(lab, phone):
    """The client answers; the phone hangs up."""
    known = {host: calls(lab, host) for host in ("cucm", "stejanss")}
    phone.dial(CLIENT)
    phone.await_established()
    near, far = (new_call(lab, host, known[host]) for host in ("cucm", "stejanss"))
    wait_until(lambda: "ACK" in requests(lab, "stejanss", far, "received"), 20, "the client gets its ACK")
    phone.hang_up()
    phone.await_closed()
    wait_until(lambda: "BYE" in requests(lab, "stejanss", far, "received"), 20, "the client is told of the end")
    was_everywhere(lab, near, far)
    invites = [r["bytes"] for r in records(lab, "cucm", "message")
               if r["direction"] == "received" and r["bytes"].startswith("INVITE ") and near in r["bytes"]]
    assert "Proxy-Authorization:" not in invites[0] and "Proxy-Authorization:" in invites[-1]
    seen = next(r["bytes"] for r in records(lab, "stejanss", "message") if far in r["bytes"])
    assert f"From: <sip:{USER}@acano.{DOMAIN}>" in seen, "the meeting server shows it by the domain of its users"


@pytest.mark.parametrize("ends", ["the client", "the phone"])
def test_it_is_called(lab, phone, ends):
    known = {host: calls(lab, host) for host in ("cucm", "vcse")}
    arguments = next(c["arguments"] for c in lab.document["calls"] if c["direction"] == "inbound")
    arguments = [f"sip:{USER}@acano.{DOMAIN}" if a == "sip:meet@cms.steven.lab" else a for a in arguments]
    arguments[arguments.index("--duration") + 1] = "1" if ends == "the client" else "20"
    calling = lab.fedge.start(*arguments, ready=False, cwd=lab.folder, name=f"client-{phone.agent}-{ends[-5:]}")
    near, far = (new_call(lab, host, known[host]) for host in ("cucm", "vcse"))
    phone.await_established()
    wait_until(lambda: "ACK" in requests(lab, "cucm", near, "sent"), 20, "the phone gets its ACK")
    if ends == "the phone":
        phone.hang_up()
    phone.await_closed()
    assert calling.wait(30) == 0, calling.text()
    told = json.loads(calling.text().strip().splitlines()[-1])
    assert (told["status"], told["ended_by"]) == (200, "us" if ends == "the client" else "peer")
    was_everywhere(lab, near, far)
