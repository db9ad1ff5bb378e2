"""`activation admin`, against a real server: what it says, what it does, and how it ends."""

import json
import secrets
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from lab.cli.main import app
from lab.cli.serve import first_token
from lab.manufacturer.policies import LANTERN
from server_stub.admin.tokens import AdminTokens
from server_stub.policies import DEFAULT
from server_stub.store.records import AuditQuery
from server_stub.store.sql import SqlStore
from tests.support.admin import Operated, operated
from tests.support.server_phone import IMEI, SECOND_IMEI

WHY = ("--reason", "ticket 4711")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    with operated(tmp_path_factory.mktemp("admin")) as server:
        yield server


@pytest.fixture
def server(running: Operated, monkeypatch: pytest.MonkeyPatch) -> Operated:
    running.forget()
    monkeypatch.setenv("ACTIVATION_ADMIN_TOKEN", running.token)
    monkeypatch.setenv("ACTIVATION_ADMIN_SERVER", running.origin)
    monkeypatch.setenv("COLUMNS", "200")
    return running


def admin(*words: str, code: int = 0) -> Result:
    said = CliRunner().invoke(app, ["admin", *words])
    assert said.exit_code == code, said.output
    return said


def told(*words: str) -> Any:
    return json.loads(admin(*words, "--json").stdout)


def test_a_device_is_named_by_its_imei_or_its_pseudonym(server: Operated) -> None:
    """Support has the one from the caller and the other from a list."""
    sub = server.activate()
    assert told("devices", "search", "--decision", "deny", "--locked")[0]["sub"] == sub
    assert told("devices", "search", "--territory", "FR") == []
    assert told("devices", "show", IMEI) == told("devices", "show", sub)
    assert [each["serial"] for each in told("devices", "history", sub)] == [1]
    locked = admin("devices", "lock", IMEI, *WHY, "--case", "C-7").stdout
    assert "next check-in" in locked
    assert "deny, case C-7: ticket 4711" in locked
    for act in ("unlock", "release", "withdraw"):
        told("devices", act, sub, *WHY)
    assert told("devices", "show", sub)["override"] is None
    assert "no such device" in admin("devices", "lock", SECOND_IMEI, *WHY, code=1).stderr


def test_a_device_is_one_line_on_a_narrow_terminal(server: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model or a state that is cut in the middle of a word is hard to read and cannot be copied."""
    sub = server.activate()
    admin("devices", "lock", sub, *WHY)
    monkeypatch.setenv("COLUMNS", "80")
    lines = admin("devices", "search").stdout.splitlines()
    device = told("devices", "show", sub)
    assert lines[1].split() == ["device", "sold", "model", "activated", "state", "override"]
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


def test_in_bulk(server: Operated) -> None:
    """First a dry run, then the same again; too many are refused with what to do."""
    known = server.know(3)
    assert (
        "would affect 3 devices" in admin("devices", "bulk", "lock", "--everybody", *WHY, "--dry-run").stdout
    )
    assert told("devices", "search", "--overridden") == []
    assert "--maximum" in admin("devices", "bulk", "--help").stdout
    assert (
        "too-many-devices"
        in admin("devices", "bulk", "lock", "--everybody", *WHY, "--maximum", "2", code=1).stderr
    )
    assert told("devices", "bulk", "lock", "--everybody", *WHY)["devices"] == sorted(known)
    assert "--everybody" in admin("devices", "bulk", "release", *WHY, code=2).stderr
    assert (
        "--everybody" in admin("devices", "bulk", "lock", "--everybody", "--batch", "K", *WHY, code=2).stderr
    )
    assert "did you mean 'lock'" in admin("devices", "bulk", "lok", "--everybody", *WHY, code=2).stderr


def test_more_devices_than_a_page_are_listed_to_the_limit(server: Operated) -> None:
    """Pages are the client's matter."""
    server.know(1100)
    assert len(told("devices", "search", "--limit", "1050")) == 1050
    assert len(told("devices", "search", "--limit", "5000")) == 1100


def test_a_policy_is_edited_simulated_put_in_force_and_taken_back(server: Operated, tmp_path: Path) -> None:
    """The whole way of a draft, with the entity tags that the command looks up itself."""
    server.activate()
    draft = tmp_path / "draft.toml"
    admin("policies", "get", DEFAULT, "1", "--out", str(draft))
    assert admin("policies", "get", DEFAULT, "1").stdout == draft.read_text("utf-8")
    draft.write_text(LANTERN.replace("version = 1", "version = 2"), "utf-8")
    assert "deny" in admin("policies", "simulate", str(draft)).stdout
    assert told("policies", "simulate", str(draft))["changed"] == 1
    assert "version 2 is stored; it is not put in force" in admin("policies", "put", str(draft), *WHY).stdout
    assert "is changed" in admin("policies", "put", str(draft), *WHY).stdout
    assert told("policies", "in-force")["id"] == DEFAULT
    assert "lantern-open" in admin("policies", "put-in-force", "lantern-open", "2", *WHY).stdout
    assert {each["id"]: each["in_force"] for each in told("policies", "list")} == {
        DEFAULT: False,
        "lantern-open": True,
    }
    assert told("policies", "roll-back", *WHY)["version"] == 3
    assert "lantern-open" in admin("policies", "list").stdout


@pytest.mark.parametrize(
    ("document", "code", "said"),
    [
        ("no toml", 2, "states no id and version"),
        ('id = "x"\nversion = 1', 2, "line "),
    ],
)
def test_a_document_that_cannot_be_used_is_told_by_line(
    server: Operated, tmp_path: Path, document: str, code: int, said: str
) -> None:
    """As an author needs it."""
    draft = tmp_path / "draft.toml"
    draft.write_text(document, "utf-8")
    assert said in admin("policies", "put", str(draft), *WHY, code=code).stderr


def test_campaigns_keys_faults_and_the_log(server: Operated, tmp_path: Path) -> None:
    """Every other command, once for people and once for machines."""
    [campaign] = told("campaigns", "list")
    assert "running" in admin("campaigns", "start", campaign["id"], *WHY).stdout
    assert (
        told("campaigns", "lift", campaign["id"], *WHY, "--at", "2021-09-29T07:20:00Z")["ends"]
        == 1_632_900_000
    )
    first = next(key["kid"] for key in told("keys", "list") if key["signs"])
    second = told("keys", "rotate", first[:8], *WHY)["kid"]
    assert "revoked" in admin("keys", "revoke", first[:8], *WHY).stdout
    assert second in admin("keys", "list").stdout
    assert told("faults", "add", "slow", "--delay", "3", "--count", "2", *WHY)[0]["remaining"] == 2
    assert "slow" in admin("faults", "list").stdout
    assert "fault-invalid" in admin("faults", "add", "slow", *WHY, code=2).stderr
    assert "Faults cancelled: 1." in admin("faults", "clear", *WHY).stdout
    actions = [each["action"] for each in told("audit")]
    assert actions[:3] == ["fault.clear", "fault.arm", "key.revoke"]
    assert "campaign.lift" in admin("audit", "--action", "campaign.").stdout
    assert [
        each["action"] for each in told("audit", "--limit", "1", "--since", "2021-01-01T00:00:00Z")
    ] == actions[:1]
    admin("audit", "--export", "csv", "--out", str(tmp_path / "audit.csv"))
    assert (tmp_path / "audit.csv").read_text().startswith("id,at,actor")
    assert len(admin("audit", "--export", "ndjson").stdout.splitlines()) == len(actions)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--server", "nonsense"), 2, "is no URL"),
        (("--server", "http://127.0.0.1:9"), 3, "cannot reach"),
    ],
)
def test_a_server_that_cannot_be_asked_is_told(
    server: Operated, words: tuple[str, ...], code: int, said: str
) -> None:
    """Whose fault it is shows in the exit code."""
    assert said in admin("faults", "list", *words, code=code).stderr


