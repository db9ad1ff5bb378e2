"""The investigation, from activated devices to the report."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from lab.backend.hosts import InProcessHost
from lab.cli.main import app
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from server_stub.admin.context import device_admin
from server_stub.investigation.analysis import OriginDimension, ShareFinding
from server_stub.investigation.queries import investigate_store
from server_stub.policies.loading import shipped
from server_stub.policy.policy import Activation
from server_stub.store.records import Device, Shipment
from server_stub.store.sql import SqlStore
from server_stub.store.transaction import Store
from tests.support.stores import open_store

SEPTEMBER = 1_630_886_400  # 6 September 2021


def fill(store: Store) -> None:
    """Two distributors, one of which sells to prohibited territories, and some devices with little known about them."""
    with store.transaction() as transaction:
        for number in range(60):
            leaking = number % 2 == 0
            territory = "CU" if leaking and number % 4 == 0 else "FR"
            transaction.put_device(
                Device(
                    f"d-{number:032x}",
                    Activation(SEPTEMBER + number * 3600, territory),
                    "global",
                    "SV-2107G",
                    1,
                    batch="K-A" if leaking else "K-B",
                    distributor="Levant" if leaking else "Norte",
                )
            )
        transaction.put_device(Device("d-" + "f" * 32, None, "unknown", None, 0))
        transaction.put_device(Device("d-" + "e" * 32, Activation(SEPTEMBER, None), "unknown", None, 1))


@pytest.fixture
def store() -> Iterator[Store]:
    filled = SqlStore()
    fill(filled)
    yield filled
    filled.close()


def test_the_distributor_that_sold_to_prohibited_territories_is_found(store: Store) -> None:
    """On every kind of store."""
    found = investigate_store(store, shipped())
    assert (found.activated, found.prohibited, found.territories) == (61, 15, {"CU": 15})
    shares = {share.value: share for share in found.table(OriginDimension.DISTRIBUTOR).shares}
    assert (shares["Levant"].prohibited, shares["Levant"].activated) == (15, 30)
    assert shares["Levant"].finding is ShareFinding.ABOVE
    assert shares["Norte"].finding is ShareFinding.BELOW


def test_devices_without_activation_or_known_territory_are_not_counted_as_prohibited(store: Store) -> None:
    """A device without a recorded sale region is in no row."""
    found = investigate_store(store, shipped())
    assert found.table(OriginDimension.SALE_REGION).known == 60


def investigate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["investigate", *arguments])


def test_the_command_counts_in_a_database_without_naming_devices(tmp_path: Path) -> None:
    """As a table, as JSON and as a self-contained page."""
    file = tmp_path / "records.sqlite"
    store = open_store(file)
    fill(store)
    store.close()
    page = tmp_path / "page.html"
    done = investigate("--database", str(file), "--json", "--html", str(page))
    assert (done.exit_code, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert {"activated", "prohibited", "interval", "territories", "tables", "weeks", "smallest"} == set(found)
    assert found["prohibited"] == 15
    html = page.read_text("utf-8")
    assert "distributor Levant" in html
    assert "src=" not in html
    assert "href=" not in html
    output = investigate("--database", str(file))
    assert "Of 61 activated phones, 15 (24.6 %)" in " ".join(output.stdout.split())
    for text in (done.stdout, html, output.stdout):
        assert "d-0" not in text


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--database", "nowhere.sqlite"), 3, "there is no nowhere.sqlite"),
        (("--database", "mysql://x"), 2, "postgresql://"),
        (("--database", "a", "--server", "http://127.0.0.1:1"), 2, "not both"),
    ],
)
def test_an_invalid_request_says_what_to_do(arguments: tuple[str, ...], code: int, said: str) -> None:
    """It creates no file."""
    done = investigate(*arguments)
    assert done.exit_code == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_device_gets_the_batch_of_its_shipment_at_its_next_request() -> None:
    """The server stores no IMEI, so it looks the shipment up during a request."""
    with Simulation("investigation", world=World(SEPTEMBER), host=InProcessHost) as simulation:
        phone = simulation.phone("official-global", "paris")
        imei = phone.imeis[0]
        serial = int(imei[8:14])
        shipment = Shipment(imei[:8], serial, serial, "K-2107-A", "Levant", "global", "SV-2107G")
        admin = device_admin(simulation.server.service)
        with admin.store.transaction() as transaction:
            transaction.add_shipments([shipment])
        phone.power_on()
        phone.walk_setup()
        found = investigate_store(admin.store, simulation.server.service.policy, smallest=1)
        assert [share.value for share in found.table(OriginDimension.BATCH).shares] == ["K-2107-A"]
        assert [share.value for share in found.table(OriginDimension.DISTRIBUTOR).shares] == ["Levant"]
