"""Which database: a file of SQLite by its path, or PostgreSQL by a URL. What is shown of it never holds a password."""

from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_SCHEMES: Final = ("postgresql", "postgres")
_DRIVER: Final = "postgresql+psycopg"


class DatabaseError(ValueError):
    """A text names no database. What it said is not repeated: it may hold a password."""


class Database:
    """The place of a database.

    >>> str(Database("postgresql://judge:secret@db.example/verdicts?sslmode=require"))
    'postgresql://judge:***@db.example/verdicts'
    >>> str(Database("activation.sqlite"))
    'activation.sqlite'
    """

    def __init__(self, place: "str | Path | Database") -> None:
        """`place` is the path of a file, or a URL `postgresql://user:password@host:port/name`. Raises DatabaseError."""
        if isinstance(place, Database):
            self.url, self.file = place.url, place.file
        elif isinstance(place, str) and "://" in place:
            self.url, self.file = _postgresql(place), None
        elif str(place) == "":
            raise DatabaseError("no database is named; give a file, or postgresql://user:password@host/name")
        else:
            self.file = Path(place)
            self.url = URL.create("sqlite", database=str(place))

    url: URL
    """As SQLAlchemy takes it, with the password: never to be shown."""

    file: Path | None
    """The file of SQLite; None for a server of databases."""

    def beside(self, suffix: str) -> Path:
        """A path for what belongs to this database: beside its file, or in the current folder, by its name."""
        if self.file is not None:
            return self.file.with_name(self.file.stem + suffix)
        return Path(f"{self.url.database or 'activation'}{suffix}")

    def __str__(self) -> str:
        if self.file is not None:
            return str(self.file)
        # The query may hold a password too.
        return self.url.set(drivername="postgresql", query={}).render_as_string()

    def __repr__(self) -> str:
        return f"Database({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Database) and self.url == other.url

    def __hash__(self) -> int:
        return hash(self.url)


def _postgresql(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise DatabaseError(
            "this is no URL of a database; write postgresql://user:password@host:port/name"
        ) from None
    if url.drivername not in (*_SCHEMES, _DRIVER):
        raise DatabaseError(
            f"{url.drivername} databases are not known here; give a file, or postgresql://user:password@host/name"
        )
    return url.set(drivername=_DRIVER)
