"""Putting policies in force, rolling back, campaigns: what operators do, what phones then get, and what is recorded."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server_stub.admin.context import adopt_policy, device_admin, policy_admin
from server_stub.admin.policies import PolicyAdmin, PolicyAdminError, PolicyFault, renumbered
from server_stub.policies import read, shipped
from server_stub.policy.errors import PolicyError
from server_stub.policy.policy import Activation, Policy
from server_stub.store.records import AuditEntry, AuditQuery, Store
from server_stub.store.sql import SqlStore
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
from tests.support.stores import KINDS, opened
from wire.codes import Decision
from wire.verdict import Verdict

HAVANA, PARIS = telephony("368", home=("368", "01")), telephony("208", home=("208", "01"))
EXPORT = read("export-2021-09")
OPEN = """\
id = "open"
version = 2  # everybody
title = "Everybody may use their phone"
[territories]
prohibited = []
[[rules]]
id = "everybody"
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


def fault(desk_error: pytest.ExceptionInfo[PolicyAdminError]) -> PolicyFault:
    return desk_error.value.fault


def test_the_policy_that_the_server_was_started_with_is_in_force_and_recorded(store: Store) -> None:
    """What decides is in the records from the first verdict on."""
    server = service(store)
    in_force = policy_admin(server).in_force()
    assert in_force is not None
    assert (in_force.policy_id, in_force.version, in_force.by) == ("export-2021-09", 1, "server")
    assert policy_admin(server).get("export-2021-09", 1).text == EXPORT
    assert [entry.action for entry in audit(store)] == ["policy.in-force"]


def test_a_restart_goes_on_with_what_is_in_force(store: Store) -> None:
    """The document on the command line is for the first start; what an operator decided is not undone by a restart."""
    adopt_policy(service(store), Policy.parse(OPEN, "open.toml"))
    assert ask(service(store), telephony=HAVANA).policy.id == "open"


def test_putting_a_draft_changes_nothing_until_it_is_put_in_force(store: Store) -> None:
    """Havana is denied, and allowed from the next request on."""
    server = service(store)
    policy_admin(server).put(OPEN, "ana", "a draft")
    assert ask(server, telephony=HAVANA).decision is Decision.DENY
    policy_admin(server).put_in_force("open", 2, "ana", "the board decided")
    verdict = ask(server, telephony=HAVANA)
    assert (verdict.decision, verdict.policy.id, verdict.policy.version) == (Decision.ALLOW, "open", 2)


def test_two_servers_on_one_store_agree_from_the_next_request_on(store: Store) -> None:
    """A policy, a campaign's start and its lifting: whichever server an operator spoke to."""
    clock = Clock(NOW)
    same = SqlStore(store.database)
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
    policy_admin(other).put_in_force("open", 2, "ben", "enough")
    assert check_in(one).policy.id == "open"
    assert one.policy.document.id == other.policy.document.id == "open"
    same.close()


def test_who_when_and_why_is_recorded_for_everything_that_is_done(store: Store) -> None:
    """In the transaction itself, so that nothing is done that is not recorded."""
    clock = Clock(NOW)
    desk = policy_admin(service(store, clock))
    clock.now += 1
    desk.put(OPEN, "ana", "r1")
    desk.put_in_force("open", 2, "ben", "r2")
    clock.now += 1
    desk.roll_back("cleo", "r3")
    desk.start_campaign(CAMPAIGN, "dan", "r4")
    desk.lift_campaign(CAMPAIGN, "eve", "r5", at=NOW + 50)
    told = [(e.at - NOW, e.actor, e.action, e.subject, e.reason) for e in audit(store)[1:]]
    assert told == [
        (1, "ana", "policy.put", "open/2", "r1"),
        (1, "ben", "policy.in-force", "open/2", "r2"),
        (2, "cleo", "policy.roll-back", "export-2021-09/3", "r3"),
        (2, "dan", "campaign.start", CAMPAIGN, "r4"),
        (2, "eve", "campaign.lift", CAMPAIGN, "r5"),
    ]
    assert audit(store)[2].details == {"before": "export-2021-09/1"}
    assert audit(store)[5].details == {"begins": NOW + 2, "ends": NOW + 50}


