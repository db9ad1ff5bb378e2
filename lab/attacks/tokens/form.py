"""Attacks on the encoding of a token: characters, segments, sizes, serialisations."""

import base64
import gzip
from typing import Final

from agent.verification.errors import Code
from lab.attacks.harness.token_forge import TokenForge, to_json
from lab.attacks.model import Attack, Topic
from lab.attacks.substitution import signed_token, token_attack
from lab.world.jose import b64
from wire import limits

_T = Topic
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _non_canonical(segment: bytes) -> bytes:
    """The same bytes with an unused bit set in the last character (RFC 4648 section 3.5)."""
    return segment[:-1] + bytes((_ALPHABET[_ALPHABET.index(segment[-1]) | 1],))


def _non_canonical_payload(forge: TokenForge) -> bytes:
    """The manufacturer's key signs a payload segment that is not canonical."""
    payload = to_json(forge.claims())
    payload += b" " * ((1 - len(payload)) % 3)
    message = b64(to_json(forge.keys.genuine.header())) + b"." + _non_canonical(b64(payload))
    return message + b"." + b64(forge.keys.genuine.sign(message))


def _flattened(forge: TokenForge) -> bytes:
    protected, payload, signature = (part.decode() for part in forge.signed().split(b"."))
    return to_json({"protected": protected, "payload": payload, "signature": signature})


def _general(forge: TokenForge) -> bytes:
    protected, payload, signature = (part.decode() for part in forge.signed().split(b"."))
    return to_json({"payload": payload, "signatures": [{"protected": protected, "signature": signature}]})


def _unencoded(forge: TokenForge) -> bytes:
    header = b64(to_json(forge.keys.genuine.header(b64=False, crit=["b64"])))
    message = header + b"." + to_json(forge.claims())
    return message + b"." + b64(forge.keys.genuine.sign(message))


def _encrypted(forge: TokenForge) -> bytes:
    header = {"alg": "dir", "enc": "A256GCM", "kid": forge.keys.genuine.kid}
    return b".".join(
        (b64(to_json(header)), b"", b64(bytes(12)), b64(to_json(forge.claims())), b64(bytes(16)))
    )


