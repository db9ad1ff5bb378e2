"""Settings of a server from environment variables, for commands that build one."""

from collections.abc import Iterator
from contextlib import contextmanager

from lab.cli import output
from lab.cli.lazy import deferred

with deferred():
    import pydantic

    from server_stub.policy import errors
    from server_stub.reference_data import source_countries
    from text_input import files


@contextmanager
def usable_settings() -> Iterator[None]:
    """Exits with an error that names the variable, or the file that it names, if a setting cannot be used."""
    try:
        yield
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = f"ACTIVATION_SERVER_{str(first['loc'][0]).upper()}"
        output.exit_with_error(f"{name} cannot be used: {first['msg']}")
    except (errors.PolicyError, source_countries.SourceCountriesError, files.UnusableFileError) as error:
        output.exit_with_error(str(error))
