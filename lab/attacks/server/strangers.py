"""Attacks on the server by a stranger: a client that reaches its port, over real sockets, and has no key and no token.

Each attack must get its status and code, and must not stop the server: a locked device then asks over HTTP and gets its
verdict.
"""

import base64
import gzip
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from lab.attacks.harness.environment import PUBLIC_LIMITS, Server, TrialContext
from lab.attacks.harness.target_device import TargetDevice
from lab.attacks.harness.token_forge import with_claims, with_header
from lab.attacks.model import Attack, AttackerCapability, Topic, Trial
from lab.attacks.substitution import LOCKED
from lab.world.certificates import certificate, common_name
from lab.world.jose import b64, signature
from server_stub.admin.context import PREFIX
from server_stub.store.records import PruneResult, RecordKind
from wire import media
from wire.limits import INTEGER_MAX

_SECONDS: Final = 20
_HEAD: Final = b" HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: %s\r\n"

Send = Callable[["Stranger"], Iterator[bytes]]
"""Sends requests one after the other, each on a new connection, and receives the response to each."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A client of a server, at `address`."""

    server: Server
    address: str = "203.0.113.7"
    evidence: bytes = b""
    """Evidence that some device sent."""

    def send_evidence(self, change: Callable[[bytes], bytes], nonce: str = "") -> bytes:
        """The response to evidence with a new challenge, or with `nonce`, after a change that its key did not sign."""
        token = change(with_claims(self.evidence, eat_nonce=nonce or self.challenge()))
        return self.request(_POST, _EVIDENCE, f"Content-Length: {len(token)}", body=token)

    def challenge(self) -> str:
        """A new nonce."""
        response = self.request(f"POST {media.CHALLENGES_PATH}", "Content-Length: 0")
        return str(json.loads(response.partition(b"\r\n\r\n")[2])["nonce"])

    def request(self, line: str, *headers: str, body: bytes = b"", address: str = "") -> bytes:
        """The response to a request with these headers."""
        head = line.encode() + _HEAD % (address or self.address).encode()
        return self.raw(head + "".join(f"{header}\r\n" for header in headers).encode() + b"\r\n" + body)

    def raw(self, data: bytes) -> bytes:
        """The response to these bytes, up to the end of the connection or of the announced body."""
        origin = urlsplit(self.server.origin)
        with socket.create_connection((origin.hostname, origin.port), _SECONDS) as connection:
            received = b""
            with suppress(OSError):  # the server may have seen enough; its response is there already
                connection.sendall(data)
            while not _whole(received):
                try:
                    part = connection.recv(65_536)
                except ConnectionResetError:
                    break
                if not part:
                    break
                received += part
            return received


def _whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return bool(end) and len(body) >= int(line.partition(b":")[2])
    return False


def _result(response: bytes) -> str:
    """Status and problem code of a response."""
    head, _, body = response.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    status = words[1].decode("ascii", "replace") if len(words) > 1 else "no response"
    try:
        return f"{status} {json.loads(body)['code']}"
    except (ValueError, KeyError, TypeError):
        return status


def _attack(name: str, sentence: str, source: str, expected: str, send: Send, *topics: Topic) -> Attack:
    """An attack whose last response must be `expected`: a status and a problem code."""

    def run(trial: TrialContext) -> TargetDevice:
        server = trial.public_server()
        device = trial.set_up(trial.device("havana", server=server))
        before = _recorded(server)
        *_, last = map(_result, send(Stranger(server, evidence=device.interceptor.evidence[-1])))
        trial.require(_recorded(server) == before, "what a stranger sends is not recorded")
        trial.require(last == expected, f"the stranger gets {expected}, not {last}")
        device.handset.retry()
        return device

    shown = f"the stranger gets {expected}"
    trial = Trial(LOCKED.name, run, LOCKED.unchanged("deny territory-prohibited"))
    return Attack(
        name,
        f"{sentence[:-1]}; {shown}.",
        source,
        (AttackerCapability.STRANGER,),
        (Topic.STRANGER, *topics),
        (trial,),
    )


def _recorded(server: Server) -> list[PruneResult]:
    """The number of verdicts and of audit entries."""
    with server.service.store.reading() as reading:
        return [reading.old(kind, INTEGER_MAX, 0) for kind in RecordKind]


def _once(line: str, *headers: str, body: bytes = b"") -> Send:
    return lambda stranger: iter((stranger.request(line, *headers, body=body),))


def _raw(data: bytes) -> Send:
    return lambda stranger: iter((stranger.raw(data),))


def _flood(path: str, times: int) -> Send:
    """`times` requests from one address."""
    return lambda stranger: (stranger.request(f"GET {path}") for _ in range(times))


