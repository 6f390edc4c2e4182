"""Two revisions or runs side by side: what their inputs differ in, and what their reports say otherwise."""

import json
import re
from dataclasses import dataclass
from typing import Any

from patreview import engine
from patreview.analyses.models import Report, Run
from patreview.analyses.queries import content_of, visible_runs
from patreview.projects.errors import NotFound
from patreview.projects.principal import Principal
from patreview.submissions.models import Artifact, Revision
from patreview.submissions.queries import revisions_of, visible_submissions

Json = dict[str, Any]

CLASSES = engine.COMPARISON_CLASSES
WRITTEN_AS = "write s12r2 (revision 2 of submission 12), s12 (its current revision) or run45"
_REFERENCE = re.compile(r"s([1-9][0-9]{0,17})(?:r([1-9][0-9]{0,8}))?|run([1-9][0-9]{0,17})", re.ASCII)


class BadReference(ValueError):
    """A text that names no revision, no run or no class; the message says what would."""


@dataclass(frozen=True)
class Side:
    """One of the two: a revision with the run that speaks for it. Without a report, `why_no_report` says why."""

    revision: Revision
    run: Run | None
    report: Json | None
    why_no_report: str

    @property
    def reference(self) -> str:
        """The revision by name, as an address names it."""
        return f"s{self.revision.submission_id}r{self.revision.number}"


@dataclass(frozen=True)
class Compared:
    """Two sides and what is between them; `results` is None where a report is missing or cannot be compared."""

    before: Side
    after: Side
    inputs: Json
    results: Json | None
    why_no_results: str


def check_reference(text: str) -> str:
    """The reference without blanks around it. Raises BadReference."""
    text = text.strip()
    if not _REFERENCE.fullmatch(text):
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise BadReference(f"“{shown}” names no revision and no run; {WRITTEN_AS}.")
    return text


def read_classes(text: str) -> tuple[str, ...]:
    """The classes that a text names with commas between, in the engine's order. Raises BadReference."""
    names = {name.strip() for name in text.split(",") if name.strip()}
    strange = sorted(names - set(CLASSES))
    if strange:
        raise BadReference(f"“{strange[0][:40]}” is no class of a comparison: {', '.join(CLASSES)}.")
    return tuple(name for name in CLASSES if name in names)


def compared(before: Side, after: Side) -> Compared:
    """What changed from one side to the other, in the inputs and in what is said of them."""
    results, why = None, "; ".join(side.why_no_report for side in (before, after) if side.why_no_report)
    if before.report is not None and after.report is not None:
        try:
            results = engine.compare(before.report, after.report)
        except engine.InvalidInput as exc:
            why = f"The reports cannot be compared, run again what an older engine judged: {exc}"[:300]
    return Compared(before, after, engine.compare_inputs(_inputs(before), _inputs(after)), results, why)


def side_of(text: str, principal: Principal) -> Side:
    """The revision or the run that a text names, if the principal may see it. Raises BadReference, NotFound.

    A revision speaks by its newest completed run, a run for itself.
    """
    match = _REFERENCE.fullmatch(check_reference(text))
    assert match is not None, "it was checked"
    submission, number, run = match.groups()
    if run is not None:
        return _side_of_run(int(run), principal)
    return _side_of_revision(int(submission), int(number) if number else None, principal)


def _side_of_run(pk: int, principal: Principal) -> Side:
    run = visible_runs(principal).select_related("revision__created_by", "revision__submission__platform")
    found = run.filter(pk=pk).first()
    if found is None:
        raise NotFound("not_found", f"There is no run {pk}, or none that you may see.")
    return _side(found.revision, found)


def _side_of_revision(pk: int, number: int | None, principal: Principal) -> Side:
    submission = visible_submissions(principal).filter(pk=pk).first()
    if submission is None:
        raise NotFound("not_found", f"There is no submission {pk}, or none that you may see.")
    wanted = {"number": number} if number else {"pk": submission.current_id}
    revision = revisions_of(submission).filter(**wanted).first()
    if revision is None:
        raise NotFound("not_found", f"Submission {pk} has no revision {number or 'yet'}.")
    revision.submission = submission
    runs = revision.runs.order_by("-attempt")
    return _side(revision, runs.filter(state=Run.State.COMPLETED).first() or runs.first())


def _side(revision: Revision, run: Run | None) -> Side:
    name = f"s{revision.submission_id}r{revision.number}"
    if run is None:
        return Side(revision, None, None, f"{name} was not run yet.")
    body = Report.objects.filter(run=run).values_list("body", flat=True).first()
    if body is None:
        state = run.get_state_display().lower()
        return Side(revision, run, None, f"Run {run.pk} of {name} has no report: it is {state}.")
    return Side(revision, run, json.loads(body), "")


def _inputs(side: Side) -> Json:
    """What the engine compares of a side: its content, note and files, with the bytes of a .config."""
    revision = side.revision
    platform = revision.submission.platform
    content = content_of(revision)
    kind = "layout" if "layout" in content else "guest"
    return {
        kind: content[kind],
        "platform": platform.name if platform else None,
        "note": revision.note,
        "files": _files(revision),
    }


def _files(revision: Revision) -> list[Json]:
    rows = list(revision.artifacts.order_by("role"))
    config = next((row for row in rows if row.role == "config"), None)
    files: list[Json] = [{"role": row.role, "name": row.name, "size": row.size, "sha256": row.sha256} for row in rows]
    if config is not None:
        body = bytes(Artifact.objects.values_list("blob__body", flat=True).get(pk=config.pk))
        files = [one | {"body": body} if one["role"] == "config" else one for one in files]
    return files
