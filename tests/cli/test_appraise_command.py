"""`activation appraise`: input, report and exit codes."""

import base64
import datetime
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from lab.cli.main import app
from tests.support.chains import (
    CHALLENGE,
    Cert,
    chain,
    description,
    edited,
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


def as_json(*arguments: str, code: int = 0, stdin: bytes | None = None) -> Any:
    return json.loads(activation(*arguments, "--at", NOW, "--json", code=code, stdin=stdin).stdout)


def test_a_valid_chain_gives_affirmed_claims_with_all_members(tmp_path: Path, roots: str) -> None:
    report = as_json(written(tmp_path), "--roots", roots, "--challenge", B64)
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


def test_chain_is_read_from_standard_input_and_roots_from_pem(tmp_path: Path) -> None:
    certificates = chain(leaf(), BATCH, ROOT)
    pem = tmp_path / "root.pem"
    pem.write_bytes(pem_of(certificates[-1:]))
    assert as_json("-", "--roots", str(pem), stdin=pem_of(certificates))["chain_ok"]


@pytest.mark.parametrize("text", ["+/+/", "-_-_", "Y2g=", "Y2g", ""])
def test_challenge_is_accepted_in_both_base64_alphabets(tmp_path: Path, roots: str, text: str) -> None:
    octets = base64.urlsafe_b64decode(
        text.replace("+", "-").replace("/", "_").rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    )
    certificate = leaf(attestation=encode_description(replace(description(), challenge=octets)))
    report = as_json(written(tmp_path, certificate, BATCH, ROOT), "--roots", roots, "--challenge", text)
    assert report["reasons"]["instance-identity"] == "recognized"


@pytest.mark.parametrize(
    "at", ["1772020800", "2026-02-25T12:00:00Z", "2026-02-25T12:00:00", "2026-02-25T14:00+02:00"]
)
def test_time_is_accepted_in_several_formats(tmp_path: Path, roots: str, at: str) -> None:
    done = activation(written(tmp_path), "--roots", roots, "--at", at, "--json")
    assert json.loads(done.stdout)["at"] == 1772020800


def boot(**changes: object) -> Cert:
    root = description().hardware.root_of_trust
    assert root is not None
    return leaf(attestation=encode_description(description(root_of_trust=replace(root, **changes))))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("certificate", "options", "claim", "reason"),
    [
        (boot(device_locked=False), (), "configuration", "bootloader-unlocked"),
        (boot(verified_boot_state=VerifiedBootState.RED), (), "executables", "boot-red"),
        (leaf(), ("--challenge", "b3RoZXI="), "instance-identity", "challenge-not-fresh"),
        (leaf(), ("--imei", "490154203237518"), "instance-identity", "ueid-is-not-the-attested-imei"),
        (Cert("key", ca=False), (), "instance-identity", "key-not-attested"),
    ],
)
def test_a_contraindicated_claim_exits_with_1(
    tmp_path: Path, roots: str, *, certificate: Cert, options: tuple[str, ...], claim: str, reason: str
) -> None:
    report = as_json(written(tmp_path, certificate, BATCH, ROOT), "--roots", roots, *options, code=1)
    assert (report["chain_ok"], report["tier"]) == (True, "contraindicated")
    assert report["reasons"][claim] == reason


def test_a_warning_exits_with_0(tmp_path: Path, roots: str) -> None:
    certificate = boot(verified_boot_state=VerifiedBootState.YELLOW)
    assert as_json(written(tmp_path, certificate, BATCH, ROOT), "--roots", roots)["tier"] == "warning"


def test_a_chain_to_another_root_is_not_valid_and_exits_with_1(tmp_path: Path, roots: str) -> None:
    path = written(tmp_path, leaf(), BATCH, Cert("soft"))
    report = as_json(path, "--roots", roots, code=1)
    assert (report["chain_ok"], report["root"]) == (False, "none")
    assert report["reasons"]["instance-identity"] == "chain-not-anchored"
    soft = write_roots(tmp_path / "soft.json", *chain(Cert("soft")))
    report = as_json(path, "--roots", roots, "--software-roots", soft, code=1)
    assert (report["chain_ok"], report["root"]) == (False, "software")
    assert report["reasons"]["instance-identity"] == "root-of-software"


