"""Entry point of the `activation` script, for each extra that may be installed. Imports only the standard library.

Without an extra the wheel has the packages of the agent; the command says which extra a subcommand needs.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Final

OF_SERVER: Final = frozenset({"serve", "admin", "policy", "openapi"})
"""The commands that the extra `server` runs; `serve` needs `cluster` for PostgreSQL. The extra `lab` runs all."""

PACKAGES: Final = {
    "server": [
        "PIL",
        "alembic",
        "fastapi",
        "h11",
        "joserfc",
        "limits",
        "prometheus_client",
        "pycountry",
        "rich",
        "segno",
        "sqlalchemy",
        "stdnum",
        "structlog",
        "timezonefinder",
        "typer",
        "uvicorn",
        "zxingcpp",
    ],
    "cluster": ["psycopg"],
    "lab": ["jinja2", "noto_cjk_sans_jp_regular", "pymupdf_fonts", "yaml"],
}
"""The packages that each extra adds."""


def main() -> None:
    """Run the command. Exits with 2 if a package of the extra that it needs is not installed."""
    command = next((each for each in sys.argv[1:] if not each.startswith("-")), "")
    extra = "server" if not command or command in OF_SERVER else "lab"
    needed = (
        PACKAGES["server"] if extra == "server" else [each for some in PACKAGES.values() for each in some]
    )
    if missing := [package for package in needed if find_spec(package) is None]:
        sys.stderr.write(
            f"activation: {command or 'the command'} needs {', '.join(missing)}, not installed here; "
            f"install the extra: pip install 'activation-agent[{extra}]'\n"
        )
        sys.exit(2)
    import_module("lab.cli.main").main()


if __name__ == "__main__":
    main()
