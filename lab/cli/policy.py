"""`activation policy`."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from lab.cli import database as databases
from lab.cli import output
from lab.cli.lazy import deferred
from lab.cli.options import Json
from wire.codes import Intent, TrustTier
from wire.model import TERRITORY

with deferred():
    from lab.cli import policy_tables as tables
    from lab.inspection import inputs
    from server_stub import policies
    from server_stub.admin import policy_simulation
    from server_stub.attestation import appraisal, deviations
    from server_stub.policy import diff as differences
    from server_stub.policy import document as documents
    from server_stub.policy import errors, lint, space
    from server_stub.policy import explain as explanations
    from server_stub.policy import facts as policy_facts
    from server_stub.policy import policy as policy_documents
    from server_stub.reference_data import territory_codes
    from text_input import documents as document_errors
    from text_input import files, toml

Document = Annotated[
    str, typer.Argument(help="A policy document (TOML), or the name of a policy that is shipped.")
]
At = Annotated[str | None, typer.Option(help="Time, such as 2021-09-07T12:00:00Z; now by default.")]

_AMOUNT: Final = re.compile(r"[0-9]{1,9}")
_UNITS: Final = {"d": 86_400, "h": 3600, "min": 60, "s": 1}


def list_policies(json: Json = False) -> None:
    """List the shipped policies by name. `activation serve --policy` and the other policy commands take these names.

    \b
    Example:
      activation policy list
    """
    rows = []
    for name in policies.names():
        document = policy_documents.Policy.parse(policies.read(name), name).document
        rows.append(
            {
                "name": name,
                "version": document.version,
                "title": document.title,
                "rules": len(document.rules),
                "default": name == policies.DEFAULT,
            }
        )
    output.result(rows, tables.shipped_policies(rows), json=json)


def check(
    documents: Annotated[
        list[str], typer.Argument(help="Policy documents (TOML), or names of policies that are shipped.")
    ],
    json: Json = False,
) -> None:
    """Check policy documents; errors and warnings name file, line and key. Exit code 1 if there is an error.

    A warning reports what is allowed but probably not intended, such as a rule that can never match; a note reports
    a choice with consequences, such as that no rule asks for trust.

    \b
    Example:
      activation policy check my-policy.toml
    """
    rows = []
    for name in documents:
        row: dict[str, Any] = {"file": name, "ok": True, "id": None, "version": None, "rules": None}
        problems: dict[str, Sequence[document_errors.DocumentProblem]] = {
            "errors": (),
            "warnings": (),
            "notes": (),
        }
        try:
            policy = policy_documents.Policy.parse(_read(name), name)
        except errors.PolicyError as error:
            row["ok"], problems["errors"] = False, error.problems
        else:
            row |= {**tables.policy_name(policy), "rules": len(policy.document.rules)}
            problems["warnings"] = lint.warnings(policy, name, known=territory_codes.known_territories())
            problems["notes"] = lint.notes(policy, name)
        for kind, found in problems.items():
            row[kind] = [{"line": each.line, "key": each.key, "message": each.text} for each in found]
        rows.append(row)
    if json:
        output.as_json(rows)
    for row in () if json else rows:
        for problem in tables.problems(row):
            output.say(problem, err=True)
        if row["ok"]:
            output.say(f"{row['file']}: valid: {row['id']} version {row['version']}, {row['rules']} rules")
    if not all(row["ok"] for row in rows):
        raise typer.Exit(output.CHECK_FAILED)


def explain(
    document: Document,
    territory: Annotated[
        str, typer.Option(help="Where the device is: CU, UA-43, unknown or contradictory.")
    ] = "unknown",
    activation: Annotated[
        str, typer.Option(help="Where it was first activated: a territory, unknown or none.")
    ] = "none",
    age: Annotated[str, typer.Option(help="Time since then, such as 9d, 12h, 30min or 45s.")] = "0s",
    sale_region: Annotated[str, typer.Option(help="Where the device was sold.")] = "unknown",
    roaming: Annotated[
        bool, typer.Option("--roaming/--home", help="Whether its network is not its home network.")
    ] = False,
    roaming_unknown: Annotated[
        bool, typer.Option("--roaming-unknown", help="The device does not know its network.")
    ] = False,
    trust: Annotated[TrustTier, typer.Option(help="Trust tier of the evidence.")] = TrustTier.AFFIRMING,
    boot_key: Annotated[
        str, typer.Option(help="known: verified with the manufacturer's key or a listed one; or unknown.")
    ] = "known",
    deviation: Annotated[
        list[str] | None, typer.Option(help="A deviation of the attestation. Repeatable.")
    ] = None,
    terms: Annotated[str, typer.Option(help="The version of the terms that was accepted.")] = "2021-06",
    intent: Annotated[
        Intent | None, typer.Option(help="By default activate, or check-in after an activation.")
    ] = None,
    identity: Annotated[str, typer.Option(help="attested or unattested.")] = "attested",
    at: At = None,
    campaign: Annotated[
        list[str] | None,
        typer.Option(help="State of a campaign, instead of by its dates: id=running. Repeatable."),
    ] = None,
    json: Json = False,
) -> None:
    """Try the rules on given facts until one matches, and show which conditions failed and why.

    \b
    Example:
      activation policy explain export-2021-09 --territory FR --activation CU --at 2021-09-07T12:00:00Z
    """
    _check_word(identity, list(appraisal.Identity), "--identity")
    _check_word(boot_key, list(appraisal.BootKey), "--boot-key")
    for name in deviation or ():
        _check_word(name, list(deviations.Deviation), "--deviation")
    moment, since = _parse_time(at), _parse_duration(age)
    policy = _parse_policy(document)
    classes, activated = documents.TerritoryClass, None
    if activation != classes.NONE:
        kind = _territory_class(policy, activation, "--activation", classes.CONTRADICTORY)
        activated = policy_facts.ActivationFact(kind, since)
    facts = policy_facts.Facts(
        territory=_territory_class(policy, territory, "--territory", classes.NONE),
        activation=activated,
        sale_region=sale_region,
        roaming=None if roaming_unknown else roaming,
        intent=intent or (Intent.CHECK_IN if activated else Intent.ACTIVATE),
        identity=appraisal.Identity(identity),
        trust=trust,
        boot_key=appraisal.BootKey(boot_key),
        deviations=frozenset(map(deviations.Deviation, deviation or ())),
        terms=terms,
        campaigns=_campaign_states(policy, moment, campaign or ()),
    )
    explanation = explanations.explain(policy, facts)
    as_text = tables.explanation(policy, explanation, moment)
    output.result(tables.explanation_json(policy, explanation, moment), *as_text, json=json)


def _campaign_states(
    policy: "policy_documents.Policy", moment: int, given: Sequence[str]
) -> "dict[str, documents.CampaignState]":
    """The state of each campaign at `moment`, replaced by those that are given as `id=state`."""
    states = {name: period.state(moment) for name, period in policy.periods.items()}
    for text in given:
        name, _, state = text.partition("=")
        output.known_name(name, list(policy.periods), "campaign of this policy")
        _check_word(state, list(documents.CampaignState), "--campaign")
        states[name] = documents.CampaignState(state)
    return states


def diff(
    old: Document,
    new: Document,
    details: Annotated[
        bool,
        typer.Option(
            "--details", help="Group by deciding rule; include changes of reason, message or times only."
        ),
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 if a decision changes.")
    ] = False,
    json: Json = False,
) -> None:
    """List all combinations of facts for which two policies decide differently. The comparison is complete.

    \b
    Example:
      activation policy diff export-2021-09 my-policy.toml
    """
    before, after = _parse_policy(old), _parse_policy(new)
    try:
        found = differences.difference(before, after)
    except space.TooManyCombinationsError as error:
        output.exit_with_error(f"{old}, {new}: {error}")
    changes = found.changes if details else found.decisions
    as_json = tables.difference_json(before, after, found, changes)
    output.result(as_json, *tables.difference(found, details=details), json=json)
    if exit_code and found.decisions:
        raise typer.Exit(output.CHECK_FAILED)


def simulate(
    draft: Document,
    database: Annotated[
        str,
        typer.Option("--database", "--db", help="The server's database: SQLite file, or postgresql://…"),
    ],
    listed: Annotated[
        bool, typer.Option("--list", help="List every device whose decision would change, by pseudonym.")
    ] = False,
    at: At = None,
    json: Json = False,
) -> None:
    """Show what a draft would change for the devices in a database. Nothing is written.

    \b
    Example:
      activation policy simulate my-policy.toml --database activation.sqlite
    """
    moment, policy = _parse_time(at), _parse_policy(draft)
    with (
        databases.opened_store(databases.existing_database(database, "--database")) as store,
        store.reading() as reading,
    ):
        result = policy_simulation.simulate(
            reading, policy, moment, max_listed=None if listed else policy_simulation.LISTED_MAX
        )
    as_json = result.as_json() | ({} if listed else {"list": []})
    output.result(as_json, *tables.simulation(result, listed=listed), json=json)


def _parse_policy(name: str) -> "policy_documents.Policy":
    try:
        return policy_documents.Policy.parse(_read(name), name)
    except errors.PolicyError as error:
        output.exit_with_error(
            f"{error}\ncorrect the document; see `activation policy check {name}`", output.CHECK_FAILED
        )


def _read(name: str) -> str:
    """The text of the file or of the shipped policy called `name`."""
    file = Path(name)
    if not (file.suffix == ".toml" or files.is_file(name)):
        return policies.read(output.known_name(name, list(policies.names()), "policy"))
    try:
        return files.read_text(file, toml.FILE_MAX)
    except files.UnusableFileError as error:
        output.exit_with_error(
            f"{error}; a policy is a TOML document", output.USAGE if error.missing else output.CHECK_FAILED
        )


def _territory_class(
    policy: "policy_documents.Policy", word: str, option: str, excluded: "documents.TerritoryClass"
) -> "documents.TerritoryClass":
    """The class of a territory's code, or one of the words for no territory, except `excluded`."""
    classes = documents.TerritoryClass
    words = [each for each in (classes.UNKNOWN, classes.CONTRADICTORY, classes.NONE) if each is not excluded]
    if word in words:
        return classes(word)
    if not re.fullmatch(TERRITORY, word):
        output.exit_with_error(
            f"{option}: {word!r} is not a territory; write a code of ISO 3166 such as CU or UA-43, or "
            f"{' or '.join(words)}"
        )
    return policy.classify(word)


def _check_word(word: str, known: Sequence[str], option: str) -> None:
    if word not in known:
        output.exit_with_error(f"{option}: {word!r} is none of: {', '.join(known)}")


def _parse_duration(text: str) -> int:
    """Seconds."""
    for unit, size in _UNITS.items():
        number = text.removesuffix(unit)
        if number != text and _AMOUNT.fullmatch(number):
            return int(number) * size
    return output.exit_with_error(
        f"--age: {text!r} is not a duration; write a number and a unit: 9d, 12h, 30min or 45s"
    )


def _parse_time(text: str | None) -> int:
    """Seconds since the epoch, now for None. Raises InputError."""
    return int(time.time()) if text is None else inputs.read_time(text, "--at", utc=True)
