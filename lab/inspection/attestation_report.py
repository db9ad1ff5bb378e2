"""Reports of a checked attestation chain, as JSON and as tables."""

import base64
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final

from cryptography import x509
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lab.inspection.attestation_check import CheckedAttestation
from lab.inspection.step_descriptions import instant
from server_stub.attestation.key_description import (
    AuthorizationList,
    KeyDescription,
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


def as_json(checked: CheckedAttestation) -> dict[str, Any]:
    """The report as one object. It contains the statements of the attestation even if `chain_ok` is false."""
    appraisal, problem, description = checked.appraisal, checked.problem, checked.description
    hardware = description.hardware if description else AuthorizationList()
    root = hardware.root_of_trust
    return {
        "chain_ok": checked.chain_ok,
        "attestation_version": description and description.attestation_version,
        "security_level": description and description.attestation_level.name,
        "challenge": description and base64.b64encode(description.challenge).decode(),
        "verified_boot_state": root and root.verified_boot_state.value,
        "device_locked": root and root.device_locked,
        "os_version": hardware.os_version,
        "os_patch_level": hardware.os_patch_level,
        "imeis": [imei for imei in (hardware.imei, hardware.second_imei) if imei is not None],
        "tier": appraisal.tier.value,
        "reasons": appraisal.reasons(),
        "claims": [
            {
                "claim": result.claim.value,
                "tier": result.tier.value,
                "value": result.value,
                "reason": result.reason.value,
                "meaning": MEANING[result.reason],
            }
            for result in appraisal.results
        ],
        "root": checked.anchor.value,
        "problem": problem
        and {"code": problem.problem.value, "certificate": problem.place, "detail": problem.finding},
        "at": checked.options.at,
        "revocation_checked": checked.options.statuses is not None,
        "key_description": description and _plain(description),
    }


def _plain(value: Any) -> Any:
    """A key description as JSON values: bytes in base64, and only those members of a list that are present."""
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


def as_text(checked: CheckedAttestation) -> Group:
    """The chain, its statements, each claim with its tier and reason, and the conclusion."""
    parts: list[RenderableType] = [_chain(checked), Text()]
    if checked.description:
        if not checked.chain_ok:
            parts.append(Text("The following is not proved: the chain is not valid.", style="yellow"))
        parts += [_statements(checked.description), Text()]
    claims = _table("claim", "tier", "why")
    for result in checked.appraisal.results:
        tier = Text(result.tier.value, style=_STYLES[result.tier])
        claims.add_row(result.claim.value, tier, f"{MEANING[result.reason]} ({result.reason.value})")
    return Group(*parts, claims, Text(), *_conclusion(checked))


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings[:-1]:
        table.add_column(heading, no_wrap=True)
    table.add_column(headings[-1], overflow="fold")
    return table


def _chain(checked: CheckedAttestation) -> Table:
    table = _table("certificate", "valid", "key", "of")
    wrong = checked.problem.place if checked.problem else None
    for place, certificate in enumerate(checked.certificates):
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


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)


def _statements(description: KeyDescription) -> Table:
    hardware = description.hardware
    root = hardware.root_of_trust
    lines = {
        "version": f"{description.attestation_version}, keystore {description.keymint_version}",
        "security level": f"{description.attestation_level.name}, keystore {description.keymint_level.name}",
        "challenge": base64.b64encode(description.challenge).decode(),
    }
    if root is None:
        lines["boot"] = "not stated by the hardware"
    else:
        lines["boot state"] = root.verified_boot_state.value
        lines["bootloader"] = "locked" if root.device_locked else "unlocked"
    optional = {
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
    lines |= {name: str(value) for name, value in optional.items() if value is not None}
    table = _table("what the attestation says", "")
    for name, text in lines.items():
        table.add_row(name, escape(_printable(text)))
    return table


def _conclusion(checked: CheckedAttestation) -> Iterator[Text]:
    tier, problem = checked.appraisal.tier, checked.problem
    if problem:
        where = "The chain" if problem.place is None else f"Certificate {problem.place}"
        yield Text(f"{where} {problem.finding}.", style="bold red", overflow="fold")
    yield Text(f"{tier.value.upper()}, as of {instant(checked.options.at)}.", style=_STYLES[tier])
    if checked.options.statuses is None:
        yield Text("Revocation was not checked: no --status-list was given.", style="yellow")
