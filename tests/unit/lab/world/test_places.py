"""The shipped places, and valid and invalid files of places."""

from pathlib import Path
from random import Random

import pytest

from lab.world.operators import parse_bands
from lab.world.places import PlaceError, find_place, load_places, read_places
from lab.world.radio import register
from lab.world.sim import generate_sim
from wire.codes import Registration
from wire.evidence import Serving

BANDS = parse_bands(
    [
        "GSM 850",
        "GSM 900",
        "GSM 1800",
        "GSM 1900",
        "UMTS 1900",
        "UMTS 2100",
        "LTE 700",
        "LTE 1700",
        "LTE 1800",
    ]
)
EXPECTED = {
    "havana": ("368-01", Registration.HOME),
    "tehran": ("432-11", Registration.HOME),
    "damascus": ("417-01", Registration.HOME),
    "pyongyang": ("467-05", Registration.HOME),
    "khartoum": ("634-01", Registration.HOME),
    "simferopol": ("250-32", Registration.HOME),
    "sevastopol": ("250-33", Registration.HOME),
    "kyiv": ("255-03", Registration.HOME),
    "moscow": ("250-01", Registration.HOME),
    "juba": ("659-02", Registration.HOME),
    "paris": ("208-01", Registration.HOME),
    "new-york": ("310-260", Registration.HOME),
    "paris-cuban-sim": ("208-01", Registration.ROAMING),
    "havana-french-sim": ("368-01", Registration.ROAMING),
    "tehran-wifi": (None, Registration.EMERGENCY_ONLY),
}


def test_shipped_places_are_exactly_these() -> None:
    assert list(load_places()) == list(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_device_at_each_place_registers_as_expected(name: str) -> None:
    place = find_place(name)
    sims = [generate_sim(plmn, Random(1)) if plmn else None for plmn in place.sims]
    serving = register(sims, place.networks, BANDS)
    plmn, registration = EXPECTED[name]
    assert (serving.plmn and str(serving.plmn), serving.registration) == (plmn, registration)
    assert place.has_data_path(serving)


def test_device_without_wifi_and_registration_has_no_data_path() -> None:
    place = find_place("havana")
    assert not place.has_data_path(Serving(registration=Registration.NOT_REGISTERED))
    assert not place.has_data_path(Serving(registration=Registration.EMERGENCY_ONLY))
    assert place.has_data_path(Serving(registration=Registration.ROAMING))


def test_unknown_place_is_reported_with_similar_names() -> None:
    with pytest.raises(PlaceError) as caught:
        find_place("tehran-wify")
    assert "'tehran-wifi'" in str(caught.value)
    with pytest.raises(PlaceError, match="use one of 'havana'"):
        find_place("zzz")


GOOD = """[here]
sentence = "Here"
position = [1.0, 2.0]
address = "CU"
sims = ["368-01"]

[here.networks.368-01]
area = 1
cell = 2
"""

BAD = {
    "unknown key": (
        GOOD.replace("cell = 2", "cell = 2\nfrequency = 3"),
        10,
        "here.networks.368-01.frequency",
    ),
    "unknown key of a place": (GOOD.replace("sims", "cards"), 5, "here.cards"),
    "missing key": (GOOD.replace("area = 1\n", ""), 7, "here.networks.368-01.area"),
    "area too large": (GOOD.replace("area = 1", "area = 65536"), 8, "here.networks.368-01.area"),
    "text for a number": (GOOD.replace("cell = 2", 'cell = "2"'), 9, "here.networks.368-01.cell"),
    "bad country": (GOOD.replace('"CU"', '"Cuba"'), 4, "here.address"),
    "bad latitude": (GOOD.replace("1.0, 2.0", "91.0, 2.0"), 3, "here.position.0"),
    "three SIMs": (GOOD.replace('"368-01"', '"368-01", "368-01", "368-01"'), 5, "here.sims"),
    "bad PLMN": (GOOD.replace("networks.368-01", "networks.cubacel"), 7, "here.networks.cubacel"),
    "unknown operator of a SIM": (GOOD.replace('["368-01"]', '["368-77"]'), 5, "here.sims.0"),
    "unknown operator": (GOOD.replace("networks.368-01", "networks.368-77"), 7, "here.networks.368-77"),
    "off the air": (GOOD.replace("networks.368-01", "networks.250-33"), 7, "here.networks.250-33"),
    "no band": (GOOD.replace("networks.368-01", "networks.432-01"), 7, "here.networks.432-01"),
    "bad band": (GOOD + 'bands = ["LTE"]\n'.replace("LTE", "LTE1800"), 7, "here.networks.368-01"),
    "bad name": (GOOD.replace("here", "Here_"), 1, "Here_"),
    "not TOML": ("[here", 1, ""),
}


@pytest.mark.parametrize("case", BAD)
def test_invalid_file_is_rejected_with_line_and_key(case: str, tmp_path: Path) -> None:
    text, line, key = BAD[case]
    file = tmp_path / "places.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PlaceError) as caught:
        read_places(file)
    assert (line, key) in [(each.line, each.key) for each in caught.value.problems]


def test_valid_file_is_read(tmp_path: Path) -> None:
    """The base of the invalid files in the test above."""
    file = tmp_path / "places.toml"
    file.write_text(GOOD + 'bands = ["GSM 900"]\n', encoding="utf-8")
    here = read_places(file)["here"]
    assert here.networks[0].bands == parse_bands(["GSM 900"])
    assert not here.wifi.connected


def test_unreadable_file_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"\xff")
    for file in (tmp_path / "none.toml", tmp_path / "latin.toml"):
        with pytest.raises(PlaceError):
            read_places(file)
