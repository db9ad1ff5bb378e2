"""`activation admin` against a real server: output, effects and exit codes."""

import json
import secrets
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import Result
from tuf.api.metadata import Metadata, Root, Timestamp
from typer.testing import CliRunner

from lab.cli.admin import client
from lab.cli.main import app
from lab.cli.serve import first_token
from lab.manufacturer.policies import LANTERN
from server_stub.admin.tokens import AdminTokens
from server_stub.key_repository import OnlineRole
from server_stub.policies import DEFAULT
from server_stub.store.records import AuditQuery
from tests.support.admin import Operated, operated
from tests.support.server_phone import IMEI, MANUFACTURER, SECOND_IMEI
from tests.support.stores import open_store

WHY = ("--reason", "ticket 4711")


@pytest.fixture(scope="module")
def running() -> Iterator[Operated]:
    with operated() as server:
        yield server


@pytest.fixture
def server(running: Operated, monkeypatch: pytest.MonkeyPatch) -> Operated:
    running.forget()
    monkeypatch.setenv("ACTIVATION_ADMIN_TOKEN", running.token)
    monkeypatch.setenv("ACTIVATION_ADMIN_SERVER", running.origin)
    monkeypatch.setenv("COLUMNS", "200")
    return running


def admin(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["admin", *words])
    assert result.exit_code == code, result.output
    return result


def as_json(*words: str) -> Any:
    return json.loads(admin(*words, "--json").stdout)


def test_device_commands_accept_an_imei_or_a_pseudonym(server: Operated) -> None:
    sub = server.activate()
    assert as_json("devices", "search", "--decision", "deny", "--locked")[0]["sub"] == sub
    assert as_json("devices", "search", "--territory", "FR") == []
    assert as_json("devices", "show", IMEI) == as_json("devices", "show", sub)
    assert [each["serial"] for each in as_json("devices", "history", sub)] == [1]
    locked = admin("devices", "lock", IMEI, *WHY, "--case", "C-7").stdout
    assert "next check-in" in locked
    assert "deny, case C-7: ticket 4711" in locked
    for act in ("unlock", "release", "withdraw"):
        as_json("devices", act, sub, *WHY)
    assert as_json("devices", "show", sub)["override"] is None
    assert "no such device" in admin("devices", "lock", SECOND_IMEI, *WHY, code=1).stderr


def test_next_answer_of_a_device_is_set_shown_and_withdrawn(server: Operated) -> None:
    sub = server.activate()
    for decision in ("notice", "defer", "allow", "deny", "release"):
        set_once = admin("devices", "decide", IMEI, decision, "--once", *WHY).stdout
        assert f"next answer is {decision}, once" in set_once
        assert f"{decision}, case SLV-" in admin("devices", "show", sub).stdout
    assert as_json("devices", "show", sub)["next_answer"]["decision"] == "release"
    assert as_json("devices", "withdraw", sub, *WHY)["next_answer"] is None
    assert as_json("devices", "decide", sub, "deny", *WHY)["override"]["decision"] == "deny"
    for decision in ("notice", "defer"):
        assert "add --once" in admin("devices", "decide", sub, decision, *WHY, code=2).stderr
    assert "no decision is called 'alow'" in admin("devices", "decide", sub, "alow", "--once", code=2).stderr


