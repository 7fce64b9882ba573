"""The registrar: who may register and call, what is kept, and everybody who only pretends."""
import hashlib
import re

import pytest
from ladder import receive, request
from phones import DOMAIN, Phone, challenges, credentials
from strangers import Node, Wire, caller, context_for, fedge, fresh_address, message  # noqa: F401
from support import wait_until

USERS = """users:
  - {username: "2000", password: secret, aliases: ["2000@steven.lab", "steven@steven.lab"]}
  - {username: "2001", password: other}
  - {username: anna, secret_md5: "%s"}
"""
LOCAL = "  - {name: LocalZone, kind: local}\n"


def secret(user, password):
    return hashlib.md5(f"{user}:{DOMAIN}:{password}".encode()).hexdigest()


def registrar(fedge, settings="", name="registrar", neighbors=None, rules=None, more="", users=None, **other):
    return Node(fedge, neighbors or {}, name=name, zones=LOCAL,
                rules=rules or "  - {name: phones, mode: any, target: LocalZone}",
                more=f"domains: [{DOMAIN}]\nregistrar: {{domains: [{DOMAIN}]{settings}}}\n"
                + (users or USERS % secret("anna", "pass")) + more, **other)


@pytest.fixture
def node(fedge):
    return registrar(fedge)


def events(node, *kinds):
    return [r for r in node.journal("registration") if not kinds or r["event"] in kinds]


# ---- REGISTER ----


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_registers_refreshes_and_leaves(node, protocol, algorithm):
    with Phone(node, protocol=protocol, algorithm=algorithm) as phone:
        answer = phone.register("User-Agent: Test 1.0", "Expires: 600")
        assert answer.status == 200
        assert answer.get("Contact") == f"<{phone.contact}>;expires=600"
        assert answer.get("Service-Route").startswith(f"<sip:{node.host}")
        again = phone.register("Expires: 300")  # the same nonce, the next count
        assert again.status == 200 and again.get("Contact").endswith(";expires=300")
        fetched = phone.register(contact="")
        assert fetched.get("Contact").startswith(f"<{phone.contact}>")
        gone = phone.register("Expires: 0")
        assert gone.status == 200 and gone.get("Contact") is None
    seen = wait_until(lambda: events(node)[2:] and events(node), of="the registration is recorded")
    assert [r["event"] for r in seen] == ["accepted", "refreshed", "removed"]
    assert seen[0]["alias"] == f"2000@{DOMAIN}" and seen[0]["user"] == "2000" and seen[0]["agent"] == "Test 1.0"


def test_both_algorithms_are_offered(node):
    with Phone(node) as phone:
        answer = phone.plain()
        assert answer.status == 401
        assert list(challenges(answer)) == ["MD5", "SHA-256"]
        assert all(c["qop"] == "auth" and "stale" not in c for c in challenges(answer).values())


def test_several_contacts_and_their_order(node):
    with Phone(node) as phone:
        answer = phone.register(contact="Contact: <sip:a@127.0.0.2>;q=0.2, <sip:b@127.0.0.3>;q=0.9;video")
        assert answer.get("Contact") == ("<sip:b@127.0.0.3>;video;expires=3600;q=0.900, "
                                         "<sip:a@127.0.0.2>;expires=3600;q=0.200")
        assert phone.register("Expires: 0", contact="Contact: *").get("Contact") is None


def test_what_a_register_may_not_ask(node):
    with Phone(node) as phone:
        brief = phone.register("Expires: 5")
        assert (brief.status, brief.get("Min-Expires")) == (423, "60")
        assert phone.register(contact="Contact: *").status == 400
        assert phone.register(contact=f"Contact: <{phone.contact}?Route=%3Csip:elsewhere.example%3E>").status == 400
        unknown = phone.register("Require: path, magic")
        assert (unknown.status, unknown.get("Unsupported")) == (420, "magic")
        assert phone.register().status == 200
        assert phone.register(cseq=1).status == 500  # older than the last one
    with Phone(node, alias="2000@other.lab") as phone:
        assert phone.plain().status == 401  # the Request-URI is ours
        assert phone.register().status == 404


