"""Signals of a device for the tests of the territory judgement."""

from dataclasses import dataclass
from functools import cache

from hypothesis import strategies as st

from server_stub.reference_data.time_zones import zone_at
from server_stub.territory import signals as make
from server_stub.territory.judgement import Judgement, Source, judge
from wire.codes import Registration
from wire.evidence import Location, Plmn

TERRITORIES = ("CU", "FR", "US", "UA", "UA-43", None)
SIGNALS = st.lists(
    st.builds(
        make.Signal,
        st.sampled_from([source for source in Source if source is not Source.REGISTRATION]),
        st.sampled_from(["one", "two"]),
        st.sampled_from(TERRITORIES),
        also=st.sampled_from([(), ("US",), ("UA-43",), ("UA-14", "UA-43")]),
        note=st.sampled_from([None, make.Note.DISPUTED_GROUND]),
        nearby=st.sampled_from([frozenset(), frozenset({"FR", "UA"})]),
        served_from=st.sampled_from([frozenset(), frozenset({"US"})]),
    )
    | st.builds(
        make.Signal,
        st.just(Source.REGISTRATION),
        st.sampled_from([each.value for each in Registration]),
        st.none(),
    )
    | st.sampled_from(
        [
            make.Signal(
                Source.POSITION, "zone Etc/GMT", None, note=make.Note.AT_SEA, nearby=frozenset({"CU"})
            ),
            make.serving_network(Plmn(mcc="901", mnc="12")),
            make.serving_network(Plmn(mcc="901", mnc="05")),
        ]
    ),
    max_size=6,
)
"""Signals of every kind, also combinations that no device sends."""


@dataclass(frozen=True)
class Reported:
    """What a device reports: networks as MCC-MNC, a position in degrees, countries of Wi-Fi and source address."""

    sims: tuple[str, ...] = ()
    serving: str | None = None
    state: Registration | None = None
    at: tuple[float, float] | None = None
    accuracy: float | None = None
    wifi: str | None = None
    source: str | None = None
    age: int | None = None


def plmn(text: str) -> Plmn:
    mcc, _, mnc = text.partition("-")
    return Plmn(mcc=mcc, mnc=mnc)


@cache
def signals(reported: Reported) -> tuple[make.Signal, ...]:
    found = [make.sim_home(plmn(each)) for each in reported.sims]
    if reported.serving:
        found.append(make.serving_network(plmn(reported.serving), age=reported.age))
    if reported.state:
        found.append(make.registration(reported.state))
    if reported.wifi:
        found.append(make.wifi_country(reported.wifi))
    if reported.source:
        found.append(make.source_address(reported.source))
    if reported.at:
        latitude, longitude = reported.at
        here = Location(latitude=latitude, longitude=longitude, accuracy=reported.accuracy)
        found.append(make.position(here, zone_at, found))
    return tuple(found)


def judgement_of(reported: Reported) -> Judgement:
    return judge(signals(reported))


def answer_of(reported: Reported) -> str:
    """The territory, or the status if there is none."""
    judgement = judgement_of(reported)
    return judgement.territory or judgement.status.value
