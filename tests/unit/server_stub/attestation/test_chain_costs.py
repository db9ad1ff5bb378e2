"""How many signatures are checked for a chain that a stranger made, and with which keys."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from server_stub.attestation import chain as chain_module
from server_stub.attestation import key_description, public_keys, signature_algorithms
from server_stub.attestation.appraisal import appraise
from server_stub.attestation.certificate import ParsedCertificate
from server_stub.attestation.chain import Anchor, ChainError, ChainProblem, ChainVerifier, Path
from server_stub.attestation.signature_algorithms import VerifiedSignatures, is_signed_by
from server_stub.evidence import evidence_token
from tests.support.chain_shapes import field
from tests.support.chains import Cert, chain, der_of, edited, issue, leaf
from tests.support.hostile_evidence import BATCH, CHAINS, REFUSED_KEYS, ROOT, evidence
from tests.support.server_phone import MANUFACTURER, NOW, Phone

CONFIGURED = Cert("root", "rsa2048")
BELOW = Cert("batch")
MIDDLE = Cert("middle", "p384")
NO_ROOT = [name for name in CHAINS if name.startswith("self-made")]
NAMES_ROOT = [name for name in CHAINS if name.startswith("names of the root")]


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[PublicKeyTypes]]:
    """The keys with which signatures of certificates were checked."""
    keys: list[PublicKeyTypes] = []

    def count(certificate: ParsedCertificate, key: PublicKeyTypes) -> bool:
        keys.append(key)
        return is_signed_by(certificate, key)

    monkeypatch.setattr(signature_algorithms, "is_signed_by", count)
    monkeypatch.setattr(chain_module, "is_signed_by", count)
    return keys


def verifier() -> ChainVerifier:
    secrets = MANUFACTURER.secrets
    return ChainVerifier(secrets.attestation_roots, software_roots=secrets.software_roots)


def outcome(sent: tuple[bytes, ...], found: ChainVerifier | None = None) -> Path | ChainProblem:
    try:
        return (found or verifier()).verify(sent, NOW)
    except ChainError as error:
        return ChainProblem(error.problem)


@pytest.mark.parametrize("name", NO_ROOT)
def test_chain_that_names_no_root_costs_no_signature_check_and_loads_no_key(
    name: str, checked: list[PublicKeyTypes], monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = verifier()
    monkeypatch.setattr(public_keys, "load_der_public_key", None)
    found = outcome(tuple(CHAINS[name]()), trusted)
    refused = any(key in name for key in ("P-521", "exponent", "16384"))
    assert (found if refused else found.anchor) is (ChainProblem.KEY_WEAK if refused else Anchor.NONE)
    assert checked == []


def test_valid_chain_to_another_root_costs_no_signature_check(checked: list[PublicKeyTypes]) -> None:
    path = outcome(der_of(chain(leaf(), BELOW, MIDDLE, Cert("other root"))))
    assert isinstance(path, Path)
    assert (path.anchor, path.provisioning, checked) == (Anchor.NONE, None, [])


@pytest.mark.parametrize("name", NAMES_ROOT)
def test_chain_under_the_name_of_a_root_costs_one_check_with_the_key_of_the_root(
    name: str, checked: list[PublicKeyTypes], monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = verifier()
    monkeypatch.setattr(public_keys, "load_der_public_key", None)
    found = outcome(tuple(CHAINS[name]()), trusted)
    if any(key in name for key in ("P-521", "16384")):
        assert (found, checked) == (ChainProblem.KEY_WEAK, [])
        return
    assert isinstance(found, Path)
    assert (found.anchor, checked) == (Anchor.NONE, [ROOT.public_key()])


def test_chain_is_verified_from_the_root_down(checked: list[PublicKeyTypes]) -> None:
    """A key is used only after a trusted key has signed its certificate."""
    certificates = chain(leaf(), BELOW, MIDDLE, CONFIGURED)
    path = outcome(der_of(certificates), ChainVerifier(certificates[-1:]))
    assert isinstance(path, Path)
    assert checked == [each.key.public_key() for each in (CONFIGURED, MIDDLE, BELOW)]


@pytest.mark.parametrize("with_root", [True, False])
@pytest.mark.parametrize("count", range(5))
def test_chain_below_a_root_of_software_counts_as_unattested_before_it_is_verified(
    count: int, *, with_root: bool, checked: list[PublicKeyTypes]
) -> None:
    """Anybody can make one: the key of such a root is public. None of it is remembered in place of a genuine one."""
    issuers = [Cert(f"own {place}", "p384") for place in range(count)]
    certificates = chain(leaf(), *issuers, CONFIGURED)
    trusted = ChainVerifier((), software_roots=certificates[-1:])
    sent = der_of(certificates if with_root else certificates[:-1])
    with pytest.raises(InterruptedError):
        trusted.verify(sent, NOW, raise_interrupted)
    assert len(checked) <= 1, "that of the root, by whose name it was found"
    path = trusted.verify(sent, NOW)
    assert path.anchor is Anchor.SOFTWARE
    assert len(checked) <= count + 2
    assert not trusted._known


def raise_interrupted() -> None:
    raise InterruptedError


@pytest.mark.parametrize("place", [1, 2])
def test_nothing_below_an_invalid_signature_is_verified(place: int, checked: list[PublicKeyTypes]) -> None:
    certificates = chain(leaf(), BELOW, MIDDLE, CONFIGURED)
    sent = list(der_of(certificates))
    sent[place] = sent[place][:-1] + bytes((sent[place][-1] ^ 1,))
    assert outcome(tuple(sent), ChainVerifier(certificates[-1:])) is ChainProblem.SIGNATURE_INVALID
    assert len(checked) == 3 - place


def test_genuine_issuers_are_verified_once_whatever_is_sent_below_them(checked: list[PublicKeyTypes]) -> None:
    certificates = chain(leaf(), BELOW, MIDDLE, CONFIGURED)
    trusted = ChainVerifier(certificates[-1:])
    outcome(der_of(certificates), trusted)
    for number in range(3):
        checked.clear()
        forged = issue(Cert(f"forged {number}"), replace(MIDDLE, key_name="forger"))
        sent = der_of((issue(leaf(), BELOW), forged, *certificates[2:]))
        assert outcome(sent, trusted) is ChainProblem.SIGNATURE_INVALID
        assert checked == [MIDDLE.key.public_key()]


@pytest.mark.parametrize("name", REFUSED_KEYS)
def test_issuer_with_a_refused_key_is_named_although_a_root_certified_it(
    name: str, checked: list[PublicKeyTypes]
) -> None:
    """Before any signature is checked."""
    issuer = edited(issue(BELOW, CONFIGURED), CONFIGURED, field(6, REFUSED_KEYS[name]))
    sent = (*der_of((issue(leaf(), BELOW),)), issuer, *der_of(chain(CONFIGURED)))
    with pytest.raises(
        ChainError, match=r"certificate 1 of x5c \(CN=batch\) has a key that is neither"
    ) as caught:
        ChainVerifier(chain(CONFIGURED)).verify(sent, NOW)
    assert (caught.value.problem, caught.value.place) == (ChainProblem.KEY_WEAK, 1)
    assert checked == []


@pytest.mark.parametrize("name", REFUSED_KEYS)
def test_leaf_with_a_refused_key_signs_nothing(name: str) -> None:
    attested = edited(issue(leaf(), CONFIGURED), CONFIGURED, field(6, REFUSED_KEYS[name]))
    path = ChainVerifier(chain(CONFIGURED)).verify((attested,), NOW)
    with pytest.raises(ChainError, match="malformed: its public key"):
        _ = path.leaf_key


def test_key_description_of_an_unanchored_leaf_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    token = evidence_token.read(evidence("n" * 44, CHAINS["many elements in a key description"]()))
    monkeypatch.setattr(key_description, "decode", None)
    appraisal = appraise(verifier().verify(token.chain, NOW), token.evidence)
    assert appraisal.reasons()["instance-identity"] == "chain-not-anchored"


def test_signatures_are_remembered_up_to_a_number_and_only_valid_ones() -> None:
    remembered = VerifiedSignatures(2)
    issuer = chain(CONFIGURED)[0]
    certificates = [issue(Cert(f"c{number}"), CONFIGURED) for number in range(4)]
    key, spki = issuer.public_key(), b"spki"
    for each in (*certificates, certificates[0]):
        parsed = chain_module.parse(each.public_bytes(Encoding.DER))
        assert remembered.is_signed_by(parsed, key, spki)
        assert not remembered.is_signed_by(
            replace(parsed, signature=parsed.signature[:-1] + bytes([parsed.signature[-1] ^ 1])), key, spki
        )
        assert not remembered.is_signed_by(replace(parsed, signed=parsed.signed + b"\0"), key, spki)
        assert not remembered.is_signed_by(parsed, BELOW.key.public_key(), b"another")
        assert len(remembered) <= 2


def test_genuine_chain_costs_one_check_after_the_first(checked: list[PublicKeyTypes]) -> None:
    """An honest device of a known batch."""
    trusted = verifier()
    for _ in range(3):
        checked.clear()
        token = evidence_token.read(Phone().evidence("n" * 44))
        assert token.chain[1] == BATCH
        assert trusted.verify(token.chain, NOW).anchored
    assert len(checked) == 1
