"""Policies and campaigns in the admin API: drafts, entity tags, concurrent changes, and what is in force."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lab.manufacturer.policies import LANTERN
from server_stub.policies import DEFAULT
from tests.support.admin import Operated, operated
from tests.support.server_phone import AFTER, DURING, NOW

OPEN = LANTERN.replace("lantern-open", "open")
NAME = "/policies/open/3"
WHY = {"reason": "board decision 12"}


@pytest.fixture(scope="module")
def running() -> Iterator[Operated]:
    with operated() as server:
        yield server


@pytest.fixture
def server(running: Operated) -> Operated:
    running.forget()
    return running


def text(version: int = 3, title: str = "a draft") -> str:
    return OPEN.replace("version = 1", f"version = {version}").replace("Everybody may use their phone", title)


def put(server: Operated, document: str, path: str = NAME, **headers: str) -> Any:
    return server.ask("PUT", path, {"text": document, **WHY}, **headers)


def deciding(server: Operated) -> tuple[str, int]:
    now = server.get("/policies/in-force")
    return now["id"], now["version"]


def test_a_draft_has_no_effect_until_it_is_put_in_force(server: Operated) -> None:
    """A roll-back issues the older text above both versions."""
    sub = server.activate()
    created = put(server, text())
    assert (created.status_code, created.json()["in_force"]) == (201, False)
    assert created.headers["ETag"] == f'"{created.json()["etag"]}"'
    assert deciding(server) == (DEFAULT, 2)
    now = server.done(f"{NAME}/put-in-force", WHY, If_Match=created.headers["ETag"])
    assert (now["id"], now["version"], now["by"], now["reason"]) == ("open", 3, "operator", WHY["reason"])
    server.activate(intent="check-in")
    assert server.get(f"/devices/{sub}/history")["items"][0]["policy"] == "open"
    back = server.done("/policies/roll-back", WHY, If_Match=f'"{now["etag"]}"')
    assert (back["id"], back["version"]) == (DEFAULT, 4)
    server.activate(intent="check-in")
    newest = server.get(f"/devices/{sub}/history")["items"][0]
    assert (newest["policy"], newest["policy_version"]) == (DEFAULT, 4)
    listed = {(each["id"], each["version"]): each["in_force"] for each in server.get("/policies")["items"]}
    assert listed == {(DEFAULT, 2): False, (DEFAULT, 4): True, ("open", 3): False}


def test_a_document_is_returned_unchanged(server: Operated) -> None:
    """With its comments."""
    document = "# a comment, with ünïcode\n" + text()
    etag = put(server, document).headers["ETag"]
    answer = server.ask("GET", NAME)
    assert (answer.json()["text"], answer.headers["ETag"]) == (document, etag)
    assert (answer.json()["put_at"], answer.json()["put_by"]) == (NOW, "operator")


def test_a_draft_is_changed_only_with_its_etag(server: Operated) -> None:
    assert put(server, text(), If_Match='"x"').json()["code"] == "precondition-failed"
    first = put(server, text()).headers["ETag"]
    assert (put(server, text(title="b")).status_code, put(server, text(title="b")).json()["code"]) == (
        428,
        "precondition-required",
    )
    changed = put(server, text(title="b"), If_Match=f'W/"weak", {first}')
    assert changed.status_code == 200
    late = put(server, text(title="c"), If_Match=first)
    assert (late.status_code, late.json()["code"]) == (412, "precondition-failed")
    assert put(server, text(title="c"), If_Match=f"W/{changed.headers['ETag']}").status_code == 412
    assert put(server, text(title="c"), If_Match="no tag").json()["code"] == "request-invalid"
    assert server.get(NAME)["text"] == text(title="b")
    assert put(server, text(title="d"), If_Match="*").status_code == 200


def test_of_concurrent_changes_with_one_etag_one_succeeds(server: Operated) -> None:
    """The tag is compared in the transaction that writes."""
    etag = put(server, text()).headers["ETag"]
    with ThreadPoolExecutor(8) as operators:
        answers = list(operators.map(lambda n: put(server, text(title=f"t{n}"), If_Match=etag), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    [done] = [answer.json()["text"] for answer in answers if answer.status_code == 200]
    assert server.get(NAME)["text"] == done


@pytest.mark.parametrize("path", [f"{NAME}/put-in-force", "/policies/roll-back"])
def test_the_policy_in_force_is_changed_only_with_its_etag(server: Operated, path: str) -> None:
    etag = put(server, text()).headers["ETag"]
    assert server.refused("POST", path, WHY) == (428, "precondition-required")
    assert server.refused("POST", path, WHY, If_Match='"x"') == (412, "precondition-failed")
    changed = put(server, text(title="b"), If_Match=etag).headers["ETag"]
    assert server.refused("POST", path, WHY, If_Match=etag) == (412, "precondition-failed")
    assert deciding(server) == (DEFAULT, 2)
    assert server.refused("POST", f"{NAME}x/put-in-force", WHY, If_Match=changed)[0] == 422


def test_of_two_concurrent_roll_backs_one_succeeds(server: Operated) -> None:
    """Otherwise the second would undo the first."""
    etag = put(server, text()).headers["ETag"]
    server.done(f"{NAME}/put-in-force", WHY, If_Match=etag)
    with ThreadPoolExecutor(2) as operators:
        answers = list(
            operators.map(lambda _: server.ask("POST", "/policies/roll-back", WHY, If_Match=etag), range(2))
        )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert deciding(server) == (DEFAULT, 4)


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        ("no toml", 422, "policy-invalid"),
        ("id = 1", 422, "policy-invalid"),
        (text(4), 422, "policy-invalid"),
        (text().replace('"open"', '"other"'), 422, "policy-invalid"),
        ("", 422, "request-invalid"),
        ("a\0b", 422, "request-invalid"),
    ],
)
def test_an_invalid_document_is_rejected_by_line_and_not_stored(
    server: Operated, document: str, status: int, code: str
) -> None:
    answer = put(server, document)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert server.refused("GET", NAME) == (404, "policy-unknown")


def test_all_errors_of_a_document_are_reported_with_their_lines(server: Operated) -> None:
    document = text().replace('decision = "allow"', 'decision = "alow"').replace("check_in", "chek_in")
    errors = put(server, document).json()["errors"]
    assert len(errors) >= 2
    assert all(each["where"].startswith("line ") for each in errors)
    assert any("allow" in each["what"] for each in errors)


def test_a_version_that_was_in_force_cannot_be_changed(server: Operated) -> None:
    """Verdicts refer to it by id and version."""
    etag = put(server, text()).headers["ETag"]
    server.done(f"{NAME}/put-in-force", WHY, If_Match=etag)
    answer = put(server, text(title="another"), If_Match=etag)
    assert (answer.status_code, answer.json()["code"]) == (409, "policy-fixed")


def test_a_lower_version_cannot_be_put_in_force(server: Operated) -> None:
    """Devices would reject it. Without an earlier policy there is no roll-back."""
    now = server.get("/policies/in-force")
    etag = f'"{now["etag"]}"'
    assert server.refused("POST", "/policies/roll-back", WHY, If_Match=etag) == (409, "policy-refused")
    low = put(server, text(0), "/policies/open/0").headers["ETag"]
    assert server.refused("POST", "/policies/open/0/put-in-force", WHY, If_Match=low) == (
        409,
        "policy-refused",
    )


def test_a_simulation_counts_changed_decisions_and_writes_nothing(server: Operated) -> None:
    sub = server.activate()
    before = len(server.audit())
    found = server.done("/policies/simulate", {"text": text()})
    assert (found["devices"], found["changed"], found["list"][0]["sub"]) == (1, 1, sub)
    assert found["decisions"] == [{"now": "deny", "then": "allow", "devices": 1}]
    assert server.refused("POST", "/policies/simulate", {"text": "no toml"}) == (422, "policy-invalid")
    assert len(server.audit()) == before


def test_an_operator_starts_and_lifts_a_campaign_of_the_policy(server: Operated) -> None:
    """An unknown campaign is rejected."""
    [campaign] = server.get("/campaigns")["items"]
    assert (campaign["state"], campaign["by"]) == ("ahead", None)
    name = campaign["id"]
    lift = f"/campaigns/{name}/lift"
    assert server.refused("POST", lift, WHY) == (409, "campaign-refused")
    assert server.refused("POST", "/campaigns", {"id": f"{name}-x", **WHY}) == (404, "campaign-unknown")
    assert server.refused("POST", f"/campaigns/{name}-x/lift", WHY) == (404, "campaign-unknown")
    begun = server.done("/campaigns", {"id": name, **WHY})
    assert (begun["begins"], begun["ends"], begun["state"], begun["by"]) == (NOW, None, "running", "operator")
    assert server.refused("POST", "/campaigns", {"id": name, **WHY}) == (409, "campaign-refused")
    lifted = server.done(lift, {"at": DURING, **WHY})
    assert (lifted["begins"], lifted["ends"], lifted["state"]) == (NOW, DURING, "running")
    server.clock.now = AFTER
    assert server.get("/campaigns")["items"] == [lifted | {"state": "lifted"}]