def test_devices_search_prints_one_line_per_device_on_80_columns(
    server: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    sub = server.activate()
    admin("devices", "lock", sub, *WHY)
    monkeypatch.setenv("COLUMNS", "80")
    lines = admin("devices", "search").stdout.splitlines()
    device = as_json("devices", "show", sub)
    assert lines[1].split() == ["device", "sold", "model", "origin", "state", "override"]
    cells = (
        sub,
        device["sale_region"],
        device["model"],
        device["activation_territory"],
        "locked" if device["locked"] else "free",
        "deny",
    )
    assert lines[2].split() == " ".join(cell or "-" for cell in cells).split()
    assert len(lines) == 3


def test_devices_bulk_with_dry_run_maximum_and_selection(server: Operated) -> None:
    known = server.know(3)
    assert (
        "would affect 3 devices" in admin("devices", "bulk", "lock", "--everybody", *WHY, "--dry-run").stdout
    )
    assert as_json("devices", "search", "--overridden") == []
    assert "--maximum" in admin("devices", "bulk", "--help").stdout
    assert (
        "too-many-devices"
        in admin("devices", "bulk", "lock", "--everybody", *WHY, "--maximum", "2", code=1).stderr
    )
    assert as_json("devices", "bulk", "lock", "--everybody", *WHY)["devices"] == sorted(known)
    assert "--everybody" in admin("devices", "bulk", "release", *WHY, code=2).stderr
    assert (
        "--everybody" in admin("devices", "bulk", "lock", "--everybody", "--batch", "K", *WHY, code=2).stderr
    )
    assert "did you mean 'lock'" in admin("devices", "bulk", "lok", "--everybody", *WHY, code=2).stderr


def test_devices_search_reads_all_pages_up_to_the_limit(server: Operated) -> None:
    server.know(1100)
    assert len(as_json("devices", "search", "--limit", "1050")) == 1050
    assert len(as_json("devices", "search", "--limit", "5000")) == 1100
    for limit, said in (("1099", "1099 and more; give a higher --limit"), ("1100", "1100")):
        title, *_ = admin("devices", "search", "--limit", limit).stdout.splitlines()
        assert title.strip() == f"Devices: {said}"


def test_policy_is_put_simulated_put_in_force_and_rolled_back(server: Operated, tmp_path: Path) -> None:
    server.activate()
    draft = tmp_path / "draft.toml"
    admin("policies", "get", DEFAULT, "2", "--out", str(draft))
    assert admin("policies", "get", DEFAULT, "2").stdout == draft.read_text("utf-8")
    draft.write_text(LANTERN.replace("version = 1", "version = 3"), "utf-8")
    assert "deny" in admin("policies", "simulate", str(draft)).stdout
    assert as_json("policies", "simulate", str(draft))["changed"] == 1
    assert "version 3 is stored; it is not put in force" in admin("policies", "put", str(draft), *WHY).stdout
    assert "is changed" in admin("policies", "put", str(draft), *WHY).stdout
    assert as_json("policies", "in-force")["id"] == DEFAULT
    assert "lantern-open" in admin("policies", "put-in-force", "lantern-open", "3", *WHY).stdout
    assert {each["id"]: each["in_force"] for each in as_json("policies", "list")} == {
        DEFAULT: False,
        "lantern-open": True,
    }
    assert as_json("policies", "roll-back", *WHY)["version"] == 4
    assert "lantern-open" in admin("policies", "list").stdout


@pytest.mark.parametrize(
    ("document", "code", "expected"),
    [
        ("no toml", 2, "states no id and version"),
        ('id = "x"\nversion = 1', 2, "line "),
    ],
)
def test_policies_put_rejects_an_invalid_document(
    server: Operated, tmp_path: Path, document: str, code: int, expected: str
) -> None:
    draft = tmp_path / "draft.toml"
    draft.write_text(document, "utf-8")
    assert expected in admin("policies", "put", str(draft), *WHY, code=code).stderr


def test_campaigns_keys_faults_and_audit_as_table_and_json(server: Operated, tmp_path: Path) -> None:
    [campaign] = as_json("campaigns", "list")
    assert "running" in admin("campaigns", "start", campaign["id"], *WHY).stdout
    assert (
        as_json("campaigns", "lift", campaign["id"], *WHY, "--at", "2021-09-29T07:20:00Z")["ends"]
        == 1_632_900_000
    )
    first = next(key["kid"] for key in as_json("keys", "list") if key["signs"])
    second = as_json("keys", "rotate", first[:8], *WHY)["kid"]
    assert "revoked" in admin("keys", "revoke", first[:8], *WHY).stdout
    assert second in admin("keys", "list").stdout
    assert as_json("faults", "add", "slow", "--delay", "3", "--count", "2", *WHY)[0]["remaining"] == 2
    assert "slow" in admin("faults", "list").stdout
    assert "fault-invalid" in admin("faults", "add", "slow", *WHY, code=2).stderr
    [often] = as_json("faults", "add", "expired", "--route", "tuf", "--probability", "0.5", *WHY)
    assert (often["route"], often["probability"]) == ("keys", 0.5)
    assert all(word in admin("faults", "list").stdout for word in ("tuf", "probability 0.5", "delay 3"))
    for wrong, said in (("reset", "activation proxy --fault reset"), ("slw", "did you mean 'slow'?")):
        assert said in admin("faults", "add", wrong, *WHY, code=2).stderr
    unknown = admin("faults", "add", "garbage", "--route", "keys", *WHY, code=2).stderr
    assert "use one of 'verdicts', 'challenges', 'tuf'" in unknown
    assert "--probability" in admin("faults", "add", "garbage", "--probability", "0", *WHY, code=2).stderr
    as_json("faults", "clear", str(often["id"]), *WHY)
    assert "Faults cancelled: 1." in admin("faults", "clear", *WHY).stdout
    actions = [each["action"] for each in as_json("audit")]
    assert actions[:5] == [*["fault.clear"] * 2, *["fault.arm"] * 2, "key.revoke"]
    assert "campaign.lift" in admin("audit", "--action", "campaign.").stdout
    assert [
        each["action"] for each in as_json("audit", "--limit", "1", "--since", "2021-01-01T00:00:00Z")
    ] == actions[:1]
    admin("audit", "--export", "csv", "--out", str(tmp_path / "audit.csv"))
    assert (tmp_path / "audit.csv").read_text().startswith("id,at,actor")
    assert len(admin("audit", "--export", "ndjson").stdout.splitlines()) == len(actions)


def test_stolen_online_keys_are_replaced_by_a_root_that_the_right_seed_signs(server: Operated) -> None:
    repository = server.parts.keys.repository
    stolen = MANUFACTURER.ceremony.online_of(repository.root())
    assert "that this seed does not give" in admin(
        "keys", "replace-online", "--seed", "other", *WHY, code=2
    ).stderr.replace("\n", " ")
    for version in (2, 3):
        assert admin("keys", "replace-online", "--seed", "tests", *WHY).stdout == (
            f"Root {version} names new online keys.\n"
        )
        root = Metadata[Root].from_bytes(repository.root())
        assert root.signed.version == version
        timestamp = Metadata[Timestamp].from_bytes(
            requests.get(f"{server.origin}/tuf/metadata/timestamp.json", timeout=60).content
        )
        root.signed.verify_delegate("timestamp", timestamp.signed_bytes, timestamp.signatures)
        for role in ("timestamp", "snapshot", "targets"):
            assert stolen.public(OnlineRole(role)).keyid not in root.signed.roles[role].keyids
        assert as_json("audit", "--action", "key.root", "--limit", "1")[0]["reason"] == "ticket 4711"
    current = server.get("/keys/root")
    refused = server.refused("POST", "/keys/root", {"reason": "again", "root": current["root"]})
    assert refused == (409, "root-refused")
    assert server.get("/keys/root") == current


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("--server", "nonsense"), 2, "is not a URL"),
        (("--server", "http://127.0.0.1:9"), 3, "cannot reach"),
    ],
)
def test_an_unusable_server_url_exits_with_2_or_3(
    server: Operated, words: tuple[str, ...], code: int, expected: str
) -> None:
    assert expected in admin("faults", "list", *words, code=code).stderr


