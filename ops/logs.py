"""How much web, workers and cron log."""

import structlog

from settings import settings


def configure() -> None:
    """Leave out what is below the level of the settings; in each process once, before it logs anything."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(settings().log_level))