def _site_flood(stranger: Stranger) -> Iterator[bytes]:
    """Requests from many addresses of one IPv6 site."""
    for number in range(_RATE * 10 + 1):
        yield stranger.request("GET /docs", address=f"2001:db8:ffff:{number:x}::1")


def _spoofed_flood(stranger: Stranger) -> Iterator[bytes]:
    """Requests that invent an address for each; only the last one, of the trusted proxy, counts."""
    for number in range(_RATE + 1):
        yield stranger.request("GET /docs", address=f"198.51.100.{number}, {stranger.address}")


def _changed(change: Callable[[bytes], bytes], times: int = 1) -> Send:
    """Evidence after `change`, each time with a new challenge."""
    return lambda stranger: (stranger.send_evidence(change) for _ in range(times))


def _one_challenge(stranger: Stranger) -> Iterator[bytes]:
    """Evidence with a wrong signature, and the same challenge twice."""
    nonce = stranger.challenge()
    for _ in range(2):
        yield stranger.send_evidence(bytes, nonce)


def _own_chain(key: CertificatePublicKeyTypes) -> Callable[[bytes], bytes]:
    """Replace the chain by one of two RSA or six other certificates, all for `key` but the leaf."""
    own = ec.derive_private_key(7, ec.SECP256R1())
    names = [common_name(f"Own {place}") for place in range(7)]
    chain = [
        certificate(names[place], key if place else own.public_key(), names[place + 1], own)
        for place in range(2 if isinstance(key, rsa.RSAPublicKey) else 6)
    ]
    x5c = [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in chain]
    return lambda evidence: with_header(evidence, x5c=x5c)


def _own_evidence(evidence: bytes) -> bytes:
    """The same claims, signed by a key of the stranger with a chain of its own."""
    own = ec.derive_private_key(7, ec.SECP256R1())
    signed = _own_chain(own.public_key())(evidence).rpartition(b".")[0]
    return signed + b"." + b64(signature(own, signed))


_LONG_MODULUS: Final = rsa.RSAPublicNumbers(65537, (1 << 16384) - 1).public_key()
_LONG_EXPONENT: Final = rsa.RSAPublicNumbers((1 << 4095) + 1, (1 << 4096) - 1).public_key()
_OTHER_CURVE: Final = ec.derive_private_key(7, ec.SECP521R1()).public_key()
_UNATTESTED: Final = PUBLIC_LIMITS.rate_unattested.amount if PUBLIC_LIMITS.rate_unattested else 0
_RATE: Final = PUBLIC_LIMITS.rate_per_address.amount if PUBLIC_LIMITS.rate_per_address else 0
_EVIDENCE: Final = f"Content-Type: {media.EVIDENCE}"
_POST: Final = f"POST {media.VERDICTS_PATH}"
_SMUGGLED: Final = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_BOMB: Final = gzip.compress(bytes(10_000_000), mtime=0)
_LENGTH: Final = "Content-Length: 4"
_CHUNKED: Final = "Transfer-Encoding: chunked"
_MALFORMED: Final = "400 request-malformed"