def test_contacts_of_one_address_have_a_maximum(fedge):
    node = registrar(fedge, ", contacts: 2, bindings: 3")
    with Phone(node) as phone, Phone(node, "2001", "other") as other:
        assert phone.register(contact="Contact: <sip:a@127.0.0.2>, <sip:a@127.0.0.3>").status == 200
        assert phone.register(contact="Contact: <sip:a@127.0.0.4>").status == 403
        assert other.register(contact="Contact: <sip:a@127.0.0.2>").status == 200
        full = other.register(contact="Contact: <sip:a@127.0.0.3>")
        assert full.status == 503 and full.get("Retry-After")
    wait_until(lambda: events(node, "rejected")[1:], of="rejections are recorded")
    assert [r["status"] for r in events(node, "rejected")] == [403, 503]


def test_outbound_and_gruu(node):
    instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'
    with Phone(node, protocol="tcp") as phone:
        contact = f"Contact: <{phone.contact}>;reg-id=1;{instance}"
        answer = phone.register("Supported: path, outbound, gruu", contact=contact)
        assert answer.get("Require") == "outbound" and answer.get("Flow-Timer")
        assert f'pub-gruu="sip:2000@{DOMAIN};gr=urn:uuid:00000000-0000-1000-8000-000A95A0E128"' in answer.get("Contact")
        assert 'temp-gruu="sip:tgruu.' in answer.get("Contact")


def test_nobody_registers_somebody_elses_address(fedge):
    """Neither a Path nor a name that leads there: calls go to where the phone is, and to nobody whom it names."""
    victim = fresh_address()
    node = registrar(fedge, neighbors={"core": ("udp", [f"{victim}:5060"], "monitor: no")})
    with Wire(node.address, "udp", local=victim, local_port=5060) as core, Phone(node, "2001", "other") as phone:
        for path in (f"<sip:{victim}:5060;lr>", f"<sip:{node.host};lr>, <sip:{victim}:5060;lr>"):
            assert phone.register("Supported: path", f"Path: {path}", contact="Contact: <sip:0900@core.example>") \
                .status == 403
        for contact in ("sip:0900@localhost:5060", f"sip:0900@{victim}:5060"):
            assert phone.register(contact=f"Contact: <{contact}>").status == 200
            with Phone(node) as caller:
                uri = f"sip:2001@{DOMAIN}"
                proof = credentials(challenges(caller.ask("MESSAGE", uri, proves=False))["MD5"], "MESSAGE", uri)
                caller.wire.send(message(caller.wire, "MESSAGE", uri, caller=caller.aor,
                                         extra=(f"Proxy-Authorization: {proof}",)))
                assert phone.wire.read().first.split()[1] == contact
            assert phone.register("Expires: 0", contact="Contact: *").status == 200
        # A neighbor speaks for others, and may say what lies between.
        core.send(message(core, "REGISTER", f"sip:{DOMAIN}", phone.aor, phone.aor,
                          extra=("Supported: path", f"Path: <sip:{victim}:5060;lr>")))
        assert core.answer().get("Path") == f"<sip:{victim}:5060;lr>"


