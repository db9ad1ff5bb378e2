"""Reads and writes files that a scenario names, only below a given folder and never through a symbolic link."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from lab.scenario.engine.operations import StepError

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY


@contextmanager
def _folder_of(root: Path, path: str, *, make: bool) -> Iterator[tuple[int, str]]:
    """The opened folder of `path` and the name in it. Raises StepError for a link, and for what the block raises."""
    *folders, name = path.split("/")
    opened: list[int] = []
    try:
        if make:
            root.mkdir(parents=True, exist_ok=True)
        opened.append(os.open(root, _FOLDER))
        for folder in folders:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(folder, dir_fd=opened[-1])
            opened.append(os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=opened[-1]))
        yield opened[-1], name
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StepError(f"{root / path} cannot be used: {error.strerror or error}") from None
    finally:
        for each in opened:
            os.close(each)


def read_below(root: Path, path: str, size_max: int) -> bytes | None:
    """The content of the file, at most one byte more than `size_max`; None if there is no file. Raises StepError."""
    try:
        with _folder_of(root, path, make=False) as (folder, name):
            # Not blocking: a pipe would wait for a writer.
            number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            with os.fdopen(number, "rb") as file:
                if not stat.S_ISREG(os.fstat(number).st_mode):
                    raise StepError(f"{root / path} is not a file")
                return file.read(size_max + 1)
    except FileNotFoundError:
        return None


def write_below(root: Path, path: str, content: bytes) -> None:
    """Write a file atomically, with the folders that it needs. Raises StepError."""
    with _folder_of(root, path, make=True) as (folder, name):
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise StepError(f"{root / path} cannot be written: it is a link or no file")
        new = f".{os.getpid()}.next"
        number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666, dir_fd=folder)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
            os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            with suppress(FileNotFoundError):  # it was not renamed
                os.unlink(new, dir_fd=folder)
