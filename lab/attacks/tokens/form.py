"""Attacks on the spelling of a token: characters, segments, sizes, serialisations."""

import base64
import gzip
from typing import Final

from agent.verification.errors import Code
from lab.attacks.harness.token_forge import TokenForge, b64, text
from lab.attacks.model import Attack, AttackerCapability, Topic
from lab.attacks.substitution import token
from wire import limits

_STOLEN: Final = (AttackerCapability.NETWORK, AttackerCapability.STOLEN_KEY)
_T = Topic
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _respelled_end(segment: bytes) -> bytes:
    """The same octets with an unused bit set in the last character."""
    return segment[:-1] + _ALPHABET[_ALPHABET.index(segment[-1]) | 1 : _ALPHABET.index(segment[-1]) + 2][:1]


def _signature_respelled(forge: TokenForge) -> bytes:
    header, payload, signature = forge.parts
    return b".".join((header, payload, _respelled_end(signature)))


def _payload_respelled(forge: TokenForge) -> bytes:
    """The vendor's key signs a payload segment that is not canonical."""
    octets = text(forge.claims())
    octets += b" " * ((1 - len(octets)) % 3)
    message = b64(text(forge.ring.vendor.header())) + b"." + _respelled_end(b64(octets))
    return message + b"." + b64(forge.ring.vendor.sign(message))


def _payload_odd(forge: TokenForge) -> bytes:
    """A payload segment of a length that no octets encode to."""
    header, payload, signature = forge.parts
    return b".".join((header, payload + b"A" * ((1 - len(payload)) % 4), signature))


def _flattened(forge: TokenForge) -> bytes:
    names = ("protected", "payload", "signature")
    parts = (part.decode() for part in forge.signed().split(b"."))
    return text(dict(zip(names, parts, strict=True)))


def _general(forge: TokenForge) -> bytes:
    header, payload, signature = (part.decode() for part in forge.signed().split(b"."))
    return text({"payload": payload, "signatures": [{"protected": header, "signature": signature}]})


def _unencoded(forge: TokenForge) -> bytes:
    header = b64(text(forge.ring.vendor.header(b64=False, crit=["b64"])))
    message = header + b"." + text(forge.claims())
    return message + b"." + b64(forge.ring.vendor.sign(message))


def _standard_alphabet(forge: TokenForge) -> bytes:
    header, payload, _ = forge.parts
    return b".".join((header, payload, base64.b64encode(b"\xff" * 64).rstrip(b"=")))


def _encrypted(forge: TokenForge) -> bytes:
    header = {"alg": "dir", "enc": "A256GCM", "kid": forge.ring.vendor.kid}
    return b".".join((b64(text(header)), b"", b64(bytes(12)), b64(text(forge.claims())), b64(bytes(16))))


def _detached(forge: TokenForge) -> bytes:
    header, _, signature = forge.signed().split(b".")
    return header + b".." + signature


def _headless(forge: TokenForge) -> bytes:
    _, payload, signature = forge.signed().split(b".")
    return b"." + payload + b"." + signature