def test_a_token_comes_from_the_environment_or_from_a_file(
    server: Operated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never from an option, which other users of the machine could read."""
    file = tmp_path / "token"
    file.write_text(server.token + "\n")
    monkeypatch.delenv("ACTIVATION_ADMIN_TOKEN")
    monkeypatch.chdir(tmp_path)
    assert "no admin token" in admin("faults", "list", code=2).stderr
    assert told("faults", "list", "--token-file", str(file)) == []
    monkeypatch.setenv("ACTIVATION_ADMIN_TOKEN", "operator.wrong")
    assert "unauthorized" in admin("faults", "list", code=2).stderr
    monkeypatch.setenv("ACTIVATION_ADMIN_TOKEN", "two words")
    assert "no admin token" in admin("faults", "list", code=2).stderr


def test_a_first_start_shows_the_token_once_and_writes_it_for_its_owner_alone(
    server: Operated, tmp_path: Path
) -> None:
    """What `activation serve` does before it answers; a second start has nothing to show, and leaves the file alone."""
    file = tmp_path / "activation-admin-token"
    store = SqlStore(tmp_path / "a.sqlite")
    parts = replace(server.parts, tokens=AdminTokens(store, server.clock, secrets.token_bytes))
    token = first_token(file, parts)
    assert token is not None
    assert file.read_text() == f"{token}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first_token(file, parts) is None
    assert file.read_text() == f"{token}\n"
    assert parts.tokens.actor(token) == "operator"
    store.close()


def test_a_token_is_made_on_the_database_and_kept_from_other_users(tmp_path: Path) -> None:
    """Where no token is left, the database's owner makes one."""
    place, file = tmp_path / "a.sqlite", tmp_path / "token"
    SqlStore(place).close()
    shown = admin("token", "--db", str(place), "--name", "alice")
    assert shown.stdout.startswith("alice.")
    file.write_text("older")
    admin("token", "--database", str(place), "--file", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith("operator.")
    assert "token" in told("token", "--db", str(place))
    assert (
        "1 to 32 lowercase letters" in admin("token", "--db", str(place), "--name", "Al Ice", code=2).stderr
    )
    assert "there is no" in admin("token", "--db", str(tmp_path / "none"), code=2).stderr
    store = SqlStore(place)
    with store.reading() as reading:
        assert {entry.action for entry in reading.audit(AuditQuery()).items} == {"token.rotate"}
        assert file.read_text().strip() not in (reading.admin_token_hash() or "")
    store.close()
