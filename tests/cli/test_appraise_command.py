"""`activation appraise` as a shell user meets it."""

import base64
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from cryptography import x509
from typer.testing import CliRunner

from lab.cli.main import app
from tests.support.chains import (
    CHALLENGE,
    Cert,
    chain,
    description,
    encode_description,
    leaf,
    pem_of,
    write_roots,
)
from wire.codes import VerifiedBootState

NOW = "2026-02-25T12:00:00Z"
B64 = base64.b64encode(CHALLENGE).decode()
ROOT = Cert("root", "rsa2048")
BATCH = Cert("batch")
VECTORS = os.environ.get("ACTIVATION_VECTORS")
FOLDER = Path(VECTORS or ".") / "key-attestation"
MEMBERS = [
    *("chain_ok", "attestation_version", "security_level", "challenge", "verified_boot_state"),
    *("device_locked", "os_version", "os_patch_level", "imeis", "tier", "reasons"),
]


@pytest.fixture
def roots(tmp_path: Path) -> str:
    return write_roots(tmp_path / "roots.json", *chain(Cert("other", "p384")), *chain(ROOT))


def written(folder: Path, *certs: Cert) -> str:
    path = folder / "chain.pem"
    path.write_bytes(pem_of(chain(*(certs or (leaf(), BATCH, ROOT)))))
    return str(path)


def activation(*arguments: str, code: int = 0, stdin: bytes | None = None) -> Result:
    done = CliRunner().invoke(app, ["appraise", *arguments], input=stdin, env={"COLUMNS": "100"})
    assert done.exit_code == code, done.output
    return done


def told(*arguments: str, code: int = 0, stdin: bytes | None = None) -> Any:
    return json.loads(activation(*arguments, "--at", NOW, "--json", code=code, stdin=stdin).stdout)


def test_a_phone_in_order_is_affirmed(tmp_path: Path, roots: str) -> None:
    """Every member that machines are promised, in its order, with what the phone says."""
    report = told(written(tmp_path), "--roots", roots, "--challenge", B64)
    assert list(report)[: len(MEMBERS)] == MEMBERS
    assert {name: report[name] for name in MEMBERS} == {
        "chain_ok": True,
        "attestation_version": 300,
        "security_level": "TRUSTED_ENVIRONMENT",
        "challenge": B64,
        "verified_boot_state": "green",
        "device_locked": True,
        "os_version": 140000,
        "os_patch_level": 202408,
        "imeis": ["001010123456787"],
        "tier": "affirming",
        "reasons": {
            "instance-identity": "recognized",
            "hardware": "trusted-environment",
            "executables": "boot-green",
            "configuration": "bootloader-locked",
            "storage-opaque": "key-in-hardware",
        },
    }
    assert (report["problem"], report["root"], report["revocation_checked"]) == (None, "configured", False)
    assert report["key_description"]["hardware"]["key_size"] == 256


def test_a_chain_may_come_by_standard_input_and_roots_as_pem(tmp_path: Path) -> None:
    """In a pipe, and with the files that other tools write."""
    certificates = chain(leaf(), BATCH, ROOT)
    pem = tmp_path / "root.pem"
    pem.write_bytes(pem_of(certificates[-1:]))
    assert told("-", "--roots", str(pem), stdin=pem_of(certificates))["chain_ok"]


@pytest.mark.parametrize("text", ["+/+/", "-_-_", "Y2g=", "Y2g", ""])
def test_a_challenge_may_be_written_in_either_base64(tmp_path: Path, roots: str, text: str) -> None:
    """Padded or not: what a person pastes should work."""
    octets = base64.urlsafe_b64decode(
        text.replace("+", "-").replace("/", "_").rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    )
    said = leaf(attestation=encode_description(replace(description(), challenge=octets)))
    report = told(written(tmp_path, said, BATCH, ROOT), "--roots", roots, "--challenge", text)
    assert report["reasons"]["instance-identity"] == "recognized"


@pytest.mark.parametrize(
    "at", ["1772020800", "2026-02-25T12:00:00Z", "2026-02-25T12:00:00", "2026-02-25T14:00+02:00"]
)
def test_a_time_may_be_written_in_several_ways(tmp_path: Path, roots: str, at: str) -> None:
    """Without an offset it is UTC, as in certificates."""
    done = activation(written(tmp_path), "--roots", roots, "--at", at, "--json")
    assert json.loads(done.stdout)["at"] == 1772020800