def test_rolling_back_issues_the_older_text_under_a_version_that_no_phone_has_seen(store: Store) -> None:
    """A phone that took version 2 would refuse version 1 for ever."""
    server = service(store)
    desk = policy_admin(server)
    desk.adopt(Policy.parse(OPEN, "open.toml"), "ana", "for a day")
    desk.put(EXPORT.replace("version = 1", "version = 3"), "ana", "a draft that takes a number")
    entry = desk.roll_back("ana", "the day is over")
    assert (entry.policy_id, entry.version) == ("export-2021-09", 4)
    assert desk.get("export-2021-09", 4).text == EXPORT.replace("version = 1", "version = 4")
    verdict = ask(server, telephony=HAVANA)
    assert (verdict.decision, verdict.policy.version) == (Decision.DENY, 4)
    desk.roll_back("ana", "and back")
    assert ask(server, telephony=HAVANA).policy.version == 5


def test_nothing_lower_than_what_phones_may_have_seen_is_put_in_force(store: Store) -> None:
    """Of any policy, and also long after something else was put in force."""
    server = service(store)
    desk = policy_admin(server)
    desk.adopt(Policy.parse(renumbered(OPEN, 7), "open.toml"), "ana", "x")
    desk.adopt(Policy.parse(renumbered(EXPORT, 7), "export.toml"), "ana", "x")
    desk.put(OPEN, "ana", "x")
    with pytest.raises(PolicyAdminError, match="higher version") as caught:
        desk.put_in_force("open", 2, "ana", "x")
    assert fault(caught) is PolicyFault.VERSION_TOO_LOW
    with pytest.raises(ValueError, match="version 2, and phones know 7"):
        adopt_policy(server, Policy.parse(OPEN, "open.toml"))
    assert server.policy.document.version == 7


def test_a_version_that_was_in_force_stays_as_it_was(store: Store) -> None:
    """A verdict names its policy by id and version; both must go on meaning the same text."""
    desk = policy_admin(service(store))
    desk.put(EXPORT, "ana", "the same text is no change")
    with pytest.raises(PolicyAdminError) as caught:
        desk.put(EXPORT.replace("604800", "604801"), "ana", "sly")
    assert fault(caught) is PolicyFault.VERSION_FIXED
    with pytest.raises(PolicyAdminError) as caught:
        desk.adopt(Policy.parse(EXPORT.replace("604800", "604801"), "x.toml"), "ana", "sly")
    assert fault(caught) is PolicyFault.VERSION_FIXED
    assert desk.get("export-2021-09", 1).text == EXPORT


def test_a_draft_can_be_replaced_by_whoever_read_it_last(store: Store) -> None:
    """Two people who edit one draft do not overwrite each other without a word."""
    desk = policy_admin(service(store))
    first = desk.put(OPEN, "ana", "draft")
    second = desk.put(OPEN.replace("60\n", "90\n", 1), "ben", "slower", etag=first.etag)
    with pytest.raises(PolicyAdminError) as caught:
        desk.put(OPEN, "ana", "faster", etag=first.etag)
    assert fault(caught) is PolicyFault.POLICY_CHANGED
    assert desk.get("open", 2) == second


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda desk: desk.get("export-2021-9", 1), PolicyFault.POLICY_UNKNOWN),
        (lambda desk: desk.put_in_force("export-2021-09", 9, "ana", "x"), PolicyFault.POLICY_UNKNOWN),
        (lambda desk: desk.roll_back("ana", "x"), PolicyFault.NOTHING_BEFORE),
        (lambda desk: desk.start_campaign("investigation-2012", "ana", "x"), PolicyFault.CAMPAIGN_UNKNOWN),
        (lambda desk: desk.start_campaign(CAMPAIGN, "ana", "x", at=DURING), PolicyFault.CAMPAIGN_RUNNING),
        (lambda desk: desk.lift_campaign(CAMPAIGN, "ana", "x"), PolicyFault.CAMPAIGN_NOT_RUNNING),
        (lambda desk: desk.lift_campaign(CAMPAIGN, "ana", "x", at=AFTER), PolicyFault.CAMPAIGN_NOT_RUNNING),
    ],
)
def test_what_cannot_be_done_is_refused_by_a_stable_fault_and_leaves_no_entry(
    store: Store, act: object, expected: PolicyFault
) -> None:
    """An operator is told what is wrong; the audit log holds what was done, not what was tried."""
    desk = policy_admin(service(store))
    before = audit(store)
    with pytest.raises(PolicyAdminError) as caught:
        act(desk)  # type: ignore[operator]
    assert fault(caught) is expected
    assert caught.value.advice
    assert audit(store) == before


