"""The revocation status list: reading, age, and behaviour without a usable list."""

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
from server_stub.configuration import Configuration
from server_stub.evidence.errors import EvidenceError
from server_stub.reference_data import status_list
from server_stub.reference_data.status_list import DAY, StatusListFile, WhenUnusable
from server_stub.server import build_service
from server_stub.settings import Settings
from server_stub.settings_sources import LoadedSettings, read_settings
from server_stub.store.sql import SqlStore
from server_stub.verdicts.service import ServiceError, VerdictService
from tests.support.server_phone import MANUFACTURER, Clock, Phone, Randomness
from wire.codes import ProblemCode

BATCH = Phone().manufacturer.authority(Phone().level).certificate.serial_number


def listed(**entries: object) -> bytes:
    return json.dumps({"entries": entries}).encode()


REVOKED = {"status": "REVOKED", "reason": "KEY_COMPROMISE"}


@pytest.mark.parametrize("status", CertificateStatus)
@pytest.mark.parametrize("reason", RevocationReason)
def test_entry_has_a_status_and_a_reason(status: CertificateStatus, reason: RevocationReason) -> None:
    entry = {"status": status.value, "reason": reason.value, "expires": "2030-01-31", "comment": "why"}
    found = StatusList.parse(listed(c8966fcb2fbb0d7a=entry)).entries
    assert found == {0xC8966FCB2FBB0D7A: StatusEntry(status, reason, "2030-01-31")}
    assert ChainProblem.of(status).value.endswith(status.lower())


def test_entry_without_a_reason_is_accepted() -> None:
    found = StatusList.parse(listed(a={"status": "SUSPENDED"})).entries
    assert found == {10: StatusEntry(CertificateStatus.SUSPENDED)}


def test_serial_number_is_read_as_hexadecimal_and_decimal() -> None:
    """The schema says hexadecimal; the served list has decimal numbers too."""
    found = StatusList.parse(
        listed(**{"6681152659205225093": REVOKED, "2C8C": REVOKED, "00ff": REVOKED})
    ).entries
    assert set(found) == {6681152659205225093, 0x6681152659205225093, 0x2C8C, 0xFF}


@pytest.mark.parametrize("order", [1, -1])
def test_worse_of_two_entries_for_one_number_counts(order: int) -> None:
    entries = {"ff": {"status": "SUSPENDED"}, "0ff": REVOKED}
    found = StatusList.parse(listed(**dict(list(entries.items())[::order]))).entries
    assert found[255].status is CertificateStatus.REVOKED