ATTACKS: Final[tuple[Attack, ...]] = (
    _attack("stranger-two-framings", "Send a length and a transfer encoding, so that a proxy reads another body.",
            "RFC 9112 section 6.1", _MALFORMED, _once(_POST, _LENGTH, _CHUNKED, body=b"0\r\n\r\n" + _SMUGGLED)),
    _attack("stranger-two-lengths", "Send two different lengths.", "RFC 9112 section 6.3", _MALFORMED,
            _once(_POST, _LENGTH, "Content-Length: 5", body=b"abcd" + _SMUGGLED)),
    _attack("stranger-chunked-1-0", "Send a transfer encoding in HTTP/1.0.", "RFC 9112 section 6.1", _MALFORMED,
            _raw(b"POST / HTTP/1.0\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _SMUGGLED)),
    _attack("stranger-version", "Speak a version of HTTP that the server does not know.", "RFC 9110 section 15.6.6",
            "505 request-malformed", _raw(b"GET / HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n" + _SMUGGLED)),
    _attack("stranger-garbage", "Send bytes that are not HTTP.", "CWE-20", _MALFORMED, _raw(bytes(range(256)) * 4)),
    _attack("stranger-many-headers", "Send headers without end.", "CWE-770", "431 headers-too-large",
            _raw(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000), Topic.LENGTH),
    _attack("stranger-slow-headers", "Send headers that never end, and keep the connection.", "CWE-400",
            "408 request-timed-out", _raw(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")),
    _attack("stranger-slow-body", "Announce a body and send a part of it.", "CWE-400", "408 request-timed-out",
            _once(_POST, _EVIDENCE, "Content-Length: 1000", body=b"A")),
    _attack("stranger-long-body", "Announce a very long body.", "CWE-770", "413 body-too-large",
            _once(_POST, _EVIDENCE, "Content-Length: 99999999999999999999"), Topic.LENGTH),
    _attack("stranger-endless-body", "Send a body of chunks without end.", "CWE-770", "413 body-too-large",
            _once(_POST, _EVIDENCE, _CHUNKED, body=(b"1000\r\n" + b"A" * 4096 + b"\r\n") * 100), Topic.LENGTH),
    _attack("stranger-tiny-chunks", "Send a body in chunks of one byte, each of which costs as much as a long one.",
            "CWE-407", _MALFORMED, _once(_POST, _EVIDENCE, _CHUNKED, body=b"1\r\nA\r\n" * 65_536)),
    _attack("stranger-compressed", "Send a small compressed body that is large when decompressed.", "CWE-409",
            "415 media-type-unsupported",
            _once(_POST, _EVIDENCE, "Content-Encoding: gzip", f"Content-Length: {len(_BOMB)}", body=_BOMB)),
    _attack("stranger-other-host", "Name another host, as a web page does that rebinds its name to this address.",
            "CWE-350", "421 request-malformed", _raw(b"GET /docs HTTP/1.1\r\nHost: evil.example\r\n\r\n")),
    _attack("stranger-path", "Ask for a file outside of the key repository.", "CWE-22", "404 not-found",
            _once("GET /tuf/metadata/..%2f..%2f..%2fetc%2fpasswd")),
    _attack("stranger-method", "Use a method that no resource has.", "RFC 9110 section 15.5.6",
            "405 method-not-allowed", _once(f"TRACE {media.VERDICTS_PATH}")),
    _attack("stranger-flood", "Send more requests than an address may.", "CWE-770", "429 too-many-requests",
            _flood("/docs", _RATE + 1)),
    _attack("stranger-site-flood", "Send each request from another address of one IPv6 site.", "CWE-770",
            "429 too-many-requests", _site_flood),
    _attack("stranger-spoofed-flood", "Invent an address for each request.", "CWE-348", "429 too-many-requests",
            _spoofed_flood),
    _attack("stranger-health-flood", "Flood the health checks.", "CWE-770", "429 too-many-requests",
            _flood("/readyz", _RATE + 1)),
    _attack("stranger-admin-guess", "Guess admin tokens.", "CWE-307", "429 too-many-requests",
            _flood(f"{PREFIX}/devices", _RATE + 1)),
    _attack("stranger-evidence-random", "Send evidence that is random.", "CWE-20", "400 evidence-malformed",
            _once(_POST, _EVIDENCE, "Content-Length: 12", body=b"AAAA.BBBB.CC")),
    _attack("stranger-evidence-deep", "Send evidence whose payload is nested very deeply.", "CWE-674",
            "400 evidence-malformed",
            _once(_POST, _EVIDENCE, "Content-Length: 10009", body=b"e30." + b"W1tb" * 2500 + b".AAAA")),
    _attack("stranger-evidence-members", "Send evidence with very many unknown claims.", "CWE-407",
            "400 evidence-malformed",
            _changed(lambda e: with_claims(e, **{f"x{number}": number for number in range(1500)}))),
    _attack("stranger-evidence-nulls", "Send evidence with a claim of very many nulls.", "CWE-407",
            "400 evidence-malformed", _changed(lambda e: with_claims(e, x=[None] * 3000))),
    _attack("stranger-chain-long-modulus", "Send a chain of keys whose signatures take long to verify.", "CWE-400",
            "401 chain-invalid", _changed(_own_chain(_LONG_MODULUS)), Topic.CHAIN_FORGED),
    _attack("stranger-chain-long-exponent", "Send a chain of keys with a very long exponent.", "CWE-400",
            "401 chain-invalid", _changed(_own_chain(_LONG_EXPONENT)), Topic.CHAIN_FORGED),
    _attack("stranger-chain-curve", "Send a long chain of keys on a slow curve.", "CWE-400", "401 chain-invalid",
            _changed(_own_chain(_OTHER_CURVE)), Topic.CHAIN_FORGED),
    _attack("stranger-one-challenge", "Have many wrong signatures verified with one challenge.", "CWE-400",
            "409 challenge-spent", _one_challenge, Topic.NONCE_SPENT),
    _attack("stranger-evidence-recorded", "Fill the disk with evidence of own keys.", "CWE-770", "200",
            _changed(_own_evidence, _UNATTESTED)),
    _attack("stranger-evidence-flood", "Have more evidence rejected than an address may.", "CWE-770",
            "429 too-many-requests", _changed(bytes, _UNATTESTED + 1)),
)  # fmt: skip