def test_a_gruu_leads_to_one_phone(node):
    """Two phones of one user: each GRUU, also the one that hides whose it is, reaches the phone it was given to."""
    with Phone(node) as phone, Phone(node, "2001", "other") as one, Phone(node, "2001", "other") as two:
        assert phone.register().status == 200
        gruus = {}
        for number, other in enumerate((one, two)):
            answer = other.register("Supported: gruu", contact=f"Contact: <{other.contact}>;+sip.instance="
                                    f'"<urn:uuid:00000000-0000-1000-8000-00000000000{number}>"')
            gruus[other] = [re.search(f'{kind}-gruu="([^"]*)"', value).group(1) for kind in ("pub", "temp")
                            for value in answer.get("Contact").split(", ") if value.startswith(f"<{other.contact}>")]
        for other, (public, temporary) in gruus.items():
            for uri in (public, temporary):
                asked = phone.ask("MESSAGE", uri, proves=False)
                proof = credentials(challenges(asked)["MD5"], "MESSAGE", uri)
                phone.wire.send(message(phone.wire, "MESSAGE", uri, caller=phone.aor,
                                        extra=(f"Proxy-Authorization: {proof}",)))
                seen = other.wire.read()
                assert seen.first.split()[1] == other.contact
                other.wire.send("\r\n".join(["SIP/2.0 200 OK", *(f"Via: {v}" for v in seen.all("Via")),
                                              f"From: {seen.get('From')}", f"To: {seen.get('To')};tag=x",
                                              f"Call-ID: {seen.get('Call-ID')}", f"CSeq: {seen.get('CSeq')}",
                                              "Content-Length: 0", "", ""]))
                assert phone.wire.answer().status == 200


def test_expired_ones_are_gone_and_told(fedge):
    node = registrar(fedge, ", minimum_expires: 1s")
    with Phone(node) as phone:
        assert phone.register("Expires: 1").status == 200
        told = wait_until(lambda: events(node, "expired"), of="the expiry is recorded")
        assert told[0]["alias"] == f"2000@{DOMAIN}"
        assert phone.register(contact="").get("Contact") is None


# ---- who is believed ----


def test_wrong_passwords_and_unknown_users_look_the_same(node):
    answers = []
    for user, password in (("2000", "wrong"), ("nobody", "secret")):
        with Phone(node, user, password) as phone:
            answers.append(phone.register())
    names = [[k for k, _ in a.headers if k not in ("Via", "To")] for a in answers]
    assert [a.status for a in answers] == [401, 401] and names[0] == names[1]
    assert all("stale" not in c for a in answers for c in challenges(a).values())
    found = wait_until(lambda: [r for r in node.journal("judgement") if r["code"] == "identity-unproved"][1:],
                       of="the failures are recorded")
    assert found


def test_a_count_is_good_once(node):
    with Phone(node) as phone:
        assert phone.register().status == 200
        replayed = phone.plain(f"Authorization: {phone.authorization(count=1)}")
        assert replayed.status == 401 and challenges(replayed)["MD5"]["stale"] == "true"
        phone.challenge, phone.count = challenges(replayed), 0
        assert phone.register().status == 200
    assert wait_until(lambda: [r for r in node.journal("judgement") if r["code"] == "nonce-replayed"])


def test_a_captured_register_is_of_no_use_elsewhere(node):
    """The very bytes of a good REGISTER, from another address: the nonce was not given to it."""
    with Phone(node, local="127.0.0.1") as phone, Wire(node.address, "udp", local="127.0.0.2") as thief:
        assert phone.register().status == 200
        stolen = message(thief, "REGISTER", f"sip:{DOMAIN}", phone.aor, phone.aor, cseq=99,
                         extra=(f"Authorization: {phone.authorization()}",))
        thief.send(stolen)
        assert thief.answer().status == 401


def test_an_old_nonce_is_asked_for_again_and_then_good(fedge):
    node = registrar(fedge, ", nonce: 1s")
    with Phone(node) as phone:
        assert phone.register().status == 200

        def stale():
            answer = phone.plain(f"Authorization: {phone.authorization()}")
            return answer if answer.status == 401 else None

        answer = wait_until(stale, of="the nonce gets old")
        assert challenges(answer)["SHA-256"]["stale"] == "true"
        phone.challenge, phone.count = challenges(answer), 0
        assert phone.register().status == 200


def test_weaker_answers_than_were_offered(node):
    with Phone(node) as phone:
        offered = challenges(phone.plain())
        swapped = {**offered["SHA-256"], "algorithm": "MD5"}
        no_qop = credentials(offered["MD5"], "REGISTER", f"sip:{DOMAIN}", qop=None)
        assert phone.plain(f"Authorization: {credentials(swapped, 'REGISTER', f'sip:{DOMAIN}')}").status == 401
        assert phone.plain(f"Authorization: {no_qop}").status == 401
        other = credentials(offered["MD5"], "REGISTER", "sip:other.lab")
        assert phone.plain(f"Authorization: {other}").status == 400