def test_a_response_beyond_the_bound_is_an_error(server: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_BODY_MAX", 10)
    assert "sent more than 10 bytes; ask for less" in admin("devices", "search", code=3).stderr


def test_token_is_read_from_the_environment_or_a_file(
    server: Operated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(server.token + "\n")
    monkeypatch.delenv("ACTIVATION_ADMIN_TOKEN")
    monkeypatch.chdir(tmp_path)
    assert "no admin token" in admin("faults", "list", code=2).stderr
    (tmp_path / "latin").write_bytes(b"\xff")
    for given, said in (
        ("nofile", "--token-file: cannot read nofile: No such file or directory"),
        (".", "--token-file: cannot read .: Is a directory"),
        ("latin", "--token-file: latin is not UTF-8 text"),
    ):
        assert said in admin("faults", "list", "--token-file", given, code=2).stderr
    assert as_json("faults", "list", "--token-file", str(file)) == []
    monkeypatch.setenv("ACTIVATION_ADMIN_TOKEN", "operator.wrong")
    assert "unauthorized" in admin("faults", "list", code=2).stderr
    monkeypatch.setenv("ACTIVATION_ADMIN_TOKEN", "two words")
    assert "not an admin token" in admin("faults", "list", code=2).stderr


def test_first_start_returns_the_token_once_and_writes_a_private_file(
    server: Operated, tmp_path: Path
) -> None:
    file = tmp_path / "activation-admin-token"
    store = open_store(tmp_path / "a.sqlite")
    parts = replace(server.parts, tokens=AdminTokens(store, server.clock, secrets.token_bytes))
    token = first_token(file, parts)
    assert token is not None
    assert file.read_text() == f"{token}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first_token(file, parts) is None
    assert file.read_text() == f"{token}\n"
    assert parts.tokens.actor(token) == "operator"
    store.close()


def test_token_is_rotated_in_the_database_and_written_to_a_private_file(tmp_path: Path) -> None:
    place, file = tmp_path / "a.sqlite", tmp_path / "token"
    open_store(place).close()
    shown = admin("token", "--db", str(place), "--name", "alice")
    assert shown.stdout.startswith("alice.")
    file.write_text("older")
    admin("token", "--database", str(place), "--file", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith("operator.")
    assert "token" in as_json("token", "--db", str(place))
    assert (
        "1 to 32 lowercase letters" in admin("token", "--db", str(place), "--name", "Al Ice", code=2).stderr
    )
    assert "there is no" in admin("token", "--db", str(tmp_path / "none"), code=2).stderr
    store = open_store(place)
    with store.reading() as reading:
        assert {entry.action for entry in reading.audit(AuditQuery()).items} == {"token.rotate"}
        assert file.read_text().strip() not in (reading.admin_token_hash() or "")
    store.close()
