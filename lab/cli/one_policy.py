"""What `activation policy` does with the documents, facts and databases that were named."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import typer

from lab.cli import output
from lab.cli import policy_tables as tables
from lab.cli.one_database import named
from server_stub.admin.policy_simulation import LISTED_MAX
from server_stub.admin.policy_simulation import simulate as simulated
from server_stub.attestation.appraisal import Identity
from server_stub.policies import names, read
from server_stub.policy.diff import RuleChange, difference
from server_stub.policy.document import CampaignState, TerritoryClass
from server_stub.policy.errors import PolicyError, PolicyProblem
from server_stub.policy.explain import explain as explained
from server_stub.policy.facts import ActivationFact, Facts
from server_stub.policy.lint import warnings
from server_stub.policy.policy import Policy
from server_stub.reference_data.territory_codes import known_territories
from server_stub.server import system_clock
from server_stub.store.records import StoreUnavailableError
from server_stub.store.sql import SqlStore
from wire.codes import Intent, TrustTier
from wire.model import TERRITORY

_UNITS: Final = {"d": 86_400, "h": 3600, "min": 60, "s": 1}
_NOT_PLACES: Final = (TerritoryClass.UNKNOWN, TerritoryClass.CONTRADICTORY, TerritoryClass.NONE)


@dataclass(frozen=True, slots=True)
class Given:
    """The facts as they were written on the command line."""

    territory: str
    activation: str
    age: str
    sale_region: str
    roaming: bool
    trust: str
    terms: str
    intent: str | None
    identity: str
    at: str | None
    campaigns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Devices:
    """Which devices to simulate, and when."""

    database: str
    listed: bool
    at: str | None


def check(documents: list[str], *, json: bool) -> None:
    """Check documents. Stops with 1 where one has an error."""
    rows = []
    for name in documents:
        text = _text(name)
        try:
            policy = Policy.parse(text, name)
        except PolicyError as error:
            rows.append(_checked(name, error.problems, ()))
        else:
            rows.append(_checked(name, (), warnings(policy, name, known=known_territories()), policy))
    if json:
        output.as_json(rows)
    else:
        for row in rows:
            _tell(row)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(output.NOT_IN_ORDER)


def _checked(
    name: str,
    errors: tuple[PolicyProblem, ...],
    warned: tuple[PolicyProblem, ...],
    policy: Policy | None = None,
) -> dict[str, Any]:
    document = policy.document if policy else None
    return {
        "file": name,
        "ok": not errors,
        "id": document.id if document else None,
        "version": document.version if document else None,
        "rules": len(document.rules) if document else None,
        "errors": [_problem(each) for each in errors],
        "warnings": [_problem(each) for each in warned],
    }


def _problem(problem: PolicyProblem) -> dict[str, Any]:
    return {"line": problem.line, "key": problem.key, "message": problem.text}


def _tell(row: dict[str, Any]) -> None:
    for kind in ("errors", "warnings"):
        for each in row[kind]:
            place = f"{row['file']}:{each['line']}: {kind[:-1]}: {each['key'] or 'document'}"
            typer.echo(f"{place}: {each['message']}", err=True)
    if row["ok"]:
        typer.echo(f"{row['file']}: in order: {row['id']} version {row['version']}, {row['rules']} rules")


def explain(name: str, given: Given, *, json: bool) -> None:
    """Explain one decision."""
    policy, at = _policy(name), _time(given.at)
    explanation = explained(policy, _facts(policy, given, at))
    if json:
        output.as_json(tables.explanation_json(policy, explanation, at))
    else:
        output.show(*tables.explanation(policy, explanation, at))


def diff(old: str, new: str, *, details: bool, exit_code: bool, json: bool) -> None:
    """Compare two policies."""
    before, after = _policy(old), _policy(new)
    found = difference(before, after)
    shown: tuple[RuleChange, ...] = found.changes if details else found.decisions
    if json:
        output.as_json(tables.difference_json(before, after, found, shown))
    else:
        output.show(*tables.difference(found, details=details))
    if exit_code and found.decisions:
        raise typer.Exit(output.NOT_IN_ORDER)


def simulate(name: str, devices: Devices, *, json: bool) -> None:
    """Simulate a draft on a database that is there."""
    draft, at = _policy(name), _time(devices.at)
    database = named(devices.database, "--database")
    if database.file is not None and not database.file.is_file():
        output.exit_with_error(
            f"--database: there is no {database.file}; name the file that `activation serve --db` keeps"
        )
    try:
        store = SqlStore(database)
        try:
            with store.reading() as reading:
                result = simulated(reading, draft, at, max_listed=None if devices.listed else LISTED_MAX)
        finally:
            store.close()
    except StoreUnavailableError as error:
        output.exit_with_error(f"--database: {error}", output.OUTSIDE)
    if json:
        output.as_json(result.as_json() | ({} if devices.listed else {"list": []}))
    else:
        output.show(*tables.simulation(result, listed=devices.listed))


def _policy(name: str) -> Policy:
    try:
        return Policy.parse(_text(name), name)
    except PolicyError as error:
        output.exit_with_error(
            f"{error}\ncorrect the document, and see `activation policy check {name}`", output.NOT_IN_ORDER
        )


def _text(name: str) -> str:
    """The document of that file or of that shipped policy."""
    file = Path(name)
    if not (file.suffix == ".toml" or file.is_file()):
        return read(output.known_name(name, list(names()), "policy"))
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        output.exit_with_error(
            f"{name} is no UTF-8 text at octet {error.start}; a policy is a TOML document",
            output.NOT_IN_ORDER,
        )
    except OSError as error:
        output.exit_with_error(f"cannot read {name}: {error.strerror}")


def _facts(policy: Policy, given: Given, at: int) -> Facts:
    activation = _activated(policy, given)
    words: dict[str, str] = {
        "trust": _word(given.trust, [tier.value for tier in TrustTier], "--trust"),
        "identity": _word(given.identity, [identity.value for identity in Identity], "--identity"),
        "intent": _word(
            given.intent or ("check-in" if activation else "activate"), [i.value for i in Intent], "--intent"
        ),
    }
    return Facts(
        territory=_class(policy, given.territory, "--territory", TerritoryClass.NONE),
        activation=activation,
        sale_region=given.sale_region,
        roaming=given.roaming,
        intent=Intent(words["intent"]),
        identity=Identity(words["identity"]),
        trust=TrustTier(words["trust"]),
        terms=given.terms,
        campaigns={name: period.state(at) for name, period in policy.periods.items()}
        | dict(_states(policy, given.campaigns)),
    )


def _activated(policy: Policy, given: Given) -> ActivationFact | None:
    if given.activation == TerritoryClass.NONE:
        return None
    kind = _class(policy, given.activation, "--activation", TerritoryClass.CONTRADICTORY)
    return ActivationFact(kind, _age(given.age))


def _class(policy: Policy, word: str, option: str, never: TerritoryClass) -> TerritoryClass:
    """The class of a territory's code, or one of the words that stand for no territory."""
    allowed = [each for each in _NOT_PLACES if each is not never]
    if word in allowed:
        return TerritoryClass(word)
    if not re.fullmatch(TERRITORY, word):
        output.exit_with_error(
            f"{option}: {word!r} is no territory; write a code of ISO 3166 such as CU or UA-43, "
            f"or {' or '.join(allowed)}"
        )
    return policy.classify(word)


def _age(text: str) -> int:
    for unit, size in _UNITS.items():
        number = text.removesuffix(unit)
        if number != text and number.isascii() and number.isdigit():
            return int(number) * size
    return output.exit_with_error(
        f"--age: {text!r} is no duration; write a number and a unit: 9d, 12h, 30min or 45s"
    )


def _states(policy: Policy, campaigns: tuple[str, ...]) -> Iterator[tuple[str, CampaignState]]:
    for text in campaigns:
        name, _, state = text.partition("=")
        output.known_name(name, list(policy.periods), "campaign of this policy")
        yield name, CampaignState(_word(state, [each.value for each in CampaignState], "--campaign"))


def _word(word: str, known: list[str], option: str) -> str:
    if word not in known:
        output.exit_with_error(f"{option}: {word!r} is none of: {', '.join(known)}")
    return word


def _time(text: str | None) -> int:
    if text is None:
        return system_clock()
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        output.exit_with_error(f"--at: {text!r} is no time; write one such as 2021-09-07T12:00:00Z")
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
