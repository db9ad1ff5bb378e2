"""Reports of a checked attestation chain, as JSON and as tables."""

import base64
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lab.inspection.attestation_check import CheckedAttestation
from lab.inspection.step_descriptions import instant
from server_stub.attestation.appraisal import WARNING
from server_stub.attestation.certificate import ParsedCertificate
from server_stub.attestation.certificate_fields import CertificateError, name_text
from server_stub.attestation.deviations import DEVIATION_MEANING, PlacedDeviation
from server_stub.attestation.key_description import AuthorizationList, SecurityLevel
from server_stub.attestation.reasons import MEANING, ChainError
from server_stub.reference_data.status_list import DAY
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
    appraisal, problem, said = checked.appraisal, checked.problem, checked.statements
    hardware = said.get("hardware") or AuthorizationList()
    root, level, challenge = hardware.root_of_trust, said.get("attestation_level"), said.get("challenge")
    facts = checked.provisioning
    claims = [(each.claim.value, each.tier, each.value, each.reason) for each in appraisal.results]
    claims += [("deviation", TrustTier.WARNING, WARNING, each.deviation) for each in deviations(checked)]
    return {
        "chain_ok": checked.chain_ok,
        "attestation_version": said.get("attestation_version"),
        "security_level": None if level is None else level.name,
        "challenge": None if challenge is None else base64.b64encode(challenge).decode(),
        "verified_boot_state": root and root.verified_boot_state.value,
        "device_locked": root and root.device_locked,
        "os_version": hardware.os_version,
        "os_patch_level": hardware.os_patch_level,
        "imeis": [imei for imei in (hardware.imei, hardware.second_imei) if imei is not None],
        "tier": appraisal.tier.value,
        "reasons": appraisal.reasons(),
        "claims": [
            {
                "claim": claim,
                "tier": tier.value,
                "value": value,
                "reason": reason.value,
                "meaning": MEANING[reason],
            }
            for claim, tier, value, reason in claims
        ],
        "deviations": [
            {
                "code": each.deviation.value,
                "certificate": each.place,
                "subject": each.subject,
                "meaning": DEVIATION_MEANING[each.deviation],
            }
            for each in deviations(checked)
        ],
        "provisioning": facts and facts.method.value,
        "certificates_issued": facts and facts.issued,
        "root": checked.anchor.value,
        "problem": problem
        and {
            "code": problem.problem.value,
            "certificate": problem.place,
            "subject": problem.subject,
            "detail": sentence(problem),
        },
        "certificates": [each and _certificate_json(each) for each in checked.certificates],
        "at": checked.options.at,
        "revocation_checked": checked.options.statuses is not None,
        "status_list_age": checked.options.status_list_age,
        "key_description": {name: _plain(value) for name, value in said.items()} or None,
    }


def _certificate_json(certificate: ParsedCertificate) -> dict[str, str | None]:
    """What can be read of a certificate; times are in ISO 8601."""
    begins = ends = None
    with suppress(CertificateError):
        begins, ends, _ = certificate.period()
    return {
        "subject": certificate.subject_text(),
        "issuer": name_text(certificate.issuer),
        "serial_number": certificate.serial.hex(),
        "not_before": None if begins is None else instant(begins),
        "not_after": None if ends is None else instant(ends),
        "key": _key(certificate),
    }


def _key(certificate: ParsedCertificate) -> str | None:
    """Kind and size of the key, None if it cannot be read."""
    try:
        key = load_der_public_key(certificate.spki)
    except (ValueError, UnsupportedAlgorithm):
        return None
    kind = type(key).__name__.removesuffix("PublicKey").lstrip("_")
    return f"{kind} {getattr(key, 'key_size', '')}".strip()


def deviations(checked: CheckedAttestation) -> list[PlacedDeviation]:
    """The deviations of the chain and of the key description, which is in the leaf."""
    leaf = checked.certificates[0]
    subject = leaf.subject_text() if leaf else ""
    found = sorted(checked.statements.get("deviations", ()))
    return [*checked.deviations, *(PlacedDeviation(each, 0, subject) for each in found)]


def sentence(problem: ChainError) -> str:
    """The problem, with position and subject of the certificate."""
    return f"{_certificate_name(problem.place, problem.subject)} {problem.finding}"