ATTACKS: Final[tuple[Attack, ...]] = (
    token("padded-base64url", "Pad the signature as base64url may be padded elsewhere.",
          "RFC 7515 section 2", (_T.BASE64,), Code.ALPHABET, lambda f: f.genuine + b"=="),
    token("standard-base64", "Write the signature in the alphabet of standard base64.",
          "RFC 7515 section 2", (_T.BASE64,), Code.ALPHABET, _standard_alphabet),
    token("signature-not-canonical", "Set bits of the genuine signature's last character that nobody reads.",
          "RFC 4648 section 3.5", (_T.BASE64, _T.MALLEABILITY), Code.SEGMENT_ENCODING, _signature_respelled),
    token("payload-not-canonical", "Sign a payload segment that can be spelled in another way.",
          "RFC 4648 section 3.5", (_T.BASE64,), Code.SEGMENT_ENCODING, _payload_respelled, means=_STOLEN),
    token("payload-impossible-length", "Give the payload a length that base64url never has.",
          "RFC 4648 section 4", (_T.BASE64,), Code.SEGMENT_ENCODING, _payload_odd),
    token("segment-trailing", "Append a fourth segment to the genuine verdict.",
          "RFC 7515 section 7.1", (_T.SEGMENTS,), Code.SEGMENT_COUNT, lambda f: f.genuine + b".AAAA"),
    token("segment-trailing-stop", "Append a full stop to a verdict that the vendor's key signed.",
          "RFC 7515 section 7.1", (_T.SEGMENTS,), Code.SEGMENT_COUNT, lambda f: f.signed() + b".", means=_STOLEN),
    token("segment-extra-payload", "Put a second payload before the signature.",
          "RFC 7515 section 7.1", (_T.SEGMENTS,), Code.SEGMENT_COUNT,
          lambda f: b".".join((f.parts[0], b64(text(f.claims())), *f.parts[1:]))),
    token("segment-missing", "Leave the signature's segment away.",
          "RFC 7515 section 5.2", (_T.SEGMENTS, _T.TRUNCATION), Code.SEGMENT_COUNT,
          lambda f: b".".join(f.parts[:2])),
    token("two-tokens", "Glue an earlier verdict to the genuine one.",
          "RFC 7515 section 7.1", (_T.SEGMENTS,), Code.SEGMENT_COUNT, lambda f: f.earlier + f.genuine),
    token("jwe", "Answer with five segments, as an encrypted token has.",
          "RFC 8725 section 2.8", (_T.SEGMENTS, _T.TYPE), Code.SEGMENT_COUNT, _encrypted),
    token("payload-detached", "Leave the payload empty, as a detached signature does.",
          "RFC 7515 appendix F", (_T.SEGMENTS,), Code.SEGMENT_EMPTY, _detached, means=_STOLEN),
    token("header-empty", "Leave the header empty.",
          "RFC 7515 section 5.2", (_T.SEGMENTS,), Code.SEGMENT_EMPTY, _headless, means=_STOLEN),
    token("json-flattened", "Answer with the flattened JSON serialisation of a verdict that is signed rightly.",
          "RFC 7515 section 7.2.2", (_T.SERIALISATION,), Code.ALPHABET, _flattened, means=_STOLEN),
    token("json-general", "Answer with the general JSON serialisation of a verdict that is signed rightly.",
          "RFC 7515 section 7.2.1", (_T.SERIALISATION,), Code.ALPHABET, _general, means=_STOLEN),
    token("payload-unencoded", "Sign a payload that is not encoded and say so.",
          "RFC 7797 section 5.2", (_T.B64, _T.SERIALISATION), Code.ALPHABET, _unencoded, means=_STOLEN),
    token("truncated", "Cut the end of the genuine verdict off.",
          "RFC 7515 section 5.2", (_T.TRUNCATION,), Code.SIGNATURE_LENGTH, lambda f: f.genuine[:-10]),
    token("truncated-in-the-payload", "Cut the genuine verdict off in its payload.",
          "RFC 7515 section 5.2", (_T.TRUNCATION,), Code.SEGMENT_COUNT, lambda f: f.genuine[: len(f.genuine) // 2]),
    token("empty", "Answer with nothing.",
          "RFC 7515 section 5.2", (_T.TRUNCATION,), Code.SEGMENT_COUNT, lambda _: b""),
    token("newline", "Append a line feed to the genuine verdict.",
          "RFC 7515 section 7.1", (_T.ENCODINGS,), Code.ALPHABET, lambda f: f.genuine + b"\n"),
    token("folded", "Fold the genuine verdict into lines, as mail does.",
          "RFC 7515 section 2", (_T.ENCODINGS,), Code.ALPHABET, lambda f: f.genuine[:76] + b"\r\n" + f.genuine[76:]),
    token("token-byte-order-mark", "Begin with a byte order mark.",
          "RFC 8259 section 8.1", (_T.ENCODINGS,), Code.ALPHABET, lambda f: b"\xef\xbb\xbf" + f.genuine),
    token("token-utf16", "Write the genuine verdict in UTF-16.",
          "RFC 7515 section 7.1", (_T.ENCODINGS,), Code.ALPHABET, lambda f: f.genuine.decode().encode("utf-16")),
    token("token-lookalike", "Write a full stop that is not the one of ASCII.",
          "CWE-176", (_T.ENCODINGS,), Code.ALPHABET, lambda f: f.genuine.replace(b".", "\u2024".encode())),
    token("compressed", "Compress the genuine verdict.",
          "CWE-409", (_T.ENCODINGS,), Code.ALPHABET, lambda f: gzip.compress(f.genuine, mtime=0)),
    token("over-long", "Answer with more octets than any verdict has.",
          "CWE-770", (_T.LENGTH,), Code.TOO_LONG, lambda _: b"A" * (limits.BODY_MAX - 1)),
    token("over-long-and-signed", "Fill a verdict that the vendor's key signs with white space beyond the limit.",
          "CWE-770", (_T.LENGTH,), Code.TOO_LONG,
          lambda f: f.signed(text(f.claims()) + b" " * limits.TOKEN_MAX), means=_STOLEN),
    token("many-stops", "Answer with full stops alone, up to the limit.",
          "CWE-407", (_T.LENGTH, _T.SEGMENTS), Code.SEGMENT_COUNT, lambda _: b"." * limits.TOKEN_MAX),
)  # fmt: skip
