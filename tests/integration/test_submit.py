"""Submitting: what is stored, what is refused, and that nothing is half stored."""

import pytest

from patreview import engine
from patreview.analyses.models import Run
from patreview.analyses.services import request_run, submit
from patreview.projects.errors import Conflict, Forbidden, NotFound
from patreview.submissions.models import Artifact, Blob, Revision, Submission
from patreview.submissions.services import Proposal, Upload
from tests import make

CONFIG = "# Linux/x86 6.1.192 Kernel Configuration\nCONFIG_X86_PAT=y\nCONFIG_XEN=y\nCONFIG_XEN_PV=y\n"


def test_a_submission_is_stored_with_its_queued_run(team):
    submitted = make.make_layout_submission(team.platform, team.submitter)
    assert submitted.created
    assert submitted.run.state == Run.State.QUEUED
    assert submitted.revision.number == 1
    assert submitted.revision.content["layout"]["entries"] == ["WB", "WT", "UC-", "UC", "WC", "WP", "UC-", "UC"]
    assert Submission.objects.get().current == submitted.revision


def test_the_same_key_and_content_adds_nothing(team):
    first = make.make_layout_submission(team.platform, team.submitter, external_key="ci/xen")
    again = make.make_layout_submission(team.platform, team.submitter, external_key="ci/xen")
    assert (again.created, again.submission, again.run) == (False, first.submission, first.run)
    assert (Submission.objects.count(), Revision.objects.count(), Run.objects.count()) == (1, 1, 1)


def test_the_same_key_with_other_content_adds_a_revision(team):
    first = make.make_layout_submission(team.platform, team.submitter, external_key="ci/xen")
    second = make.make_layout_submission(team.platform, team.submitter, layout=make.LINUX, external_key="ci/xen")
    assert second.submission == first.submission
    assert (second.revision.number, second.run.attempt) == (2, 1)
    assert Submission.objects.get().current == second.revision


def test_the_same_content_of_an_adopted_submission_is_answered_and_other_content_refused(team):
    first = make.make_layout_submission(team.platform, team.submitter, external_key="ci")
    Submission.objects.update(state="adopted")
    again = make.make_layout_submission(team.platform, team.submitter, external_key="ci")
    assert (again.created, again.revision) == (False, first.revision)
    with pytest.raises(Conflict) as refused:
        make.make_layout_submission(team.platform, team.submitter, layout=make.LINUX, external_key="ci")
    assert refused.value.code == "not_open"


def test_a_key_cannot_change_what_it_is_about(team):
    make.make_layout_submission(team.platform, team.submitter, external_key="ci")
    with pytest.raises(Conflict) as refused:
        submit(
            team.project, Proposal(kind="guest", title="x", guest={"name": "g"}, external_key="ci"), by=team.submitter
        )
    assert refused.value.code == "other_subject"


def test_only_owner_and_maintainer_add_revisions(team):
    submitted = make.make_layout_submission(team.platform, team.submitter)
    with pytest.raises(Forbidden) as refused:
        make.make_layout_submission(team.platform, team.reviewer, layout=make.LINUX, submission=submitted.submission)
    assert refused.value.code == "not_yours"
    by_maintainer = make.make_layout_submission(
        team.platform, team.maintainer, layout=make.LINUX, submission=submitted.submission
    )
    assert by_maintainer.revision.number == 2


def test_a_closed_submission_takes_no_revision(team):
    submitted = make.make_layout_submission(team.platform, team.submitter)
    Submission.objects.update(state="withdrawn")
    with pytest.raises(Conflict) as refused:
        make.make_layout_submission(team.platform, team.submitter, layout=make.LINUX, submission=submitted.submission)
    assert refused.value.code == "not_open"


def test_rights(team):
    with pytest.raises(Forbidden):
        make.make_layout_submission(team.platform, team.viewer)
    with pytest.raises(NotFound):
        make.make_layout_submission(team.platform, team.outsider)
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        pytest.param({"layout": "WB WC"}, "layout", "", id="two entries"),
        pytest.param({"layout": "0x0407050600070206"}, "layout", "PA1", id="reserved type"),
        pytest.param({"title": "  "}, "title", "few words", id="no title"),
        pytest.param({"title": "x" * 101}, "title", "101 characters; at most 100", id="long title"),
        pytest.param({"title": "a\u202eb"}, "title", "U+202E", id="bidi control in the title"),
        pytest.param({"note": "a\0"}, "note", "U+0000", id="NUL in the note"),
        pytest.param({"external_key": "a\nb"}, "external_key", "U+000A", id="newline in the key"),
        pytest.param(
            {"files": (Upload("config", "c", CONFIG.encode()),)},
            "files",
            "send this with a guest",
            id="file of a layout",
        ),
    ],
)
def test_bad_input_names_the_field_and_stores_nothing(team, fields, field, words):
    with pytest.raises(engine.InvalidInput) as refused:
        make.make_layout_submission(team.platform, team.submitter, **fields)
    problem = next(p for p in refused.value.problems if p["field"] == field)
    assert words in problem["message"]
    assert not Submission.objects.exists()
    assert not Run.objects.exists()


def test_a_layout_needs_a_platform(team):
    with pytest.raises(engine.InvalidInput) as refused:
        submit(team.project, Proposal(kind="layout", title="x", layout=make.XEN), by=team.submitter)
    assert refused.value.problems[0]["field"] == "platform"


def test_a_file_is_kept_once_by_its_digest(team):
    for name in ("one", "two"):
        guest = {"name": name, "mode": "pv", "role": "domU", "devices": False}
        files = (Upload("config", "../../etc/passwd", CONFIG.encode()),)
        submit(team.project, Proposal(kind="guest", title=name, guest=guest, files=files), by=team.submitter)
    assert Blob.objects.count() == 1
    artifact = Artifact.objects.first()
    assert artifact is not None
    assert (artifact.name, artifact.size) == ("../../etc/passwd", len(CONFIG))
    assert bytes(Blob.objects.get().body).decode() == CONFIG


def test_facts_of_a_config_carry_file_and_line(team):
    guest = {"name": "g", "mode": "pv", "role": "dom0", "devices": True}
    files = (Upload("config", "dom0.config", CONFIG.encode()),)
    submitted = submit(team.project, Proposal(kind="guest", title="g", guest=guest, files=files), by=team.submitter)
    release = submitted.revision.content["guest"]["facts"]["release"]
    assert release["value"] == "6.1.192"
    assert (release["origin"]["source"], release["origin"]["line"]) == ("dom0.config", 1)


def test_a_run_is_asked_for_again_with_a_reason(team):
    submitted = team.submission()
    run = request_run(submitted.revision, by=team.reviewer, reason="engine upgraded")
    assert (run.attempt, run.trigger, run.reason) == (2, "requested", "engine upgraded")
    with pytest.raises(Conflict) as refused:
        request_run(submitted.revision, by=team.reviewer)
    assert refused.value.code == "run_under_way"


def test_a_superseded_revision_is_not_run_again(team):
    first = team.submission()
    make.make_layout_submission(team.platform, team.submitter, layout=make.LINUX, submission=first.submission)
    with pytest.raises(Conflict) as refused:
        request_run(first.revision, by=team.submitter)
    assert refused.value.code == "not_current"
