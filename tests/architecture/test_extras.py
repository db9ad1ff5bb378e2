"""Each part of the project imports only what the base installation or its extra names."""

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Final

import grimp
import pytest

from lab.cli.entry import OF_SERVER, PACKAGES
from lab.cli.main import COMMANDS, LazyGroup

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OWN = ("agent", "firmware_profiles", "lab", "server_stub", "text_input", "wire")
BASE = ("agent", "firmware_profiles", "wire")


def normal_name(requirement: str) -> str:
    """The normalized name of a distribution (PyPA, name normalization)."""
    name = re.match(r"[\w.-]+", requirement)
    assert name
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def with_requirements(names: Iterable[str]) -> set[str]:
    """These distributions and all that they require without an extra."""
    found: set[str] = set()
    left = [normal_name(name) for name in names if not name.startswith("activation-agent")]
    while left:
        name = left.pop()
        if name in found:
            continue
        found.add(name)
        try:
            required = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # a requirement of another platform
            continue
        left += [normal_name(each) for each in required if "extra ==" not in each]
    return found


EXTRAS: Final = PROJECT["optional-dependencies"]
ALLOWED: Final = {
    "base": with_requirements(PROJECT["dependencies"]),
    "server": with_requirements(PROJECT["dependencies"] + EXTRAS["server"]),
    "cluster": with_requirements(PROJECT["dependencies"] + EXTRAS["server"] + EXTRAS["cluster"]),
    "lab": with_requirements(PROJECT["dependencies"] + [each for extra in EXTRAS.values() for each in extra]),
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*OWN, include_external_packages=True, cache_dir=None)


def external(graph: grimp.ImportGraph, starts: Iterable[str]) -> dict[str, str]:
    """Each package that is not of the project, and a module that imports it, from `starts` on."""
    seen: set[str] = set()
    found: dict[str, str] = {}
    left = list(starts)
    while left:
        module = left.pop()
        if module in seen:
            continue
        seen.add(module)
        parent = module.rpartition(".")[0]
        left += [parent] if parent else []
        for imported in graph.find_modules_directly_imported_by(module):
            if imported.partition(".")[0] in OWN:
                left.append(imported)
            elif imported not in sys.stdlib_module_names:
                found[imported] = module
    return found


def modules_of(entry: object) -> list[str]:
    """The modules of a command and of its subcommands."""
    if isinstance(entry, LazyGroup):
        return [target.partition(":")[0] for target in entry.targets()]
    assert isinstance(entry, tuple)
    return [entry[0].partition(":")[0]]


def starts_of(part: str, graph: grimp.ImportGraph) -> list[str]:
    if part == "base":
        return [module for module in graph.modules if module.partition(".")[0] in BASE]
    commands = [module for name in sorted(OF_SERVER) for module in modules_of(COMMANDS[name])]
    of_server = [module for module in graph.modules if module.partition(".")[0] == "server_stub"]
    every = [module for module in graph.modules if module.partition(".")[0] in OWN]
    return every if part == "lab" else ["lab.cli.main", *commands, *of_server]


@pytest.mark.parametrize("part", ALLOWED)
def test_part_imports_only_what_its_extra_installs(part: str, graph: grimp.ImportGraph) -> None:
    distributions = metadata.packages_distributions()
    wrong = {
        package: module
        for package, module in external(graph, starts_of(part, graph)).items()
        if not ALLOWED[part].intersection(map(normal_name, distributions.get(package, [package])))
    }
    wrong.pop("pytest", None)  # the plugin runs only where pytest is installed
    assert wrong == {}


def test_command_looks_for_the_packages_that_its_extra_names() -> None:
    distributions = metadata.packages_distributions()
    for extra, packages in PACKAGES.items():
        named = {normal_name(each) for each in EXTRAS[extra] if not each.startswith("activation-agent")}
        assert {normal_name(distributions[package][0]) for package in packages} == named
