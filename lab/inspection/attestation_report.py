"""An examined chain for people and for machines."""

import base64
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final

from cryptography import x509
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lab.inspection.attestation_check import Examination
from lab.inspection.step_descriptions import instant
from server_stub.attestation.appraisal import AppraisedClaim
from server_stub.attestation.key_description import (
    AuthorizationList,
    KeyDescription,
    RootOfTrust,
    SecurityLevel,
)
from server_stub.attestation.reasons import MEANING
from wire.codes import TrustTier, VerifiedBootState

_STYLES: Final = {
    TrustTier.AFFIRMING: "green",
    TrustTier.WARNING: "yellow",
    TrustTier.CONTRAINDICATED: "bold red",
    TrustTier.NONE: "dim",
}
_PURPOSES: Final = dict(
    enumerate(("encrypt", "decrypt", "sign", "verify", "derive", "wrap keys", "agree on keys", "attest keys"))
)
_ORIGINS: Final = dict(
    enumerate(("generated in the keystore", "derived", "imported", "unknown", "imported securely"))
)
"""`KeyPurpose` and `KeyOrigin` of KeyMint."""


def as_json(examined: Examination) -> dict[str, Any]:
    """One object. What the attestation says is there even if nothing vouches for it: `chain_ok` tells."""
    appraisal, problem = examined.appraisal, examined.problem
    return {
        "chain_ok": examined.chain_ok,
        **_said(examined.description),
        "tier": appraisal.tier.value,
        "reasons": appraisal.reasons(),
        "claims": [_claim(result) for result in appraisal.results],
        "root": examined.anchor.value,
        "problem": problem
        and {"code": problem.problem.value, "certificate": problem.place, "detail": problem.finding},
        "at": examined.question.at,
        "revocation_checked": examined.question.statuses is not None,
        "key_description": examined.description and _plain(examined.description),
    }


def _said(description: KeyDescription | None) -> dict[str, Any]:
    hardware = description.hardware if description else AuthorizationList()
    root = hardware.root_of_trust
    return {
        "attestation_version": description and description.attestation_version,
        "security_level": description and description.attestation_level.name,
        "challenge": description and base64.b64encode(description.challenge).decode(),
        "verified_boot_state": root and root.verified_boot_state.value,
        "device_locked": root and root.device_locked,
        "os_version": hardware.os_version,
        "os_patch_level": hardware.os_patch_level,
        "imeis": [imei for imei in (hardware.imei, hardware.second_imei) if imei is not None],
    }


def _claim(result: AppraisedClaim) -> dict[str, Any]:
    return {
        "claim": result.claim.value,
        "tier": result.tier.value,
        "value": result.value,
        "reason": result.reason.value,
        "meaning": MEANING[result.reason],
    }


def _plain(value: Any) -> Any:
    """A description as JSON holds it: octets in base64, and of a list only what is there."""
    if is_dataclass(value):
        members = {field.name: getattr(value, field.name) for field in fields(value)}
        absent: tuple[Any, ...] = (
            (None, False, frozenset()) if isinstance(value, AuthorizationList) else (None,)
        )
        return {name: _plain(member) for name, member in members.items() if member not in absent}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, SecurityLevel):
        return value.name
    return value.value if isinstance(value, VerifiedBootState) else value


def as_text(examined: Examination) -> Group:
    """The chain, what it says, each claim with its tier and why, and what follows."""
    parts: list[RenderableType] = [_chain(examined), Text()]
    if examined.description:
        if not examined.chain_ok:
            parts.append(Text("Nothing vouches for what follows: the chain is not in order.", style="yellow"))
        parts += [_facts(examined.description), Text()]
    return Group(*parts, _claims(examined), Text(), *_conclusion(examined))


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings[:-1]:
        table.add_column(heading, no_wrap=True)
    table.add_column(headings[-1], overflow="fold")
    return table


def _chain(examined: Examination) -> Table:
    table = _table("certificate", "valid", "key", "of")
    wrong = examined.problem.place if examined.problem else None
    for place, certificate in enumerate(examined.certificates):
        style = "bold red" if place == wrong else ""
        name = "0, the leaf" if place == 0 else str(place)
        table.add_row(name, *(map(escape, _certificate(certificate))), style=style)
    return table


def _certificate(certificate: x509.Certificate | None) -> tuple[str, str, str]:
    try:
        if certificate is None:
            return "?", "?", "not an X.509 certificate"
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        key = certificate.public_key()
        kind = type(key).__name__.removesuffix("PublicKey").lstrip("_")
        bits = getattr(key, "key_size", "")
        subject = certificate.subject.rfc4514_string()
        return f"{begins:%Y-%m-%d} to {ends:%Y-%m-%d}", f"{kind} {bits}".strip(), _printable(subject)
    except (ValueError, TypeError):
        return "?", "?", "malformed"


def _printable(words: str) -> str:
    return words if words.isprintable() else ascii(words)


def _facts(description: KeyDescription) -> Table:
    table = _table("what the attestation says", "")
    for name, value in _lines(description):
        table.add_row(name, escape(_printable(value)))
    return table


def _lines(description: KeyDescription) -> Iterator[tuple[str, str]]:
    yield "version", f"{description.attestation_version}, keystore {description.keymint_version}"
    yield "security level", f"{description.attestation_level.name}, keystore {description.keymint_level.name}"
    yield "challenge", base64.b64encode(description.challenge).decode()
    hardware = description.hardware
    yield from _boot(hardware.root_of_trust)
    named = {
        "system": hardware.os_version,
        "patch level": hardware.os_patch_level,
        "vendor patch level": hardware.vendor_patch_level,
        "boot patch level": hardware.boot_patch_level,
        "model": " ".join(filter(None, (hardware.manufacturer, hardware.model))) or None,
        "IMEI": ", ".join(filter(None, (hardware.imei, hardware.second_imei))) or None,
        "key purposes": ", ".join(_PURPOSES.get(each, str(each)) for each in sorted(hardware.purposes))
        or None,
        "key origin": None if hardware.origin is None else _ORIGINS.get(hardware.origin, hardware.origin),
        "unknown tags": ", ".join(map(str, sorted(hardware.unread))) or None,
    }
    yield from ((name, str(value)) for name, value in named.items() if value is not None)


def _boot(root: RootOfTrust | None) -> Iterator[tuple[str, str]]:
    if root is None:
        yield "boot", "not said by the hardware"
        return
    yield "boot state", root.verified_boot_state.value
    yield "bootloader", "locked" if root.device_locked else "unlocked"


def _claims(examined: Examination) -> Table:
    table = _table("claim", "tier", "why")
    for result in examined.appraisal.results:
        tier = Text(result.tier.value, style=_STYLES[result.tier])
        table.add_row(result.claim.value, tier, f"{MEANING[result.reason]} ({result.reason.value})")
    return table


def _conclusion(examined: Examination) -> Iterator[Text]:
    tier, problem = examined.appraisal.tier, examined.problem
    if problem:
        where = "The chain" if problem.place is None else f"Certificate {problem.place}"
        yield Text(f"{where} {problem.finding}.", style="bold red", overflow="fold")
    yield Text(f"{tier.value.upper()}, as of {instant(examined.question.at)}.", style=_STYLES[tier])
    if examined.question.statuses is None:
        yield Text("Revocation was not checked: no --status-list was given.", style="yellow")
