"""A file of a report, which is replaced as a whole or not at all."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

DEVICE_FOLDERS: Final = tuple(map(Path, ("/dev", "/dev/fd", "/proc/self/fd")))
"""Folders with links to the streams of a process, such as /dev/stdout."""


@contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """A stream whose content replaces `file` at the end of the block, unless the block raises. Raises OSError.

    The content is in a new file next to it until it is complete. A symbolic link is refused, as it could lead to a file
    that the user did not name. A device or a pipe is written directly.
    """
    if file.parent not in DEVICE_FOLDERS and file.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link", str(file))
    if file.parent in DEVICE_FOLDERS or file.is_fifo():
        with file.open("wb") as stream:
            yield stream
        return
    new = file.with_name(f".{file.name}.{os.getpid()}.part")
    new.unlink(missing_ok=True)
    try:
        with os.fdopen(
            os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666), "wb"
        ) as stream:
            yield stream
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
