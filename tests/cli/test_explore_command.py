"""`activation explore` and `activation diagram`: output and exit codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli.main import app

runner = CliRunner()


@pytest.mark.slow
def test_explored_profiles_as_json_have_the_documented_members() -> None:
    done = runner.invoke(app, ["explore", "--profile", "custom-aosp,official-tampered", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["profiles"]
    assert list(told) == ["custom-aosp", "official-tampered"]
    for one in told.values():
        assert one["complete"] is True
        assert (one["states"], one["transitions"], one["depth"]) == (4, 8, 2)
        assert {f"I{number}" for number in range(1, 10)} <= set(one["invariants"])
        assert set(one["invariants"].values()) == {"ok"}


def test_an_unknown_profile_or_mutant_is_rejected_with_similar_names() -> None:
    assert "did you mean 'custom-aosp'" in runner.invoke(app, ["explore", "--profile", "custom-aospp"]).stderr
    assert "no planted defect" in runner.invoke(app, ["explore", "--mutant", "persist: writ"]).stderr


def test_replay_exits_with_0_for_harmless_1_for_violating_2_for_impossible_traces(tmp_path: Path) -> None:
    file = tmp_path / "story.json"
    story = {
        "profile": "official-global",
        "story": ["power: on", "agent: writes the record", "agent: counts"],
    }
    file.write_text(json.dumps(story), encoding="utf-8")
    done = runner.invoke(app, ["explore", "--replay", str(file), "--json"])
    assert done.exit_code == 0, done.output
    assert [one["broken"] for one in json.loads(done.stdout)] == [[], [], []]
    planted = "lock: unprovisioned, heartbeat: row 1 leads to locked"
    broken = [*story["story"], "time: heartbeat, by a stray timer"]
    file.write_text(json.dumps({**story, "mutant": planted, "story": broken}))
    assert runner.invoke(app, ["explore", "--replay", str(file)]).exit_code == 1
    file.write_text(json.dumps({**story, "story": ["agent: counts"]}))
    assert runner.invoke(app, ["explore", "--replay", str(file)]).exit_code == 2


@pytest.mark.parametrize(
    ("form", "begins"),
    [("mermaid", "stateDiagram-v2"), ("svg", "<svg "), ("scxml", "<?xml")],
)
def test_a_machine_is_drawn_in_every_format_to_terminal_and_file(
    form: str, begins: str, tmp_path: Path
) -> None:
    shown = runner.invoke(app, ["diagram", "--format", form, "--machine", "lock"])
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith(begins)
    file = tmp_path / f"lock.{form}"
    assert (
        runner.invoke(
            app, ["diagram", "--format", form, "--machine", "lock", "--output", str(file)]
        ).exit_code
        == 0
    )
    assert file.read_text(encoding="utf-8") == shown.stdout


def test_the_removed_xstate_format_is_rejected_with_the_valid_formats() -> None:
    done = runner.invoke(app, ["diagram", "--format", "xstate"])
    assert done.exit_code == 2
    assert all(word in done.stderr for word in ("'xstate' is not one of", "mermaid", "svg", "scxml"))


def test_an_unknown_machine_is_rejected_with_a_similar_name() -> None:
    done = runner.invoke(app, ["diagram", "--machine", "locks"])
    assert (done.exit_code, "did you mean 'lock'?" in done.stderr) == (2, True)
