"""Stored reports that were changed past the product are found, whatever was changed along with them."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from patreview import engine
from patreview.analyses.models import Finding, Report, Run
from patreview.journal.models import Entry
from tests import make
from tests.conftest import lifted


@pytest.fixture
def runs(team):
    """Two completed runs with different reports, the first with a finding of a guest."""
    make.make_guest(team.platform, name="sles", family="suse-xenlinux", release="2.6.32", role="domU", needs=["WC"])
    one = team.submission(layout=make.LINUX).run
    other = team.submission().run
    return Run.objects.get(pk=one.pk), Run.objects.get(pk=other.pk)


def verify(*arguments):
    out = StringIO()
    try:
        call_command("verify_reports", *arguments, stdout=out)
    except CommandError as exc:
        return out.getvalue(), str(exc)
    return out.getvalue(), ""


def change_report(run, **fields):
    with lifted():
        assert Report.objects.filter(run=run).update(**fields) == 1


def forge_report(run):
    """Another verdict, with every digest made to fit but the journal's."""
    report = Report.objects.get(run=run)
    body = report.body.replace('"kind":"layout"', '"kind":"Layout"', 1)
    assert body != report.body
    digest = engine.digest("report", body.encode())
    change_report(run, body=body, digest=digest)
    Run.objects.filter(pk=run.pk).update(report_digest=digest)


def forge_scenario(run):
    """Another question, with its digest made to fit."""
    scenario = json.loads(Report.objects.get(run=run).scenario)
    scenario["proposal"]["layout"] = make.XEN
    change_report(run, scenario=engine.canonical(scenario).decode())
    Run.objects.filter(pk=run.pk).update(input_digest=engine.digest("scenario", scenario))


def swap_reports(run, *, with_runs):
    """The reports of two runs, with_runs also what the runs say of them."""
    other = Run.objects.exclude(pk=run.pk).get()
    names, about = ("body", "digest", "scenario"), ("report_digest", "input_digest", "verdict", "verdict_digest")
    reports = [Report.objects.values(*names).get(run=one) for one in (run, other)]
    summaries = [Run.objects.values(*about).get(pk=one.pk) for one in (run, other)]
    for one, report, summary in zip((run, other), reversed(reports), reversed(summaries), strict=True):
        change_report(one, **report)
        Run.objects.filter(pk=one.pk).update(**summary if with_runs else {"attempt": F("attempt")})


def lose_report(run):
    with lifted():
        Report.objects.filter(run=run).delete()


TAMPERED = {
    "body": (lambda run: change_report(run, body="{}"), "its own digest", "the run's digest", "cannot be read"),
    "body that is no JSON": (lambda run: change_report(run, body="{" * 5000), "cannot be read"),
    "digest": (lambda run: change_report(run, digest="0" * 64), "its own digest"),
    "digest of the run": (lambda run: Run.objects.update(report_digest="0" * 64), "the run's digest"),
    "body and digests": (forge_report, "the journal tells of", "computed again"),
    "scenario": (lambda run: change_report(run, scenario="{}"), "the scenario is not", "cannot be judged"),
    "scenario that is no JSON": (
        lambda run: change_report(run, scenario="["),
        "the scenario is not",
        "cannot be judged",
    ),
    "scenario and digest": (forge_scenario, "computed again"),
    "swapped": (lambda run: swap_reports(run, with_runs=False), "the run's digest", "the scenario is not"),
    "swapped with runs": (
        lambda run: swap_reports(run, with_runs=True),
        "the journal tells of",
        "rows of its findings",
    ),
    "report lost": (lose_report, "its report is missing"),
    "state": (lambda run: Run.objects.update(state="failed"), "it has a report and is failed", "differ by 2"),
    "verdict": (lambda run: Run.objects.update(verdict="compatible"), "the run's verdict is"),
    "engine": (lambda run: Run.objects.update(engine_version="9"), "the run's engine_version is"),
    "rules": (lambda run: Run.objects.update(rules_digest="9"), "the run's rules_digest is"),
    "verdict digest": (lambda run: Run.objects.update(verdict_digest="9"), "the run's verdict_digest is"),
    "finding lost": (lambda run: Finding.objects.filter(position=0).delete(), "rows of its findings"),
    "finding of nobody": (lambda run: Finding.objects.create(run=run, position=99), "rows of its findings"),
}
FORGED_FINDING = {
    "position": F("position") + 50,
    "fingerprint": "0" * 64,
    "rule": "XXX000",
    "class_key": "forged",
    "verdict": "compatible",
    "severity": "forged",
    "state": "forged",
    "title": "forged",
    "guests": ["forged"],
}


def test_untouched_reports_hold(team, runs):
    slug = team.project.slug
    assert verify() == (f"{slug} 2 of 2 reports hold (2 computed again, the same bytes)\n", "")
    assert verify(slug, "--rerun", "1")[0].endswith("(1 computed again, the same bytes; 1 by digests)\n")
    assert verify(slug, "--rerun", "0")[0].endswith("(2 by digests)\n")
    assert verify(slug, "--rerun", "99")[1] == ""


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_changed_is_said(team, runs, name):
    tamper, *said = TAMPERED[name]
    tamper(runs[0])
    out, error = verify()
    assert [words for words in said if words not in out] == [], out
    assert error == f"Reports do not hold: {team.project.slug}."


@pytest.mark.parametrize("column", FORGED_FINDING)
def test_every_column_of_a_finding_is_compared(runs, column):
    assert {field.attname for field in Finding._meta.fields} - {"id", "run_id"} == set(FORGED_FINDING)
    finding = runs[0].findings.exclude(verdict="compatible").first()
    Finding.objects.filter(pk=finding.pk).update(**{column: FORGED_FINDING[column]})
    assert "rows of its findings differ" in verify("--rerun", "0")[0]


def test_a_run_that_was_removed_whole(team, runs):
    """The journal still tells of it."""
    with lifted():
        runs[1].delete()
    out, error = verify()
    assert "BROKEN the journal and the completed runs differ by 1" in out
    assert error


def test_a_report_that_nobody_told_the_journal_of(team, runs):
    with lifted():
        Entry.objects.filter(action="run.completed").delete()
    assert verify()[0].count("the journal tells of") == 2


def test_reports_of_another_engine_are_checked_by_digests(team, runs, monkeypatch):
    monkeypatch.setattr(engine, "ENGINE_VERSION", "99.0")
    out, error = verify()
    assert (error, "2 of another engine or other rules: by digests only" in out) == ("", True)
    change_report(runs[0], body="{}")
    assert verify()[1]


def test_reports_of_before_scenarios_were_stored(team, runs):
    change_report(runs[0], scenario="")
    out, error = verify()
    assert (error, "1 stored before scenarios were: by digests only" in out) == ("", True)


def test_runs_without_a_report_are_no_fault(team):
    make.make_layout_submission(team.platform, team.submitter)
    assert verify() == (f"{team.project.slug} 0 of 0 reports hold\n", "")


def test_a_project_alone(team, runs):
    other = make.make_project()
    change_report(runs[0], body="{}")
    assert verify(other.slug)[1] == ""
    assert verify("nobody")[1] == "There is no project 'nobody'."
    for number in ("-1", "x", "", "٣", "9" * 12):
        with pytest.raises(CommandError, match="neither a number nor all"):
            call_command("verify_reports", f"--rerun={number}")


def test_the_triggers_are_missed(runs):
    with lifted():
        assert "does not refuse changes" in verify()[1]
