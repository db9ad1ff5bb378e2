"""The facts and pins that a firmware image gives to its agent. It has no switches."""

from dataclasses import dataclass

from wire.codes import DebugStatus


@dataclass(frozen=True, slots=True)
class Image:
    """Facts of the running image.

    `oemid`, `hwmodel`: as in RFC 9711, raw bytes. `issuer` and `audience` are pinned: a verdict with others is
    rejected. `built_at`, seconds since the epoch, is the floor of trusted time. `terms_version` is the version that
    this image shows. `bands` are the radio bands of the hardware.
    """

    oemid: bytes
    hwmodel: bytes
    swname: str
    swversion: str
    build: str
    agent_version: str
    sale_region: str
    patch_level: str
    oemboot: bool
    dbgstat: DebugStatus
    terms_version: str
    bands: tuple[str, ...]
    issuer: str
    audience: str
    built_at: int