ATTACKS: Final[tuple[Attack, ...]] = (
    token_attack("padded-base64url", "Pad the signature, as other uses of base64url allow.",
                 "RFC 7515 section 2", (_T.BASE64,), Code.ALPHABET, lambda f: f.genuine + b"=="),
    token_attack("standard-base64", "Encode the signature in the alphabet of standard base64.",
                 "RFC 7515 section 2", (_T.BASE64,), Code.ALPHABET,
                 lambda f: b".".join((*f.parts[:2], base64.b64encode(b"\xff" * 64).rstrip(b"=")))),
    token_attack("signature-not-canonical", "Set unused bits of the last character of the genuine signature.",
                 "RFC 4648 section 3.5", (_T.BASE64, _T.MALLEABILITY), Code.SEGMENT_ENCODING,
                 lambda f: b".".join((*f.parts[:2], _non_canonical(f.parts[2])))),
    signed_token("payload-not-canonical", "Sign a payload segment whose encoding is not canonical.",
                 "RFC 4648 section 3.5", (_T.BASE64,), Code.SEGMENT_ENCODING, _non_canonical_payload),
    token_attack("payload-impossible-length", "Give the payload a length that base64url never has.",
                 "RFC 4648 section 4", (_T.BASE64,), Code.SEGMENT_ENCODING,
                 lambda f: b".".join((f.parts[0], f.parts[1] + b"A" * ((1 - len(f.parts[1])) % 4), f.parts[2]))),
    token_attack("segment-trailing", "Append a fourth segment to the genuine verdict.",
                 "RFC 7515 section 7.1", (_T.SEGMENTS,), Code.SEGMENT_COUNT, lambda f: f.genuine + b".AAAA"),
    signed_token("segment-trailing-stop", "Append a full stop to a verdict that the manufacturer's key signed.",
                 "RFC 7515 section 7.1", (_T.SEGMENTS,), Code.SEGMENT_COUNT, lambda f: f.signed() + b"."),
    token_attack("segment-extra-payload", "Put a second payload before the signature.",
                 "RFC 7515 section 7.1", (_T.SEGMENTS,), Code.SEGMENT_COUNT,
                 lambda f: b".".join((f.parts[0], b64(to_json(f.claims())), *f.parts[1:]))),
    token_attack("segment-missing", "Remove the segment of the signature.",
                 "RFC 7515 section 5.2", (_T.SEGMENTS, _T.TRUNCATION), Code.SEGMENT_COUNT,
                 lambda f: b".".join(f.parts[:2])),
    token_attack("two-tokens", "Put an earlier verdict directly before the genuine one.",
                 "RFC 7515 section 7.1", (_T.SEGMENTS,), Code.SEGMENT_COUNT, lambda f: f.earlier + f.genuine),
    token_attack("jwe", "Respond with five segments, as an encrypted token has.",
                 "RFC 8725 section 2.8", (_T.SEGMENTS, _T.TYPE), Code.SEGMENT_COUNT, _encrypted),
    signed_token("payload-detached", "Leave the payload empty, as a detached signature does.",
                 "RFC 7515 appendix F", (_T.SEGMENTS,), Code.SEGMENT_EMPTY,
                 lambda f: b"..".join(f.signed().split(b".")[::2])),
    signed_token("header-empty", "Leave the header empty.",
                 "RFC 7515 section 5.2", (_T.SEGMENTS,), Code.SEGMENT_EMPTY,
                 lambda f: b"." + f.signed().partition(b".")[2]),
    signed_token("json-flattened", "Respond with the flattened JSON serialisation of a validly signed verdict.",
                 "RFC 7515 section 7.2.2", (_T.SERIALISATION,), Code.ALPHABET, _flattened),
    signed_token("json-general", "Respond with the general JSON serialisation of a validly signed verdict.",
                 "RFC 7515 section 7.2.1", (_T.SERIALISATION,), Code.ALPHABET, _general),
    signed_token("payload-unencoded", "Sign a payload that is not encoded, with a header that states this.",
                 "RFC 7797 section 5.2", (_T.B64, _T.SERIALISATION), Code.ALPHABET, _unencoded),
    token_attack("truncated", "Remove the end of the genuine verdict.",
                 "RFC 7515 section 5.2", (_T.TRUNCATION,), Code.SIGNATURE_LENGTH, lambda f: f.genuine[:-10]),
    token_attack("truncated-in-the-payload", "Remove the second half of the genuine verdict.",
                 "RFC 7515 section 5.2", (_T.TRUNCATION,), Code.SEGMENT_COUNT,
                 lambda f: f.genuine[: len(f.genuine) // 2]),
    token_attack("empty", "Respond with an empty body.",
                 "RFC 7515 section 5.2", (_T.TRUNCATION,), Code.SEGMENT_COUNT, lambda _: b""),
    token_attack("newline", "Append a line feed to the genuine verdict.",
                 "RFC 7515 section 7.1", (_T.ENCODINGS,), Code.ALPHABET, lambda f: f.genuine + b"\n"),
    token_attack("folded", "Break the genuine verdict into lines, as e-mail does.",
                 "RFC 7515 section 2", (_T.ENCODINGS,), Code.ALPHABET,
                 lambda f: f.genuine[:76] + b"\r\n" + f.genuine[76:]),
    token_attack("token-byte-order-mark", "Put a byte order mark before the genuine verdict.",
                 "RFC 8259 section 8.1", (_T.ENCODINGS,), Code.ALPHABET, lambda f: b"\xef\xbb\xbf" + f.genuine),
    token_attack("token-utf16", "Encode the genuine verdict in UTF-16.",
                 "RFC 7515 section 7.1", (_T.ENCODINGS,), Code.ALPHABET,
                 lambda f: f.genuine.decode().encode("utf-16")),
    token_attack("token-lookalike", "Replace the full stops by a similar character outside ASCII.",
                 "CWE-176", (_T.ENCODINGS,), Code.ALPHABET, lambda f: f.genuine.replace(b".", "\u2024".encode())),
    token_attack("compressed", "Compress the genuine verdict.",
                 "CWE-409", (_T.ENCODINGS,), Code.ALPHABET, lambda f: gzip.compress(f.genuine, mtime=0)),
    token_attack("over-long", "Respond with more bytes than any verdict has.",
                 "CWE-770", (_T.LENGTH,), Code.TOO_LONG, lambda _: b"A" * (limits.BODY_MAX - 1)),
    signed_token("over-long-and-signed", "Fill a verdict that the manufacturer's key signs with white space.",
                 "CWE-770", (_T.LENGTH,), Code.TOO_LONG,
                 lambda f: f.signed(to_json(f.claims()) + b" " * limits.VERDICT_MAX)),
    token_attack("many-stops", "Respond with as many full stops as a token may have characters.",
                 "CWE-407", (_T.LENGTH, _T.SEGMENTS), Code.SEGMENT_COUNT, lambda _: b"." * limits.VERDICT_MAX),
)  # fmt: skip
