"""Times that people type for `activation admin`."""

from lab.cli import output
from lab.inspection.inputs import InputError, read_time


def seconds(text: str | None, option: str) -> int | None:
    """Seconds since the epoch. Stops with an error that names `option`."""
    try:
        return None if text is None else read_time(text)
    except InputError as error:
        output.exit_with_error(f"{option}: {error}")