def test_a_user_with_an_md5_secret_only(node):
    with Phone(node, "anna", "pass", algorithm="MD5") as phone:
        assert phone.register().status == 200
    with Phone(node, "anna", "pass") as phone:
        assert phone.register().status == 401


def test_somebody_elses_address(node):
    with Phone(node, alias=f"steven@{DOMAIN}") as phone:
        assert phone.register().status == 200
    with Phone(node, alias=f"2001@{DOMAIN}") as phone:
        assert phone.register().status == 403
    assert wait_until(lambda: [r for r in node.journal("judgement") if r["code"] == "identity-not-yours"])
    assert wait_until(lambda: events(node, "rejected"))[0]["alias"] == f"2001@{DOMAIN}"


# ---- who may call ----


def test_nobody_calls_without_proof(node):
    """No open relay: whatever is claimed, over whatever, to whomever."""
    for protocol in ("udp", "tcp"):
        with Phone(node, protocol=protocol) as phone:
            for method in ("INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE"):
                assert phone.ask(method, f"sip:2001@{DOMAIN}", proves=False).status == 407
            assert phone.ask("INVITE", "sip:anna@elsewhere.example", proves=False).status == 407
            assert phone.ask("MESSAGE", "sip:anna@elsewhere.example", caller="sip:x@elsewhere.example").status == 403
            assert phone.ask("MESSAGE", f"sip:2001@{DOMAIN}", to_tag="x", proves=False).status == 407
    assert node.counters()["forwarded"] == 0


def test_users_call_as_themselves(node):
    with Phone(node) as phone:
        # Proved, and nobody is there: a user who is not registered, and no user at all.
        assert phone.ask("MESSAGE", f"sip:2001@{DOMAIN}").status == 480
        assert phone.ask("MESSAGE", f"sip:nobody@{DOMAIN}").status == 404
        assert phone.ask("MESSAGE", f"sip:2001@{DOMAIN}", caller=f"sip:steven@{DOMAIN}").status == 480
        assert phone.ask("MESSAGE", f"sip:2001@{DOMAIN}", caller="sip:anonymous@anonymous.invalid").status == 403
        assert phone.ask("MESSAGE", f"sip:2001@{DOMAIN}", caller=f"sip:2001@{DOMAIN}").status == 403


def test_a_registered_phone_may_be_anonymous(node):
    with Phone(node) as phone:
        assert phone.register().status == 200
        assert phone.ask("MESSAGE", f"sip:2001@{DOMAIN}", caller="sip:anonymous@anonymous.invalid").status == 480


def relay(fedge, settings=""):
    """A registrar with a neighbor behind it, whose wire it gives."""
    there = fresh_address()
    neighbors = {"core": ("udp", [f"{there}:5060"], "monitor: no", *([settings] if settings else []))}
    rules = "  - {name: core, mode: any, target: core}"
    node = registrar(fedge, neighbors=neighbors, rules=rules)
    return node, Wire(node.address, "udp", local=there, local_port=5060)


def test_identities_that_nobody_vouches_for(fedge):
    node, core = relay(fedge)
    with core, Phone(node, protocol="tcp") as phone:
        forged = ("P-Asserted-Identity: <sip:boss@steven.lab>", "P-Preferred-Identity: <sip:steven@steven.lab>",
                  "Remote-Party-ID: <sip:boss@steven.lab>;screen=yes")
        answer = phone.ask("MESSAGE", "sip:9@core.example", extra=forged, proves=False)
        proof = credentials(challenges(answer)["MD5"], "MESSAGE", "sip:9@core.example")
        phone.wire.send(message(phone.wire, "MESSAGE", "sip:9@core.example", caller=phone.aor,
                                extra=(*forged, f"Proxy-Authorization: {proof}")))
        seen = core.read()
        assert seen.all("P-Asserted-Identity") == [f"<sip:2000@{DOMAIN}>"]
        for name in ("P-Preferred-Identity", "Remote-Party-ID", "Proxy-Authorization"):
            assert not seen.all(name), name
    assert wait_until(lambda: [r for r in node.journal("judgement") if r["code"] == "identity-not-believed"])


