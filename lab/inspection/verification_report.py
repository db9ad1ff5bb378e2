"""A trace of a verification for people and for machines."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from agent.verification.errors import RULES
from agent.verification.fast_claims import Claims
from agent.verification.keyset import KeySet
from lab.handset import unverified_tokens
from lab.inspection.step_descriptions import NAMES, compared, instant, quoted
from lab.inspection.verification_trace import STEPS, Result, Trace

UNVERIFIED: Final = "UNVERIFIED"
_STYLES: Final = {
    Result.PASS: "green",
    Result.FAIL: "bold red",
    Result.NOT_REACHED: "dim",
    Result.NOT_CHECKED: "yellow",
}


@dataclass(frozen=True, slots=True)
class _Stamped:
    """Unverified claims. Where one is too long for a line, each line of it is stamped."""

    claimed: list[tuple[str, object]]

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(options.max_width - len(UNVERIFIED) - 2, 1)
        for name, value in self.claimed:
            words = f"{name}: {json.dumps(value)}"
            for begin in range(0, len(words), width):
                yield Text(f"{UNVERIFIED}  {words[begin : begin + width]}", style="red")


def as_json(trace: Trace, token: bytes, keys: KeySet, *, unverified: bool) -> dict[str, Any]:
    """One object. `claims` are there only if every step that was checked passed."""
    report: dict[str, Any] = {
        "verified": trace.verified,
        "complete": trace.wanted.complete(),
        "code": None if trace.code is None else trace.code.value,
        "step": trace.failed_at,
        "steps": [_step(step, trace, token, keys) for step in STEPS],
        "left_out": [
            {"index": key.index, "kid": key.kid, "reason": key.reason.value} for key in keys.left_out
        ],
        "claims": _claims(trace),
    }
    if unverified and not trace.verified:
        report["unverified"] = {f"{UNVERIFIED} {name}": value for name, value in _claimed(token)}
    return report


def as_text(trace: Trace, token: bytes, keys: KeySet, *, unverified: bool) -> Group:
    """A table of the steps, what follows from it, and on request what the token claims."""
    parts: list[RenderableType] = [_table(trace, token, keys), Text(), *_left_out(keys), *_conclusion(trace)]
    if unverified and not trace.verified:
        parts += [Text(), _Stamped(_claimed(token))]
    return Group(*parts)


def _step(step: int, trace: Trace, token: bytes, keys: KeySet) -> dict[str, Any]:
    result = trace.result(step)
    return {
        "step": step,
        "name": NAMES[step],
        "result": result.value.lower(),
        "compared": compared(step, trace, token, keys),
        "code": trace.code.value if trace.code is not None and result is Result.FAIL else None,
    }


def _claims(trace: Trace) -> dict[str, Any] | None:
    return trace.claims.members() if trace.verified and isinstance(trace.claims, Claims) else None


def _table(trace: Trace, token: bytes, keys: KeySet) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "step", "result"):
        table.add_column(heading, no_wrap=True, justify="left" if heading else "right")
    table.add_column("what was compared with what", overflow="fold")
    for step in STEPS:
        result = trace.result(step)
        words = Text(compared(step, trace, token, keys), style="dim" if result is Result.NOT_REACHED else "")
        if trace.code is not None and result is Result.FAIL:
            words = Text.assemble((trace.code.value, "bold red"), "\n", words)
        table.add_row(str(step), NAMES[step], Text(result.value, style=_STYLES[result]), words)
    return table


def _left_out(keys: KeySet) -> Iterator[Text]:
    for key in keys.left_out:
        name = "without a usable kid" if key.kid is None else f"kid {key.kid}"
        yield _line(f"Key {key.index} of the set, {name}, was left out: {key.reason}.", "yellow")


def _conclusion(trace: Trace) -> Iterator[Text]:
    if trace.code is not None:
        step, sentence = RULES[trace.code]
        yield _line(f"REFUSED at step {step}, {trace.code}: {sentence}", "bold red")
    elif trace.claims is not None:
        claims = trace.claims
        where = "" if claims.territory is None else f" for {claims.territory}"
        yield _line(
            f"VERIFIED: {claims.decision}, {claims.reason}{where}, serial {claims.serial},", "bold green"
        )
        yield _line(f"of {quoted(claims.iss)} until {instant(claims.exp)}.", "bold green")
        yield from _reservation(trace)


def _reservation(trace: Trace) -> Iterator[Text]:
    missing = [option for option, value in _options(trace).items() if value is None]
    if missing:
        yield _line(f"A phone compares more before it acts. Not given: {', '.join(missing)}.", "yellow")


def _options(trace: Trace) -> dict[str, object]:
    wanted = trace.wanted
    return {
        "--issuer": wanted.issuer,
        "--audience": wanted.audience,
        "--device-key": wanted.thumbprint,
        "--nonce": wanted.nonce,
        "--serial": wanted.serial,
        "--policy-version": wanted.policy_version,
    }


def _line(text: str, style: str) -> Text:
    return Text(text, style=style, overflow="fold")


def _claimed(token: bytes) -> list[tuple[str, object]]:
    """What a token claims, leaf by leaf, each with its path, so that each stands on a line of its own."""
    try:
        return list(_leaves(unverified_tokens.token(token), ""))
    except RecursionError:
        return [("too deep to be shown", len(token))]


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _leaves(part, f"{path}.{_safe(name)}" if path else _safe(name))
    elif isinstance(value, list) and value:
        for index, part in enumerate(value):
            yield from _leaves(part, f"{path}[{index}]")
    else:
        yield path, _safe(str(value)) if isinstance(value, (str, float)) else value


def _safe(text: str) -> str:
    """Text that neither a terminal nor an encoder stumbles over: printable ASCII, the rest escaped."""
    return text.encode("ascii", "backslashreplace").decode() if text.isprintable() else json.dumps(text)[1:-1]
