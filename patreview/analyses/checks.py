"""System checks: settings of runs that would lose or repeat work are refused at start."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def check_run_times(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A worker must be dead before its lease ends, or two could compute one run side by side."""
    soft, hard, lease = settings.RUN_SOFT_LIMIT_S, settings.RUN_HARD_LIMIT_S, settings.RUN_LEASE_S
    if 0 < soft < hard < lease:
        return []
    hint = "Set PATREVIEW_RUN_SOFT_LIMIT_S < PATREVIEW_RUN_HARD_LIMIT_S < PATREVIEW_RUN_LEASE_S."
    return [
        Error(f"Run limits out of order: soft {soft} s, hard {hard} s, lease {lease} s.", hint=hint, id="analyses.E001")
    ]