def test_credentials_for_others_go_on_without_ours(fedge):
    node, core = relay(fedge)
    with core, Phone(node, protocol="tcp") as phone:
        uri, name = "sip:9@core.example", "Proxy-Authorization"
        ours = credentials(challenges(phone.ask("MESSAGE", uri, proves=False))["MD5"], "MESSAGE", uri)
        others = [ours.replace(DOMAIN, realm) for realm in ("one.example", "two.example")]
        given = (others[0], ours, others[1])
        phone.wire.send(message(phone.wire, "MESSAGE", uri, caller=phone.aor, extra=[f"{name}: {v}" for v in given]))
        assert core.read().all(name) == others


@pytest.mark.parametrize("trusted", ["yes", "no"])
def test_a_neighbors_word_is_a_setting(fedge, trusted):
    there = fresh_address()
    neighbors = {"from": ("udp", [f"{there}:5060"], "monitor: no", f"trust_identity: {trusted}"),
                 "core": ("udp", [f"{there}:5062"], "monitor: no")}
    node = registrar(fedge, neighbors=neighbors, rules="  - {name: core, mode: any, target: core}")
    with Wire(node.address, "udp", local=there, local_port=5060) as sender, \
            Wire(node.address, "udp", local=there, local_port=5062) as core:
        sender.send(message(sender, "MESSAGE", "sip:9@core.example", extra=("P-Asserted-Identity: <sip:x@y.example>",)))
        assert bool(core.read().all("P-Asserted-Identity")) == (trusted == "yes")


# ---- over a restart ----


def test_registrations_outlive_a_restart(fedge):
    node = registrar(fedge, ", store: bindings.db", more="key_file: registrar.key\n")
    with Phone(node) as phone, Phone(node, "2001", "other") as other:
        assert phone.register("Expires: 600").status == 200
        captured = f"Authorization: {phone.authorization(count=phone.count)}"
        assert other.register().status == 200
        assert other.register("Expires: 0").status == 200
        node.ending()
        node.start()
        # Nobody remembers what was proved by the old nonces, so they prove nothing any more.
        answer = phone.plain(captured)
        assert answer.status == 401 and challenges(answer)["SHA-256"]["stale"] == "true"
        answer = phone.register(contact="")
        assert answer.status == 401
        answer = phone.register(contact="")
        assert answer.get("Contact").startswith(f"<{phone.contact}>;expires=")
        assert int(answer.get("Contact").rpartition("=")[2]) <= 600
        assert node.status()["registrations"]["count"] == 1


def test_a_kill_loses_what_was_not_written_and_no_more(fedge):
    node = registrar(fedge, ", store: bindings.db")
    with Phone(node) as phone:
        assert phone.register().status == 200
        wait_until(lambda: node.status()["registrations"]["batches"], of="it is written down")
        node.process.popen.kill()
        node.process.wait(10)
        node.start()
        phone.register(contact="")
        assert phone.register(contact="").get("Contact").startswith(f"<{phone.contact}>")


@pytest.mark.parametrize("way", ["a reload", "a restart"])
def test_whom_the_configuration_takes_out_is_called_no_more(fedge, way):
    """A user who is gone, and an address that is another's now; in the table and in the file."""
    node = registrar(fedge, ", store: bindings.db")
    steven = f"steven@{DOMAIN}"
    with Phone(node) as phone, Phone(node, "2001", "other") as other, Phone(node, alias=steven) as second:
        for one in (phone, other, second):
            assert one.register().status == 200
        node.file.write_text(node.file.read_text().replace('  - {username: "2001", password: other}\n', "")
                             .replace(f', "{steven}"', ""))
        if way == "a reload":
            node.hang_up()
        else:
            node.ending()
            node.start()
        wait_until(lambda: node.status()["registrations"]["count"] == 1, of="what nobody may have any more is gone")
        removed = wait_until(lambda: events(node, "removed")[1:] and events(node, "removed"), of="it is recorded")
        assert {r["alias"] for r in removed} == {f"2001@{DOMAIN}", steven}
        for alias in (f"2001@{DOMAIN}", steven):
            assert phone.ask("MESSAGE", f"sip:{alias}").status == 404
        phone.register(contact="")  # after a restart another nonce is asked for
        assert phone.register(contact="").get("Contact").startswith(f"<{phone.contact}>")
        node.ending()  # what is left has been written
        node.start()
        assert node.status()["registrations"]["count"] == 1
    assert len(events(node, "removed")) == 2


