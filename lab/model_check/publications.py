"""Key repositories for the model: real TUF files, verified by the production client.

They differ in the time at which they were signed, in the clock number, in the root, and in the list of verdict keys.
Each is fetched by a device that has no stored metadata, so only the bounds that it sealed remember earlier ones.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tuf.api.metadata import Metadata, Timestamp

from agent.adapters.tuf_keys import TufKeys
from agent.ports import Answer, KeySourceError, PublishedKeys
from agent.verification.bounds import TimestampBounds
from lab.manufacturer.key_ceremony import FIRST_ROOT_EXPIRES, Ceremony
from lab.world.seed import Seed
from server_stub.key_repository import KeyList, OnlineRole, next_root
from server_stub.key_repository.publication import EVERY_ROLE, MetadataPublisher
from server_stub.key_repository.roles import Lifetimes
from server_stub.signing.signing_key import SigningKey
from wire import key_repository, limits, media

UNIT: Final = 10 * 86_400
"""Seconds between two instants of the model; longer than any clock skew or lifetime of a verdict or timestamp."""
NOW: Final = 1_700_000_000
"""Trusted time in every state of the model."""
FLOOR: Final = NOW - limits.TIMESTAMP_LIFETIME // 2
"""The floor of trusted time after an exchange: trusted time is later than it by less than a day."""
CLOCK: Final = 5
"""The clock number of the server."""
ROOT: Final = 1

CEREMONY: Final = Ceremony(Seed.of("explore"))
KEYS: Final = tuple(SigningKey.of(Seed.of("explore").ed25519(name)) for name in ("vendor's", "successor"))
"""The verdict key, and the one that replaces it after its theft."""
STRANGER: Final = SigningKey.of(Seed.of("explore").ed25519("somebody's"))
_FORGERS: Final = 9
"""The generation of online keys of an attacker."""
_SUCCESSOR: Final = ROOT + 1
_REPOSITORY: Final = "/tuf/"


@dataclass(frozen=True, slots=True)
class Publication:
    """What a device downloads. `signed` is in seconds since the epoch.

    `root` is the version of the newest root; the second one replaces the online keys. `revoked` is whether the first
    verdict key is revoked, `forged` whether the timestamp is signed by keys that no root lists.
    """

    signed: int = NOW
    clock: int = CLOCK
    root: int = ROOT
    revoked: bool = False
    forged: bool = False

    @property
    def shown(self) -> TimestampBounds:
        """The bounds that a device must read from it."""
        return TimestampBounds(self.signed, self.clock, self.root, (_signer(self.root),))


def fetch(publication: Publication, known: TimestampBounds) -> PublishedKeys | KeySourceError:
    """What the production client returns or raises for a device that has sealed `known`."""
    with TemporaryDirectory(prefix="activation-explore-") as folder:
        client = TufKeys(CEREMONY.pinned_root, Path(folder), _Files(publication))
        try:
            return client.keys(known)
        except KeySourceError as error:
            return error


@dataclass(frozen=True, slots=True)
class _Files:
    """Implements `agent.ports.Downloads`."""

    publication: Publication

    def get(self, path: str, *, accept: str) -> Answer:  # noqa: ARG002 - the port's signature
        """The file, or status 404."""
        content = _files(self.publication).get(path)
        return Answer(404, media.PROBLEM, b"") if content is None else Answer(200, media.JSON, content)


@cache
def _files(publication: Publication) -> dict[str, bytes]:
    generation = publication.root - ROOT
    online = CEREMONY.online(generation)
    listed = KeyList.of(*(key.public_jwk() for key in KEYS))
    if publication.revoked:
        listed = listed.revoked(KEYS[0].kid)
    publisher = MetadataPublisher(online, Lifetimes())
    _, files = publisher.publish({}, listed, EVERY_ROLE, publication.signed)
    found = {f"{_REPOSITORY}{name}": content for name, content in files.items()}
    if generation:
        root = next_root(CEREMONY.pinned_root, CEREMONY.holder(), online, FIRST_ROOT_EXPIRES)
        found[f"{key_repository.METADATA_PATH}{_SUCCESSOR}.root.json"] = root
    path = f"{key_repository.METADATA_PATH}timestamp.json"
    timestamp = Metadata[Timestamp].from_bytes(found[path])
    expires = publication.signed + limits.TIMESTAMP_LIFETIME
    timestamp.signed.expires = datetime.fromtimestamp(expires, UTC)
    timestamp.signed.unrecognized_fields[key_repository.CLOCK] = publication.clock
    signers = CEREMONY.online(_FORGERS) if publication.forged else online
    timestamp.sign(signers.signer(OnlineRole.TIMESTAMP))
    found[path] = timestamp.to_bytes()
    return found


@cache
def _signer(root: int) -> str:
    return CEREMONY.online(root - ROOT).public(OnlineRole.TIMESTAMP).keyid


KNOWN: Final = TimestampBounds(FLOOR, CLOCK, ROOT, (_signer(ROOT),))
"""The bounds of a device that has accepted a verdict."""
