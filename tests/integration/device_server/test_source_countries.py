"""The source address of a request, the weakest signal of the location of a device."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from server_stub.api.limits.settings import ServerLimits
from server_stub.policies.loading import shipped
from server_stub.reference_data.source_countries import (
    CountryOf,
    SourceCountries,
    SourceCountriesError,
    unknown_country,
)
from server_stub.server import ServerThread
from server_stub.store.records import DeviceQuery
from server_stub.store.sql import SqlStore
from server_stub.store.transaction import Store
from server_stub.verdicts.service import VerdictService
from tests.support.server_phone import MANUFACTURER, Clock, Phone, Randomness, telephony
from wire import media

DEFAULT = ServerLimits()
TABLE = "# ours\n\n198.51.100.0/24,FR\n198.51.100.128/25 , DE\n198.51.100.129/32,CU\n2001:db8::/32,IR\n0.0.0.0/1,US\n"


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("198.51.100.1", "FR"),
        ("198.51.100.127", "FR"),
        ("198.51.100.128", "DE"),
        ("198.51.100.129", "CU"),
        ("198.51.101.0", None),
        ("2001:db8::1", "IR"),
        ("2001:db9::1", None),
        ("127.0.0.1", "US"),
        ("128.0.0.1", None),
        ("::ffff:198.51.100.1", "FR"),
        ("fe80::1%eth0", None),
        ("testclient", None),
        ("", None),
    ],
)
def test_the_narrowest_network_decides(address: str, country: str | None) -> None:
    """An invalid or unlisted address has no country."""
    assert SourceCountries.parse(TABLE, "table")(address) == country
    assert unknown_country(address) is None


@given(st.ip_addresses())
def test_a_table_of_everything_has_a_country_for_every_address(address: object) -> None:
    table = SourceCountries.parse("0.0.0.0/0,FR\n::/0,FR", "table")
    assert table(str(address)) == "FR"


@pytest.mark.parametrize(
    "line",
    [
        "198.51.100.0/24",
        "198.51.100.1/24,FR",
        "198.51.100.0/24,fr",
        "x,FR",
        "198.51.100.0/24,FRA",
        ",FR",
        "1.2.3.4,É1",
    ],
)
def test_an_invalid_line_is_reported_by_file_and_number(tmp_path: Path, line: str) -> None:
    """No part of the table is used."""
    file = tmp_path / "table.csv"
    file.write_text(f"203.0.113.0/24,FR\n{line}\n", "utf-8")
    with pytest.raises(SourceCountriesError, match=r"table\.csv:2: "):
        SourceCountries.read(file)


def test_a_file_that_cannot_be_read_is_reported_by_name(tmp_path: Path) -> None:
    with pytest.raises(SourceCountriesError, match=r"nowhere\.csv"):
        SourceCountries.read(tmp_path / "nowhere.csv")


@contextmanager
def serving(country_of: CountryOf, limits: ServerLimits = DEFAULT) -> Iterator[tuple[str, Store]]:
    """A server over HTTP whose only table is this one, and its records."""
    store = SqlStore()
    service = VerdictService(
        secrets=MANUFACTURER.secrets,
        policy=shipped(),
        store=store,
        issuer=MANUFACTURER.issuer,
        audience=MANUFACTURER.audience,
        clock=Clock(),
        random=Randomness(),
        country_of=country_of,
    )
    with ServerThread(service, limits=limits) as server:
        yield server.origin, store


def territory(origin: str, headers: dict[str, str], **changes: object) -> str | None:
    """The territory of a device by the server."""
    nonce = requests.post(origin + media.CHALLENGES_PATH, timeout=60).json()["nonce"]
    answer = requests.post(
        origin + media.VERDICTS_PATH,
        data=Phone().evidence(nonce, **changes),
        headers={"Content-Type": media.EVIDENCE, **headers},
        timeout=60,
    )
    payload = answer.text.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    found: str | None = claims.get("territory")
    return found


LOOPBACK = SourceCountries.parse("127.0.0.0/8,DE\n203.0.113.0/24,CU", "table")
SILENT = {"telephony": telephony(None), "wifi": {"connected": True}}


def test_a_device_without_other_signals_is_located_by_its_address() -> None:
    with serving(LOOPBACK) as (origin, _):
        assert territory(origin, {}, **SILENT) == "DE"
    with serving(unknown_country) as (origin, _):
        assert territory(origin, {}, **SILENT) is None


def test_the_network_of_the_modem_outweighs_the_source_address() -> None:
    """A tunnel to Germany does not change the territory of a device in Iran."""
    with serving(LOOPBACK) as (origin, _):
        assert territory(origin, {}, telephony=telephony("432", "11")) == "IR"


def test_only_a_trusted_proxy_sets_the_source_address() -> None:
    """Otherwise a device could choose its country by a header."""
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    with serving(LOOPBACK) as (origin, _):
        assert territory(origin, forwarded, **SILENT) == "DE"
    with serving(LOOPBACK, ServerLimits(trusted_proxies=("127.0.0.1",))) as (origin, _):
        assert territory(origin, forwarded, **SILENT) == "CU"


def test_the_source_address_is_not_stored() -> None:
    """The record contains the country only."""
    with serving(LOOPBACK, ServerLimits(trusted_proxies=("127.0.0.1",))) as (origin, store):
        territory(origin, {"X-Forwarded-For": "203.0.113.9"}, **SILENT)
        with store.reading() as reading:
            [device] = reading.devices(DeviceQuery()).items
            [record] = reading.history(device.sub).items
    assert record.judgement["territory"] == "CU"
    assert "203.0.113" not in repr(record)
