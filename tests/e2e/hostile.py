"""Peers that mean harm: TLS spoken by hand as far as a handshake goes unencrypted, and certificates that no authority's
tools would make, signed all the same."""
import base64
import os
import socket
import ssl
import struct
import subprocess
import threading
import time

from foreign import PORT, Pair
from strangers import fresh_address

ALERT, HANDSHAKE, DATA, CHANGE = 21, 22, 23, 20
SERVER_HELLO, CERTIFICATE, COMPRESSED_CERTIFICATE, HELLO_REQUEST = 2, 11, 25, 0


# ---- TLS 1.2 by hand ----


def record(kind, body):
    """As many records as it takes (RFC 5246 6.2.1)."""
    pieces = [body[i:i + 16384] for i in range(0, len(body), 16384)] or [b""]
    return b"".join(struct.pack("!BHH", kind, 0x0303, len(piece)) + piece for piece in pieces)


def u24(number):
    return struct.pack("!I", number)[1:]


def message(kind, body, length=None):
    """A handshake message; `length` where it lies about its own."""
    return bytes([kind]) + u24(len(body) if length is None else length) + body


def server_hello(cipher=0xC02B, version=0x0303, compression=0):
    """ECDHE-ECDSA-AES128-GCM-SHA256, secure renegotiation, nothing else."""
    extensions = b"\xff\x01\0\x01\0"
    body = (struct.pack("!H", version) + os.urandom(32) + b"\0" + struct.pack("!HB", cipher, compression)
            + struct.pack("!H", len(extensions)) + extensions)
    return message(SERVER_HELLO, body)


def certificates(ders):
    listed = b"".join(u24(len(der)) + der for der in ders)
    return message(CERTIFICATE, u24(len(listed)) + listed)


class Raw:
    """A server of which each connection is handed to act(socket), in a thread; what act gives is said first, and then
    the connection is held until the other end goes. Endings by the other end are no errors."""

    def __init__(self, act, hello=True):
        self.act, self.hello, self.address = act, hello, fresh_address()
        self.listener = socket.create_server((self.address, PORT), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(20)
        try:
            with connection:
                if self.hello:
                    connection.recv(4096)
                said = self.act(connection)
                if said:
                    connection.sendall(said)
                while said is not None and connection.recv(65536):
                    pass
        except OSError:
            pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def secured(pair, act, versions=None, asks=None):
    """The same behind a handshake that is right. asks: the authority callers' certificates may come from."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain, pair.key)
    if versions:
        context.minimum_version = context.maximum_version = versions
    if asks:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(asks)

    def handshake(connection):
        with context.wrap_socket(connection, server_side=True) as shaken:
            said = act(shaken)
            if said:
                shaken.sendall(said)
            while said is not None and shaken.recv(65536):
                pass
    return Raw(handshake, hello=False)


def forever(make, pause=0.0):
    """An act that says make() again and again."""
    def act(connection):
        while True:
            connection.sendall(make())
            time.sleep(pause)
    return act


def drip(said, pause):
    """An act that says it a byte at a time, then nothing."""
    def act(connection):
        for byte in said:
            connection.sendall(bytes([byte]))
            time.sleep(pause)
        return b""
    return act


# ---- certificates by hand (DER, X.690) ----


def der(tag, body):
    length = len(body)
    if length < 128:
        return bytes([tag, length]) + body
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(octets)]) + octets + body


def der_read(data, at=0):
    """(tag, start of the contents, end)"""
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 128:
        count = length & 127
        length, start = int.from_bytes(data[start:start + count], "big"), start + count
    return tag, start, start + length


def der_children(data):
    """The parts of a constructed value, whole."""
    _, at, end = der_read(data)
    parts = []
    while at < end:
        _, _, following = der_read(data, at)
        parts.append(data[at:following])
        at = following
    return parts


OID_COMMON_NAME, OID_ALTERNATIVE = b"\x06\x03\x55\x04\x03", b"\x06\x03\x55\x1d\x11"


def name_of(common_name, kind=0x0C):
    """A distinguished name of one CN; kind: UTF8String, 0x1E BMPString, …"""
    return der(0x30, der(0x31, der(0x30, OID_COMMON_NAME + der(kind, common_name))))


def alternatives_of(names):
    """The subjectAltName extension with these DNS names (bytes)."""
    return der(0x30, OID_ALTERNATIVE + der(0x04, der(0x30, b"".join(der(0x82, name) for name in names))))


def pem_of(data):
    text = base64.encodebytes(data).decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"


def der_of(path):
    """The first certificate of a PEM file."""
    body = path.read_text().split("-----BEGIN CERTIFICATE-----")[1].split("-----END CERTIFICATE-----")[0]
    return base64.b64decode(body)


def altered(pki, name, model, subject=None, names=None):
    """The certificate `model` (of the intermediate) with another subject (DER) or other DNS names (bytes), signed again
    by the intermediate: good in all but what it says."""
    tbs, algorithm, _ = der_children(der_of(model.leaf))
    parts = der_children(tbs)
    # version, serial, algorithm, issuer, validity, subject, key, extensions
    assert parts[0][0] == 0xA0 and len(parts) == 8
    parts[5] = subject or parts[5]
    if names is not None:
        listed = [e for e in der_children(der_children(parts[7])[0]) if not e.count(OID_ALTERNATIVE)]
        parts[7] = der(0xA3, der(0x30, b"".join(listed) + (alternatives_of(names) if names else b"")))
    signed = der(0x30, b"".join(parts))
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", pki.intermediate.key], input=signed, check=True,
                               capture_output=True, timeout=30).stdout
    leaf, chain = pki.path(f"{name}.crt"), pki.path(f"{name}.chain.pem")
    leaf.write_text(pem_of(der(0x30, signed + algorithm + der(0x03, b"\0" + signature))))
    chain.write_text(leaf.read_text() + pki.intermediate.chain.read_text())
    return Pair(chain, model.key, leaf)
