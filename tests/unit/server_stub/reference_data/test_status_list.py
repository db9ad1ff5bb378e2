"""The revocation status list: what it says, when it can be used, and what happens when it cannot."""

import json
import os
from pathlib import Path

import pytest

from server_stub.attestation.chain import ChainProblem
from server_stub.attestation.revocation import (
    CertificateStatus,
    RevocationReason,
    StatusEntry,
    StatusList,
    StatusListError,
)
from server_stub.evidence.errors import EvidenceError
from server_stub.reference_data.status_list import DAY, StatusListFile, WhenUnusable
from server_stub.server import build_service
from server_stub.settings import Settings
from server_stub.store.sql import SqlStore
from server_stub.verdicts.service import ServiceError, VerdictService
from tests.support.server_phone import NOW, VENDOR, Clock, Phone, Randomness
from wire.codes import ProblemCode

BATCH = Phone().vendor.authority(Phone().level).certificate.serial_number


def listed(**entries: object) -> bytes:
    return json.dumps({"entries": entries}).encode()


REVOKED = {"status": "REVOKED", "reason": "KEY_COMPROMISE"}


@pytest.mark.parametrize("status", CertificateStatus)
@pytest.mark.parametrize("reason", RevocationReason)
def test_an_entry_has_a_status_and_a_reason(status: CertificateStatus, reason: RevocationReason) -> None:
    """Both are recorded; both statuses refuse."""
    entry = {"status": status.value, "reason": reason.value, "expires": "2030-01-31", "comment": "why"}
    found = StatusList.parse(listed(c8966fcb2fbb0d7a=entry)).entries
    assert found == {0xC8966FCB2FBB0D7A: StatusEntry(status, reason, "2030-01-31")}
    assert ChainProblem.of(status).value.endswith(status.lower())


def test_a_reason_may_be_left_out() -> None:
    """The schema asks for the status alone."""
    found = StatusList.parse(listed(a={"status": "SUSPENDED"})).entries
    assert found == {10: StatusEntry(CertificateStatus.SUSPENDED)}


def test_a_number_that_can_be_read_in_two_ways_stands_for_both() -> None:
    """The schema says hexadecimal; the list as it is served has decimal ones too. Either way none slips through."""
    found = StatusList.parse(
        listed(**{"6681152659205225093": REVOKED, "2C8C": REVOKED, "00ff": REVOKED})
    ).entries
    assert set(found) == {6681152659205225093, 0x6681152659205225093, 0x2C8C, 0xFF}


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_entries_for_one_number_the_worse_counts(order: int) -> None:
    """Whichever stands first."""
    entries = {"ff": {"status": "SUSPENDED"}, "0ff": REVOKED}
    found = StatusList.parse(listed(**dict(list(entries.items())[::order]))).entries
    assert found[255].status is CertificateStatus.REVOKED


@pytest.mark.parametrize(
    ("octets", "where"),
    [
        (b"", "document"),
        (b"[]", "document"),
        (b"{}", "document"),
        (b'{"entries": []}', "document"),
        (b'{"entries": {}, "more": 1}', "document"),
        (b'{"entries": {"a": {"status": "REVOKED"}, "a": {"status": "REVOKED"}}}', "document"),
        (b'{"entries": {"a": {"status": NaN}}}', "document"),
        (listed(xyz=REVOKED), "entries"),
        (listed(**{"-1": REVOKED}), "entries"),
        (listed(**{"": REVOKED}), "entries"),
        (listed(**{"\u0661": REVOKED}), "entries"),
        (listed(**{"f" * 51: REVOKED}), "entries"),
        (listed(a="REVOKED"), "entries.a"),
        (listed(a=REVOKED | {"more": 1}), "entries.a"),
        (listed(a={}), "entries.a.status"),
        (listed(a={"status": "revoked"}), "entries.a.status"),
        (listed(a={"status": ["REVOKED"]}), "entries.a.status"),
        (listed(a={"status": "REVOKED", "reason": "WHIM"}), "entries.a.reason"),
        (listed(a=REVOKED | {"expires": "tomorrow"}), "entries.a.expires"),
    ],
)
def test_a_list_that_departs_from_the_schema_is_not_used_in_part(octets: bytes, where: str) -> None:
    """A list that is half understood would let the other half through."""
    with pytest.raises(StatusListError) as caught:
        StatusList.parse(octets)
    assert caught.value.where == where


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "status.json"
    write(path, listed(), NOW)
    return path


def write(path: Path, octets: bytes, at: int) -> None:
    path.write_bytes(octets)
    os.utime(path, (at, at))


def test_a_list_is_read_again_when_it_changes(file: Path) -> None:
    """An operator replaces the file, and the next attestation is held against it."""
    source = StatusListFile(file)
    assert source(NOW) == {}
    write(file, listed(a=REVOKED), NOW + 1)
    assert set(source(NOW)) == {10}


