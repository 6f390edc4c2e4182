"""What the database says about the runs of this trial: the count that decides."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from tests.faults.installation import Installation

# Read by `manage.py shell` in the installation: run id -> state, claims, number of reports.
QUERY = """
import json
from django.db.models import Count
from patreview.analyses.models import Run
rows = Run.objects.filter(revision__submission__title__startswith="faults ").annotate(reports=Count("report"))
print("LEDGER" + json.dumps([[r.pk, r.state, r.claims, r.reports] for r in rows]))
"""
POLL_S = 2.0


@dataclass(frozen=True, slots=True)
class Row:
    run_id: int
    state: str
    claims: int
    reports: int

    @property
    def is_finished(self) -> bool:
        return self.state not in ("queued", "running")


def read_ledger(installation: Installation) -> list[Row]:
    said = installation.manage("shell", "--no-imports", code=QUERY)
    return [Row(*row) for row in json.loads(said.partition("LEDGER")[2])]


def settle(installation: Installation, *, count: int, limit_s: float) -> tuple[list[Row], float]:
    """Rows once all runs ended or the limit has passed, and the seconds waited."""
    began_s = time.monotonic()
    while True:
        rows = read_ledger(installation)
        waited_s = time.monotonic() - began_s
        if (len(rows) >= count and all(row.is_finished for row in rows)) or waited_s > limit_s:
            return rows, waited_s
        time.sleep(POLL_S)


def violations(rows: list[Row], accepted: list[int]) -> list[str]:
    """Every promise that was broken, in words; empty when all were kept."""
    stored = {row.run_id: row for row in rows}
    broken = [f"run {run_id} was accepted and is lost" for run_id in accepted if run_id not in stored]
    if len(rows) != len(accepted):
        broken.append(f"{len(accepted)} accepted, {len(rows)} stored")
    for row in rows:
        if row.state != "completed":
            broken.append(f"run {row.run_id} is {row.state} after {row.claims} claims")
        if row.reports != 1:
            broken.append(f"run {row.run_id} has {row.reports} reports")
        if row.claims > 3:
            broken.append(f"run {row.run_id} was claimed {row.claims} times")
    return broken