def test_a_document_that_cannot_be_used_is_not_kept(store: Store) -> None:
    """A draft that no server could load would fail when it is put in force."""
    desk = policy_admin(service(store))
    with pytest.raises(PolicyError, match=r"draft\.toml:2: version"):
        desk.put(OPEN.replace("version = 2", 'version = "2"'), "ana", "x")
    assert [each.id for each in desk.list()] == ["export-2021-09"]


def test_an_operators_word_about_a_campaign_goes_before_the_documents_dates(store: Store) -> None:
    """Started early it has no end until it is lifted; lifted early it does not come back."""
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


def test_a_first_start_that_comes_to_nothing_is_not_remembered(store: Store) -> None:
    """Another process may be first after all; its policy has the revision that this one's would have had."""
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


@pytest.mark.parametrize("line", ["version = 1", "version=1", '"version" = 1 # v', "  version   =   1_0"])
def test_only_the_version_changes_when_a_text_is_issued_again(line: str) -> None:
    """Comments and order are the writer's own."""
    text = EXPORT.replace("version = 1", line)
    issued = renumbered(text, 42)
    assert Policy.parse(issued, "x").document == shipped().document.model_copy(update={"version": 42})
    assert len(issued.splitlines()) == len(text.splitlines())


def test_the_policy_is_parsed_once_for_each_revision(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing costs more than a verdict."""
    server = service(store)
    parsed: list[str] = []
    parse = Policy.parse
    monkeypatch.setattr(
        Policy, "parse", classmethod(lambda _, text, source: (parsed.append(source), parse(text, source))[1])
    )
    for _ in range(3):
        ask(server)
    assert parsed == ["export-2021-09-1.toml"]


def test_a_simulation_counts_what_would_change_and_changes_nothing(store: Store) -> None:
    """One phone in Havana that is denied, one in Paris that is not, one that an operator locked, one never seen."""
    clock = Clock(DURING)
    server = service(store, clock)
    phones = {imei: _phone(imei) for imei in ("001010000000015", "001010000000023", "001010000000031")}
    for (imei, phone), network in zip(phones.items(), (HAVANA, PARIS, PARIS), strict=True):
        ask(server, phone, telephony=network, ueid=_ueid(imei))
    device_admin(server).lock("001010000000031", reason="stolen")
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
    (outlook,) = result.changed
    assert (outlook.now_rule, outlook.then_rule) == ("prohibited-and-not-activated-elsewhere", "everybody")
    assert outlook.sub.startswith("d-")
    assert result.as_json()["changed"] == 1
    assert audit(store) == before
    assert not policy_admin(server).simulate(OPEN, max_listed=0).changed


def _phone(imei: str) -> Phone:

    return Phone(boot=facts(imeis=(imei,)))


def _ueid(imei: str) -> str:

    return ueid(imei)


def test_a_simulation_ends_where_the_devices_end(tmp_path: Path) -> None:
    """Pages of devices are read one after the other."""
    store = SqlStore()
    server = service(store)
    for number in range(1200):
        server.enroll(f"{number:014}7", Activation(NOW, "CU"))
    assert PolicyAdmin(store, Clock(NOW)).simulate(EXPORT).unheard == 1200
