"""`activation evidence`."""

from pathlib import Path
from typing import Annotated

import typer


def evidence(
    challenge: Annotated[
        str,
        typer.Argument(
            help="The nonce of a challenge, or - to read the server's answer from standard input."
        ),
    ],
    profile: Annotated[
        str, typer.Option(help="Firmware profile; see `activation profiles`.")
    ] = "official-global",
    place: Annotated[str, typer.Option(help="Where the phone is: havana, paris, …")] = "paris",
    claims: Annotated[
        Path | None, typer.Option(help="Sign the claims in this JSON file, instead of the phone's own.")
    ] = None,
    show_claims: Annotated[
        bool, typer.Option("--show-claims", help="Print the claims as JSON, to be edited, and sign nothing.")
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option(help="Write the attested key as a private JWK with its chain, to sign with."),
    ] = None,
    seed: Annotated[str, typer.Option(help="Which vendor's phone; the server's seed.")] = "2021",
) -> None:
    """Print the signed evidence of a phone for a challenge, to send it by hand or by a client of your own.

    It is the evidence of the phone that `activation device` switches on with the same firmware, place and seed.

    \b
    Example:
      curl -s -X POST http://127.0.0.1:8021/v1/challenges | activation evidence - --place havana > evidence.jwt
      curl -s -H 'Content-Type: application/eat+jwt' --data-binary @evidence.jwt http://127.0.0.1:8021/v1/verdicts
    """
    from lab.cli.one_evidence import Wish, run

    run(
        Wish(
            challenge=challenge,
            profile=profile,
            place=place,
            claims=claims,
            show_claims=show_claims,
            key=key,
            seed=seed,
        )
    )
