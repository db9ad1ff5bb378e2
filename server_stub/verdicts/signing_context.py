"""What verdicts are made and signed with."""

from collections.abc import Callable
from dataclasses import dataclass

from server_stub.evidence.pseudonyms import Pseudonyms
from server_stub.key_repository import VerdictSigner
from server_stub.signing.signing_key import SigningKey


@dataclass(frozen=True, slots=True)
class SigningContext:
    """What an operator's verdicts are made with; the parts of the service that they share."""

    issuer: str
    audience: str
    signer: SigningKey | VerdictSigner
    pseudonyms: Pseudonyms
    clock: Callable[[], int]
    random: Callable[[int], bytes]
