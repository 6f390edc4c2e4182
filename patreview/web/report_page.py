"""A report as the page draws it: layout tables, guests, findings with their derivation, coverage."""

from typing import Any

from patreview.web import derivation, guest_matrix
from patreview.web.layout_table import layout_table
from patreview.web.old_reports import as_drawn

Json = dict[str, Any]


def context(report: Json) -> Json:
    """What the templates under analyses/ take, from a report's body alone."""
    report = as_drawn(report)
    shown = derivation.findings(report)
    return {
        "verdict_icon": f"v-{report['verdict']}",
        "findings": shown,
        "counted": derivation.counted(shown),
        "tables": [layout_table(platform, shown) for platform in report["platforms"] if platform.get("entries")],
        "matrices": guest_matrix.matrices(report),
        "tally": guest_matrix.tally(report),
    }
