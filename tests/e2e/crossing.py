"""A registrar and an edge, joined by a traversal zone:

    phones ── core (registrar) ══ edge ── partners

The phones of USERS are registered by SIPp, with digest, at addresses of their own.
"""
from types import SimpleNamespace

from ladder import match, receive, request
from strangers import Node, caller, fresh_address
from support import wait_until

IN, OUT, FORK = "in.lab", "out.lab", "fork.lab"  # ours, the partner's, a partner with two servers
USERS = {"caller": "calls", "2000": "is-called", "3000": "is-called-twice"}
PARTNERS = ("partner", "one", "two")  # neighbors of the edge; `watch` is one over TCP


def build(fedge, authority, edge_rules="", edge_more=""):
    """edge_rules come before its own."""
    s = SimpleNamespace(fedge=fedge, number=0, caller=fresh_address(), phone=fresh_address(), second=fresh_address(),
                        third=fresh_address(), partner=fresh_address(), one=fresh_address(), two=fresh_address(),
                        watch=fresh_address())

    def tls(name):
        certificate, key = authority.issue(name)
        return (f"tls:\n  identities: [{{names: [{name}], certificate: {certificate}, key: {key}}}]\n"
                f"  authorities: [{authority.certificate}]\n")

    link = "username: core, password: core-and-edge"
    neighbors = {name: ("udp", [f"{getattr(s, name)}:5060"], "monitor: no") for name in PARTNERS}
    neighbors["watch"] = ("tcp", [f"{s.watch}:5060"], "monitor: no")
    s.edge = Node(fedge, neighbors, name="edge", more=f"domains: [{IN}]\n{tls('edge.example')}{edge_more}", zones=f"""\
  - {{name: Inside, kind: traversal-server, port: 7001, verify_name: core.example, {link}}}
""", rules=edge_rules + f"""\
  - {{name: in, priority: 1, mode: pattern, type: suffix, pattern: "@{IN}", target: Inside, on_match: stop}}
  - {{name: one, priority: 2, mode: pattern, type: suffix, pattern: "@{FORK}", target: one}}
  - {{name: two, priority: 2, mode: pattern, type: suffix, pattern: "@{FORK}", target: two, on_match: stop}}
  - {{name: out, priority: 3, mode: pattern, type: suffix, pattern: "@{OUT}", target: partner}}
""")
    s.core = Node(fedge, {}, name="core", more=f"domains: [{IN}]\n{tls('core.example')}"
                  f"registrar: {{domains: [{IN}]}}\nusers:\n"
                  + "".join(f'  - {{username: "{u}", password: {p}}}\n' for u, p in USERS.items()), zones=f"""\
  - {{name: Outside, kind: traversal-client, peers: ["{s.edge.address}:7001"], verify_name: edge.example, {link},
     retry: 200ms}}
  - {{name: Phones, kind: local}}
""", rules=f"""\
  - {{name: in, priority: 1, mode: pattern, type: suffix, pattern: "@{IN}", target: Phones, on_match: stop}}
  - {{name: out, priority: 2, target: Outside}}
""")
    for node, name in ((s.core, "Outside"), (s.edge, "Inside")):
        wait_until(lambda: next(z for z in node.status()["zones"] if z["name"] == name)["state"] == "active", 20,
                   f"{name} is active")
    for address, user in ((s.caller, "caller"), (s.phone, "2000"), (s.second, "3000"), (s.third, "3000")):
        register(s, address, user)
    return s


def by_name(stage, name):
    stage.number += 1
    return f"{name}-{stage.number}"


def register(stage, address, user):
    def rung(cseq, extra=""):
        return request("REGISTER", cseq=cseq, uri=f"sip:{IN}", extra=f"Expires: 600{extra}")

    rungs = [rung(1), receive(401, auth=True), rung(2, "\n[authentication]"),
             receive(200, actions=match("expires=600", header="Contact"))]
    caller(stage.fedge, address, stage.core.address, rungs, by_name(stage, f"register-{user}"), domains=(IN, IN),
           options=credentials(user, IN, user)).wait()


def credentials(user, uri, service="2000"):
    return ("-au", user, "-ap", USERS[user], "-auth_uri", uri, "-s", service)