def boot(**changes: object) -> Cert:
    root = description().hardware.root_of_trust
    assert root is not None
    return leaf(attestation=encode_description(description(root_of_trust=replace(root, **changes))))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "options", "claim", "reason"),
    [
        (boot(device_locked=False), (), "configuration", "bootloader-unlocked"),
        (boot(verified_boot_state=VerifiedBootState.RED), (), "executables", "boot-red"),
        (leaf(), ("--challenge", "b3RoZXI="), "instance-identity", "challenge-not-fresh"),
        (leaf(), ("--imei", "490154203237518"), "instance-identity", "ueid-is-not-the-attested-imei"),
        (Cert("key", ca=False), (), "instance-identity", "key-not-attested"),
    ],
)
def test_what_speaks_against_a_phone_is_named_and_exits_with_1(
    tmp_path: Path, roots: str, *, said: Cert, options: tuple[str, ...], claim: str, reason: str
) -> None:
    """The chain is in order; a script that asks must still not go on."""
    report = told(written(tmp_path, said, BATCH, ROOT), "--roots", roots, *options, code=1)
    assert (report["chain_ok"], report["tier"]) == (True, "contraindicated")
    assert report["reasons"][claim] == reason


def test_a_warning_is_no_refusal(tmp_path: Path, roots: str) -> None:
    """A yellow boot is for a policy to decide."""
    said = boot(verified_boot_state=VerifiedBootState.YELLOW)
    assert told(written(tmp_path, said, BATCH, ROOT), "--roots", roots)["tier"] == "warning"


def test_a_chain_to_another_root_proves_nothing(tmp_path: Path, roots: str) -> None:
    """Unless its root is known as one of software, nobody can say more."""
    path = written(tmp_path, leaf(), BATCH, Cert("soft"))
    report = told(path, "--roots", roots, code=1)
    assert (report["chain_ok"], report["root"]) == (False, "none")
    assert report["reasons"]["instance-identity"] == "chain-not-anchored"
    soft = write_roots(tmp_path / "soft.json", *chain(Cert("soft")))
    report = told(path, "--roots", roots, "--software-roots", soft, code=1)
    assert (report["chain_ok"], report["root"]) == (False, "software")
    assert report["reasons"]["instance-identity"] == "root-of-software"


def test_a_chain_out_of_its_time_says_which_certificate_and_when(tmp_path: Path, roots: str) -> None:
    """Its statements are shown and marked as not proved."""
    path = written(tmp_path)
    done = activation(path, "--roots", roots, "--at", "2050-01-01", "--json", code=1)
    report = json.loads(done.stdout)
    assert (report["chain_ok"], report["tier"], report["imeis"]) == (
        False,
        "contraindicated",
        ["001010123456787"],
    )
    assert report["problem"]["code"] == "certificate-out-of-time"
    assert report["problem"]["certificate"] == 0
    assert "2018-01-01 to 2048-01-01" in report["problem"]["detail"]
    shown = activation(path, "--roots", roots, "--at", "2050-01-01", code=1).stdout
    assert "The following is not proved" in shown
    assert "Certificate 0 is not valid at this time" in shown


def status_list(folder: Path, text: str) -> str:
    path = folder / "status.json"
    path.write_text(text)
    return str(path)


def test_a_status_list_is_looked_up(tmp_path: Path, roots: str) -> None:
    """With its reason; without the list, the report says that nobody looked."""
    path = written(tmp_path)
    serial = chain(BATCH)[0].serial_number
    good = status_list(tmp_path, '{"entries": {}}')
    assert told(path, "--roots", roots, "--status-list", good)["revocation_checked"]
    entry = {"status": "SUSPENDED", "reason": "SOFTWARE_FLAW"}
    bad = status_list(tmp_path, json.dumps({"entries": {f"{serial:x}": entry}}))
    report = told(path, "--roots", roots, "--status-list", bad, code=1)
    assert report["problem"] == {
        "code": "certificate-suspended",
        "certificate": 1,
        "detail": "has been suspended: SOFTWARE_FLAW",
    }


def test_malformed_octets_are_a_finding_and_not_a_crash(tmp_path: Path, roots: str) -> None:
    """In a certificate and in the key description, by name."""
    certificates = chain(leaf(), BATCH, ROOT)
    path = tmp_path / "chain.pem"
    block = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    path.write_bytes(pem_of(certificates[:1]) + block + pem_of(certificates[2:]))
    report = told(str(path), "--roots", roots, code=1)
    assert (report["problem"]["code"], report["problem"]["certificate"]) == ("certificate-malformed", 1)
    assert "not an X.509 certificate" in activation(str(path), "--roots", roots, code=1).stdout
    report = told(written(tmp_path, leaf(attestation=b"\x30\x80"), BATCH, ROOT), "--roots", roots, code=1)
    assert (report["problem"]["code"], report["problem"]["certificate"]) == ("key-description-malformed", 0)
    assert "KeyDescription: length-indefinite" in report["problem"]["detail"]
    assert report["attestation_version"] is None


