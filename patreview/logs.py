"""Structured logs: one JSON object a line on standard error, UTC, with the request's id.

Everything goes through structlog's formatter, Django's and Celery's lines included. JSON escapes
control characters, so no input can forge a line.
"""

import logging
import logging.config
from typing import Any

import structlog

SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def configure(options: dict[str, str]) -> None:
    """Django's LOGGING_CONFIG: `options` is {"level": ..., "format": "json" or "text"}."""
    renderer: Any = structlog.processors.JSONRenderer(sort_keys=True)
    if options["format"] == "text":
        renderer = structlog.dev.ConsoleRenderer(colors=False)
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        "foreign_pre_chain": SHARED,
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"structured": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "root": {"handlers": ["stderr"], "level": options["level"]},
            # The outcome of each request is logged by our own middleware; what remains here are defects.
            "loggers": {
                "django.request": {"level": "ERROR"},
                "django.server": {"level": "ERROR"},
                "django.security.DisallowedHost": {"level": "CRITICAL"},
            },
        }
    )
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
