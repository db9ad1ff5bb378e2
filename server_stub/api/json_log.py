"""The request log as JSON lines."""

import logging
from typing import TextIO

import structlog

from server_stub.api.logs import Log


def json_log(stream: TextIO, **members: object) -> Log:
    """A log of JSON lines in `stream`, each of which has these members and is written in one call."""
    log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
    )
    return log.bind(**members)