@pytest.mark.parametrize(
    ("content", "where"),
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
def test_list_that_violates_the_schema_is_rejected_completely(content: bytes, where: str) -> None:
    with pytest.raises(StatusListError) as caught:
        StatusList.parse(content)
    assert caught.value.where == where


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "status.json"
    write(path, listed())
    return path


def write(path: Path, content: bytes) -> None:
    """Replace the file, as a job does that downloads it, with the modification time of the original."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    os.utime(new, (0, 0))
    new.replace(path)


def changed(path: Path) -> int:
    """When the file last changed on this machine, which no program can set."""
    return int(path.stat().st_ctime)


def test_changed_list_is_read_again(file: Path) -> None:
    source = StatusListFile(file)
    assert source(changed(file)) == {}
    write(file, listed(a=REVOKED))
    assert set(source(changed(file))) == {10}


SPOILT = {
    "cannot be read": Path.unlink,
    "is malformed": lambda file: write(file, b"<html>"),
    "is too old": lambda file: None,
}


@pytest.mark.parametrize("problem", SPOILT)
def test_unusable_list_rejects_every_attestation_by_default(file: Path, problem: str) -> None:
    source = StatusListFile(file)
    begin = changed(file)
    assert source(begin) == {}
    SPOILT[problem](file)
    with pytest.raises(EvidenceError, match=problem) as caught:
        source(begin + (DAY + 2 if problem == "is too old" else 0))
    assert caught.value.code is ProblemCode.UNAVAILABLE
    assert str(file) not in str(caught.value)


@pytest.mark.parametrize("problem", SPOILT)
def test_unusable_list_keeps_the_entries_read_last_if_configured(file: Path, problem: str) -> None:
    source = StatusListFile(file, when_unusable=WhenUnusable.ACCEPT)
    write(file, listed(a=REVOKED))
    begin = changed(file)
    assert set(source(begin)) == {10}
    SPOILT[problem](file)
    assert set(source(begin + 2 * DAY)) == {10}
    assert StatusListFile(file.with_name("none"), when_unusable=WhenUnusable.ACCEPT)(begin) == {}


def test_list_that_is_longer_than_the_bound_is_malformed_and_not_parsed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = listed(a=REVOKED)
    monkeypatch.setattr(status_list, "FILE_MAX", len(content))
    source = StatusListFile(file)
    write(file, content)
    assert set(source(changed(file))) == {10}
    write(file, content + b" ")
    with pytest.raises(EvidenceError, match="malformed"):
        source(changed(file))


def test_malformed_list_is_rejected_until_it_is_replaced(file: Path) -> None:
    source = StatusListFile(file)
    write(file, b"?" * len(listed()))
    for _ in range(2):
        with pytest.raises(EvidenceError, match="malformed"):
            source(changed(file))
    write(file, listed(a=REVOKED))
    assert set(source(changed(file))) == {10}


def test_age_counts_from_the_change_on_this_machine_and_not_from_the_modification_time(file: Path) -> None:
    """`curl -R`, `wget` and `rsync -t` give the file the time of the original: here 1970."""
    source = StatusListFile(file, max_age=100)
    begin = changed(file)
    assert source(begin + 100) == {}
    with pytest.raises(EvidenceError, match="too old"):
        source(begin + 102)


def test_list_that_changed_after_now_is_new(file: Path) -> None:
    """One of two clocks is wrong, which must not stop activations."""
    assert StatusListFile(file, max_age=100)(changed(file) - 10 * DAY) == {}


def test_time_of_fetching_replaces_the_time_of_the_first_file_and_of_no_other(file: Path) -> None:
    begin = changed(file)
    source = StatusListFile(file, max_age=100, fetched_at=begin - 1000)
    assert source(begin - 900) == {}
    with pytest.raises(EvidenceError, match="too old"):
        source(begin - 899)
    write(file, listed(a=REVOKED))
    assert set(source(changed(file) + 100)) == {10}


def server(**settings: object) -> VerdictService:
    configured = Configuration.load(LoadedSettings(Settings.model_validate(settings)))
    return build_service(
        configured,
        MANUFACTURER.secrets,
        SqlStore(),
        issuer=MANUFACTURER.issuer,
        audience=MANUFACTURER.audience,
        clock=Clock(),
        random=Randomness(),
    )


def asked(service: VerdictService) -> ServiceError | None:
    try:
        service.answer(Phone().evidence(service.challenge().nonce))
    except ServiceError as error:
        return error
    return None


def test_device_of_a_revoked_batch_is_rejected_with_the_certificate_and_reason(file: Path) -> None:
    service = server(status_list=file)
    assert asked(service) is None
    write(file, listed(**{f"{BATCH:x}": REVOKED}))
    error = asked(service)
    assert error is not None
    assert (error.code, error.status) == (ProblemCode.CHAIN_INVALID, 401)
    assert (
        error.detail == "certificate 1 of x5c (CN=Solvane StrongBox Batch 1) has been revoked: KEY_COMPROMISE"
    )


@pytest.mark.parametrize("unusable", WhenUnusable)
def test_server_without_its_list_behaves_as_configured(file: Path, unusable: WhenUnusable) -> None:
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


def test_a_time_without_offset_is_utc(file: Path) -> None:
    written = {"STATUS_LIST": str(file), "STATUS_LIST_FETCHED_AT": "2026-02-25T12:00:00"}
    environment = {f"ACTIVATION_SERVER_{name}": value for name, value in written.items()}
    statuses = Configuration.load(read_settings({}, environment)).statuses
    assert statuses is not None
    assert statuses.fetched_at == 1_772_020_800
    assert Configuration.load(LoadedSettings()).statuses is None
