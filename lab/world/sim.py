"""SIM cards: their responses to the commands of +CRSM, and cards generated for an operator."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Final

from agent.telephony.identity import check_digit
from lab.world import sim_files
from lab.world.operators import find_operator
from wire.evidence import Plmn


class PinState(StrEnum):
    """Whether the card can be used."""

    READY = "ready"
    PIN_REQUIRED = "pin-required"
    PUK_REQUIRED = "puk-required"
    BLOCKED = "blocked"
    """The PUK was wrong too often; the card is permanently unusable."""


@dataclass(frozen=True, slots=True)
class CardCommand:
    """One command to the card: instruction, file and parameters, as +CRSM gives them."""

    instruction: int
    file_id: int
    p1: int = 0
    p2: int = 0
    p3: int = 0


@dataclass(frozen=True, slots=True)
class CardResponse:
    """Status word and data."""

    sw1: int
    sw2: int
    data: bytes = b""


READ_BINARY: Final = 0xB0
GET_RESPONSE: Final = 0xC0

FILE_NOT_FOUND: Final = CardResponse(0x6A, 0x82)
WRONG_OFFSET: Final = CardResponse(0x6B, 0x00)
UNKNOWN_INSTRUCTION: Final = CardResponse(0x6D, 0x00)


@dataclass(frozen=True, slots=True)
class SimCard:
    """A card in a slot.

    `imsi` and `ccid` are the values that the modem reports from its cache for +CIMI and +CCID, empty if it has none.
    `files` has the content of transparent files by identifier. `responses` are recorded responses, which take
    precedence over responses computed from `files`. `empty` is an eUICC without an enabled profile.
    """

    imsi: str
    ccid: str
    pin: PinState = PinState.READY
    files: Mapping[int, bytes] = field(default_factory=lambda: MappingProxyType({}))
    responses: Mapping[CardCommand, CardResponse] = field(default_factory=lambda: MappingProxyType({}))
    empty: bool = False

    @property
    def usable(self) -> bool:
        """Whether a phone can register with it."""
        return self.pin is PinState.READY and not self.empty

    def answer(self, command: CardCommand) -> CardResponse:
        """The response to `command`: a recorded one, or else one computed from the file."""
        if recorded := self.responses.get(command):
            return recorded
        content = self.files.get(command.file_id)
        if content is None:
            return FILE_NOT_FOUND
        if command.instruction == GET_RESPONSE:
            return CardResponse(0x90, 0x00, sim_files.file_parameters(command.file_id, len(content)))
        return _read_binary(content, command) if command.instruction == READ_BINARY else UNKNOWN_INSTRUCTION

    def home(self) -> Plmn | None:
        """The home network, from the IMSI and `mnc_length`; None if the IMSI is too short."""
        if len(self.imsi) < 6:
            return None
        return Plmn(mcc=self.imsi[:3], mnc=self.imsi[3 : 3 + self.mnc_length()])

    def mnc_length(self) -> int:
        """The MNC length in EF_AD, 2 if the card has none."""
        administrative = self.files.get(sim_files.EF_AD, b"")
        return administrative[3] & 0x0F if len(administrative) > 3 else 2


def _read_binary(content: bytes, command: CardCommand) -> CardResponse:
    rest = content[(command.p1 & 0x7F) << 8 | command.p2 :]
    if not rest:
        return WRONG_OFFSET
    length = command.p3 or 256
    return (
        CardResponse(0x6C, len(rest) & 0xFF) if length > len(rest) else CardResponse(0x90, 0, rest[:length])
    )


def make_sim(
    imsi: str, iccid: str, mnc_length: int, *, spn: str | None = None, gid1: str | None = None
) -> SimCard:
    """A ready card with consistent files. `gid1` is hexadecimal; without `spn` or `gid1` the card has no such file."""
    files = {
        sim_files.EF_ICCID: sim_files.encode_iccid(iccid),
        sim_files.EF_IMSI: sim_files.encode_imsi(imsi),
        sim_files.EF_AD: sim_files.encode_ad(mnc_length),
    }
    if spn is not None:
        files[sim_files.EF_SPN] = sim_files.encode_spn(spn)
    if gid1 is not None:
        files[sim_files.EF_GID1] = bytes.fromhex(gid1)
    return SimCard(imsi=imsi, ccid=iccid, files=MappingProxyType(files))


_ISSUER_DIGITS: Final = 18


def generate_sim(plmn: Plmn, rng: Random, *, pin: PinState = PinState.READY) -> SimCard:
    """A card of the operator `plmn`, with its name, a random subscriber and a random serial number.

    The ICCID has the form of ITU-T E.118: 89, the MCC and MNC in place of country and issuer, random digits and a valid
    check digit; the issuer number is invented. Raises UnknownOperatorError.
    """
    name = sim_files.fit_spn(find_operator(plmn).name)
    prefix = plmn.mcc + plmn.mnc
    imsi = prefix + _random_digits(rng, 15 - len(prefix))
    body = f"89{prefix}"
    body += _random_digits(rng, _ISSUER_DIGITS - len(body))
    return replace(make_sim(imsi, f"{body}{check_digit(body)}", len(plmn.mnc), spn=name), pin=pin)


def _random_digits(rng: Random, count: int) -> str:
    return "".join(str(rng.randrange(10)) for _ in range(count))