def test_files_that_are_not_ours_are_refused(fedge):
    (fedge.folder / "bindings.db").write_bytes(b"not a file of ours" * 1000)
    node = registrar(fedge, ", store: bindings.db", start=False)
    done = fedge.run("serve", "-c", node.file, cwd=fedge.folder)
    assert done.returncode == 2 and "bindings.db: it is no SQLite file" in done.stderr


# ---- many ----


def register_by_sipp(count):
    uri = f"sip:{DOMAIN}"
    extra = "Expires: 600"

    def rung(cseq, more=""):
        one = request("REGISTER", cseq=cseq, uri=uri, extra=extra + more)
        text = one.text

        def changed(index, labels):
            return (text(index, labels).replace('"A, B" <sip:caller@caller.example>', f"<sip:[field0]@{DOMAIN}>")
                    .replace("<sip:[service]@callee.example>", f"<sip:[field0]@{DOMAIN}>")
                    .replace("<sip:caller@", "<sip:[field0]@"))

        one.text = changed
        return one

    challenge = receive(401)
    plain = challenge.text
    challenge.text = lambda index, labels: plain(index, labels).replace("<recv ", '<recv auth="true" ')
    return [rung(1), challenge, rung(2, "\n[field1]"), receive(200)]


def test_a_thousand_registrations(fedge):
    """SIPp, each phone its own user, all of one address."""
    count = 1000
    many = "".join(f'  - {{username: "u{i}", password: p{i}}}\n' for i in range(count))
    node = registrar(fedge, ", bindings: 2000, store: bindings.db", more=many)
    table = fedge.folder / "users.csv"
    table.write_text("SEQUENTIAL\n" + "".join(
        f"u{i};[authentication username=u{i} password=p{i}]\n" for i in range(count)))
    sipp = caller(fedge, fresh_address(), node.address, register_by_sipp(count), "phones", calls=count, rate=250,
                  options=("-inf", table, "-auth_uri", DOMAIN))
    sipp.wait()
    assert node.status()["registrations"]["count"] == count
    listed = node.command("status", "--registrations")
    assert listed.returncode == 0 and listed.stdout.count(f"@{DOMAIN}") >= count


def test_a_flood_is_limited_and_others_do_not_notice(node):
    """REGISTER and INVITE for people that do not exist, faster than is allowed; meanwhile a phone registers."""
    with Wire(node.address, "tcp", local="127.0.0.9") as flooder, Phone(node, local="127.0.0.8") as phone:
        statuses = {}
        for method in ("REGISTER", "INVITE"):
            for _ in range(15):
                nobody = f"sip:x@{DOMAIN}"
                flooder.send("".join(message(flooder, method, f"sip:{DOMAIN}", nobody, nobody) for _ in range(100)))
                for _ in range(100):
                    answer = flooder.answer()
                    statuses[answer.status] = statuses.get(answer.status, 0) + 1
        assert set(statuses) == {401, 407, 503} and statuses[503] > 100
        assert phone.register().status == 200
    node.ending()  # the log is whole
    assert 10 <= len([r for r in node.journal("judgement") if r["code"] == "registration-flood"]) <= 20
    assert not node.journal("search")
    assert 10 <= len(node.journal("call")) <= 20


