"""`make hostile`: hostile files sent to a real installation, each with its role and some without.

Every one must be refused with a reason, as problem+json, or judged, with a report that says why an image could not be
read. No answer may be of the 500s, no process may be lost, and no child that reads an image may take more memory than
it is given. Exit code 1 otherwise.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from types import FrameType

from simulator.images.confinement import MEMORY_LIMIT
from tests.faults.database import own_database
from tests.faults.installation import PROJECT, Installation
from tests.hostile.senders import Answer, hostile_set, send_all

TRIAL_LIMIT_S = 15 * 60
UNREADABLE = "EVI120"
#: Read by `manage.py shell` in the installation: what each child took, and why images were not read.
QUERY = """
import json
from patreview.analyses.models import ImageReading
rows = list(ImageReading.objects.values_list("result", flat=True))
print("READINGS" + json.dumps([[r.get("used"), [p["code"] for p in r.get("problems", [])]] for r in rows]))
"""


def main() -> int:
    """Run the trial, print what it did, and return the exit code."""
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(TRIAL_LIMIT_S)
    with own_database(os.environ.get("DATABASE_URL", "")) as database_url:
        installation = Installation(database_url=database_url)
        try:
            return _run(installation)
        finally:
            installation.stop()
            installation.remove()


def _out_of_time(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"the trial took longer than {TRIAL_LIMIT_S} s")


def _run(installation: Installation) -> int:
    print(f"service ready after {installation.start():.1f} s", flush=True)
    installation.manage("create_member", PROJECT, "hostile", "--role", "submitter")
    token = installation.manage("create_token", PROJECT, "--user", "hostile", "--name", "hostile").strip()
    before, began_s = _processes(installation), time.monotonic()
    said = len(installation.said())
    answers = send_all(hostile_set(), port=installation.port, token=token)
    took_s = time.monotonic() - began_s
    broken = [wrong for answer in answers for wrong in _wrong_with(answer)]
    if (after := _processes(installation)) != before:
        broken.append(f"processes changed: {before} before, {after} after")
    if news := installation.said()[said:].strip():
        broken.append(f"the supervisor said: {news[:500]}")
    broken += _print_readings(installation)
    _print_answers(answers, took_s)
    if broken:
        print(*broken[:40], *installation.log_tails(), sep="\n")
    print(f"hostile: {len(answers)} files, {len(broken)} broken promises: {'FAILED' if broken else 'passed'}")
    return 1 if broken else 0


def _processes(installation: Installation) -> dict[str, object]:
    """The services and the processes that compute, by their ids."""
    names = sorted(path.stem for path in (installation.data / "run").glob("*.pid"))
    return {**{name: installation.pid(name) for name in names}, "pool": sorted(installation.pool_children())}


def _wrong_with(answer: Answer) -> list[str]:
    """What an answer breaks of what is promised, in words."""
    sending = f"{answer.sending.part} {answer.sending.name!a}"
    if answer.status in (200, 202):
        if answer.state != "completed":
            return [f"{sending}: its run is {answer.state}"]
        return [f"{sending}: {wrong}" for wrong in _wrong_with_report(answer.report)]
    errors = answer.body.get("errors") or [{"detail": answer.body.get("detail")}]
    if not 400 <= answer.status < 500 or answer.media_type != "application/problem+json":
        return [f"{sending}: HTTP {answer.status} {answer.media_type} {str(answer.body)[:200]}"]
    if not all(error.get("detail") or error.get("message") for error in errors):
        return [f"{sending}: HTTP {answer.status} without a reason: {str(answer.body)[:200]}"]
    return []


def _wrong_with_report(report: dict[str, object]) -> list[str]:
    """A file that was not read says why, and so does a finding."""
    evidence: list[dict[str, list[dict[str, object]]]] = report.get("evidence") or []  # type: ignore[assignment]
    findings: list[dict[str, object]] = report.get("findings") or []  # type: ignore[assignment]
    files = [one for guest in evidence for one in guest["files"]]
    if not files:
        return ["the report names no file"]
    refused = [one for one in files if one["state"] == "refused"]
    waiting = [one["name"] for one in files if one["state"] == "pending"]
    is_told = any(finding["rule"] == UNREADABLE for finding in findings)
    wrong = [f"{one['name']} was not read, and no finding says so" for one in refused if not is_told]
    wrong += [f"{one['name']} was not read, and nothing says why" for one in refused if not one.get("problems")]
    return wrong + [f"{name} still waits to be read" for name in waiting]


def _print_readings(installation: Installation) -> list[str]:
    """What children took to read images; what is wrong with that, in words."""
    rows = json.loads(installation.manage("shell", "--no-imports", code=QUERY).partition("READINGS")[2])
    peaks = [used["peak_bytes"] for used, _ in rows if used]
    seconds = [used["cpu_s"] for used, _ in rows if used]
    codes = Counter(code for _, codes in rows for code in codes)
    print(f"images read by a child: {len(rows)}; refused: {dict(codes.most_common())}")
    if not peaks:
        return ["no child said what it took"]
    print(
        f"  most memory of a child {max(peaks) / 2**20:.0f} MiB of {MEMORY_LIMIT >> 20}, most CPU {max(seconds):.2f} s"
    )
    wrong = [f"a child took {peak} bytes" for peak in peaks if peak > MEMORY_LIMIT]
    return wrong + [f"{count} images: the reader failed" for code, count in codes.items() if code == "image_fault"]


def _print_answers(answers: list[Answer], took_s: float) -> None:
    print(f"{len(answers)} files in {took_s:.0f} s, answered and judged as:")
    ends = Counter(
        (answer.sending.part, answer.status, answer.state or answer.body.get("code", "")) for answer in answers
    )
    for (part, status, end), count in sorted(ends.items()):
        print(f"  {part:<12}{status:>5}  {end:<16}{count:>5}")


if __name__ == "__main__":
    sys.exit(main())
