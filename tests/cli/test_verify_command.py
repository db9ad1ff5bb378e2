"""`activation verify`: input, output and exit codes."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from joserfc.jwk import ECKey
from typer.testing import CliRunner

from lab.cli.main import app
from lab.inspection.repository_keys import FolderDownloads
from lab.manufacturer.manufacturer import Manufacturer
from server_stub.key_repository import KeyRepository
from server_stub.server import ServerThread
from server_stub.signing import Algorithm
from server_stub.store.sql import SqlStore
from tests.support.server_phone import MANUFACTURER, service
from tests.support.tokens import (
    AUDIENCE,
    ED25519,
    ES256,
    ISSUER,
    NONCE,
    NOW,
    SIGNERS,
    THUMBPRINT,
    Signer,
    jwks,
    make_verdict,
    sign,
)
from tests.support.tuf import write_files
from wire.verdict import Verdict

TOKEN = sign(make_verdict())
PHONE = [
    *("--issuer", ISSUER, "--audience", AUDIENCE, "--device-key", THUMBPRINT, "--nonce", NONCE),
    *("--serial", "6", "--policy-version", "3", "--now", str(NOW)),
]


@pytest.fixture
def keys(tmp_path: Path) -> str:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(jwks(*SIGNERS)))
    return str(path)


def activation(*arguments: str, code: int = 0, stdin: str | None = None) -> Result:
    done = CliRunner().invoke(app, ["verify", *arguments], input=stdin, env={"COLUMNS": "80"})
    assert done.exit_code == code, done.output
    return done


def as_json(*arguments: str, code: int = 0, stdin: str | None = None) -> Any:
    return json.loads(activation(*arguments, "--json", code=code, stdin=stdin).stdout)


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.alg)
def test_a_valid_verdict_passes_all_fourteen_steps(keys: str, signer: Signer) -> None:
    report = as_json(sign(make_verdict(), signer), "--keys", keys, *PHONE)
    assert (report["verified"], report["complete"], report["code"]) == (True, True, None)
    assert [step["result"] for step in report["steps"]] == ["pass"] * 14
    assert report["claims"] == make_verdict()


def test_the_failed_step_has_its_code_and_the_others_their_state(keys: str) -> None:
    report = as_json(TOKEN, "--keys", keys, "--now", str(NOW), "--nonce", "another-nonce", code=1)
    results = [step["result"] for step in report["steps"]]
    assert results == ["pass"] * 8 + ["not checked"] * 2 + ["fail"] + ["not reached"] * 3
    assert (report["step"], report["code"]) == (11, "nonce-mismatch")
    assert [step["code"] for step in report["steps"] if step["code"]] == ["nonce-mismatch"]
    assert report["claims"] is None


def test_table_fits_80_columns_and_names_the_code(keys: str) -> None:
    good = activation(TOKEN, "--keys", keys, "--now", str(NOW)).stdout
    assert max(map(len, good.splitlines())) <= 80
    assert "VERIFIED: deny, territory-prohibited for CU, serial 7" in good
    assert "Options not given: --issuer, --audience, --device-key, --nonce" in " ".join(good.split())
    bad = activation(TOKEN[:-8] + "AAAAAAAA", "--keys", keys, code=1).stdout
    assert "REJECTED at step 7, signature-invalid" in bad
    assert "territory-prohibited" not in bad


def test_token_is_read_from_argument_file_or_standard_input(keys: str, tmp_path: Path) -> None:
    file = tmp_path / "verdict.jwt"
    file.write_text(TOKEN + "\n")
    reports = [
        as_json(where, "--keys", keys, *PHONE, stdin=f" {TOKEN}\r\n") for where in (TOKEN, str(file), "-")
    ]
    assert reports[0] == reports[1] == reports[2]


def test_unverified_claims_are_shown_on_request_and_marked(keys: str) -> None:
    broken = TOKEN[:-8] + "AAAAAAAA"
    shown = activation(broken, "--keys", keys, "--unverified", code=1).stdout
    assert 'UNVERIFIED  claims.decision: "deny"' in shown
    report = as_json(broken, "--keys", keys, "--unverified", code=1)
    assert report["unverified"]["UNVERIFIED header.kid"] == ED25519.kid


@pytest.mark.parametrize("now", [str(NOW), "2021-09-29T07:20:00Z", "2021-09-29T09:20:00+02:00"])
def test_time_is_accepted_in_seconds_and_iso_8601(keys: str, now: str) -> None:
    assert as_json(TOKEN, "--keys", keys, "--now", now)["verified"]


def test_time_is_this_machines_clock_by_default(keys: str) -> None:
    assert as_json(TOKEN, "--keys", keys, code=1)["code"] == "expired"


def device_key_files(folder: Path) -> dict[str, str]:
    private = ES256.private
    assert isinstance(private, EllipticCurvePrivateKey)
    public = private.public_key()
    contents = {
        "jwk": json.dumps(ES256.jwk()).encode(),
        "public.pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "private.pem": private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: str(folder / name) for name in contents}


def test_device_key_is_accepted_as_jwk_pem_or_thumbprint(keys: str, tmp_path: Path) -> None:
    assert isinstance(ES256.private, EllipticCurvePrivateKey)
    thumbprint = ECKey.import_key(ES256.private).thumbprint()
    token = sign(make_verdict(cnf={"jkt": thumbprint}))
    for key in (thumbprint, *device_key_files(tmp_path).values()):
        report = as_json(token, "--keys", keys, "--now", str(NOW), "--device-key", key)
        assert report["steps"][9]["result"] == "pass"
    wrong = as_json(TOKEN, "--keys", keys, "--now", str(NOW), "--device-key", thumbprint, code=1)
    assert wrong["code"] == "key-binding-mismatch"


USAGE: dict[str, tuple[list[str], str]] = {
    "no keys": ([TOKEN], "specify the source of the keys"),
    "root only": ([TOKEN, "--root", "root.json"], "specify the source of the keys"),
    "both sources": (
        [TOKEN, "--keys", "KEYS", "--root", "a", "--repository", "b"],
        "specify the source of the keys",
    ),
    "no such key file": ([TOKEN, "--keys", "missing.json"], "cannot read missing.json: No such file"),
    "a key file that is none": ([TOKEN, "--keys", __file__], f"{__file__} is not a valid JWK Set"),
    "no such root": ([TOKEN, "--root", "missing.json", "--repository", "."], "cannot read missing.json"),
    "no such folder": (
        [TOKEN, "--root", "KEYS", "--repository", "nowhere"],
        "nowhere is not a key repository",
    ),
    "no origin": ([TOKEN, "--root", "KEYS", "--repository", "ftp://a"], "--repository: not an origin"),
    "no time": ([TOKEN, "--keys", "KEYS", "--now", "noon"], "'noon' is not a time; give seconds since 1970"),
    "a local time": ([TOKEN, "--keys", "KEYS", "--now", "2021-09-29T07:20:00"], "has no offset from UTC"),
    "no device key": (
        [TOKEN, "--keys", "KEYS", "--device-key", "me"],
        "'me' is neither a file nor a thumbprint",
    ),
    "a bad device key": ([TOKEN, "--keys", "KEYS", "--device-key", __file__], "contains no valid device key"),
    "no token file": (["nowhere/verdict.jwt", "--keys", "KEYS"], "no file is called 'nowhere/verdict.jwt'"),
}


@pytest.mark.parametrize("case", USAGE)
def test_a_usage_error_exits_with_2_and_a_hint(keys: str, case: str) -> None:
    arguments, message = USAGE[case]
    done = activation(*(keys if argument == "KEYS" else argument for argument in arguments), code=2)
    assert message in done.stderr
    assert done.stderr.startswith("activation: ")
    assert done.stdout == ""


def test_a_misspelled_file_name_is_rejected_as_a_token_with_a_hint(keys: str) -> None:
    done = activation("verdict.jwt", "--keys", keys, code=1)
    assert "there is no file 'verdict.jwt'; it was used as the token itself" in done.stderr


def test_an_unusable_key_is_named_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [ED25519.jwk(use="enc")]}))
    report = as_json(TOKEN, "--keys", str(path), "--now", str(NOW), code=1)
    assert (report["code"], report["left_out"]) == (
        "key-unfit",
        [{"index": 0, "kid": ED25519.kid, "reason": "use-not-signature"}],
    )
    shown = activation(TOKEN, "--keys", str(path), "--now", str(NOW), code=1).stdout
    assert f"Key 0 of the set, kid {ED25519.kid}, was left out: use-not-signature." in shown


class Published(NamedTuple):
    root: str
    folder: str
    repository: KeyRepository


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    root = tmp_path_factory.mktemp("image") / "root.json"
    root.write_bytes(MANUFACTURER.ceremony.pinned_root)
    folder = tmp_path_factory.mktemp("repository")
    signing, store = MANUFACTURER.secrets_signing_by(Algorithm.ML_DSA_65).signing_keys, SqlStore()
    repository = MANUFACTURER.ceremony.open(store, signing, lambda: NOW)
    with store.reading() as reading:
        write_files(folder, reading.repository_files())
    return Published(str(root), str(folder), repository)


def signed_by_the_manufacturer() -> str:
    return MANUFACTURER.post_quantum_signing_key.sign(Verdict.model_validate(make_verdict()))


def test_keys_are_read_from_a_key_repository_in_a_folder(published: Published) -> None:
    source = ("--root", published.root, "--repository", published.folder)
    assert as_json(signed_by_the_manufacturer(), *source, *PHONE)["verified"]


def test_keys_are_read_from_a_key_repository_over_http(published: Published) -> None:
    with ServerThread(service(SqlStore()), repository=published.repository) as server:
        origin = server.origin
        arguments = (signed_by_the_manufacturer(), "--root", published.root, "--repository", origin, *PHONE)
        assert as_json(*arguments)["verified"]
    gone = activation(*arguments, code=3)
    assert f"cannot reach {origin}; is `activation serve` running there?" in gone.stderr


def test_a_repository_not_signed_by_the_root_exits_with_3(published: Published, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_bytes(Manufacturer("another manufacturer").ceremony.pinned_root)
    source = ("--root", str(other), "--repository", published.folder)
    done = activation(TOKEN, *source, "--now", str(NOW), code=3)
    assert "tuf-unsigned" in done.stderr


def test_an_expired_repository_exits_with_3(published: Published) -> None:
    done = activation(TOKEN, "--root", published.root, "--repository", published.folder, code=3)
    assert "tuf-expired" in done.stderr


def test_a_repository_folder_is_not_left_by_file_names(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    (tmp_path / "secret.json").write_text("{}")
    (tmp_path / "metadata" / "timestamp.json").write_text("{}")
    downloads = FolderDownloads(tmp_path)
    statuses = {
        path: downloads.get(path, accept="application/json").status
        for path in (
            "/tuf/metadata/timestamp.json",
            "/tuf/metadata/../secret.json",
            "/secret.json",
            "/tuf/metadata/",
        )
    }
    assert list(statuses.values()) == [200, 404, 404, 404]
