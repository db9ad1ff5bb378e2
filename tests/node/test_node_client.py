"""A client in JavaScript that uses only Node.js: the vectors, and a week of virtual time with every fault."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lab.attacks.vectors import FILE
from lab.fault_proxy.client_transport import unreachable_addresses
from lab.fault_proxy.proxy import FaultProxy
from lab.fault_proxy.schedule import FaultSchedule, FaultScheduler, NetworkFault
from lab.world.clock import World
from lab.world.seed import Seed
from server_stub.faults.catalogue import (
    CAUSES_TIMEOUT,
    IN_HANDSHAKE,
    NO_CONNECTION,
    PROXY_KINDS,
    SERVER_ROUTES,
    FaultKind,
    Route,
)

FOLDER = Path(__file__).parent
VECTORS = FOLDER.parents[1] / "docs" / "security" / FILE

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="no Node.js here")


LONGEST = 400
"""Seconds of a script. It takes a quarter of that on an idle machine."""

SECONDS, SHORT = 3, 1
"""The limit of a request, and of one whose fault lets it run into the limit: real seconds, which the test waits."""


def node(*arguments: str | Path) -> Any:
    """What a script prints."""
    try:
        done = subprocess.run(
            ["node", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=FOLDER,
            check=False,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired as error:
        progress = (error.stderr or b"").decode()
        pytest.fail(f"{arguments[0]} does not end; the last that it did:\n{progress[-500:]}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_client_imports_only_modules_of_node() -> None:
    for script in set(FOLDER.glob("*.mjs")) - {FOLDER / "allure.mjs"}:  # a reader of Allure's, not the client
        imported = re.findall(r'from "([^"]+)"', script.read_text("utf-8"))
        assert all(name.startswith("node:") or (FOLDER / name).is_file() for name in imported), script


def test_the_client_judges_every_vector_as_expected() -> None:
    """It has no ML-DSA-65, which Node.js 18 lacks: it rejects such a token at step 5, as any unsupported one."""
    document = json.loads(VECTORS.read_text("utf-8"))
    judged = node("judge_vectors.mjs", VECTORS)
    for vector in document["vectors"]:
        result, expected = judged[vector["id"]], vector["expect"]
        if vector["id"].startswith("ml-dsa"):
            assert result["result"] == expected["result"] == "refused"
        else:
            assert result == expected, vector["id"]


UNREACHABLE = [kind for kind in PROXY_KINDS if kind in NO_CONNECTION - {FaultKind.PARTITION}]
ON_THE_WAY = [
    kind for kind in PROXY_KINDS if kind not in NO_CONNECTION | IN_HANDSHAKE | {FaultKind.CLOCK_SKEW}
]
"""A partition is no route for a time; the clock of the server is the test clock here."""
HARMLESS = {FaultKind.DUPLICATED_ANSWER}
"""The only fault of the way after which a verdict is accepted: the first response is right."""


class Proxy:
    """A proxy before `server`, whose faults affect a request of `route` each, in turn."""

    def __init__(
        self, stack: ExitStack, server: str, name: str, kinds: Sequence[FaultKind], route: Route
    ) -> None:
        seed = Seed.of(name)
        faults = [NetworkFault(kind, FaultSchedule(route, times=1)) for kind in kinds]
        scheduler = FaultScheduler(faults, lambda _: seed.random("draws"), in_turn=True)
        proxy = FaultProxy(server, scheduler, World(), seed, tls=not IN_HANDSHAKE.isdisjoint(kinds))
        self.route, self.name, self.kinds = route, name, kinds
        self.running = stack.enter_context(proxy)

    def settings(self) -> dict[str, Any]:
        """For the driver, which makes one exchange for each fault, within these seconds.

        A request for anything else than a verdict is repeated, and meets the next faults in the same exchange.
        """
        authorities = self.running.authorities
        ca = Path(authorities).read_text("ascii") if authorities else None
        repeats = self.route is not Route.VERDICTS
        seconds = [SHORT if repeats or kind in CAUSES_TIMEOUT else SECONDS for kind in self.kinds]
        return {"name": self.name, "origin": self.running.origin, "ca": ca, "seconds": seconds}


@pytest.mark.slow
def test_the_client_passes_a_week_with_every_fault(server: str, tmp_path: Path) -> None:
    """It stays activated, accepts only what the server decided, and recovers from each fault."""
    with ExitStack() as stack:
        proxies = [
            Proxy(stack, server, route.value, ON_THE_WAY, route)
            for route in (Route.VERDICTS, Route.KEYS, Route.CHALLENGES)
        ]
        proxies.append(Proxy(stack, server, "handshake", sorted(IN_HANDSHAKE), Route.ALL))
        nowhere = stack.enter_context(unreachable_addresses())
        settings = {
            "origin": server,
            "token": (tmp_path / "records-admin-token").read_text("ascii").strip(),
            "root": (tmp_path / "records-keys" / "metadata" / "1.root.json").read_text("utf-8"),
            "issuer": "https://verdicts.solvane.example",
            "audience": "solvane-phones",
            "device": 7,
            "file": str(tmp_path / "state.json"),
            "seconds": SECONDS,
            "short": SHORT,
            "faults": [
                {"kind": kind, "route": route} for kind, routes in SERVER_ROUTES.items() for route in routes
            ],
            "counts": [1, 8],
            "proxies": [
                *(proxy.settings() for proxy in proxies),
                *(
                    {"name": k, "origin": f"http://{nowhere[k]}", "ca": None, "seconds": [SHORT]}
                    for k in UNREACHABLE
                ),
            ],
        }
        (tmp_path / "settings.json").write_text(json.dumps(settings), "utf-8")
        week = node("week.mjs", tmp_path / "settings.json")
        for proxy in proxies:
            assert [entry.fault for entry in proxy.running.log.injected] == proxy.kinds
    assert (week["lock"], week["days"] >= 7) == ("activated", True)
    for trial in week["trials"]:
        # A lost challenge or key file is requested again immediately, at most twice.
        assert trial["failed"] or (trial["count"] == 1 and trial["route"] != Route.VERDICTS), trial
    outcomes = {proxy["name"]: proxy["outcomes"] for proxy in week["proxies"]}
    of_verdicts = zip(ON_THE_WAY, outcomes[Route.VERDICTS], strict=True)
    assert {kind for kind, outcome in of_verdicts if outcome == "accepted"} == HARMLESS
    assert all("accepted" not in outcomes[kind] for kind in UNREACHABLE)
