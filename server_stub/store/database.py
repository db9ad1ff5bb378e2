"""Names a database: an SQLite file by its path, PostgreSQL by a URL, or one in memory. Shown without its password."""

import fcntl
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from server_stub.store.records import StoreFault, StoreUnavailableError

_SCHEMES: Final = ("postgresql", "postgres")
_DRIVER: Final = "postgresql+psycopg"
_MEMORY: Final = URL.create("sqlite")
_PRIVATE: Final = 0o600
_LOG: Final = logging.getLogger(__name__)

ONE_PROCESS: Final = "SQLite is for one process, since two processes are slower than one"


class DatabaseError(ValueError):
    """A text does not name a database. The message does not repeat the text, which may hold a password."""


class Database:
    """The location of a database.

    >>> str(Database("postgresql://judge:secret@db.example/verdicts?sslmode=require"))
    'postgresql://judge:***@db.example/verdicts'
    >>> str(Database("activation.sqlite"))
    'activation.sqlite'
    """

    def __init__(self, place: "str | Path | Database | None") -> None:
        """`place`: a file's path, or `postgresql://user:password@host:port/name`, or None for memory.

        Raises DatabaseError.
        """
        if isinstance(place, Database):
            self.url, self.file = place.url, place.file
        elif place is None:
            self.url, self.file = _MEMORY, None
        elif isinstance(place, str) and "://" in place:
            self.url, self.file = _postgresql(place), None
        elif str(place) == "":
            raise DatabaseError("no database is named; give a file, or postgresql://user:password@host/name")
        elif str(place) == ":memory:" or _is_folder(Path(place)):
            raise DatabaseError(f"{place} is not a file; give the path of a file, such as activation.sqlite")
        else:
            self.file = Path(place)
            self.url = URL.create("sqlite", database=str(place))

    url: URL
    """SQLAlchemy's URL. It holds the password and must not be shown."""

    file: Path | None
    """The SQLite file; None for PostgreSQL and for memory."""

    @property
    def in_memory(self) -> bool:
        """Whether the database lasts only as long as its store."""
        return self.url == _MEMORY

    @property
    def is_postgresql(self) -> bool:
        """Whether a PostgreSQL server holds it."""
        return self.file is None and not self.in_memory

    @property
    def passwords(self) -> tuple[str, ...]:
        """The passwords of the URL, except for what it shows otherwise."""
        query, shown = self.url.normalized_query, str(self)
        hidden = [value for name in query if "password" in name.lower() for value in query[name]]
        return tuple(each for each in (self.url.password, *hidden) if each and each not in shown)

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Be the only server on this file while the block runs. Yields whether the file is new.

        The store must be opened and closed in the block: when a process closes a descriptor of a file, SQLite loses its
        own locks on it. Other commands do not need the lock. Raises StoreUnavailableError.
        """
        if self.file is None:
            yield False
            return
        with ExitStack() as stack:
            try:
                existed = self.file.exists()
                make_private(self.file)
                descriptor = os.open(self.file, os.O_RDONLY)
                stack.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                problem = f"another server uses it, and {ONE_PROCESS}; end it, use PostgreSQL for several"
                raise StoreUnavailableError(problem, StoreFault.LOCKED) from error
            except OSError as error:
                raise StoreUnavailableError(f"{error.strerror}") from error
            yield not existed and os.fstat(descriptor).st_size == 0

    def remove(self) -> None:
        """Delete the file and those of SQLite next to it."""
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{self.file}{suffix}").unlink(missing_ok=True)

    def beside(self, suffix: str) -> Path:
        """A path for files that belong to this database: next to its file, or else in the current folder."""
        if self.file is not None:
            return self.file.with_name(self.file.stem + suffix)
        return Path(f"{self.url.database or 'activation'}{suffix}")

    def __str__(self) -> str:
        if self.file is not None:
            return str(self.file)
        if self.in_memory:
            return "a database in memory"
        # The query may hold a password too.
        return self.url.set(drivername="postgresql", query={}).render_as_string()

    def __repr__(self) -> str:
        return f"Database({str(self)!r})"


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise DatabaseError(f"{path} cannot be a file: {error.strerror}") from error


def _postgresql(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise DatabaseError(
            "this is not the URL of a database; write postgresql://user:password@host:port/name"
        ) from None
    if url.drivername not in (*_SCHEMES, _DRIVER):
        raise DatabaseError(
            f"{url.drivername} databases are not supported; give a file, or postgresql://user:password@host/name"
        )
    if find_spec("psycopg") is None:
        raise DatabaseError(
            "a PostgreSQL database needs psycopg, not installed here; "
            "install the extra: pip install 'activation-agent[cluster]'"
        )
    if "@" in (url.host or ""):
        raise DatabaseError("this is not the URL of a database; write %40 for an @ in its password")
    return url.set(drivername=_DRIVER)


def make_private(file: Path) -> None:
    """Create `file` if it does not exist, and let only its owner read it and the files next to it, whatever the umask.

    SQLite gives `-wal` and `-shm` the mode of the database. A mode that was wider is logged. Raises OSError.
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, _PRIVATE))
        file.chmod(_PRIVATE)  # the umask may have removed more
    except FileExistsError:
        for each in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
            _tighten(each)


def _tighten(file: Path) -> None:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            file.chmod(_PRIVATE)
            _LOG.warning("%s: its mode was %04o and is now %04o", file, mode, _PRIVATE)
    except FileNotFoundError:
        pass
    except PermissionError:
        _LOG.warning("%s: others can read it, and its mode cannot be changed: it has another owner", file)
