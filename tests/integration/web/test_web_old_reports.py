"""A report that engine 0.1 stored is drawn as it is: a stored report is never changed."""

import json
from pathlib import Path

import pytest

from patreview.analyses.models import Report, Run
from tests import make
from tests.conftest import lifted

OLD = Path(__file__).parents[2] / "data" / "report-of-engine-0.1.json"


@pytest.fixture
def page(team, client):
    body = OLD.read_text()
    submission = make.make_layout_submission(team.platform, team.submitter, layout=make.LINUX)
    make.execute(submission.run)
    with lifted():
        Report.objects.filter(run=submission.run).update(body=body)
    Run.objects.filter(pk=submission.run.pk).update(engine_version="0.1.0", input_digest="0" * 64)
    client.force_login(team.submitter.user)
    return client.get(f"/s/{submission.submission.pk}/")


def test_an_old_report_is_drawn(page):
    assert page.status_code == 200
    report = json.loads(OLD.read_text())
    assert report["sentence"] in page.text.replace("&#x27;", "'")
    assert all(finding["title"] in page.text.replace("&#x27;", "'") for finding in report["findings"])


def test_an_old_report_keeps_its_fixes(page):
    fixes = [finding["fix"] for finding in json.loads(OLD.read_text())["findings"] if finding["fix"]]
    assert fixes
    assert all(fix in page.text.replace("&#x27;", "'") for fix in fixes)


def test_an_old_report_may_be_run_again(page):
    assert "Run again" in page.text