def test_the_table_has_every_claim_its_tier_and_why(tmp_path: Path, roots: str) -> None:
    """For a person who has never seen an attestation."""
    said = boot(device_locked=False)
    shown = activation(written(tmp_path, said, BATCH, ROOT), "--roots", roots, "--at", NOW, code=1).stdout
    for words in (
        *("instance-identity", "hardware", "executables", "configuration", "storage-opaque"),
        *("The bootloader is unlocked. (bootloader-unlocked)", "boot state", "green", "001010123456787"),
        *("0, the leaf", "RSA 2048", "EC 256", "CN=root", "CONTRAINDICATED, as of 2026-02-25T12:00:00Z"),
        *("generated in the keystore", "Revocation was not checked"),
    ):
        assert words in shown, shown


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("chain.pem", ("--at", "soon"), "not a time"),
        ("chain.pem", ("--at", "9999-12-31T23:59:59-14:00"), "not a time"),
        ("chain.pem", ("--at", "-1"), "not a time"),
        ("chain.pem", ("--challenge", "***"), "not base64"),
        ("chain.pem", ("--challenge", "é"), "not base64"),
        ("chain.pem", ("--imei", "12"), "not an IMEI"),
        ("chain.pem", ("--status-list", "none.json"), "cannot read"),
        ("chain.pem", ("--status-list", "empty"), "document"),
        ("chain.pem", ("--roots", "empty"), "contains no root"),
        ("chain.pem", ("--roots", "wrong.json"), "array of PEM"),
        ("chain.pem", ("--roots", "broken.json"), "root 0"),
        ("none.pem", (), "cannot read"),
        ("empty", (), "no certificate in PEM"),
        ("cut.pem", (), "not base64"),
        ("long.pem", (), "at most 16"),
    ],
)
def test_a_request_that_is_wrong_says_what_to_do(
    tmp_path: Path,
    roots: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    content: str,
    options: tuple[str, ...],
    words: str,
) -> None:
    """Exit code 2, one line, and nothing on standard output that a machine could take for a report."""
    monkeypatch.chdir(tmp_path)
    pem = Path(written(tmp_path)).read_bytes()
    Path("empty").write_text("\n")
    Path("cut.pem").write_bytes(pem.replace(b"MII", b"M!I", 1))
    Path("long.pem").write_bytes(pem * 6)
    Path("wrong.json").write_text("[1]")
    Path("broken.json").write_text('["-----BEGIN CERTIFICATE-----"]')
    given = options if "--roots" in options else (*options, "--roots", roots)
    done = activation(content, *given, code=2)
    assert words in " ".join(done.stderr.split())
    assert not done.stdout


@pytest.mark.skipif(not VECTORS, reason="ACTIVATION_VECTORS is not set: no chains of real phones")
@pytest.mark.parametrize("phone", sorted(path.stem for path in FOLDER.glob("*.pem")) if VECTORS else [])
def test_a_real_phone_is_reported_as_its_publisher_reads_it(phone: str) -> None:
    """The command, the published roots, and a time at which the phone's certificates were good."""
    path = FOLDER / f"{phone}.pem"
    certificates = x509.load_pem_x509_certificates(path.read_bytes())
    at = int(max(each.not_valid_before_utc for each in certificates).timestamp()) + 60
    document = json.loads((FOLDER / f"{phone}.json").read_text())
    hardware = document["hardwareEnforced"]
    root = hardware["rootOfTrust"]
    good = root["deviceLocked"]
    options = ("--roots", str(FOLDER / "roots.json"), "--challenge", document["attestationChallenge"])
    done = activation(str(path), *options, "--at", str(at), "--json", code=0 if good else 1)
    report = json.loads(done.stdout)
    imeis = [hardware[name] for name in ("attestationIdImei", "attestationIdSecondImei") if name in hardware]
    assert {name: report[name] for name in MEMBERS if name != "reasons"} == {
        "chain_ok": True,
        "attestation_version": int(document["attestationVersion"]),
        "security_level": document["attestationSecurityLevel"],
        "challenge": document["attestationChallenge"],
        "verified_boot_state": {"VERIFIED": "green", "UNVERIFIED": "orange"}[root["verifiedBootState"]],
        "device_locked": root["deviceLocked"],
        "os_version": int(hardware["osVersion"]),
        "os_patch_level": int(hardware["osPatchLevel"]),
        "imeis": imeis,
        "tier": "affirming" if good else "contraindicated",
    }
