"""Devices whose emulated modem speaks a maker's dialect."""

from typing import Any

import pytest

from lab.backend.hosts import InProcessHost
from lab.handset.builder import DeviceOptions
from lab.handset.modem.dialects import dialect_names
from lab.handset.modem.forms import UnknownDialectError
from lab.simulation.matrix import run
from lab.simulation.simulation import Simulation
from lab.world.places import load_places


def transcript(seed: str, name: str, *, own: str | None = "huawei", default: str | None = None) -> bytes:
    """What the modem of a new device sends to the same commands."""
    with Simulation(seed, host=InProcessHost, modem_dialect=default) as simulation:
        options = DeviceOptions(name=name, modem_dialect=own)
        modem = simulation.phone("official-global", "paris", options=options).modem
        modem.write(b"AT+CSUS=0\r" * 20)
        return modem.read(0)


def test_lines_between_the_answers_derive_from_the_seed_of_the_device() -> None:
    assert transcript("one", "a") == transcript("one", "a")
    assert transcript("one", "a") != transcript("one", "b")
    assert transcript("one", "a") != transcript("two", "a")


def test_dialect_of_a_simulation_is_that_of_its_devices_without_one_of_their_own() -> None:
    assert b"COMMAND NOT SUPPORT" in transcript("one", "a", own=None, default="huawei")
    assert b"COMMAND NOT SUPPORT" not in transcript("one", "a", own="nordic", default="huawei")
    assert b"COMMAND NOT SUPPORT" not in transcript("one", "a", own=None)


def test_device_with_a_misspelt_dialect_is_not_built() -> None:
    with pytest.raises(UnknownDialectError, match="did you mean 'huawei'"):
        transcript("one", "a", own="huawai")


def outcomes(dialect: str | None) -> dict[str, Any]:
    """Outcome and verdict of a new device in every place."""
    with Simulation("2021", host=InProcessHost, modem_dialect=dialect) as simulation:
        results = run(simulation, ["official-global"], list(load_places()))
        return {result.place: (result.outcome, result.as_json()["verdict"]) for result in results}


@pytest.mark.slow
def test_outcome_in_every_place_is_the_same_in_every_dialect() -> None:
    expected = outcomes(None)
    assert {name: outcomes(name) for name in dialect_names()} == dict.fromkeys(dialect_names(), expected)
