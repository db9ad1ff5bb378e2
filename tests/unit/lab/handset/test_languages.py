"""The languages that a user can choose on an emulated device."""

from collections.abc import Iterator

import pytest

from lab.backend.hosts import InProcessHost
from lab.handset.handset import Handset
from lab.simulation.simulation import Simulation


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    with Simulation("languages", host=InProcessHost) as opened:
        yield opened


@pytest.fixture
def phone(simulation: Simulation) -> Handset:
    phone = simulation.phone("official-global", "havana")
    phone.power_on()
    return phone


@pytest.mark.parametrize(
    ("tag", "language"), [("prs", "fa"), ("fa-AF", "fa"), ("cmn-Hans", "zh"), ("arb", "ar"), ("en-GB", "en")]
)
def test_a_language_is_offered_by_its_aliases_and_in_each_region(
    phone: Handset, tag: str, language: str
) -> None:
    phone.walk_setup(tag)
    screen = phone.screen()
    assert screen is not None
    assert (phone.locale, screen.locale) == (tag, language)


@pytest.mark.parametrize("tag", ["pt-BR", "in", "no", ""])
def test_another_language_is_not_offered(phone: Handset, tag: str) -> None:
    with pytest.raises(ValueError, match="does not offer"):
        phone.walk_setup(tag)
