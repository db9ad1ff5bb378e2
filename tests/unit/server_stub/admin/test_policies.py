"""Policy administration: putting in force, roll-back, campaigns, simulation, and the audit log."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cli import policy_tables
from server_stub.admin.context import adopt_policy, device_admin, policy_admin
from server_stub.admin.devices import Act
from server_stub.admin.policies import PolicyAdmin, PolicyAdminError, PolicyFault, renumbered
from server_stub.admin.retention import Retention
from server_stub.investigation.queries import investigate_store
from server_stub.policies import read
from server_stub.policies.loading import shipped
from server_stub.policy.errors import PolicyError
from server_stub.policy.policy import Activation, Policy
from server_stub.store.records import AuditEntry, AuditQuery
from server_stub.store.sql import SqlStore
from server_stub.store.transaction import Store
from server_stub.verdicts.policy_in_force import PolicyInForce
from server_stub.verdicts.service import VerdictService
from tests.support.server_phone import (
    AFTER,
    DURING,
    IMEI,
    NOW,
    Clock,
    Phone,
    facts,
    service,
    telephony,
    ueid,
)
from tests.support.stores import KINDS, open_store, opened
from wire.codes import Decision
from wire.verdict import Verdict

HAVANA, PARIS = telephony("368", home=("368", "01")), telephony("208", home=("208", "01"))
EXPORT = read("export-2021-09")
OPEN = """\
id = "open"
version = 3  # for all
title = "All devices are allowed"
[territories]
prohibited = []
[[rules]]
id = "all"
decision = "allow"
reason = "territory-eligible"
check_in = 60
offline_limit = 600
"""
CAMPAIGN = "investigation-2021"


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with opened(request.param, tmp_path) as made:
        yield made


def ask(server: VerdictService, phone: Phone | None = None, **changes: object) -> Verdict:
    return server.judge((phone or Phone()).evidence(server.challenge().nonce, **changes))[0]


def check_in(server: VerdictService, **changes: object) -> Verdict:
    return ask(server, intent="check-in", telephony=PARIS, **changes)


def audit(store: Store) -> tuple[AuditEntry, ...]:
    with store.reading() as reading:
        return reading.audit(AuditQuery()).items[::-1]


def fault(caught: pytest.ExceptionInfo[PolicyAdminError]) -> PolicyFault:
    return caught.value.fault


def test_first_start_puts_its_policy_in_force_with_an_audit_entry(store: Store) -> None:
    server = service(store)
    in_force = policy_admin(server).in_force()
    assert in_force is not None
    assert (in_force.policy_id, in_force.version, in_force.by) == ("export-2021-09", 2, "server")
    assert policy_admin(server).get("export-2021-09", 2).text == EXPORT
    assert [entry.action for entry in audit(store)] == ["policy.in-force"]


def test_restart_keeps_the_policy_in_force(store: Store) -> None:
    """The document on the command line is only for the first start."""
    adopt_policy(service(store), Policy.parse(OPEN, "open.toml"))
    assert ask(service(store), telephony=HAVANA).policy.id == "open"


def test_database_of_the_previous_release_keeps_its_policy_until_another_is_put_in_force(
    store: Store,
) -> None:
    """Version 1 denied a device after a factory reset in a prohibited territory, wherever it had been activated."""
    asked = 'when = { activation = ["none", "unknown"], territory = ["prohibited"] }'
    older = renumbered(EXPORT, 1).replace(
        asked, 'when = { intent = ["activate"], territory = ["prohibited"] }'
    )
    server = service(store, policy=Policy.parse(older, "older.toml"))
    server.enroll(IMEI, Activation(NOW - 9000, "FR"))
    newer = service(store)
    verdict = ask(newer, telephony=HAVANA)
    assert (verdict.policy.version, verdict.decision) == (1, Decision.DENY)
    policy_admin(newer).adopt(shipped(), "ana", "same facts, same decision")
    for intent in ("activate", "check-in"):
        verdict = ask(newer, telephony=HAVANA, intent=intent)
        assert (verdict.policy.version, verdict.policy.rule) == (2, "carried-in")


def test_draft_decides_only_after_it_is_put_in_force(store: Store) -> None:
    server = service(store)
    policy_admin(server).put(OPEN, "ana", "a draft")
    assert ask(server, telephony=HAVANA).decision is Decision.DENY
    policy_admin(server).put_in_force("open", 3, "ana", "the board decided")
    verdict = ask(server, telephony=HAVANA)
    assert (verdict.decision, verdict.policy.id, verdict.policy.version) == (Decision.ALLOW, "open", 3)


def test_two_servers_on_one_store_apply_changes_from_the_next_request_on(store: Store) -> None:
    clock = Clock(NOW)
    same = open_store(store.database)
    one, other = service(store, clock), service(same, clock)
    for _ in range(100):  # both draw from one sequence, and no two verdicts have one jti
        other._random(1)
    one.enroll(IMEI, Activation(NOW - 9000, "CU"))
    assert check_in(other).policy.rule == "before-the-campaign"
    policy_admin(one).start_campaign(CAMPAIGN, "ana", "early")
    assert check_in(other).decision is Decision.DENY
    clock.now += 10
    policy_admin(one).lift_campaign(CAMPAIGN, "ana", "over")
    assert check_in(other).policy.rule == "campaign-lifted"
    policy_admin(other).put(OPEN, "ben", "draft")
    policy_admin(other).put_in_force("open", 3, "ben", "enough")
    assert check_in(one).policy.id == "open"
    assert one.policy.document.id == other.policy.document.id == "open"
    same.close()


def test_every_operation_is_recorded_with_actor_time_and_reason(store: Store) -> None:
    clock = Clock(NOW)
    admin = policy_admin(service(store, clock))
    clock.now += 1
    admin.put(OPEN, "ana", "r1")
    admin.put_in_force("open", 3, "ben", "r2")
    clock.now += 1
    admin.roll_back("cleo", "r3")
    admin.start_campaign(CAMPAIGN, "dan", "r4")
    admin.lift_campaign(CAMPAIGN, "eve", "r5", at=NOW + 50)
    recorded = [(e.at - NOW, e.actor, e.action, e.subject, e.reason) for e in audit(store)[1:]]
    assert recorded == [
        (1, "ana", "policy.put", "open/3", "r1"),
        (1, "ben", "policy.in-force", "open/3", "r2"),
        (2, "cleo", "policy.roll-back", "export-2021-09/4", "r3"),
        (2, "dan", "campaign.start", CAMPAIGN, "r4"),
        (2, "eve", "campaign.lift", CAMPAIGN, "r5"),
    ]
    assert audit(store)[2].details == {"before": "export-2021-09/2"}
    assert audit(store)[5].details == {"begins": NOW + 2, "ends": NOW + 50}


def test_roll_back_issues_the_previous_text_under_a_new_version(store: Store) -> None:
    """A device that accepted version 3 rejects version 2."""
    server = service(store)
    admin = policy_admin(server)
    admin.adopt(Policy.parse(OPEN, "open.toml"), "ana", "for a day")
    admin.put(EXPORT.replace("version = 2", "version = 4"), "ana", "a draft that takes a number")
    entry = admin.roll_back("ana", "the day is over")
    assert (entry.policy_id, entry.version) == ("export-2021-09", 5)
    assert admin.get("export-2021-09", 5).text == EXPORT.replace("version = 2", "version = 5")
    verdict = ask(server, telephony=HAVANA)
    assert (verdict.decision, verdict.policy.version) == (Decision.DENY, 5)
    admin.roll_back("ana", "and back")
    assert ask(server, telephony=HAVANA).policy.version == 6


def test_version_below_the_highest_is_not_put_in_force(store: Store) -> None:
    """Of any policy."""
    server = service(store)
    admin = policy_admin(server)
    admin.adopt(Policy.parse(renumbered(OPEN, 7), "open.toml"), "ana", "x")
    admin.adopt(Policy.parse(renumbered(EXPORT, 7), "export.toml"), "ana", "x")
    admin.put(OPEN, "ana", "x")
    with pytest.raises(PolicyAdminError, match="higher version") as caught:
        admin.put_in_force("open", 3, "ana", "x")
    assert fault(caught) is PolicyFault.VERSION_TOO_LOW
    with pytest.raises(ValueError, match="version 3, and devices know 7"):
        adopt_policy(server, Policy.parse(OPEN, "open.toml"))
    assert server.policy.document.version == 7


def test_version_that_was_in_force_cannot_be_changed(store: Store) -> None:
    admin = policy_admin(service(store))
    admin.put(EXPORT, "ana", "the same text changes nothing")
    with pytest.raises(PolicyAdminError) as caught:
        admin.put(EXPORT.replace("604800", "604801"), "ana", "sly")
    assert fault(caught) is PolicyFault.VERSION_FIXED
    with pytest.raises(PolicyAdminError) as caught:
        admin.adopt(Policy.parse(EXPORT.replace("604800", "604801"), "x.toml"), "ana", "sly")
    assert fault(caught) is PolicyFault.VERSION_FIXED
    assert admin.get("export-2021-09", 2).text == EXPORT


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda admin: admin.get("export-2021-9", 1), PolicyFault.POLICY_UNKNOWN),
        (lambda admin: admin.put_in_force("export-2021-09", 9, "ana", "x"), PolicyFault.POLICY_UNKNOWN),
        (lambda admin: admin.roll_back("ana", "x"), PolicyFault.NOTHING_BEFORE),
        (lambda admin: admin.start_campaign("investigation-2012", "ana", "x"), PolicyFault.CAMPAIGN_UNKNOWN),
        (lambda admin: admin.start_campaign(CAMPAIGN, "ana", "x", at=DURING), PolicyFault.CAMPAIGN_RUNNING),
        (lambda admin: admin.lift_campaign(CAMPAIGN, "ana", "x"), PolicyFault.CAMPAIGN_NOT_RUNNING),
        (lambda admin: admin.lift_campaign(CAMPAIGN, "ana", "x", at=AFTER), PolicyFault.CAMPAIGN_NOT_RUNNING),
    ],
)
def test_impossible_operation_raises_its_fault_without_an_audit_entry(
    store: Store, act: object, expected: PolicyFault
) -> None:
    admin = policy_admin(service(store))
    before = audit(store)
    with pytest.raises(PolicyAdminError) as caught:
        act(admin)  # type: ignore[operator]
    assert fault(caught) is expected
    assert caught.value.advice
    assert audit(store) == before


def test_invalid_document_is_not_stored(store: Store) -> None:
    admin = policy_admin(service(store))
    with pytest.raises(PolicyError, match=r"draft\.toml:2: version"):
        admin.put(OPEN.replace("version = 3", 'version = "3"'), "ana", "x")
    assert [each.id for each in admin.list()] == ["export-2021-09"]


def test_operators_period_of_a_campaign_overrides_the_document(store: Store) -> None:
    """Without an end until it is lifted."""
    clock = Clock(NOW)
    server = service(store, clock)
    server.enroll(IMEI, Activation(NOW - 9000, "CU"))
    policy_admin(server).start_campaign(CAMPAIGN, "ana", "early")
    clock.now = AFTER
    assert check_in(server).decision is Decision.DENY
    policy_admin(server).lift_campaign(CAMPAIGN, "ana", "late")
    assert check_in(server).decision is Decision.ALLOW
    clock.now = DURING
    assert policy_admin(server).campaigns()[CAMPAIGN].ends == AFTER


def test_rolled_back_first_start_is_not_cached(store: Store) -> None:
    """The policy of another process may have the same revision."""
    deciding = PolicyInForce(shipped(), Clock(NOW))

    def fail() -> None:
        with store.transaction() as transaction:
            assert deciding.establish(transaction).document.id == "export-2021-09"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    service(store, policy=Policy.parse(OPEN, "open.toml"))
    with store.transaction() as transaction:
        assert deciding.establish(transaction).document.id == "open"


@pytest.mark.parametrize("line", ["version = 2", "version=2", '"version" = 2 # v', "  version   =   2_0"])
def test_renumbered_text_differs_only_in_its_version(line: str) -> None:
    text = EXPORT.replace("version = 2", line)
    issued = renumbered(text, 42)
    assert Policy.parse(issued, "x").document == shipped().document.model_copy(update={"version": 42})
    assert len(issued.splitlines()) == len(text.splitlines())


def test_policy_is_parsed_once_for_each_revision(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing costs more than a verdict."""
    server = service(store)
    parsed: list[str] = []
    parse = Policy.parse
    monkeypatch.setattr(
        Policy, "parse", classmethod(lambda _, text, source: (parsed.append(source), parse(text, source))[1])
    )
    for _ in range(3):
        ask(server)
    assert parsed == ["export-2021-09-2.toml"]