def from_the_future(file: Path) -> None:
    """It would never become too old."""
    os.utime(file, (NOW + 301, NOW + 301))


def too_old(file: Path) -> None:
    os.utime(file, (NOW - DAY - 1, NOW - DAY - 1))


SPOILT = {
    "cannot be read": Path.unlink,
    "is malformed": lambda file: write(file, b"<html>", NOW),
    "is too old": too_old,
    "is from the future": from_the_future,
}


@pytest.mark.parametrize("problem", SPOILT)
def test_without_a_list_that_can_be_used_nothing_is_appraised(file: Path, problem: str) -> None:
    """Fail closed is the default: a missing list looks like nothing revoked, which is what an attacker wants."""
    source = StatusListFile(file)
    assert source(NOW) == {}
    SPOILT[problem](file)
    with pytest.raises(EvidenceError, match=problem) as caught:
        source(NOW)
    assert caught.value.code is ProblemCode.UNAVAILABLE
    assert str(file) not in str(caught.value)


@pytest.mark.parametrize("problem", SPOILT)
def test_an_operator_may_choose_to_go_on_with_what_was_read_last(file: Path, problem: str) -> None:
    """What was revoked stays revoked."""
    source = StatusListFile(file, when_unusable=WhenUnusable.ACCEPT)
    write(file, listed(a=REVOKED), NOW)
    assert set(source(NOW)) == {10}
    SPOILT[problem](file)
    assert set(source(NOW)) == {10}
    assert StatusListFile(file.with_name("none"), when_unusable=WhenUnusable.ACCEPT)(NOW) == {}


def test_a_malformed_list_is_read_once_and_a_good_one_after_it_at_once(file: Path) -> None:
    """Thousands of phones may ask while the list is broken, and none of them should wait for it to be parsed again."""
    source = StatusListFile(file)
    for octets in (b"?" * len(listed()), listed()):  # of one length and one time: the second is not looked at
        write(file, octets, NOW)
        with pytest.raises(EvidenceError, match="malformed"):
            source(NOW)
    write(file, listed(a=REVOKED), NOW + 1)
    assert set(source(NOW)) == {10}


def test_the_age_is_counted_to_the_second(file: Path) -> None:
    """At the limit it is still used."""
    source = StatusListFile(file, max_age=100)
    assert source(NOW + 100) == {}
    with pytest.raises(EvidenceError, match="too old"):
        source(NOW + 101)


def server(**settings: object) -> VerdictService:
    told = Settings(issuer=VENDOR.issuer, audience=VENDOR.audience, **settings)  # type: ignore[arg-type]
    return build_service(told, VENDOR.secrets, SqlStore(), clock=Clock(), random=Randomness())


def asked(service: VerdictService) -> ServiceError | None:
    try:
        service.answer(Phone().evidence(service.challenge().nonce))
    except ServiceError as error:
        return error
    return None


def test_the_server_refuses_a_phone_of_a_revoked_batch(file: Path) -> None:
    """And says which certificate and why; the phone can do nothing about it, its maker can."""
    service = server(status_list=file)
    assert asked(service) is None
    write(file, listed(**{f"{BATCH:x}": REVOKED}), NOW + 1)
    error = asked(service)
    assert error is not None
    assert (error.code, error.status) == (ProblemCode.CHAIN_INVALID, 401)
    assert error.detail == "certificate 1 of x5c has been revoked: KEY_COMPROMISE"


@pytest.mark.parametrize("unusable", WhenUnusable)
def test_a_server_that_lost_its_list_does_as_it_was_told(file: Path, unusable: WhenUnusable) -> None:
    """By default it judges nobody, and says at its readiness that it cannot."""
    service = server(status_list=file, status_list_unusable=unusable)
    file.unlink()
    if unusable is WhenUnusable.ACCEPT:
        service.check()
        assert asked(service) is None
        return
    error = asked(service)
    assert error is not None
    assert (error.code, error.status) == (ProblemCode.UNAVAILABLE, 503)
    with pytest.raises(ServiceError, match="status list"):
        service.check()


def test_the_list_is_set_in_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As all settings are."""
    for name, value in {"LIST": str(file), "LIST_MAX_AGE": "3600", "LIST_UNUSABLE": "accept"}.items():
        monkeypatch.setenv(f"ACTIVATION_SERVER_STATUS_{name}", value)
    settings = Settings(issuer="i", audience="a")
    assert settings.status_list == file
    assert (settings.status_list_max_age, settings.status_list_unusable) == (3600, WhenUnusable.ACCEPT)
    assert Settings(issuer="i", audience="a", status_list=None).statuses() is None
