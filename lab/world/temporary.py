"""Temporary folders, whose names begin with the id of their process, so that those of a killed one can be removed."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - folders below it are made by tempfile, with its care
_FREE_MIN: Final = 64 * 1024 * 1024


def memory_folder() -> Path | None:
    """A file system in memory, where writing to disk is fast; None without one that has 64 MiB free."""
    try:
        return _SHARED_MEMORY if shutil.disk_usage(_SHARED_MEMORY).free > _FREE_MIN else None
    except OSError:
        return None


def folder_prefix(process: int | None = None) -> str:
    """How the names of the folders of a process begin, by default of this one."""
    return f"activation-{process or os.getpid()}-"


def remove_folders_of(process: int) -> None:
    """Remove the folders of a process that has ended, or that ends without cleaning up."""
    for parent in (_SHARED_MEMORY, Path(tempfile.gettempdir())):
        for folder in parent.glob(f"{folder_prefix(process)}*"):
            if not folder.is_symlink():
                shutil.rmtree(folder, ignore_errors=True)