EXPIRED = "certificate-expired"


def test_an_expired_certificate_of_the_factory_is_a_warning(tmp_path: Path, roots: str) -> None:
    """Whatever the date."""
    path = written(tmp_path)
    done = activation(path, "--roots", roots, "--challenge", B64, "--at", "2150-01-01", "--json")
    report = json.loads(done.stdout)
    assert (report["chain_ok"], report["tier"], report["problem"]) == (True, "warning", None)
    assert (report["provisioning"], report["certificates_issued"]) == ("factory", None)
    meaning = "A certificate that the factory wrote into the device has expired."
    assert report["deviations"] == [
        {"code": EXPIRED, "certificate": 1, "subject": "CN=batch", "meaning": meaning}
    ]
    assert {
        "claim": "deviation",
        "tier": "warning",
        "value": 32,
        "reason": EXPIRED,
        "meaning": meaning,
    } in report["claims"]
    assert report["reasons"]["deviations"] == EXPIRED
    shown = " ".join(activation(path, "--roots", roots, "--at", "2150-01-01").stdout.split())
    assert f"{meaning} ({EXPIRED}) It is certificate 1 (CN=batch)." in shown
    assert "2018-01-01 to 2048-01-01" in shown


def test_a_strict_appraisal_refuses_deviations_of_chain_and_description_by_name(
    tmp_path: Path, roots: str
) -> None:
    options = ("--roots", roots, "--strict", "--json")
    path = written(tmp_path)
    assert json.loads(activation(path, *options, "--at", NOW).stdout)["chain_ok"]
    report = json.loads(activation(path, *options, "--at", "2150-01-01", code=1).stdout)
    assert (report["chain_ok"], report["tier"]) == (False, "contraindicated")
    assert report["reasons"]["instance-identity"] == report["problem"]["code"] == EXPIRED
    assert report["problem"]["detail"].startswith("certificate 1 (CN=batch) deviates")
    later = leaf(attestation=encode_description(replace(description(), attestation_version=900)))
    path = written(tmp_path, later, BATCH, ROOT)
    report = json.loads(activation(path, *options, "--at", NOW, code=1).stdout)
    assert (report["problem"]["code"], report["problem"]["certificate"]) == ("version-later", 0)
    assert report["attestation_version"] == 900
    report = as_json(path, "--roots", roots)
    assert (report["tier"], report["reasons"]["deviations"]) == ("warning", "version-later")


def test_an_expired_remote_certificate_is_refused_and_named_with_its_period(
    tmp_path: Path, roots: str
) -> None:
    information = x509.UnrecognizedExtension(
        x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.30"), b"\xa1\x01\x08"
    )
    path = written(tmp_path, leaf(), replace(BATCH, extensions=((information, False),)), ROOT)
    done = activation(path, "--roots", roots, "--at", "2050-01-01", "--json", code=1)
    report = json.loads(done.stdout)
    assert (report["chain_ok"], report["tier"], report["imeis"]) == (
        False,
        "contraindicated",
        ["001010123456787"],
    )
    assert (report["provisioning"], report["certificates_issued"]) == ("remote", 8)
    problem = report["problem"]
    assert (problem["code"], problem["certificate"]) == ("certificate-out-of-time", 1)
    assert (problem["subject"], "2018-01-01 to 2048-01-01" in problem["detail"]) == ("CN=batch", True)
    shown = activation(path, "--roots", roots, "--at", "2050-01-01", code=1).stdout
    assert "The following is not proved" in shown
    assert "remote, 8 certificates issued" in shown
    assert "Certificate 1 (CN=batch) is not valid at this time" in shown


def test_the_leaf_is_not_judged_by_its_dates(tmp_path: Path, roots: str) -> None:
    begin = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
    path = written(tmp_path, leaf(not_before=begin), BATCH, ROOT)
    report = as_json(path, "--roots", roots, "--challenge", B64)
    assert (report["chain_ok"], report["tier"], report["deviations"]) == (True, "affirming", [])


def status_list(folder: Path, text: str) -> str:
    path = folder / "status.json"
    path.write_text(text)
    return str(path)


