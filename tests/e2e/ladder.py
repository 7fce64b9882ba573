"""SIPp scenarios written as the ladders they are.

A scenario is a list of rungs; `scenario(name, rungs)` gives SIPp's XML. What every message has to
carry (Via, From, To, Call-ID, CSeq, Contact) is filled in here, for the caller and for the callee.

    CALLER = [request("INVITE", body=SDP), receive(100, optional=True), receive(200, routes=True),
              ack(), request("BYE", cseq=2, inside=True), receive(200)]
"""
import re
from xml.sax.saxutils import quoteattr

SDP = """v=0
o=test 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 49172 RTP/AVP 0 8
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000"""

# The caller's and the callee's tag: of this process and this call.
CALLER_TAG, CALLEE_TAG = "[pid]c[call_number]", "[pid]s[call_number]"
UNRELIABLE = 'retrans="500" '


class Rung:
    """A line of the ladder; `text(index, labels)` is its XML."""

    def __init__(self, text, label=None):
        self.text, self.label = text, label


def _message(lines, body, kind, attributes=""):
    lines = [line for line in lines if line]
    if body:
        lines.append(f"Content-Type: {kind}")
    lines.append("Content-Length: [len]" if body else "Content-Length: 0")
    return f"  <send {attributes}><![CDATA[\n" + "\n".join(lines) + "\n\n" + (body or "") + "\n]]></send>\n"


def request(method, cseq=1, inside=False, body="", kind="application/sdp", extra="", same_branch=None, label=None,
            forwards=70, uri=None, repeat=True):
    """The caller's request. inside: in the dialog; same_branch: label of the request whose branch it has."""

    def text(index, labels):
        branch = f"[branch-{index - labels[same_branch]}]" if same_branch else "[branch]"
        target = uri or ("[next_url]" if inside else "sip:[service]@callee.example")
        return _message([
            f"{method} {target} SIP/2.0",
            f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}",
            "[routes]" if inside else "",
            f"Max-Forwards: {forwards}",
            f'From: "A, B" <sip:caller@caller.example>;tag={CALLER_TAG}',
            "To: <sip:[service]@callee.example>" + ("[peer_tag_param]" if inside else ""),
            "Call-ID: [call_id]",
            f"CSeq: {cseq} {method}",
            "Contact: <sip:caller@[local_ip]:[local_port];transport=[transport]>" if method != "CANCEL" else "",
            extra], body, kind, UNRELIABLE if repeat and method != "ACK" else "")

    return Rung(text, label)


def ack(cseq=1, extra=""):
    """Of a 2xx: a request of its own, on the way of the dialog."""
    return request("ACK", cseq=cseq, inside=True, extra=extra)


def ack_refusal(label="invite", cseq=1):
    """Of a final answer that is no 2xx: the INVITE's branch, hop by hop (RFC 3261 17.1.1.3)."""
    return request("ACK", cseq=cseq, same_branch=label)


def receive(what, optional=False, routes=False, actions="", lost=None, auth=False):
    """A status (number) or a method (text). auth: its challenge is what [authentication] answers later."""

    def text(_index, _labels):
        kind = "response" if isinstance(what, int) else "request"
        attributes = f"{kind}={quoteattr(str(what))}"
        if optional:
            attributes += ' optional="true"'
        if routes:
            attributes += ' rrs="true"'
        if auth:
            attributes += ' auth="true"'
        if lost is not None:
            attributes += f' lost="{lost}"'
        if not actions:
            return f"  <recv {attributes}/>\n"
        return f"  <recv {attributes}>\n    <action>\n{actions}    </action>\n  </recv>\n"

    return Rung(text)


def grab(header, name, occurrence=1):
    """An action: keeps a header's value as [$name]."""
    return (f'      <ereg regexp=".*" search_in="hdr" header="{header}:" occurrence="{occurrence}" '
            f'check_it="true" assign_to="{name}"/>\n')


