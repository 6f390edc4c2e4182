import random
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from typing import Any

from django.core.management.base import CommandError

from patreview.analyses.verification import check_reports, lost_runs, runs_of_this_engine
from patreview.journal import append_only
from patreview.projects.commands import ProjectCommand, find_project
from patreview.projects.models import Project

HOW = {
    "again": "computed again, the same bytes",
    "digests": "by digests",
    "older": "of another engine or other rules: by digests only",
    "unasked": "stored before scenarios were: by digests only",
}


def sample(text: str) -> int | None:
    """None for all."""
    if text == "all":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ArgumentTypeError(f"{text[:20]!r} is neither a number nor all")
    return int(text)


class Command(ProjectCommand):
    help = """Check every stored report, or those of one project: report and scenario against the digests of their run,
        the report against the journal, the run and the rows of findings against the report. Reports of the engine and
        rules of now are computed again from their scenario and must give the same bytes. A line for each report that
        does not hold, and one for each project; exit code 1 when anything does not hold."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", help="one project; all of them without it")
        parser.add_argument(
            "--rerun",
            type=sample,
            default=None,
            metavar="N|all",
            help="compute N of each project again, by chance (all)",
        )

    def act(self, **options: Any) -> None:
        slug = options["slug"]
        projects = [find_project(slug)] if slug else list(Project.objects.order_by("slug"))
        broken = [project.slug for project in projects if not self._verify(project, options["rerun"])]
        lifted = append_only.missing(append_only.REPORTS)
        if lifted:
            raise CommandError(f"The database does not refuse changes to reports: no trigger {', '.join(lifted)}.")
        if broken:
            raise CommandError(f"Reports do not hold: {', '.join(broken)}.")

    def _verify(self, project: Project, rerun: int | None) -> bool:
        """Print what was found of a project; whether all of it holds."""
        again = None if rerun is None else _by_chance(project, rerun)
        seen: Counter[str] = Counter()
        broken = 0
        for checked in check_reports(project, again):
            seen[checked.how] += not checked.faults
            broken += bool(checked.faults)
            for fault in checked.faults:
                self.stdout.write(f"{project.slug} {checked.subject} BROKEN {fault}")
        lost = lost_runs(project)
        if lost:
            self.stdout.write(f"{project.slug} BROKEN the journal and the completed runs differ by {lost}")
        counted = "; ".join(f"{seen[how]} {words}" for how, words in HOW.items() if seen[how])
        held = f"{seen.total()} of {seen.total() + broken} reports hold"
        self.stdout.write(f"{project.slug} {held}{f' ({counted})' if counted else ''}")
        return not broken and not lost


def _by_chance(project: Project, number: int) -> set[int]:
    found = list(runs_of_this_engine(project).values_list("pk", flat=True))
    return set(random.sample(found, min(number, len(found))))