def test_status_list_revokes_a_certificate(tmp_path: Path, roots: str) -> None:
    path = written(tmp_path)
    serial = chain(BATCH)[0].serial_number
    good = status_list(tmp_path, '{"entries": {}}')
    assert as_json(path, "--roots", roots, "--status-list", good)["revocation_checked"]
    entry = {"status": "SUSPENDED", "reason": "SOFTWARE_FLAW"}
    bad = status_list(tmp_path, json.dumps({"entries": {f"{serial:x}": entry}}))
    report = as_json(path, "--roots", roots, "--status-list", bad, code=1)
    assert report["problem"] == {
        "code": "certificate-suspended",
        "certificate": 1,
        "subject": "CN=batch",
        "detail": "certificate 1 (CN=batch) has been suspended: SOFTWARE_FLAW",
    }


def test_age_of_the_status_list_is_the_time_since_it_changed_here_or_was_fetched(
    tmp_path: Path, roots: str
) -> None:
    path, listed = written(tmp_path), status_list(tmp_path, '{"entries": {}}')
    os.utime(listed, (0, 0))
    changed = int(Path(listed).stat().st_ctime)
    options = (path, "--roots", roots, "--status-list", listed, "--at")
    assert json.loads(activation(*options, str(changed + 7300), "--json").stdout)["status_list_age"] == 7300
    assert "The status list is 2 h old." in activation(*options, str(changed + 7300)).stdout
    assert json.loads(activation(*options, NOW, "--json").stdout)["status_list_age"] == 0
    fetched = (*options, NOW, "--status-list-fetched-at", "2026-02-20T12:00:00Z")
    assert json.loads(activation(*fetched, "--json").stdout)["status_list_age"] == 5 * 86_400
    assert "The status list is 5 d old." in activation(*fetched).stdout


def test_malformed_bytes_are_reported_as_a_finding(tmp_path: Path, roots: str) -> None:
    certificates = chain(leaf(), BATCH, ROOT)
    path = tmp_path / "chain.pem"
    block = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    path.write_bytes(pem_of(certificates[:1]) + block + pem_of(certificates[2:]))
    report = as_json(str(path), "--roots", roots, code=1)
    assert (report["problem"]["code"], report["problem"]["certificate"]) == ("certificate-malformed", 1)
    assert report["problem"]["detail"].startswith("certificate 1 is not an X.509 certificate")
    leaf_shown, malformed, root_shown = report["certificates"]
    assert (leaf_shown["subject"], malformed, root_shown["subject"]) == (
        "CN=Android Keystore Key",
        None,
        "CN=root",
    )
    assert leaf_shown == {
        "subject": "CN=Android Keystore Key",
        "issuer": "CN=batch",
        "serial_number": "01",
        "not_before": "2018-01-01T00:00:00Z",
        "not_after": "2048-01-01T00:00:00Z",
        "key": "EC 256",
    }
    assert (report["imeis"], report["security_level"]) == (["001010123456787"], "TRUSTED_ENVIRONMENT")
    shown = activation(str(path), "--roots", roots, code=1).stdout
    for words in ("not an X.509 certificate", "CN=root", "001010123456787", "TRUSTED_ENVIRONMENT"):
        assert words in shown
    report = as_json(written(tmp_path, leaf(attestation=b"\x30\x80"), BATCH, ROOT), "--roots", roots, code=1)
    assert (report["problem"]["code"], report["problem"]["certificate"]) == ("key-description-malformed", 0)
    assert "KeyDescription: length-indefinite" in report["problem"]["detail"]
    assert report["attestation_version"] is None


@pytest.mark.parametrize("cut", [1, 40, 70])
def test_description_in_a_leaf_that_is_cut_off_is_shown(tmp_path: Path, roots: str, cut: int) -> None:
    certificates = chain(leaf(), BATCH, ROOT)
    data = certificates[0].public_bytes(Encoding.DER)[:-cut]
    block = b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(data) + b"\n-----END CERTIFICATE-----\n"
    path = tmp_path / "chain.pem"
    path.write_bytes(block + pem_of(certificates[1:]))
    report = as_json(str(path), "--roots", roots, code=1)
    assert (report["problem"]["code"], report["problem"]["certificate"]) == ("certificate-malformed", 0)
    assert (report["chain_ok"], report["challenge"]) == (False, B64)
    assert report["imeis"] == ["001010123456787"]
    path.write_bytes(block.replace(base64.b64encode(data), b"") + pem_of(certificates[1:]))
    report = as_json(str(path), "--roots", roots, code=1)
    assert (report["key_description"], report["certificates"][0]) == (None, None)


