"""A CycloneDX bill of materials (ECMA-424, JSON, version 1.6) of the locked requirements.

It has no time and no random serial number: the same lock files give the same bytes.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

RUN: Final = "run.txt"
"""The lock file of what is installed with the project. The others are for development."""
LOCK_FILES: Final = (RUN, "dev.txt", "audit.txt")

_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One package of a lock file, with the SHA-256 of each of its distribution files."""

    name: str
    version: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        """The package URL (ECMA-427)."""
        return f"pkg:pypi/{self.name}@{self.version}"


class LockFileError(ValueError):
    """A lock file has a line that is not understood, or a package without a hash."""


def read_lock(text: str) -> Iterator[LockedPackage]:
    """The packages of a lock file. Raises LockFileError."""
    joined = text.replace("\\\n", " ")
    for line in filter(None, (line.partition("#")[0].strip() for line in joined.splitlines())):
        match, hashes = _REQUIREMENT.match(line), tuple(_HASH.findall(line))
        if match is None or not hashes:
            raise LockFileError(f"not a pinned requirement with hashes: {line[:80]}")
        yield LockedPackage(normal_name(match[1]), match[2], hashes)


def normal_name(name: str) -> str:
    """The normalized name of a package.

    >>> normal_name("Typing_Extensions")
    'typing-extensions'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirements(project: dict[str, Any]) -> Iterator[str]:
    """What the project requires, with every extra."""
    yield from project["dependencies"]
    for extra in project["optional-dependencies"].values():
        yield from (each for each in extra if not each.startswith(project["name"]))


def bill_of_materials(project: dict[str, Any], locks: dict[str, Iterable[LockedPackage]]) -> dict[str, Any]:
    """The document for the table `project` of pyproject.toml, and the packages of each lock file."""
    run = set(locks[RUN])
    packages = sorted({*run, *(each for lock in locks.values() for each in lock)}, key=lambda each: each.purl)
    root = {"type": "application", "name": project["name"], "version": project["version"]}
    purl = LockedPackage(project["name"], project["version"], ()).purl
    direct = {normal_name(re.split(r"[^A-Za-z0-9._-]", each)[0]) for each in _requirements(project)}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**root, "bom-ref": purl, "purl": purl}},
        "components": [_component(each, required=each in run) for each in packages],
        "dependencies": [
            {
                "ref": purl,
                "dependsOn": [each.purl for each in packages if each in run and each.name in direct],
            }
        ],
    }


def _component(package: LockedPackage, *, required: bool) -> dict[str, Any]:
    files = [{"alg": "SHA-256", "content": content} for content in package.hashes]
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "scope": "required" if required else "excluded",
        "purl": package.purl,
        "externalReferences": [{"type": "distribution", "url": package.purl, "hashes": files}],
    }


def write(folder: Path, file: Path) -> int:
    """Write the bill of the project in `folder` to `file`. Returns the number of components."""
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    locks = {
        name: tuple(read_lock((folder / "requirements" / name).read_text("utf-8"))) for name in LOCK_FILES
    }
    bill = bill_of_materials(project, {**locks})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n", "utf-8")
    return len(bill["components"])
