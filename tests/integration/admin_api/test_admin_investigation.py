"""Shipments and the investigation over the admin API, with activated devices."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import Result
from typer.testing import CliRunner

from lab.backend.http_host import HttpHost
from lab.cli.main import app
from lab.handset.handset import Handset
from lab.simulation.simulation import Simulation
from lab.world.clock import World
from server_stub.admin.context import device_admin

SEPTEMBER = 1_630_886_400  # 6 September 2021
COLUMNS = "tac,first,last,batch,distributor,sale_region,model"


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    with Simulation("admin investigation", world=World(SEPTEMBER), host=HttpHost) as opened:
        yield opened


def call(simulation: Simulation, method: str, path: str, **how: Any) -> requests.Response:
    admin = simulation.server.admin
    headers = {"Authorization": f"Bearer {admin.token}"}
    return requests.request(method, admin.url + path, headers=headers, timeout=60, **how)


def shipment(phone: Handset, **members: Any) -> dict[str, Any]:
    serial = int(phone.imeis[0][8:14])
    return {
        "tac": phone.imeis[0][:8],
        "first": serial,
        "last": serial,
        "batch": "K-2107-A",
        "distributor": "Levant",
        "sale_region": "global",
        "model": "SV-2107G",
    } | members


def test_a_shipment_is_in_the_investigation_after_its_devices_have_activated(simulation: Simulation) -> None:
    """The audit log says who added it and why."""
    phone = simulation.phone("official-global", "paris")
    added = call(
        simulation, "POST", "/shipments", json={"shipments": [shipment(phone)], "reason": "second quarter"}
    )
    assert (added.status_code, added.json()) == (201, {"added": 1})
    phone.power_on()
    phone.walk_setup()
    found = call(simulation, "GET", "/investigation", params={"smallest": 1}).json()
    assert (found["activated"], found["prohibited"]) == (1, 0)
    rows = {table["dimension"]: [share["value"] for share in table["shares"]] for table in found["tables"]}
    assert rows == {
        "sale-region": ["global"],
        "model": rows["model"],
        "batch": ["K-2107-A"],
        "distributor": ["Levant"],
    }
    (entry,) = call(simulation, "GET", "/audit", params={"action": "shipment."}).json()["items"]
    assert (entry["reason"], entry["details"]) == ("second quarter", {"added": 1, "batches": ["K-2107-A"]})


def test_a_single_device_has_no_row_and_no_name_in_the_response(simulation: Simulation) -> None:
    phone = simulation.phone("official-global", "paris")
    phone.power_on()
    phone.walk_setup()
    answer = call(simulation, "GET", "/investigation")
    assert all(table["shares"] == [] for table in answer.json()["tables"])
    assert phone.imeis[0][:14] not in answer.text
    assert "d-" not in answer.text


@pytest.mark.parametrize(
    "members",
    [
        {"first": 7, "last": 6},
        {"tac": "1234567"},
        {"tac": "1234567x"},
        {"last": 1_000_000},
        {"first": -1},
        {"first": True},
        {"batch": ""},
        {"colour": "red"},
    ],
)
def test_a_request_with_an_invalid_shipment_adds_none(
    simulation: Simulation, members: dict[str, Any]
) -> None:
    phone = simulation.phone("official-global", "paris")
    shipments = [shipment(phone), shipment(phone, **members)]
    refused = call(simulation, "POST", "/shipments", json={"shipments": shipments, "reason": "r"})
    assert (refused.status_code, refused.json()["code"]) == (422, "request-invalid")
    assert call(simulation, "GET", "/audit", params={"action": "shipment."}).json()["items"] == []
    with device_admin(simulation.server.service).store.reading() as reading:
        assert not reading.shipments_of([(phone.imeis[0][:8], int(phone.imeis[0][8:14]))])


def run(simulation: Simulation, folder: Path, *arguments: str) -> Result:
    token = folder / "token"
    token.write_text(simulation.server.admin.token)
    options = ["--server", simulation.server.origin, "--token-file", str(token)]
    return CliRunner().invoke(app, [*arguments, *options])


def test_the_command_sends_a_file_of_shipments_and_shows_the_investigation(
    simulation: Simulation, tmp_path: Path
) -> None:
    """Two hundred and fifty rows are three requests."""
    simulation.phone("official-global", "paris")
    file = tmp_path / "shipped.csv"
    rows = [f"00210701,{n * 10},{n * 10 + 9},K-{n},Levant,global,SV-2107G" for n in range(250)]
    file.write_text("\n".join([COLUMNS, *rows]) + "\n")
    done = run(simulation, tmp_path, "admin", "shipments", str(file), "--reason", "all of it")
    assert (done.exit_code, done.output) == (0, "250 shipments added.\n")
    assert len(call(simulation, "GET", "/audit", params={"action": "shipment."}).json()["items"]) == 3
    asked = run(simulation, tmp_path, "investigate", "--json")
    assert json.loads(asked.output)["activated"] == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tac,first\n", "shipped.csv:1: the first line is not tac,first,last"),
        (f"{COLUMNS}\n", "contains no shipment"),
        (f"{COLUMNS}\n1,2\n", "shipped.csv:2: a shipment has 7 columns"),
        (f"{COLUMNS}\n00210701,x,9,b,d,s,m\n", "shipped.csv:2: first is 'x'"),
        (f"{COLUMNS}\n002107,0,9,b,d,s,m\n", "shipped.csv:2: tac is '002107'"),
        (f"{COLUMNS}\n00210701,10,9,b,d,s,m\n", "shipped.csv:2: first 10 is above last 9"),
    ],
)
def test_an_invalid_file_is_reported_by_line_and_not_sent(
    simulation: Simulation, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "shipped.csv"
    file.write_text(text)
    done = run(simulation, tmp_path, "admin", "shipments", str(file), "--reason", "r")
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert call(simulation, "GET", "/audit", params={"action": "shipment."}).json()["items"] == []