def test_simulation_counts_changed_decisions_without_writing(store: Store) -> None:
    """Four devices: denied, allowed, locked by an operator, and without evidence."""
    clock = Clock(DURING)
    server = service(store, clock)
    phones = {
        imei: Phone(boot=facts(imeis=(imei,)))
        for imei in ("001010000000015", "001010000000023", "001010000000031")
    }
    for (imei, phone), network in zip(phones.items(), (HAVANA, PARIS, PARIS), strict=True):
        ask(server, phone, telephony=network, ueid=ueid(imei))
    device_admin(server).act_on("001010000000031", Act.LOCK, reason="stolen")
    server.enroll("001010000000049", Activation(NOW, "CU"))
    before = audit(store)
    result = policy_admin(server).simulate(OPEN)
    assert (result.devices, result.overridden, result.unheard) == (4, 1, 1)
    assert dict(result.decisions) == {
        (Decision.DENY, Decision.ALLOW): 1,
        (Decision.ALLOW, Decision.ALLOW): 1,
    }
    assert dict(result.by_territory) == {
        ("eligible", Decision.DENY, Decision.ALLOW): 1,
        ("eligible", Decision.ALLOW, Decision.ALLOW): 1,
    }
    (comparison,) = result.changed
    assert (comparison.now_rule, comparison.then_rule) == ("prohibited-at-activation", "all")
    assert comparison.sub.startswith("d-")
    assert result.as_json()["changed"] == 1
    assert audit(store) == before
    assert not policy_admin(server).simulate(OPEN, max_listed=0).changed


def test_simulation_counts_the_devices_whose_evidence_was_pruned(store: Store) -> None:
    """Neither it nor the investigation fails. One device was allowed and has been silent since, one is locked."""
    clock = Clock(DURING)
    server = service(store, clock)
    ask(server, telephony=PARIS)
    ask(server, Phone(boot=facts(imeis=("001010000000015",))), telephony=HAVANA, ueid=ueid("001010000000015"))
    investigated = investigate_store(store, shipped())
    later = DURING + 400 * 86_400
    assert [result.pruned for _, result in Retention(store, 184).steps(later)] == [1, 1]
    clock.now = later
    result = policy_admin(server).simulate(OPEN)
    assert (result.devices, result.pruned, result.unheard, result.decisions.total()) == (2, 1, 0, 1)
    assert "1 cannot be judged" in "".join(map(str, policy_tables.simulation(result, listed=False)))
    assert investigate_store(store, shipped()) == investigated


def test_simulation_reads_all_pages_of_devices(tmp_path: Path) -> None:
    store = SqlStore()
    server = service(store)
    for number in range(1200):
        server.enroll(f"{number:014}7", Activation(NOW, "CU"))
    assert PolicyAdmin(store, Clock(NOW)).simulate(EXPORT).unheard == 1200
