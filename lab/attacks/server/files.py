"""Files that an attacker makes and another person opens.

An operator opens a policy or a status list, a developer a profile or the contents of a SIM.
Each must be refused with a bounded message that names the bound, before what it asks for is computed. The processor
time is not measured here: the fuzz targets do that.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from firmware_profiles import loader
from firmware_profiles.errors import ProfileError
from lab.attacks.harness.environment import TrialContext
from lab.attacks.harness.target_device import TargetDevice
from lab.attacks.model import Attack, AttackerCapability, Topic, Trial
from lab.attacks.substitution import LOCKED
from lab.world.icc_profile import PROFILE_MAX, IccProfileError, parse_icc_profile
from server_stub.attestation.revocation import StatusList, StatusListError
from server_stub.policy.errors import PolicyError
from server_stub.policy.policy import Policy
from text_input.toml import SIZE_MAX

_MESSAGE_MAX: Final = 20_000
"""Characters: an error for each of 50 lines, each at most as long as a line of text."""

_REFUSALS: Final = (PolicyError, StatusListError, ProfileError, IccProfileError)


def _policy(text: str) -> object:
    return Policy.parse(text, "draft.toml")


def _profile(text: str) -> object:
    return loader.parse(text, Path("image.toml"))


def _statuses(text: str) -> object:
    return StatusList.parse(text.encode())


def _sim(text: str) -> object:
    return parse_icc_profile(text.encode())


def _refusal(read: Callable[[], object]) -> str:
    try:
        read()
    except _REFUSALS as error:
        return str(error)
    return "nothing: it is accepted"


def _attack(name: str, sentence: str, source: str, expected: str, read: Callable[[], object]) -> Attack:
    """An attack with a file, of whose refusal `expected` must be a part. A locked device then gets its verdict."""

    def run(trial: TrialContext) -> TargetDevice:
        device = trial.locked()
        refusal = _refusal(read)
        trial.require(expected in refusal, f"the refusal says {expected!r}, not {refusal[:200]!r}")
        trial.require(len(refusal) <= _MESSAGE_MAX, "the refusal is short")
        device.handset.retry()
        return device

    trial = Trial(LOCKED.name, run, LOCKED.unchanged("deny territory-prohibited"))
    return Attack(name, sentence, source, (AttackerCapability.FILE,), (Topic.FILE,), (trial,))


_ENTITIES: Final = (
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><MF>&i;</MF>"
)

ATTACKS: Final[tuple[Attack, ...]] = (
    _attack("file-policy-long", "Give an operator a policy that is very long.", "CWE-770",
            "the document is longer than", partial(_policy, "#" * (SIZE_MAX + 1))),
    _attack("file-policy-deep", "Give an operator a policy that is nested very deeply.", "CWE-674",
            "more than 16 levels", partial(_policy, f"a = {'[' * 50_000}")),
    _attack("file-policy-dotted", "Give an operator a policy whose keys have very many parts.", "CWE-407",
            "more than 16 levels", partial(_policy, f"{'a.' * 50_000}a = 1")),
    _attack("file-policy-digits", "Give an operator a policy with a very long number.", "CWE-407",
            "a number has more than 40 digits", partial(_policy, f"version = {'9' * 100_000}")),
    _attack("file-policy-errors", "Give an operator a policy with an error in each of 500 lines.", "CWE-400",
            "there are more errors", partial(_policy, "".join(f"kee{number} = 1\n" for number in range(500)))),
    _attack("file-policy-list", "Give an operator a policy with a very long list.", "CWE-770",
            "at most 1000", partial(_policy, "[territories]\nprohibited = [" + "'CU', " * 20_000 + "]")),
    _attack("file-profile-deep", "Give a developer a profile that is nested very deeply.", "CWE-674",
            "more than 16 levels", partial(_profile, f"a = {'{a = ' * 10_000}")),
    _attack("file-status-list-deep", "Give an operator a status list that is nested very deeply.", "CWE-674",
            "JSON", partial(_statuses, "[" * 1_000_000)),
    _attack("file-sim-entities", "Give a developer a SIM whose entities become very long text.", "CWE-776",
            "document type", partial(_sim, _ENTITIES)),
    _attack("file-sim-deep", "Give a developer a SIM that is nested very deeply.", "CWE-674",
            "nested more than 32 deep", partial(_sim, "<DF>" * 50_000)),
    _attack("file-sim-wide", "Give a developer a SIM with very many files.", "CWE-770",
            "more than 20000 elements", partial(_sim, f"<MF>{'<EF/>' * 100_000}")),
    _attack("file-sim-long", "Give a developer a SIM that is very long.", "CWE-770",
            f"more than {PROFILE_MAX} bytes", partial(_sim, f"<MF>{' ' * PROFILE_MAX}</MF>")),
)  # fmt: skip
