"""Times that people type for `activation admin`."""

from lab.cli import say
from lab.verify_inputs import InputError, read_time


def seconds(text: str | None, option: str) -> int | None:
    """Seconds since the epoch. Stops with an error that names `option`."""
    try:
        return None if text is None else read_time(text)
    except InputError as error:
        say.fail(f"{option}: {error}")
