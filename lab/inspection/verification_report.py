"""Reports of a verification trace, as JSON and as tables."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from agent.verification.errors import RULES
from agent.verification.keyset import KeySet
from lab.handset import unverified_tokens
from lab.inspection.step_descriptions import NAMES, compared, instant, quoted
from lab.inspection.verification_trace import STEPS, VerificationStepResult, VerificationTrace
from wire.verdict import Verdict

UNVERIFIED: Final = "UNVERIFIED"
_STYLES: Final = {
    VerificationStepResult.PASS: "green",
    VerificationStepResult.FAIL: "bold red",
    VerificationStepResult.NOT_REACHED: "dim",
    VerificationStepResult.NOT_CHECKED: "yellow",
}


@dataclass(frozen=True, slots=True)
class _UnverifiedClaims:
    """Lines of unverified claims, each marked as unverified, also if a claim needs several lines."""

    claims: list[tuple[str, object]]

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(options.max_width - len(UNVERIFIED) - 2, 1)
        for name, value in self.claims:
            text = f"{name}: {json.dumps(value)}"
            for begin in range(0, len(text), width):
                yield Text(f"{UNVERIFIED}  {text[begin : begin + width]}", style="red")


def as_json(trace: VerificationTrace, token: bytes, keys: KeySet, *, unverified: bool) -> dict[str, Any]:
    """The report as one object. It contains `claims` only if every checked step passed."""
    claims = None
    if trace.verified and isinstance(trace.claims, Verdict):
        claims = trace.claims.model_dump(mode="json", exclude_none=True)
    report: dict[str, Any] = {
        "verified": trace.verified,
        "complete": not trace.expected.missing(),
        "floor": trace.expected.now,
        "ceiling": trace.expected.latest,
        "code": None if trace.code is None else trace.code.value,
        "step": trace.failed_at,
        "steps": [
            {
                "step": step,
                "name": NAMES[step],
                "result": trace.result(step).value.lower(),
                "compared": compared(step, trace, token, keys),
                "code": trace.code.value if trace.code is not None and step == trace.failed_at else None,
            }
            for step in STEPS
        ],
        "left_out": [
            {"index": key.index, "kid": key.kid, "reason": key.reason.value} for key in keys.left_out
        ],
        "claims": claims,
    }
    if unverified and not trace.verified:
        report["unverified"] = {f"{UNVERIFIED} {name}": value for name, value in _claimed(token)}
    return report


def as_text(trace: VerificationTrace, token: bytes, keys: KeySet, *, unverified: bool) -> Group:
    """A table of the steps, the conclusion, and on request the unverified claims."""
    parts: list[RenderableType] = [_table(trace, token, keys), Text()]
    for key in keys.left_out:
        name = "without a usable kid" if key.kid is None else f"kid {key.kid}"
        parts.append(_line(f"Key {key.index} of the set, {name}, was left out: {key.reason}.", "yellow"))
    parts += _conclusion(trace)
    if unverified and not trace.verified:
        parts += [Text(), _UnverifiedClaims(_claimed(token))]
    return Group(*parts)


def _table(trace: VerificationTrace, token: bytes, keys: KeySet) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "step", "result"):
        table.add_column(heading, no_wrap=True, justify="left" if heading else "right")
    table.add_column("what was compared", overflow="fold")
    for step in STEPS:
        result = trace.result(step)
        style = "dim" if result is VerificationStepResult.NOT_REACHED else ""
        text = Text(compared(step, trace, token, keys), style=style)
        if trace.code is not None and result is VerificationStepResult.FAIL:
            text = Text.assemble((trace.code.value, "bold red"), "\n", text)
        table.add_row(str(step), NAMES[step], Text(result.value, style=_STYLES[result]), text)
    return table


def _conclusion(trace: VerificationTrace) -> Iterator[Text]:
    if trace.code is not None:
        step, sentence = RULES[trace.code]
        yield _line(f"REJECTED at step {step}, {trace.code}: {sentence}", "bold red")
    elif (claims := trace.claims) is not None:
        where = "" if claims.territory is None else f" for {claims.territory}"
        yield _line(
            f"VERIFIED: {claims.decision}, {claims.reason}{where}, serial {claims.serial},", "bold green"
        )
        yield _line(f"issued by {quoted(claims.iss)}, valid until {instant(claims.exp)}.", "bold green")
        if missing := [_OPTIONS[name] for name in trace.expected.missing()]:
            text = f"A device checks more before it acts. Options not given: {', '.join(missing)}."
            yield _line(text, "yellow")
        if trace.expected.latest is None:
            text = (
                "Pinned keys have no ceiling: they come without a timestamp, so any later time is accepted."
            )
            yield _line(text, "yellow")


_OPTIONS: Final = {
    "issuer": "--issuer",
    "audience": "--audience",
    "thumbprint": "--device-key",
    "nonce": "--nonce",
    "serial": "--serial",
    "policy_version": "--policy-version",
}


def _line(text: str, style: str) -> Text:
    return Text(text, style=style, overflow="fold")


def _claimed(token: bytes) -> list[tuple[str, object]]:
    """The unverified claims of a token: path and value of each leaf, for one line each."""
    try:
        return list(_leaves(unverified_tokens.token(token), ""))
    except RecursionError:
        return [("too deep to show", len(token))]


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
    """Text as printable ASCII, with everything else escaped."""
    return text.encode("ascii", "backslashreplace").decode() if text.isprintable() else json.dumps(text)[1:-1]