def test_nobody_uses_up_what_others_at_an_address_may_ask(node):
    """Datagrams with another's address on them, more than are answered: his phones come through all the same."""
    false = {"realm": DOMAIN, "nonce": "0" * 41, "algorithm": "MD5"}
    with Wire(node.address, "udp", local="127.0.0.7") as flooder, Phone(node, local="127.0.0.7") as phone:
        proof = credentials(false, "REGISTER", f"sip:{DOMAIN}")
        statuses = set()
        for number in range(80):
            extra = (f"Authorization: {proof}",) if number % 2 else ()
            for _ in range(50):
                flooder.send(message(flooder, "REGISTER", f"sip:{DOMAIN}", phone.aor, phone.aor, extra=extra))
            statuses |= {flooder.answer().status for _ in range(50)}
        assert statuses == {401, 503}
        assert phone.register().status == 200


def test_guessing_is_slow(node):
    with Phone(node, password="wrong", protocol="tcp") as phone:
        answers = [phone.register().status for _ in range(300)]
    assert answers.count(401) < 200 and answers[-1] == 503
    node.ending()  # the log is whole
    assert 10 <= len([r for r in node.journal("judgement") if r["code"] == "identity-unproved"]) <= 20


def test_guessing_is_slow_for_phones_too(node):
    """Who has a password guesses at another's, from where he registered; his own goes on being good."""
    with Phone(node, protocol="tcp") as phone, Phone(node, local="127.0.0.8") as other:
        assert phone.register().status == 200 and other.register().status == 200
        asked = challenges(phone.plain())["MD5"]
        for number in range(300):
            guess = credentials(asked, "REGISTER", f"sip:{DOMAIN}", "2001", f"p{number}", count=number + 1)
            answer = phone.plain(f"Authorization: {guess}")
        assert answer.status == 503
        assert other.register().status == 200


# ---- a phone that others wrote ----

BARESIP = """\
sip_listen {address}:5060
net_interface {address}
rtp_ports 20000-20100
audio_source aubridge,nobody
audio_player aubridge,nobody
audio_alert aubridge,nobody
module_path /usr/lib/baresip/modules
module g711.so
module aubridge.so
module_tmp account.so
module_app menu.so
"""


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_baresip_registers_and_is_called(fedge, protocol):
    """baresip 1.0 knows MD5 alone and gives up where it reads of anything else: users with MD5 secrets alone."""
    address, folder = fresh_address(), fedge.folder / "baresip"
    node = registrar(fedge, users="users:\n" + "".join(
        f'  - {{username: "{u}", secret_md5: {secret(u, p)}}}\n' for u, p in (("2000", "secret"), ("2001", "other"))))
    folder.mkdir()
    (folder / "config").write_text(BARESIP.format(address=address))
    (folder / "contacts").write_text("")
    (folder / "accounts").write_text(
        f'<sip:2001@{DOMAIN};transport={protocol}>;auth_user=2001;auth_pass=other;regint=600;answermode=auto;'
        f'audio_codecs=pcmu;outbound="sip:{node.address}:5060;transport={protocol}"\n')
    fedge.start_other("baresip", "-s", "-f", folder, name="baresip", cwd=folder)
    accepted = wait_until(lambda: events(node, "accepted"), of="baresip registers")
    assert accepted[0]["alias"] == f"2001@{DOMAIN}" and accepted[0]["agent"].startswith("baresip")
    with Phone(node, algorithm="MD5") as phone:
        assert phone.register().status == 200
        called = phone.ask("OPTIONS", f"sip:2001@{DOMAIN}")
        assert called.status == 200 and called.get("Allow")


# ---- calls ----


