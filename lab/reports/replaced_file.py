"""A file of a report, which is replaced as a whole or not at all."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """A stream whose content replaces `file` at the end of the block, unless the block raises. Raises OSError.

    The content is in a new file next to it until it is complete. A symbolic link is refused, as it could lead to a file
    that the user did not name. A device or a pipe is written directly.
    """
    if file.exists() and not stat.S_ISREG(file.stat().st_mode) and not file.is_dir():
        with file.open("wb") as stream:
            yield stream
        return
    if file.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link", str(file))
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
