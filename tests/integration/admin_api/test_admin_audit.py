"""The audit log: it contains every write and nothing else, and can be exported."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from lab.manufacturer.policies import LANTERN
from server_stub.admin.audit_export import ExportFormat, export
from server_stub.admin.context import PREFIX
from server_stub.admin.devices import Act
from server_stub.store.records import AuditQuery
from server_stub.store.sql import SqlStore
from tests.support.admin import Operated, operated
from tests.support.records import entry
from tests.support.server_phone import IMEI
from wire.unlock import UnlockChallenge

WHY = {"reason": "ticket 4711"}
POLICY = LANTERN.replace("lantern-open", "open").replace("version = 1", "version = 2")


@pytest.fixture(scope="module")
def running() -> Iterator[Operated]:
    with operated() as server:
        yield server


@pytest.fixture
def server(running: Operated) -> Operated:
    running.forget()
    return running


READS = {
    ("POST", "/devices/find"),
    ("POST", "/policies/simulate"),
}
"""What needs a body and changes nothing."""

ELSEWHERE = {
    ("POST", "/clock/accept"),
    ("POST", "/keys/root"),
}
"""What needs a key repository with root keys: their entries are tested in `tests/cli/test_admin_command.py` and
`tests/integration/device_server/test_server_clock.py`."""

SUB, KID, CAMPAIGN = "{sub}", "{kid}", "{id}"

WRITES: dict[tuple[str, str], tuple[str, dict[str, Any], Counter[str]]] = {
    ("PUT", "/policies/{id}/{version}"): (
        "/policies/open/2",
        {"text": POLICY},
        Counter({"policy.put": 1}),
    ),
    ("POST", "/policies/{id}/{version}/put-in-force"): (
        "/policies/open/2/put-in-force",
        {},
        Counter({"policy.in-force": 1}),
    ),
    ("POST", "/policies/roll-back"): ("/policies/roll-back", {}, Counter({"policy.roll-back": 1})),
    ("POST", "/campaigns"): ("/campaigns", {"id": CAMPAIGN}, Counter({"campaign.start": 1})),
    ("POST", "/campaigns/{id}/lift"): ("/campaigns/{id}/lift", {}, Counter({"campaign.lift": 1})),
    ("POST", "/devices/{sub}/lock"): ("/devices/{sub}/lock", {}, Counter({"device.lock": 1})),
    ("POST", "/devices/{sub}/unlock"): ("/devices/{sub}/unlock", {}, Counter({"device.unlock": 1})),
    ("POST", "/devices/{sub}/release"): ("/devices/{sub}/release", {}, Counter({"device.release": 1})),
    ("POST", "/devices/{sub}/decide-once"): (
        "/devices/{sub}/decide-once",
        {"decision": "notice"},
        Counter({"device.next-answer": 1}),
    ),
    ("POST", "/devices/{sub}/withdraw"): ("/devices/{sub}/withdraw", {}, Counter({"device.withdraw": 1})),
    ("POST", "/devices/bulk"): (
        "/devices/bulk",
        {"act": "lock", "filter": {}, "everybody": True},
        Counter({"device.lock": 4, "devices.lock": 1}),
    ),
    ("POST", "/unlock-codes"): (
        "/unlock-codes",
        {"challenge": UnlockChallenge(IMEI[:14], bytes(10)).text()},
        Counter({"device.unlock-code": 1}),
    ),
    ("POST", "/keys/{kid}/rotate"): ("/keys/{kid}/rotate", {}, Counter({"key.rotate": 1})),
    ("POST", "/keys/{kid}/revoke"): ("/keys/{kid}/revoke", {}, Counter({"key.revoke": 1})),
    ("POST", "/faults"): ("/faults", {"kind": "garbage"}, Counter({"fault.arm": 1})),
    ("POST", "/faults/clear"): ("/faults/clear", {}, Counter({"fault.clear": 1})),
    ("POST", "/shipments"): (
        "/shipments",
        {
            "shipments": [
                {
                    "tac": IMEI[:8],
                    "first": 0,
                    "last": 9,
                    "batch": "b",
                    "distributor": "d",
                    "sale_region": "eea",
                    "model": "m",
                }
            ]
        },
        Counter({"shipment.add": 1}),
    ),
}


def test_the_table_contains_every_route_that_writes(server: Operated) -> None:
    """A new route must be added to the table."""
    document = requests.get(server.origin + "/openapi.json", timeout=60).json()
    writes = {
        (method.upper(), path.removeprefix(PREFIX))
        for path, methods in document["paths"].items()
        if path.startswith(PREFIX)
        for method in methods
        if method != "get"
    }
    assert writes == set(WRITES) | READS | ELSEWHERE


def test_every_write_adds_one_entry_with_actor_time_action_and_reason(server: Operated) -> None:
    """A bulk write adds one for each device and one for all. The routes are in an executable order."""
    sub = server.activate()
    server.know(3)
    kid = server.get("/keys")["items"][1]["kid"]
    campaign = server.get("/campaigns")["items"][0]["id"]
    order = sorted(WRITES, key=lambda name: ("policies" in name[1], list(WRITES).index(name)))
    for method, template in order:
        path, body, expected = WRITES[method, template]
        path = path.format(sub=sub, kid=kid, id=campaign)
        body = json.loads(json.dumps({**body, **WHY}).replace(CAMPAIGN, campaign))
        if template == "/unlock-codes":
            server.activate()
        before, tag = len(server.audit()), _tag(server, template)
        answer = server.ask(method, path, body, **({"If-Match": tag} if tag else {}))
        assert answer.ok, (path, answer.text)
        entries = server.audit()[before:]
        assert Counter(entry.action for entry in entries) == expected, path
        assert {(entry.actor, entry.at, entry.reason) for entry in entries} == {
            ("operator", server.clock.now, WHY["reason"])
        }
        assert all(entry.subject for entry in entries)
        assert IMEI[:14] not in repr(entries)


def _tag(server: Operated, template: str) -> str | None:
    tagged = {
        "/policies/{id}/{version}/put-in-force": "/policies/open/2",
        "/policies/roll-back": "/policies/in-force",
    }
    return server.ask("GET", tagged[template]).headers["ETag"] if template in tagged else None


def test_reads_add_no_entry(server: Operated) -> None:
    server.activate()
    server.done("/devices/find", {"imei": IMEI})
    server.done("/policies/simulate", {"text": POLICY})
    for path in ("/policies", "/campaigns", "/devices", "/keys", "/faults", "/audit", "/audit/export"):
        assert server.ask("GET", path).ok
    assert server.audit() == []


def fill(server: Operated) -> None:
    [sub] = server.know(1)
    for number, act in enumerate(("lock", "unlock", "lock", "withdraw", "release")):
        server.clock.now += 100
        server.done(f"/devices/{sub}/{act}", {"reason": f"ticket {number}"})
    server.done("/faults/clear", WHY)


def test_the_log_can_be_searched_by_every_member(server: Operated) -> None:
    """Newest first, page by page."""
    fill(server)
    first, last = server.audit()[0].at, server.audit()[-2].at
    sub = server.audit()[0].subject
    counts = {
        "": 6,
        "actor=operator": 6,
        "actor=oper": 0,
        "action=device.": 5,
        "action=device.lock": 2,
        "action=fault": 1,
        f"subject={sub}": 5,
        "subject=d-": 0,
        f"since={first}": 6,
        f"since={first + 1}": 5,
        f"until={last}": 4,
        f"action=device.&since={first + 1}&until={last}": 3,
    }
    assert {asked: len(server.get(f"/audit?{asked}")["items"]) for asked in counts} == counts
    page = server.get("/audit?limit=4")
    rest = server.get(f"/audit?limit=4&cursor={page['next']}")
    ids = [each["id"] for each in page["items"] + rest["items"]]
    assert (len(ids), ids, rest["next"]) == (6, sorted(ids, reverse=True), None)


def test_an_export_equals_the_log_in_both_formats_and_with_filters(server: Operated) -> None:
    fill(server)
    items = server.get("/audit?action=device.")["items"]
    lines = server.ask("GET", "/audit/export?action=device.")
    assert lines.headers["Content-Type"].startswith("application/x-ndjson")
    assert [json.loads(line) for line in lines.text.splitlines()] == items
    table = server.ask("GET", "/audit/export?action=device.&format=csv")
    assert table.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [
        row | {"id": int(row["id"]), "at": int(row["at"]), "details": json.loads(row["details"])}
        for row in rows
    ] == items
    assert server.refused("GET", "/audit/export?format=xlsx") == (422, "request-invalid")


@pytest.mark.parametrize("reason", ['=HYPERLINK("http://x.example")', "+1", "-1", "@SUM(A1)"])
def test_a_csv_export_contains_no_formulas(server: Operated, reason: str) -> None:
    """A spreadsheet executes text that begins like a formula, and reasons are free text."""
    [sub] = server.know(1)
    server.done(f"/devices/{sub}/lock", {"reason": reason})
    [row] = csv.DictReader(io.StringIO(server.ask("GET", "/audit/export?format=csv").text))
    assert row["reason"] == f"'{reason}"
    [line] = server.ask("GET", "/audit/export").text.splitlines()
    assert json.loads(line)["reason"] == reason


def test_an_export_holds_no_transaction_while_its_client_is_slow() -> None:
    store = SqlStore()  # has one connection
    with store.transaction() as transaction:
        for number in range(2):
            transaction.append_audit(entry(number))
    lines = export(store, AuditQuery(), ExportFormat.NDJSON)
    next(lines)
    store.check()
    assert json.loads(next(lines))["at"] == 0


def test_an_export_contains_all_pages(server: Operated) -> None:
    [sub] = server.know(1)
    operators = server.parts.device_admin(server.parts.store, "operator")
    for _ in range(1001):
        operators.act(sub, Act.LOCK, reason="r")
    assert len(server.ask("GET", "/audit/export").text.splitlines()) == 1001