def conversation(phone, other):
    """A call from one registered phone to another: INVITE, 200, ACK, a BYE of whoever was called."""
    uri = other.aor
    call = {"call_id": f"call-{phone.wire.local[1]}@{phone.wire.local[0]}", "from_tag": "a"}
    offer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    more = {**call, "body": offer, "kind": "application/sdp", "caller": phone.aor}
    asked = phone.wire.ask("INVITE", uri, branch="z9hG4bKone" + call["call_id"], **more)
    assert asked.status == 407
    proof = credentials(challenges(asked)["MD5"], "INVITE", uri, phone.user, phone.password)
    phone.wire.send(message(phone.wire, "ACK", uri, caller=phone.aor, branch="z9hG4bKone" + call["call_id"],
                            to_tag=asked.get("To").partition("tag=")[2], **call))
    phone.wire.send(message(phone.wire, "INVITE", uri, cseq=2, extra=(f"Proxy-Authorization: {proof}",),
                            branch="z9hG4bKtwo" + call["call_id"], **more))
    invite = other.wire.read()
    assert invite.method == "INVITE" and not invite.all("Proxy-Authorization")
    assert invite.first.split()[1] == other.contact
    answer = ["SIP/2.0 200 OK", *(f"Via: {v}" for v in invite.all("Via")),
              *(f"Record-Route: {v}" for v in invite.all("Record-Route")), f"From: {invite.get('From')}",
              f"To: {invite.get('To')};tag=b", f"Call-ID: {invite.get('Call-ID')}", f"CSeq: {invite.get('CSeq')}",
              f"Contact: <{other.contact}>", "Content-Length: 0", "", ""]
    other.wire.send("\r\n".join(answer))
    good = phone.wire.answer()
    assert good.status == 200
    routes = [v.strip() for line in good.all("Record-Route") for v in line.split(",")]
    phone.wire.send(message(phone.wire, "ACK", other.contact, to=uri, to_tag="b", cseq=2, caller=phone.aor,
                            extra=tuple(f"Route: {r}" for r in reversed(routes)), **call))
    acknowledged = other.wire.read()
    while acknowledged.method == "INVITE":  # repeated before the 200 was read
        acknowledged = other.wire.read()
    assert acknowledged.method == "ACK"
    # The other side hangs up: its request finds the caller's own way back.
    seen = [v.strip() for line in invite.all("Record-Route") for v in line.split(",")]
    where = phone.contact.replace(f"sip:{phone.user}@", "sip:caller@")
    other.wire.send(message(other.wire, "BYE", where, to=phone.aor, to_tag="a", from_tag="b", caller=uri,
                            call_id=call["call_id"], extra=tuple(f"Route: {r}" for r in seen)))
    bye = phone.wire.read()
    assert bye.method == "BYE", bye
    phone.wire.send("\r\n".join(["SIP/2.0 200 OK", *(f"Via: {v}" for v in bye.all("Via")), f"From: {bye.get('From')}",
                                 f"To: {bye.get('To')}", f"Call-ID: {bye.get('Call-ID')}", f"CSeq: {bye.get('CSeq')}",
                                 "Content-Length: 0", "", ""]))
    assert other.wire.answer().status == 200


@pytest.mark.parametrize("protocols", [("udp", "udp"), ("tcp", "tcp"), ("udp", "tcp"), ("tcp", "udp")], ids="-".join)
def test_a_call_between_two_phones(node, protocols):
    """TCP phones are reached over the connection they registered by, whichever worker has it."""
    with Phone(node, protocol=protocols[0]) as phone, Phone(node, "2001", "other", protocols[1]) as other:
        assert phone.register().status == 200 and other.register().status == 200
        conversation(phone, other)


def test_a_call_over_tls(fedge, authority):
    """Phones have no certificates: the connection each opened is the way back, and no other is."""
    address = fresh_address()
    certificate, key = authority.issue("registrar.example", address)
    node = registrar(fedge, address=address, listen="tls", more=f"""tls:
  identities: [{{names: [registrar.example], certificate: {certificate}, key: {key}}}]
  authorities: [{authority.certificate}]
  client_certificate: request
""")
    tls = {"protocol": "tls", "context": context_for(authority), "name": "registrar.example"}
    with Phone(node, **tls) as phone, Phone(node, "2001", "other", **tls) as other:
        assert phone.register().status == 200 and other.register().status == 200
        conversation(phone, other)
    with Phone(node, password="wrong", **tls) as stranger:
        assert stranger.ask("MESSAGE", f"sip:2001@{DOMAIN}").status == 407