def _certificate_name(place: int | None, subject: str | None) -> str:
    if place is None:
        return "the chain:"
    name = "certificate 0, the leaf" if place == 0 else f"certificate {place}"
    return name if subject is None else f"{name} ({subject})"


def _plain(value: Any) -> Any:
    """A part of a key description as JSON values: bytes in base64, and only the present members of a list."""
    if is_dataclass(value):
        members = {field.name: getattr(value, field.name) for field in fields(value)}
        if isinstance(value, AuthorizationList):
            members = {
                name: each for name, each in members.items() if each is not False and each != frozenset()
            }
        return {name: _plain(each) for name, each in members.items() if each is not None}
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
    if checked.statements:
        if not checked.chain_ok:
            parts.append(Text("The following is not proved: the chain is not valid.", style="yellow"))
        parts += [_statements(checked), Text()]
    claims = _table("claim", "tier", "why")
    for result in checked.appraisal.results:
        tier = Text(result.tier.value, style=_STYLES[result.tier])
        claims.add_row(result.claim.value, tier, f"{MEANING[result.reason]} ({result.reason.value})")
    for each in deviations(checked):
        where = _certificate_name(each.place, each.subject)
        why = f"{DEVIATION_MEANING[each.deviation]} ({each.deviation.value}) It is {where}."
        claims.add_row("deviation", Text("warning", style=_STYLES[TrustTier.WARNING]), escape(why))
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


def _certificate(certificate: ParsedCertificate | None) -> tuple[str, str, str]:
    """Validity, key and subject, each as far as it can be read."""
    if certificate is None:
        return "?", "?", "not an X.509 certificate"
    try:
        period = certificate.period()
        valid = f"{instant(period.begins)[:10]} to {instant(period.ends)[:10]}"
    except CertificateError:
        valid = "?"
    return valid, _key(certificate) or "?", certificate.subject_text()


def _statements(checked: CheckedAttestation) -> Table:
    said = checked.statements
    hardware = said.get("hardware") or AuthorizationList()
    root = hardware.root_of_trust
    lines = {}
    if "attestation_version" in said:
        lines["version"] = f"{said['attestation_version']}, keystore {said.get('keymint_version', '?')}"
    level = said.get("attestation_level")
    if level is not None:
        keymint = said.get("keymint_level")
        lines["security level"] = f"{level.name}, keystore {'?' if keymint is None else keymint.name}"
    if "challenge" in said:
        lines["challenge"] = base64.b64encode(said["challenge"]).decode()
    if root is None:
        unreadable = "root_of_trust" in hardware.unreadable
        lines["boot"] = "cannot be read" if unreadable else "not stated by the hardware"
    else:
        lines["boot state"] = root.verified_boot_state.value
        lines["boot key"] = root.verified_boot_key.hex()
        lines["bootloader"] = "locked" if root.device_locked else "unlocked"
    if facts := checked.provisioning:
        issued = "" if facts.issued is None else f", {facts.issued} certificates issued"
        lines["provisioning"] = f"{facts.method.value}{issued}"
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
        "cannot be read": ", ".join(sorted(hardware.unreadable)) or None,
        "unknown tags": ", ".join(map(str, sorted(hardware.unread))) or None,
    }
    lines |= {name: str(value) for name, value in optional.items() if value is not None}
    table = _table("what the attestation says", "")
    for name, text in lines.items():
        table.add_row(name, escape(text if text.isprintable() else ascii(text)))
    return table


def _conclusion(checked: CheckedAttestation) -> Iterator[Text]:
    tier, problem, age = checked.appraisal.tier, checked.problem, checked.options.status_list_age
    if problem:
        text = sentence(problem)
        yield Text(f"{text[0].upper()}{text[1:]}.", style="bold red", overflow="fold")
    yield Text(f"{tier.value.upper()}, as of {instant(checked.options.at)}.", style=_STYLES[tier])
    if age is None:
        yield Text("Revocation was not checked: no --status-list was given.", style="yellow")
    else:
        size, unit = next((size, unit) for size, unit in _UNITS if age >= size or size == 1)
        text = f"The status list is {age // size} {unit} old."
        yield Text(text, style="yellow" if age > DAY else "")


_UNITS: Final = ((DAY, "d"), (3600, "h"), (60, "min"), (1, "s"))
