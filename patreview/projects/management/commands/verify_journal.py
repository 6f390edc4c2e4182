import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError

from patreview.journal import append_only
from patreview.journal.chain import ends_of, faults
from patreview.journal.queries import project_ids
from patreview.projects.commands import ProjectCommand, find_project
from patreview.projects.models import Project


def head(text: str) -> tuple[int, str]:
    """A head as this command prints it."""
    match = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-f]{64})", text, re.ASCII)
    if match is None:
        raise ArgumentTypeError(f"{text[:90]!r} is no head; it looks like 42:, followed by 64 hex digits")
    return int(match[1]), match[2]


class Command(ProjectCommand):
    help = """Check the chain of every project's journal, or of one. One line a project: SLUG, its head as SEQ:HASH,
        and "holds" or what does not. Exit code 1 when anything does not hold. Keep the heads in a place that this
        service cannot write to: who can write to the database can also cut off the end of a chain together with its
        head, or write all of it anew, and only --expect with a head from before finds that."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", help="one project; all of them without it")
        parser.add_argument(
            "--expect",
            type=head,
            action="append",
            default=[],
            metavar="SEQ:HASH",
            help="a head of the project SLUG that was kept: its entry must still be there; may be given again",
        )

    def act(self, **options: Any) -> None:
        slug, expected = options["slug"], dict(options["expect"])
        if expected and not slug:
            raise CommandError("--expect needs the SLUG of the project whose head it is.")
        slugs = {found.pk: found.slug for found in ([find_project(slug)] if slug else Project.objects.order_by("slug"))}
        broken = [name for pk, name in slugs.items() if not self._verify(pk, name, expected)]
        if not slug:
            broken += [self._stray(pk) for pk in sorted(project_ids() - set(slugs))]
        lifted = append_only.missing(append_only.ENTRIES)
        if lifted:
            raise CommandError(f"The database does not refuse changes to the journal: no trigger {', '.join(lifted)}.")
        if broken:
            raise CommandError(f"The journal does not hold: {', '.join(broken)}.")

    def _verify(self, pk: int, slug: str, expected: dict[int, str]) -> bool:
        """Print a project's line; whether its chain holds."""
        ends, first, more = ends_of(pk), "", 0
        for fault in faults(ends, expected):
            first, more = (first, more + 1) if first else (str(fault), 0)
        state = f"BROKEN {first}{f' (and {more} more)' if more else ''}" if first else "holds"
        self.stdout.write(f"{slug} {ends.head or '-'} {state}")
        return not first

    def _stray(self, pk: int) -> str:
        """The line of a journal whose project is gone: deleting one is not offered."""
        self.stdout.write(f"project-{pk} {ends_of(pk).head or '-'} BROKEN its project is not there any more")
        return f"project-{pk}"
