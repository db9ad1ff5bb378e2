"""The catalogue for people: tables for a terminal."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from lab.attacks.model import Attack
from lab.attacks.runner import AttackResult


def listing(attacks: Sequence[Attack]) -> Table:
    """The attacks of the catalogue."""
    table = _table(f"{len(attacks)} attacks", "what the attacker does")
    for attack in attacks:
        table.add_row(attack.id, attack.source, _capabilities(attack), attack.sentence)
    return table


def results(records: Sequence[AttackResult]) -> Table:
    """The result of each attack."""
    met = sum(record.met for record in records)
    table = _table(f"{met} of {len(records)} attacks ended as expected", "result", "ok")
    for record in records:
        attack = record.attack
        mark = Text("yes", "green") if record.met else Text("NO", "bold red")
        table.add_row(attack.id, attack.source, _capabilities(attack), record.happened, mark)
    return table


def _capabilities(attack: Attack) -> str:
    return ", ".join(capability.value for capability in attack.capabilities)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("id", "class", "needs", *columns):
        table.add_column(column, no_wrap=column == "ok", overflow="fold")
    return table
