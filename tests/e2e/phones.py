"""Phones as a registrar sees them: REGISTER and INVITE with digest, over plain sockets."""
import hashlib
import re

from strangers import Message, Wire, message  # noqa: F401

DOMAIN = "steven.lab"
HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def challenges(answer):
    """{algorithm: {realm, nonce, …}} of a 401 or 407."""
    found = {}
    for value in answer.all("WWW-Authenticate") + answer.all("Proxy-Authenticate"):
        fields = {k.lower(): v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^\s,]+)', value)}
        found[fields.get("algorithm", "MD5")] = fields
    return found


def credentials(challenge, method, uri, user="2000", password="secret", count=1, cnonce="0a4f113b", qop="auth"):
    """The value of an Authorization header."""
    algorithm = challenge.get("algorithm", "MD5")

    def digest(text):
        return HASHES[algorithm](text.encode()).hexdigest()

    nc = f"{count:08x}"
    first = digest(f"{user}:{challenge['realm']}:{password}")
    second = digest(f"{method}:{uri}")
    middle = f"{nc}:{cnonce}:{qop}:" if qop else ""
    response = digest(f"{first}:{challenge['nonce']}:{middle}{second}")
    value = (f'Digest username="{user}", realm="{challenge["realm"]}", nonce="{challenge["nonce"]}", uri="{uri}", '
             f'response="{response}", algorithm={algorithm}')
    return value + (f', qop={qop}, cnonce="{cnonce}", nc={nc}' if qop else "")


class Phone:
    """One phone: a socket to the node, a user, and the order of its REGISTERs."""

    def __init__(self, node, user="2000", password="secret", protocol="udp", alias=None, algorithm="SHA-256", **wire):
        self.wire = Wire(node.address, protocol, **wire)
        self.user, self.password, self.algorithm = user, password, algorithm
        self.aor = f"sip:{alias or user + '@' + DOMAIN}"
        self.call_id = f"{user}-{self.wire.local[1]}@{self.wire.local[0]}"
        self.cseq, self.count, self.challenge = 0, 0, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.socket.close()

    @property
    def contact(self):
        host, port = self.wire.local
        return f"sip:{self.user}@{host}:{port};transport={self.wire.protocol}"

    def plain(self, *extra, contact=None, uri=f"sip:{DOMAIN}", cseq=None):
        """A REGISTER without a word of who it is; its answer. contact "": none."""
        self.cseq = self.cseq + 1 if cseq is None else cseq
        contact = f"Contact: <{self.contact}>" if contact is None else contact
        text = message(self.wire, "REGISTER", uri, self.aor, self.aor, call_id=self.call_id, cseq=self.cseq,
                       extra=extra)
        own = re.compile(r"Contact: <sip:caller@[^\r]*\r\n")
        self.wire.send(own.sub(f"{contact}\r\n" if contact else "", text))
        return self.wire.answer()

    def authorization(self, method="REGISTER", uri=f"sip:{DOMAIN}", **more):
        self.count += 1
        chosen = self.challenge[self.algorithm]
        return credentials(chosen, method, uri, self.user, self.password, **{"count": self.count, **more})

    def register(self, *extra, **more):
        """A REGISTER, with the nonce it has, else as an answer to a challenge."""
        if not self.challenge:
            answer = self.plain(*extra, **more)
            if answer.status != 401:
                return answer
            self.challenge = challenges(answer)
        answer = self.plain(f"Authorization: {self.authorization()}", *extra, **more)
        if answer.status == 401:
            self.challenge, self.count = challenges(answer), 0
        return answer

    def ask(self, method, uri, caller=None, extra=(), proves=True, **more):
        """Another request of this phone's, with digest if it is asked for; its final answer."""
        answer = self.wire.ask(method, uri, caller=caller or self.aor, extra=extra, **more)
        if answer.status != 407 or not proves:
            return answer
        proof = credentials(challenges(answer)[self.algorithm], method, uri, self.user, self.password)
        return self.wire.ask(method, uri, caller=caller or self.aor,
                             extra=(*extra, f"Proxy-Authorization: {proof}"), **more)
