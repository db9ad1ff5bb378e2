"""`activation attack`: output, exit codes and exported vectors."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.verification import verdict
from lab.attacks.catalogue import BY_ID, CATALOGUE
from lab.attacks.runner import run
from lab.attacks.vectors import FILE
from lab.cli.main import app
from tests.support.attacks import outcome_of

SOME = "alg-none,token-utf16,issuer-other,stolen-key-locks,sim-planted"
NOTHING_LEFT = 1
USAGE = 2


def activation(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["attack", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_json_counts_met_attacks_and_lists_failed_ones() -> None:
    code, out, _ = activation("--only", SOME, "--json")
    report = json.loads(out)
    assert (code, report["attacks"], report["met"], report["failed"]) == (0, 5, 5, [])
    assert {record["id"] for record in report["records"]} == set(SOME.split(","))


def test_table_shows_the_same_counts() -> None:
    code, out, _ = activation("--only", "alg-none")
    assert code == 0
    assert "1 of 1 attacks ended as expected" in out


def test_a_failed_defence_exits_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "check_parties", lambda *_: None)
    code, out, _ = activation("--only", "issuer-other,alg-none", "--json")
    assert (code, json.loads(out)["failed"]) == (NOTHING_LEFT, ["issuer-other"])


def test_list_shows_every_attack_and_runs_none() -> None:
    code, out, _ = activation("--list", "--json")
    assert code == 0
    assert [entry["id"] for entry in json.loads(out)] == [attack.id for attack in CATALOGUE]


def test_an_unknown_id_is_rejected_with_similar_ids() -> None:
    code, _, err = activation("--only", "alg-non")
    assert code == USAGE
    assert "did you mean 'alg-none'" in err


def test_an_export_that_cannot_be_written_exits_with_3(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    code, _, err = activation("--only", "alg-none", "--export", str(blocked))
    assert code == 3
    assert str(blocked) in err


def test_exported_vectors_give_their_results_in_the_verifier(tmp_path: Path) -> None:
    activation("--only", SOME, "--export", str(tmp_path))
    document = json.loads((tmp_path / FILE).read_text("utf-8"))
    assert {vector["id"].split("/")[0] for vector in document["vectors"]} == set(SOME.split(",")[:4])
    assert {vector["expect"]["result"] for vector in document["vectors"]} == {"refused", "accepted"}
    for vector in document["vectors"]:
        assert outcome_of(vector, document["key_sets"]) == vector["expect"]


@pytest.mark.slow
def test_the_same_seed_exports_the_same_bytes(tmp_path: Path) -> None:
    for folder, only in (("a", SOME), ("b", f"swapped,{SOME}")):
        activation("--only", only, "--seed", "7", "--export", str(tmp_path / folder))
    one, other = (json.loads((tmp_path / folder / FILE).read_bytes()) for folder in "ab")
    assert one["vectors"] == [vector for vector in other["vectors"] if not vector["id"].startswith("swapped")]
    again = tmp_path / "again"
    activation("--only", SOME, "--seed", "7", "--export", str(again))
    assert (again / FILE).read_bytes() == (tmp_path / "a" / FILE).read_bytes()


def test_another_seed_exports_other_tokens(tmp_path: Path) -> None:
    for seed in "78":
        activation("--only", "alg-none", "--seed", seed, "--export", str(tmp_path / seed))
    one, other = (json.loads((tmp_path / seed / FILE).read_bytes()) for seed in "78")
    assert one["vectors"][0]["token"] != other["vectors"][0]["token"]


@pytest.mark.slow
def test_two_processes_report_the_same_as_one() -> None:
    attacks = [BY_ID[name] for name in SOME.split(",")] + list(CATALOGUE[:22])
    alone, beside = (list(run("7", attacks, workers)) for workers in (1, 2))
    assert [(r.attack.id, r.trials) for r in alone] == [(r.attack.id, r.trials) for r in beside]
