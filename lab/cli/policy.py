"""`activation policy`."""

from typing import Annotated

import typer

app = typer.Typer(
    help="Policies: check documents, explain a decision, compare versions, simulate a draft.",
    epilog="Example: activation policy explain export-2021-09 --territory CU",
    rich_markup_mode=None,
    no_args_is_help=True,
)
DOCUMENT = typer.Argument(help="A policy document (TOML), or the name of a shipped policy.")
JSON = typer.Option("--json", help="One object for machines.")


@app.command()
def check(
    documents: Annotated[
        list[str], typer.Argument(help="Policy documents (TOML), or names of shipped policies.")
    ],
    json: Annotated[bool, typer.Option("--json", help="A list of objects for machines.")] = False,
) -> None:
    """Check policy documents; every error and warning names file, line and key. Exit code 1 for an error.

    A warning is about what is allowed and hardly meant, such as a rule that can never match.

    \b
    Example:
      activation policy check my-policy.toml
    """
    from lab.cli import one_policy

    one_policy.check(documents, json=json)


@app.command()
def explain(
    document: Annotated[str, DOCUMENT],
    territory: Annotated[
        str, typer.Option(help="Where the phone is: CU, UA-43, unknown or contradictory.")
    ] = "unknown",
    activation: Annotated[
        str, typer.Option(help="Where it was first activated: a territory, unknown or none.")
    ] = "none",
    age: Annotated[str, typer.Option(help="How long ago that was, such as 9d, 12h, 30min or 45s.")] = "0s",
    sale_region: Annotated[str, typer.Option(help="Where the phone was sold.")] = "unknown",
    roaming: Annotated[
        bool, typer.Option("--roaming/--home", help="Whether its network is not its home network.")
    ] = False,
    trust: Annotated[str, typer.Option(help="none, affirming, warning or contraindicated.")] = "affirming",
    terms: Annotated[str, typer.Option(help="The version of the terms that was accepted.")] = "2021-06",
    intent: Annotated[
        str | None, typer.Option(help="activate or check-in; a phone that is activated checks in by default.")
    ] = None,
    identity: Annotated[str, typer.Option(help="attested or unattested.")] = "attested",
    at: Annotated[
        str | None, typer.Option(help="When, such as 2021-09-07T12:00:00Z; now by default.")
    ] = None,
    campaign: Annotated[
        list[str] | None,
        typer.Option(help="A campaign's state whatever its dates say: id=running. Repeatable."),
    ] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Try every rule on given facts, and say which conditions failed and why, until one decides.

    \b
    Example:
      activation policy explain export-2021-09 --territory FR --activation CU --at 2021-09-07T12:00:00Z
    """
    from lab.cli import one_policy

    facts = one_policy.Given(
        territory=territory,
        activation=activation,
        age=age,
        sale_region=sale_region,
        roaming=roaming,
        trust=trust,
        terms=terms,
        intent=intent,
        identity=identity,
        at=at,
        campaigns=tuple(campaign or ()),
    )
    one_policy.explain(document, facts, json=json)


@app.command()
def diff(
    old: Annotated[str, DOCUMENT],
    new: Annotated[str, DOCUMENT],
    details: Annotated[
        bool,
        typer.Option(
            "--details",
            help="By the rules that decide, and also where the decision stays and its reason, message or times change.",
        ),
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Stop with 1 where a decision changes.")
    ] = False,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Say which combinations of facts change their decision between two policies: all of them, not a sample.

    \b
    Example:
      activation policy diff export-2021-09 my-policy.toml
    """
    from lab.cli import one_policy

    one_policy.diff(old, new, details=details, exit_code=exit_code, json=json)


@app.command()
def simulate(
    draft: Annotated[str, DOCUMENT],
    database: Annotated[
        str, typer.Option(help="The server's database: an SQLite file, or a PostgreSQL URL.")
    ],
    listed: Annotated[
        bool, typer.Option("--list", help="List every device whose decision would change, by pseudonym.")
    ] = False,
    at: Annotated[
        str | None, typer.Option(help="When, such as 2021-09-07T12:00:00Z; now by default.")
    ] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Say what a draft would do to the devices that a database knows. Nothing is decided and nobody is told.

    \b
    Example:
      activation policy simulate my-policy.toml --database activation.sqlite
    """
    from lab.cli import one_policy

    one_policy.simulate(draft, one_policy.Devices(database, listed=listed, at=at), json=json)
