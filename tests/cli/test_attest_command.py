"""`activation attest` and `activation evidence --device`: keys of a client of one's own, on devices with numbers."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificates
from typer.testing import CliRunner, Result

from firmware_profiles.model import KeyStorage
from lab.cli.main import app
from lab.handset.client_keys import read_private_key
from lab.handset.keystore import EmulatedKeystore, KeyAlgorithm, KeystoreOptions
from lab.world.seed import Seed
from server_stub.evidence.evidence_token import thumbprint
from server_stub.verdicts.service import VerdictService
from tests.support.server_phone import MANUFACTURER, facts, service
from wire.codes import Decision

SERVICE = service()
NONCE = "A" * 44
KEYS: dict[str, Any] = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    "ML-DSA-65": mldsa.MLDSA65PrivateKey.generate(),
}
P384 = ec.generate_private_key(ec.SECP384R1())


def pem(key: Any, password: bytes = b"") -> str:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode())


def public_pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def jwk(key: Any, algorithm: str) -> dict[str, Any]:
    options = KeystoreOptions(KeyAlgorithm(algorithm))
    authority = MANUFACTURER.authority(KeyStorage.TEE)
    made = EmulatedKeystore(Seed.of("any"), authority, facts(), options).attest_key(key, b"challenge")
    return made.private_jwk()


def public_jwk(key: Any, algorithm: str) -> str:
    return json.dumps(
        {name: value for name, value in jwk(key, algorithm).items() if name not in ("d", "priv")}
    )


def run(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(app, [*arguments, "--seed", "tests"], input=given)


def written(folder: Path, text: str) -> str:
    file = folder / "key"
    file.write_text(text, "utf-8")
    return str(file)


def chain_of(token: str) -> list[bytes]:
    header = json.loads(base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))
    return [base64.b64decode(certificate) for certificate in header["x5c"]]


def nonce_of(server: VerdictService) -> str:
    return server.challenge().nonce


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize("private", [pem, jwk], ids=["PEM", "JWK"])
def test_evidence_signed_by_an_own_key_gets_a_verdict_for_that_key(
    algorithm: str, private: Any, tmp_path: Path
) -> None:
    key = KEYS[algorithm]
    text = pem(key) if private is pem else json.dumps(jwk(key, algorithm))
    made = run(
        "evidence",
        nonce_of(SERVICE),
        "--device",
        "7",
        "--private-key",
        written(tmp_path, text),
        "--place",
        "havana",
    )
    assert made.exit_code == 0, made.stderr
    verdict, _ = SERVICE.judge(made.stdout.encode())
    assert (verdict.decision, verdict.cnf.jkt) == (Decision.DENY, thumbprint(key.public_key()))


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize("form", ["PEM", "JWK"])
def test_attest_prints_the_chain_that_evidence_has(algorithm: str, form: str, tmp_path: Path) -> None:
    key = KEYS[algorithm]
    text = public_pem(key) if form == "PEM" else public_jwk(key, algorithm)
    call = ("attest", "--nonce", "-", "--public-key", written(tmp_path, text), "--device", "7")
    challenge = SERVICE.challenge().model_dump_json()
    printed = run(*call, given=challenge)
    assert printed.exit_code == 0, printed.stderr
    shown = json.loads(run(*call, "--json", given=challenge).stdout)
    chain = [
        certificate.public_bytes(Encoding.DER)
        for certificate in load_pem_x509_certificates(printed.stdout.encode())
    ]
    assert [base64.b64decode(each) for each in shown["x5c"]] == chain
    assert (shown["alg"], shown["device"]) == (algorithm, 7)
    evidence = run("evidence", "--device", "7", "--private-key", written(tmp_path, pem(key)), given=challenge)
    assert chain_of(evidence.stdout) == chain


@pytest.mark.parametrize("algorithm", KEYS)
def test_algorithm_of_a_new_key_is_selected_by_alg(algorithm: str) -> None:
    made = run("evidence", "--nonce", nonce_of(SERVICE), "--device", "1", "--alg", algorithm)
    header = json.loads(base64.urlsafe_b64decode(made.stdout.split(".")[0] + "=="))
    assert (made.exit_code, header["alg"]) == (0, algorithm)
    assert SERVICE.judge(made.stdout.encode())[0].decision is Decision.ALLOW


def test_device_is_the_same_with_another_image_and_in_another_place() -> None:
    """Its pseudonym follows from its IMEI; another number is another device with other certificates."""
    server, subjects, certificates = service(), {}, {}
    for number, place, profile in (
        (3, "paris", "official-global"),
        (3, "tehran", "official-global"),
        (3, "paris", "custom-resigned"),
        (4, "paris", "official-global"),
    ):
        call = ("--device", str(number), "--place", place, "--profile", profile)
        token = run("evidence", nonce_of(server), *call).stdout
        subjects[number, place, profile] = server.judge(token.encode())[0].sub
        certificates[number, place, profile] = load_der_x509_certificate(chain_of(token)[1]).serial_number
    assert len(set(subjects.values())) == len(set(certificates.values())) == 2
    assert subjects[4, "paris", "official-global"] not in [
        sub for key, sub in subjects.items() if key[0] == 3
    ]


def test_the_same_call_prints_the_same_key_and_another_nonce_or_device_another_one() -> None:
    calls = [(NONCE, "0"), (NONCE, "0"), (NONCE, "499999"), ("B" * 44, "0")]
    keys = [
        load_der_x509_certificate(chain_of(run("evidence", nonce, "--device", number).stdout)[0]).public_key()
        for nonce, number in calls
    ]
    assert [keys.index(key) for key in keys] == [0, 0, 2, 3]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (public_pem(rsa.generate_private_key(65537, 2048)), "does not attest this kind"),
        (public_pem(P384), "secp384r1; give a P-256 key"),
        (pem(KEYS["Ed25519"]), "is a private key; give its public key"),
        (json.dumps(jwk(KEYS["ES256"], "ES256")), "is a private key; give its public key"),
        ('{"kty": "OKP", "crv": "X25519", "x": "AA"}', "this JWK is not a P-256"),
        ('{"kty": "OKP", "crv": "Ed25519", "x": "AA"}', "no public key"),
        ('{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}', "no public key"),
        ('{"kty": "EC", "crv": "P-256", "x": "??"}', "no public key"),
        ("{" * 9, "not JSON"),
        ("hello", "BEGIN PUBLIC KEY"),
        ("A" * 20_000, "longer than 16384 bytes"),
    ],
)
def test_attest_refuses_what_no_keystore_attests(text: str, hint: str, tmp_path: Path) -> None:
    made = run("attest", "--nonce", NONCE, "--public-key", written(tmp_path, text))
    assert (made.exit_code, hint in made.stderr, made.stdout) == (2, True, ""), made.stderr


@pytest.mark.parametrize(
    ("text", "arguments", "hint"),
    [
        (pem(KEYS["ES256"], b"secret"), [], "has a password"),
        (public_pem(KEYS["ES256"]), [], "BEGIN PRIVATE KEY"),
        (pem(P384), [], "secp384r1; give a P-256 key"),
        (json.dumps(jwk(KEYS["ES256"], "ES256") | {"d": "AQ"}), [], "not that of its public key"),
        (json.dumps(jwk(KEYS["Ed25519"], "Ed25519") | {"d": "AQ"}), [], "no private key"),
        (pem(KEYS["ES256"]), ["--alg", "Ed25519"], "is of ES256, not of Ed25519; omit --alg"),
        (pem(KEYS["ES256"]), ["--device", "500000"], "numbered from 0 to 499999"),
        (pem(KEYS["ES256"]), ["--nonce", NONCE], "give one nonce"),
    ],
)
def test_evidence_refuses_a_key_that_it_cannot_sign_with(
    text: str, arguments: list[str], hint: str, tmp_path: Path
) -> None:
    made = run("evidence", NONCE, "--private-key", written(tmp_path, text), *arguments)
    assert (made.exit_code, hint in made.stderr, made.stdout) == (2, True, ""), made.stderr


def test_private_key_is_read_as_it_was_written() -> None:
    for algorithm, key in KEYS.items():
        for text in (pem(key), json.dumps(jwk(key, algorithm))):
            assert read_private_key(text).public_key() == key.public_key()