def test_what_is_readable_of_a_malformed_description_is_shown(tmp_path: Path, roots: str) -> None:
    """A BOOLEAN that is neither 00 nor ff refuses the description; the report lacks the field with it."""
    bad = encode_description(description()).replace(b"\x01\x01\xff", b"\x01\x01\x01")
    path = written(tmp_path, leaf(attestation=bad), BATCH, ROOT)
    report = as_json(path, "--roots", roots, code=1)
    assert (report["problem"]["code"], report["problem"]["certificate"]) == ("key-description-malformed", 0)
    assert report["problem"]["detail"].startswith(
        "certificate 0, the leaf (CN=Android Keystore Key) has a malformed"
    )
    assert {name: report[name] for name in MEMBERS[:9]} == {
        "chain_ok": False,
        "attestation_version": 300,
        "security_level": "TRUSTED_ENVIRONMENT",
        "challenge": B64,
        "verified_boot_state": None,
        "device_locked": None,
        "os_version": 140000,
        "os_patch_level": 202408,
        "imeis": ["001010123456787"],
    }
    assert report["key_description"]["hardware"]["origin"] == 0
    assert report["key_description"]["hardware"]["unreadable"] == ["root_of_trust"]
    shown = activation(path, "--roots", roots, "--at", NOW, code=1).stdout
    assert "boot cannot be read" in " ".join(shown.split())
    for words in ("not proved", "001010123456787", B64, "CN=batch", "Certificate 0, the leaf"):
        assert words in shown


def test_table_has_each_claim_with_tier_and_reason(tmp_path: Path, roots: str) -> None:
    certificate = boot(device_locked=False)
    shown = activation(
        written(tmp_path, certificate, BATCH, ROOT), "--roots", roots, "--at", NOW, code=1
    ).stdout
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
        ("chain.pem", ("--status-list-fetched-at", "2026-02-25"), "needs --status-list"),
        (
            "chain.pem",
            ("--status-list", "empty", "--status-list-fetched-at", "soon"),
            "--status-list-fetched-at: 'soon' is not a time",
        ),
        ("chain.pem", ("--status-list", "empty"), "document"),
        ("chain.pem", ("--roots", "empty"), "contains no root"),
        ("chain.pem", ("--roots", "wrong.json"), "array of PEM"),
        ("chain.pem", ("--roots", "broken.json"), "root 0"),
        (
            "chain.pem",
            ("--roots", "keyless.pem"),
            "root 0: not an X.509 certificate in PEM with a usable key",
        ),
        ("none.pem", (), "cannot read"),
        ("empty", (), "no certificate in PEM"),
        ("cut.pem", (), "cut.pem, certificate 0: not base64"),
        ("long.pem", (), "at most 16"),
    ],
)
def test_a_usage_error_exits_with_2_and_a_hint(
    tmp_path: Path,
    roots: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    content: str,
    options: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    pem = Path(written(tmp_path)).read_bytes()
    Path("empty").write_text("\n")
    Path("cut.pem").write_bytes(pem.replace(b"MII", b"M!I", 1))
    Path("long.pem").write_bytes(pem * 6)
    unknown_key = bytes.fromhex("300a300506032a0304030100")
    keyless = edited(chain(ROOT)[0], ROOT, lambda parts: parts.__setitem__(6, unknown_key))
    Path("keyless.pem").write_bytes(pem_of([x509.load_der_x509_certificate(keyless)]))
    Path("wrong.json").write_text("[1]")
    Path("broken.json").write_text('["-----BEGIN CERTIFICATE-----"]')
    given = options if "--roots" in options else (*options, "--roots", roots)
    done = activation(content, *given, code=2)
    assert words in " ".join(done.stderr.split())
    assert not done.stdout


@pytest.mark.skipif(not VECTORS, reason="ACTIVATION_VECTORS is not set: no chains of real phones")
@pytest.mark.parametrize("phone", sorted(path.stem for path in FOLDER.glob("*.pem")) if VECTORS else [])
def test_a_real_attestation_is_read_as_published(phone: str) -> None:
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
