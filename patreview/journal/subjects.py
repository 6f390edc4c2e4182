"""How the journal names what an entry is about: written and read here alone."""

import re
from typing import NamedTuple

_SUBMISSION = re.compile(
    r"submission:(?P<pk>[0-9]{1,18})(?:/r(?P<revision>[0-9]{1,9})(?:/run(?P<run>[0-9]{1,9}))?)?", re.ASCII
)


class Place(NamedTuple):
    """A submission, perhaps a revision of it, perhaps an attempt at that; 0 where there is none."""

    submission: int
    revision: int = 0
    attempt: int = 0


def submission_subject(submission: int, revision: int = 0, attempt: int = 0) -> str:
    """As in `submission:12/r3/run1`."""
    of_revision = f"/r{revision}" if revision else ""
    return f"submission:{submission}{of_revision}{f'/run{attempt}' if attempt else ''}"


def read_submission(subject: str) -> Place | None:
    """What submission_subject() wrote; None for what is about something else."""
    found = _SUBMISSION.fullmatch(subject)
    return Place(*(int(part or 0) for part in found.groups())) if found else None
