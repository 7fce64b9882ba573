"""The registrar: who may register and call, what is kept, and everybody who only pretends."""
import time

import pytest
from ladder import receive, request
from phones import DOMAIN, Phone, challenges, credentials
from strangers import Node, Wire, caller, fedge, fresh_address, message  # noqa: F401
from support import wait_until

USERS = """users:
  - {username: "2000", password: secret, aliases: ["2000@steven.lab", "steven@steven.lab"]}
  - {username: "2001", password: other}
  - {username: anna, secret_md5: "%s"}
"""
LOCAL = "  - {name: LocalZone, kind: local}\n"


def users():
    import hashlib
    return USERS % hashlib.md5(f"anna:{DOMAIN}:pass".encode()).hexdigest()


def registrar(fedge, settings="", name="registrar", zones=LOCAL, neighbors=None, rules=None, more="", **other):
    return Node(fedge, neighbors or {}, name=name, zones=zones, rules=rules or "  - {name: phones, mode: any, target: LocalZone}",
                more=f"domains: [{DOMAIN}]\nregistrar: {{domains: [{DOMAIN}]{settings}}}\n" + users() + more, **other)


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
    rejected = wait_until(lambda: events(node, "rejected")[1:] and events(node, "rejected"), of="rejections are recorded")
    assert [r["status"] for r in rejected] == [403, 503]


def test_outbound_and_gruu(node):
    instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'
    with Phone(node, protocol="tcp") as phone:
        contact = f"Contact: <{phone.contact}>;reg-id=1;{instance}"
        answer = phone.register("Supported: path, outbound, gruu", contact=contact)
        assert answer.get("Require") == "outbound" and answer.get("Flow-Timer")
        assert f'pub-gruu="sip:2000@{DOMAIN};gr=urn:uuid:00000000-0000-1000-8000-000A95A0E128"' in answer.get("Contact")
        assert 'temp-gruu="sip:tgruu.' in answer.get("Contact")
        behind = phone.register("Supported: path, outbound", "Path: <sip:proxy.example;lr>", contact=contact)
        assert behind.status == 439


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
        forged = ("P-Asserted-Identity: <sip:boss@steven.lab>", "P-Preferred-Identity: <sip:steven@steven.lab>")
        answer = phone.ask("MESSAGE", "sip:9@core.example", extra=forged, proves=False)
        proof = credentials(challenges(answer)["MD5"], "MESSAGE", "sip:9@core.example")
        phone.wire.send(message(phone.wire, "MESSAGE", "sip:9@core.example", caller=phone.aor,
                                extra=(*forged, f"Proxy-Authorization: {proof}")))
        seen = core.read()
        assert seen.all("P-Asserted-Identity") == [f"<sip:2000@{DOMAIN}>"]
        assert not seen.all("P-Preferred-Identity") and not seen.all("Proxy-Authorization")
    assert wait_until(lambda: [r for r in node.journal("judgement") if r["code"] == "identity-not-believed"])


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
    node = registrar(fedge, ", file: bindings.db")
    with Phone(node) as phone, Phone(node, "2001", "other") as other:
        assert phone.register("Expires: 600").status == 200
        assert other.register().status == 200
        assert other.register("Expires: 0").status == 200
        node.ending()
        node.start()
        answer = phone.register(contact="")
        assert answer.status == 401  # another key: the old nonce means nothing
        answer = phone.register(contact="")
        assert answer.get("Contact").startswith(f"<{phone.contact}>;expires=")
        assert int(answer.get("Contact").rpartition("=")[2]) <= 600
        assert node.status()["registrations"]["count"] == 1


def test_a_kill_loses_what_was_not_written_and_no_more(fedge):
    node = registrar(fedge, ", file: bindings.db")
    with Phone(node) as phone:
        assert phone.register().status == 200
        time.sleep(0.5)  # 200 ms and a slow disk: what was answered longer ago is kept
        node.process.popen.kill()
        node.process.wait(10)
        node.start()
        phone.register(contact="")
        assert phone.register(contact="").get("Contact").startswith(f"<{phone.contact}>")


def test_files_that_are_not_ours_are_refused(fedge):
    (fedge.folder / "bindings.db").write_bytes(b"not a file of ours" * 1000)
    node = registrar(fedge, ", file: bindings.db", start=False)
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
    node = registrar(fedge, ", bindings: 2000, file: bindings.db", more=many)
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
                batch = [message(flooder, method, f"sip:{DOMAIN}", f"sip:x@{DOMAIN}", f"sip:x@{DOMAIN}") for _ in range(100)]
                flooder.send("".join(batch))
                for _ in batch:
                    answer = flooder.answer()
                    statuses[answer.status] = statuses.get(answer.status, 0) + 1
        assert set(statuses) == {401, 407, 503} and statuses[503] > 100
        assert phone.register().status == 200
        refused = wait_until(lambda: [r for r in node.journal("judgement") if r["code"] == "registration-flood"])
        assert len(refused) <= 20
    assert not node.journal("search")


def test_guessing_is_slow(node):
    with Phone(node, password="wrong", protocol="tcp") as phone:
        answers = [phone.register().status for _ in range(300)]
    assert answers.count(401) < 200 and answers[-1] == 503
    told = [r for r in node.journal("judgement") if r["code"] == "identity-unproved"]
    assert len(told) <= 20
