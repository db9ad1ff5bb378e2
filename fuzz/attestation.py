"""Fuzzing of the attestation parser. The first byte of an input selects the use of the rest.

| byte | the rest |
|---|---|
| `D` | the value of the key description extension, to its decoder |
| `L` | a leaf's TBSCertificate, signed by the batch key: for the chain verifier and the reader of extensions |
| `B` | the batch's TBSCertificate, signed by the root's key, above a valid leaf |
| `C` | the bytes of a certificate, above a valid leaf |
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fuzz.certificate_chains import BATCH, LEAF, NONCE, ROOT, ROOT_KEY, certificate
from fuzz.fault import hold
from server_stub.attestation import key_description
from server_stub.attestation.appraisal import appraise
from server_stub.attestation.chain import ChainVerifier
from server_stub.attestation.key_description import KeyDescription, KeyDescriptionError
from server_stub.evidence.errors import EvidenceError
from tests.support.chains import encode_description
from tests.support.server_phone import NOW, claims
from wire.evidence import Evidence

_EVIDENCE: Final = Evidence.model_validate(claims(NONCE))


def fuzz_one(data: bytes) -> None:
    """Run one input. Raises no error unless the parser breaks a rule."""
    kind, rest = data[:1], data[1:]
    if kind == b"L":
        _judge(certificate(rest, BATCH.key), *BATCH.chain)
    elif kind == b"B":
        _judge(LEAF, certificate(rest, ROOT_KEY))
    elif kind == b"C":
        _judge(LEAF, rest)
        _judge(rest)
    else:
        with suppress(KeyDescriptionError):
            _check_description(key_description.decode(rest), rest)


def seeds() -> Iterator[bytes]:
    """The start of the search: the parts of a valid chain, and descriptions with fewer fields."""
    leaf = x509.load_der_x509_certificate(LEAF)
    yield b"L" + leaf.tbs_certificate_bytes
    yield b"B" + BATCH.certificate.tbs_certificate_bytes
    yield from (b"C" + each.public_bytes(Encoding.DER) for each in (leaf, BATCH.certificate, ROOT))
    extension = leaf.extensions.get_extension_for_oid(key_description.OID).value
    if isinstance(extension, x509.UnrecognizedExtension):
        yield b"D" + extension.value
        good = key_description.decode(extension.value)
        yield b"D" + encode_description(replace(good, hardware=good.software))


def _judge(*chain: bytes) -> None:
    """Verify the path, then appraise the leaf's description, like the server."""
    try:
        path = ChainVerifier((ROOT,)).verify(chain, NOW)
        appraisal = appraise(path, _EVIDENCE)
    except EvidenceError:
        return
    attested = appraisal.imei is not None
    hold("only an anchored chain attests a device", holds=path.anchored or not attested)


def _check_description(description: KeyDescription, extension: bytes) -> None:
    written = encode_description(description)
    lists = (description.software, description.hardware)
    canonical = not description.deviations and not any(each.unread for each in lists)
    hold("a description without deviations has one encoding", holds=not canonical or written == extension)
    # Unknown tags and what deviates are not written.
    again = key_description.decode(written)
    hold("a description can be written and read again", holds=_facts(again) == _facts(description))


def _facts(description: KeyDescription) -> KeyDescription:
    none: dict[str, Any] = {"unread": frozenset(), "unreadable": frozenset(), "deviations": frozenset()}
    return replace(
        description,
        software=replace(description.software, **none),
        hardware=replace(description.hardware, **none),
        deviations=frozenset(),
    )
