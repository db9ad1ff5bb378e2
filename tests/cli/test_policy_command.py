"""`activation policy`: output and exit codes."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from lab.cli.main import app
from server_stub.policies import DEFAULT, names, read
from server_stub.policies.loading import shipped
from server_stub.policy.policy import Activation
from tests.support.server_phone import DURING, Clock, Phone, facts, service, telephony, ueid
from tests.support.stores import open_store

EXPORT = read("export-2021-09")


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["policy", *map(str, words)])


def as_json(*words: object) -> Any:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_list_names_the_shipped_policies_with_version_title_and_number_of_rules() -> None:
    rows = as_json("list")
    assert [row["name"] for row in rows] == list(names())
    assert [row["name"] for row in rows if row["default"]] == [DEFAULT]
    text = run("list").stdout
    for row in rows:
        document = shipped(row["name"]).document
        assert (row["version"], row["title"], row["rules"]) == (
            document.version,
            document.title,
            len(document.rules),
        )
        assert row["name"] in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """A version 3 that does not prohibit Sudan."""
    file = tmp_path / "draft.toml"
    file.write_text(EXPORT.replace("version = 2", "version = 3").replace('"SD", ', ""), encoding="utf-8")
    return file


def test_check_accepts_valid_documents_by_name_and_file(draft: Path) -> None:
    result = run("check", "export-2021-09", draft)
    assert result.exit_code == 0
    assert "export-2021-09: valid: export-2021-09 version 2, 10 rules" in result.stdout
    assert f"{draft}: valid" in result.stdout


def test_check_reports_file_line_and_key(draft: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(EXPORT.replace('"CU"', '"Cuba"').replace("retry_after = 900", "retry_aftr = 900"), "utf-8")
    result = run("check", bad)
    assert result.exit_code == 1
    assert f"{bad}:10: error: territories.prohibited.0: is 'Cuba'; write a territory" in result.stderr
    assert "rules.6.retry_aftr: unknown key; did you mean 'retry_after'?" in result.stderr
    draft.write_text(EXPORT.replace('"CU"', '"XX"'), "utf-8")
    warned = run("check", draft)
    assert warned.exit_code == 0
    assert f"{draft}:10: warning: territories.prohibited: XX is not a code of ISO 3166" in warned.stderr
    (row,) = json.loads(run("check", bad, "--json").stdout)
    assert (row["ok"], [each["line"] for each in row["errors"]]) == (False, [10, 89])


def test_check_notes_a_policy_that_does_not_ask_for_trust() -> None:
    result = run("check", "example", "export-2021-09")
    assert result.exit_code == 0
    (line,) = [line for line in result.stderr.splitlines() if "note:" in line]
    assert line.startswith("export-2021-09:23: note: rules: no rule asks for trust")
    asking, silent = json.loads(run("check", "example", "export-2021-09", "--json").stdout)
    assert (asking["notes"], silent["ok"], silent["warnings"]) == ([], True, [])
    assert [(each["line"], each["key"]) for each in silent["notes"]] == [(23, "rules")]


def test_explain_uses_the_given_boot_key_deviations_and_unknown_roaming(tmp_path: Path) -> None:
    words = ("--boot-key", "unknown", "--deviation", "set-unsorted", "--deviation", "version-later")
    facts = as_json("explain", "example", *words, "--roaming-unknown")["facts"]
    assert (facts["boot_key"], facts["deviations"], facts["roaming"]) == (
        "unknown",
        "set-unsorted, version-later",
        "unknown",
    )
    draft = tmp_path / "draft.toml"
    when = '{ boot_key = ["unknown"], deviations = ["set-unsorted"] }'
    draft.write_text(read("example").replace('{ identity = ["unattested"] }', when), "utf-8")
    assert as_json("explain", draft, *words)["decision"]["rule"] == "unattested"
    assert as_json("explain", draft)["rules"][0]["conditions"] == [
        {"key": "boot_key", "wanted": "unknown", "found": "known", "holds": False},
        {"key": "deviations", "wanted": "set-unsorted", "found": "none", "holds": False},
    ]


def test_explain_shows_rule_conditions_and_decision() -> None:
    words = ("--territory", "FR", "--activation", "CU", "--age", "3d", "--at", "2021-09-07T12:00:00Z")
    told = as_json("explain", "export-2021-09", *words)
    assert told["decision"]["rule"] == "activated-in-prohibited-territory"
    assert (told["decision"]["decision"], told["decision"]["check_in"]) == ("deny", 86400)
    assert told["facts"]["campaign investigation-2021"] == "running"
    assert told["rules"][1]["conditions"][0] == {
        "key": "territory",
        "wanted": "prohibited",
        "found": "eligible",
        "holds": False,
    }
    assert [rule["tried"] for rule in told["rules"]] == [True] * 3 + [False] * 7
    text = run("explain", "export-2021-09", *words).stdout
    assert "-> activated-in-prohibited-territory  matches: activation is prohibited" in text
    assert "territory is eligible, wanted prohibited" in text


def test_explain_uses_the_given_state_of_a_campaign() -> None:
    words = ("--activation", "CU", "--at", "2021-09-07T12:00:00Z", "--campaign", "investigation-2021=lifted")
    assert as_json("explain", "export-2021-09", *words)["decision"]["rule"] == "campaign-lifted"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--territory", "Cuba"), "--territory: 'Cuba' is not a territory"),
        (("--activation", "contradictory"), "--activation: 'contradictory' is not a territory"),
        (("--activation", "CU", "--age", "9"), "--age: '9' is not a duration"),
        (("--boot-key", "yellow"), "--boot-key: 'yellow' is none of: known, unknown"),
        (("--deviation", "set-unsortd"), "--deviation: 'set-unsortd' is none of: certificate-expired"),
        (("--trust", "high"), "'high' is not one of 'none', 'affirming'"),
        (("--campaign", "investigation-2012=lifted"), "did you mean 'investigation-2021'?"),
        (("--campaign", "investigation-2021=over"), "'over' is none of: ahead, running, lifted"),
        (("--at", "noon"), "--at: 'noon' is not a time"),
    ],
)
def test_explain_rejects_invalid_facts_by_option(words: tuple[str, ...], told: str) -> None:
    result = run("explain", "export-2021-09", *words)
    assert result.exit_code == 2
    assert told in result.stderr


def test_diff_lists_changed_decisions(draft: Path) -> None:
    told = as_json("diff", "export-2021-09", draft)
    assert told["decisions_changed"] == sum(row["combinations"] for row in told["changes"]) > 0
    for row in told["changes"]:
        assert "SD (prohibited -> eligible)" in str(row["where"])
        assert row["old"]["decision"] != row["new"]["decision"]
    assert run("diff", "export-2021-09", draft, "--exit-code").exit_code == 1
    assert run("diff", "export-2021-09", "export-2021-09", "--exit-code").exit_code == 0
    text = " ".join(run("diff", "export-2021-09", draft).stdout.split())
    assert "deny (prohibited-at-activation) -> allow (eligible)" in text
    assert "The decision changes in " in text
    assert "--details" in text


def test_simulate_counts_and_lists_devices_by_pseudonym(draft: Path, tmp_path: Path) -> None:
    file = tmp_path / "server.db"
    store = open_store(file)
    server = service(store, Clock(DURING))
    imei = "001010000000015"
    sub = server.enroll(imei, Activation(DURING - 9000, "SD"))
    paris = telephony("208", home=("208", "01"))
    server.judge(
        Phone(boot=facts(imeis=(imei,))).evidence(
            server.challenge().nonce, telephony=paris, intent="check-in", ueid=ueid(imei)
        )
    )
    store.close()
    words = ("simulate", draft, "--database", file, "--at", "2021-09-07T12:00:00Z")
    told = as_json(*words, "--list")
    assert told["decisions"] == [{"now": "deny", "then": "allow", "devices": 1}]
    assert told["by_activation"] == [{"activation": "eligible", "now": "deny", "then": "allow", "devices": 1}]
    assert [each["sub"] for each in told["list"]] == [sub]
    text = run(*words, "--list").stdout
    assert "The decision would change for 1 of 1 devices" in text
    assert sub in text
    assert imei not in text
    assert not as_json(*words)["list"]


def test_simulate_does_not_create_a_missing_database(draft: Path, tmp_path: Path) -> None:
    result = run("simulate", draft, "--database", tmp_path / "none.db")
    assert result.exit_code == 2
    assert "there is no" in result.stderr
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("command", [("explain",), ("diff", "export-2021-09")])
def test_an_invalid_document_stops_every_command(command: tuple[str, ...], tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("id = ", "utf-8")
    result = run(*command, bad)
    assert result.exit_code == 1
    assert f"{bad}:1: is not TOML:" in result.stderr
    assert "activation policy check" in result.stderr
    assert run(*command, tmp_path / "none.toml").exit_code == 2
    assert "did you mean 'export-2021-09'" in run(*command, "export-2021").stderr


def test_commands_print_what_the_guide_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = Path(__file__).parents[2]
    (tmp_path / "server_stub").symlink_to(repository / "server_stub")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    guide = (repository / "docs" / "developers" / "policy.md").read_text(encoding="utf-8")
    blocks = [block.partition("\n") for block in re.findall(r"```console\n\$ (.*?)```", guide, re.DOTALL)]
    assert len(blocks) >= 4
    for command, _, shown in blocks:
        name, *words = shlex.split(command)
        if name == "activation":
            said = CliRunner().invoke(app, words).stdout
        else:
            said = subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout
        assert [line.rstrip() for line in said.splitlines()] == shown.splitlines(), command