def match(regexp, name="seen", header=None):
    """An action: the message (or a header of it) must match."""
    where = f'search_in="hdr" header="{header}:"' if header else 'search_in="msg"'
    return f'      <ereg regexp={quoteattr(regexp)} {where} check_it="true" assign_to="{name}"/>\n'


def respond(status, reason="Text", body="", kind="application/sdp", extra="", repeat=False, record_route=True,
            contact=True):
    """The callee's answer to what was received last."""
    return Rung(lambda _index, _labels: _message([
        f"SIP/2.0 {status} {reason}",
        "[last_Via:]",
        "[last_Record-Route:]" if record_route else "",
        "[last_From:]",
        f"[last_To:];tag={CALLEE_TAG}" if record_route else "[last_To:]",
        "[last_Call-ID:]",
        "[last_CSeq:]",
        "Contact: <sip:callee@[local_ip]:[local_port];transport=[transport]>" if contact else "",
        extra], body, kind, UNRELIABLE if repeat else ""))


def respond_inside(status, reason="OK", body="", extra="", repeat=False):
    """The answer to a request that came in the dialog: To has its tag already."""
    return respond(status, reason, body, extra=extra, repeat=repeat, record_route=False)


def receive_invite(actions="", routes=True, vias=2):
    """Keeps all that a later answer or a request of the callee needs. vias: how many hops it came by."""
    kept = "".join(grab("Via", f"via{number}", number) for number in range(1, vias + 1))
    kept += grab("From", "from") + grab("To", "to") + grab("CSeq", "cseq")
    return receive("INVITE", routes=routes, actions=kept + actions)


def respond_kept(status, reason="Text", extra="", vias=2, body=""):
    """An answer to the INVITE that receive_invite kept, when another request came in between."""
    return Rung(lambda _index, _labels: _message([
        f"SIP/2.0 {status} {reason}",
        *(f"Via: [$via{number}]" for number in range(1, vias + 1)),
        "From: [$from]",
        f"To: [$to];tag={CALLEE_TAG}",
        "[last_Call-ID:]",
        "CSeq: [$cseq]",
        extra], body, "application/sdp", UNRELIABLE))


def request_back(method, cseq=1, body="", kind="application/sdp", extra=""):
    """A request of the callee in the dialog that the caller began."""
    return Rung(lambda _index, _labels: _message([
        f"{method} [next_url] SIP/2.0",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
        "[routes]",
        "Max-Forwards: 70",
        f"From: [$to];tag={CALLEE_TAG}",
        "To: [$from]",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} {method}",
        "Contact: <sip:callee@[local_ip]:[local_port];transport=[transport]>",
        extra], body, kind, UNRELIABLE))


def pause(milliseconds):
    return Rung(lambda _index, _labels: f'  <pause milliseconds="{milliseconds}"/>\n')


def linger(milliseconds=200):
    """Stays reachable for what is repeated; only as the last rung."""
    return Rung(lambda _index, _labels: f'  <timewait milliseconds="{milliseconds}"/>\n')


def scenario(name, rungs):
    labels = {rung.label: index for index, rung in enumerate(rungs) if rung.label}
    text = "".join(rung.text(index, labels) for index, rung in enumerate(rungs))
    names = [n for n in dict.fromkeys(re.findall(r'assign_to="(\w+)"', text)) if f"[${n}]" not in text]
    unread = f'  <Reference variables="{",".join(names)}"/>\n' if names else ""
    return (f'<?xml version="1.0" encoding="ISO-8859-1" ?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
            f"<scenario name={quoteattr(name)}>\n{text}{unread}</scenario>\n")


# What most tests place: a call, answered, ended by the caller.
CALLER = [
    request("INVITE", body=SDP), receive(100, optional=True), receive(180, optional=True),
    receive(200, routes=True), ack(),
    request("BYE", cseq=2, inside=True), receive(200),
]
CALLEE = [
    receive_invite(), respond(180, "Ringing"), respond(200, "OK", SDP, repeat=True), receive("ACK"),
    receive("BYE"), respond_inside(200), linger(),
]
