"""`activation territory`: output and rejected options."""

import json

import pytest
from typer.testing import CliRunner

from lab.cli.main import app


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["territory", *arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "territory"),
    [
        (("--sim", "36801", "--serving", "208-01", "--roaming"), "resolved", "FR"),
        (("--position", "44.9521,34.1024", "--serving", "250-01"), "resolved", "UA-43"),
        (("--position=-4.27,15.27", "--wifi", "cg"), "resolved", "CG"),
        (("--serving", "432-11", "--source", "DE", "--cell-age", "5"), "resolved", "IR"),
        (("--position", "48.85,2.35", "--accuracy", "20", "--serving", "368-01"), "contradictory", None),
        ((), "unknown", None),
    ],
)
def test_json_has_status_territory_and_every_signal(
    arguments: tuple[str, ...], status: str, territory: str | None
) -> None:
    code, out, _ = run(*arguments, "--json")
    told = json.loads(out)
    assert (code, told["status"], told["territory"]) == (0, status, territory)
    assert (told["confidence"] > 0) == (status == "resolved")
    assert told["explanation"]
    assert all(signal["fate"] and signal["why"] and signal["provenance"] for signal in told["signals"])


def test_table_has_signals_and_explanation() -> None:
    code, out, _ = run("--sim", "368-01", "--serving", "208-01")
    assert code == 0
    assert "overruled" in out
    assert "In FR" in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--sim", "36"), "--sim '36' is not a network"),
        (("--serving", "368-1"), "--serving '368-1' is not a network"),
        (("--position", "here"), "--position 'here' is not a position"),
        (("--position", "91,0"), "--position '91,0' is out of range"),
        (("--wifi", "XX"), "--wifi 'XX' is not a country"),
        (("--source", "Cuba"), "--source 'Cuba' is not a country"),
        (("--accuracy", "5"), "give --position"),
        (("--cell-age", "5"), "give --serving"),
    ],
)
def test_a_wrong_option_exits_with_2_and_a_hint(arguments: tuple[str, ...], expected: str) -> None:
    code, _, error = run(*arguments)
    assert code == 2
    assert expected in error
