"""What a waiver covers and for how long; and that nothing waived is ever shown as passed."""

from datetime import date, timedelta

import pytest

from patreview.analyses.queries import last_run, report_of
from patreview.analyses.services import request_run
from patreview.reviews.models import Waiver
from patreview.reviews.queries import today, waived_by
from patreview.reviews.services import adopt, vote
from patreview.reviews.waivers import DAYS_MAX, decide_waiver, propose_waiver, revoke_waiver
from tests import make
from tests.integration.review.scenes import (
    DAY,
    LAST,
    conditional,
    finding,
    gate,
    harmful,
    outcome,
    proposed,
    review,
    status,
    undecided,
    waived,
)


def test_a_waiver_lets_the_gate_pass_until_its_last_day_ends(team):
    submitted = harmful(team)
    vote(submitted.revision, "approve", by=team.reviewer)
    waived(team, submitted, "degraded")
    proposal = proposed(team, submitted)
    assert status(submitted.revision, "no_incompatible", DAY) == "unsatisfied", "nobody accepted it yet"
    waiver = decide_waiver(proposal, accept=True, by=team.maintainer, day=DAY)
    last = date.fromisoformat(LAST)
    for day, expected in ((DAY, "satisfied"), (last, "satisfied"), (last + timedelta(days=1), "unsatisfied")):
        assert status(submitted.revision, "no_incompatible", day) == expected
        assert gate(submitted.revision, day).adopt == (
            "satisfied_with_warnings" if expected == "satisfied" else "blocked"
        )  # fmt: skip
    after = gate(submitted.revision, last + timedelta(days=1))
    detail = next(one.detail for one in after.conditions if one.key == "no_incompatible")
    assert f"{waiver.name} expired on {LAST}" in detail


def test_a_revoked_waiver_covers_nothing(team):
    submitted = harmful(team)
    waiver = waived(team, submitted)
    assert status(submitted.revision, "no_incompatible", DAY) == "satisfied"
    revoke_waiver(waiver, "It does harm.", by=team.submitter)
    assert status(submitted.revision, "no_incompatible", DAY) == "unsatisfied"


@pytest.mark.parametrize(
    ("days", "code"), [(-1, "expires_on"), (0, "ok"), (1, "ok"), (DAYS_MAX, "ok"), (DAYS_MAX + 1, "expires_on")]
)
def test_a_waiver_ends_within_180_days(team, days, code):
    submitted = harmful(team)
    last = DAY + timedelta(days=days)
    assert outcome(proposed, team, submitted, last=last.isoformat()) == code
    assert list(Waiver.objects.values_list("expires_on", flat=True)) == ([last] if code == "ok" else [])


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "tomorrow", "2026-3-31", "2026-03-32", "2026-02-29", "20260331", "2026-W14-2", "2026-090",
        "31.03.2026",
        "2026/03/31", "2026-03-31T00:00", "2026-03-31Z", "+2026-03-31", "-026-03-31",
        "\N{FULLWIDTH DIGIT TWO}026-03-31",
        "2026-03-3\N{ARABIC-INDIC DIGIT ONE}",
        "9999-12-31", "0000-00-00", "2026-03-31\x00", "2026-03-31\n2026-03-31", "1e9", "9" * 10000,
    ],
)  # fmt: skip
def test_a_day_is_taken_as_it_was_written_or_refused(team, text):
    submitted = harmful(team)
    assert outcome(proposed, team, submitted, last=text) == "expires_on"
    assert not Waiver.objects.exists()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"reason": ""}, "empty"),
        ({"reason": " \n "}, "empty"),
        ({"reason": "a\0"}, "bad_character"),
        ({"reason": "x" * 16385}, "too_long"),
        ({"control": "x" * 16385}, "too_long"),
        ({"control": "\ud800"}, "bad_character"),
    ],
)
def test_a_waiver_says_why(team, fields, code):
    assert outcome(proposed, team, harmful(team), **fields) == code
    assert not Waiver.objects.exists()


def test_what_is_not_decided_is_not_waived(team):
    submitted = undecided(team)
    assert outcome(proposed, team, submitted, "indeterminate") == "not_waivable"


def test_what_is_compatible_is_not_waived(team):
    assert outcome(proposed, team, harmful(team), "compatible") == "not_waivable"


def test_what_the_proposal_mends_is_not_waived(team):
    submitted = harmful(team)
    mended = next(one for one in report_of(last_run(submitted.revision))["findings"] if one["state"] == "fixed")
    fields = {"reason": "Known.", "expires_on": LAST, "by": team.submitter, "day": DAY}
    assert outcome(propose_waiver, submitted.revision, mended["fingerprint"], **fields) == "not_waivable"


def test_a_finding_of_another_submission_is_none_of_this_one(team):
    harmless, other = team.submission(), conditional(team)
    fields = {"reason": "Known.", "expires_on": LAST, "by": team.submitter, "day": DAY}
    foreign = finding(other.revision, "conditional")["fingerprint"]
    for unknown in (foreign, "", "0" * 16, "x" * 200, "\0"):
        assert outcome(propose_waiver, harmless.revision, unknown, **fields) == "not_in_report"


def again(team, submitted):
    run = request_run(submitted.revision, by=team.submitter, reason="The fleet changed.")
    make.execute(run)


def test_a_new_guest_of_the_class_is_not_covered(team):
    submitted = harmful(team)
    waiver = waived(team, submitted)
    make.make_guest(
        team.platform, name="sles2", family="suse-xenlinux", release="2.6.32", role="domU", needs=["WC"]
    )  # fmt: skip
    again(team, submitted)
    found = finding(submitted.revision, "incompatible")
    assert (found["fingerprint"], found["guests"]) == (waiver.fingerprint, ["sles", "sles2"])
    assert status(submitted.revision, "no_incompatible", DAY) == "unsatisfied"
    assert status(submitted.revision, "no_regression", DAY) == "unsatisfied"


def test_a_guest_that_left_leaves_the_rest_covered(team):
    make.make_guest(
        team.platform, name="sles2", family="suse-xenlinux", release="2.6.32", role="domU", needs=["WC"]
    )  # fmt: skip
    submitted = harmful(team)
    waived(team, submitted)
    Waiver.objects.update(guests=["other", "sles", "sles2"])
    assert status(submitted.revision, "no_incompatible", DAY) == "satisfied"


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("incompatible", "satisfied"), ("conditional", "unsatisfied"), ("degraded", "unsatisfied")],
)
def test_nothing_worse_hides_behind_a_waiver(team, accepted, expected):
    submitted = harmful(team)
    waived(team, submitted)
    Waiver.objects.update(verdict=accepted)
    assert status(submitted.revision, "no_incompatible", DAY) == expected


def test_a_conditional_that_is_waived_needs_no_approval(team):
    submitted = conditional(team)
    assert status(submitted.revision, "conditionals_acknowledged", DAY) == "pending"
    waived(team, submitted, "conditional")
    assert status(submitted.revision, "conditionals_acknowledged", DAY) == "satisfied"
    assert gate(submitted.revision, DAY).check == "satisfied_with_warnings"


def test_a_regression_is_excused_where_all_that_makes_it_worse_is_waived(team):
    """The guest was compatible: what is incompatible and what is degraded both make it worse."""
    submitted = harmful(team)
    waived(team, submitted, "incompatible")
    assert status(submitted.revision, "no_regression", DAY) == "unsatisfied"
    degraded = waived(team, submitted, "degraded")
    assert status(submitted.revision, "no_regression", DAY) == "satisfied"
    revoke_waiver(degraded, "No.", by=team.maintainer)
    assert status(submitted.revision, "no_regression", DAY) == "unsatisfied"


def test_a_waiver_of_another_project_covers_nothing(team):
    submitted = harmful(team)
    waived(team, submitted)
    Waiver.objects.update(project=make.make_project())
    assert status(submitted.revision, "no_incompatible", DAY) == "unsatisfied"
    assert waived_by(team.project.pk, list(last_run(submitted.revision).findings.order_by("position")), DAY) == {}


def for_today(team, submitted):
    """A waiver of both that make the guest worse, in force on the day of the test."""
    last = (today() + timedelta(days=30)).isoformat()
    for verdict in ("incompatible", "degraded"):
        waived(team, submitted, verdict, last=last, day=today())
    return last


def test_the_verdict_word_never_changes(team, client):
    """In every door: the verdict stays, the finding says that it is waived, and nothing says that it passed."""
    submitted = harmful(team)
    vote(submitted.revision, "approve", by=team.reviewer)
    last = for_today(team, submitted)
    run = last_run(submitted.revision)
    found = finding(submitted.revision, "incompatible")
    client.force_login(team.viewer.user)

    listed = client.get(f"/api/v1/runs/{run.pk}/findings").json()["results"]
    row = next(one for one in listed if one["fingerprint"] == found["fingerprint"])
    name = Waiver.objects.get(fingerprint=found["fingerprint"]).name
    assert (row["verdict"], row["waived"]) == ("incompatible", {"name": name, "expires_on": last})
    assert [one["waived"] is not None for one in listed].count(True) == 2

    detail = client.get(f"/api/v1/submissions/{submitted.submission.pk}").json()
    assert (detail["verdict"], detail["runs"][0]["verdict"]) == ("incompatible", "incompatible")
    assert (detail["gate"]["check"], detail["gate"]["adopt"]) == ("satisfied_with_warnings",) * 2
    said = next(one["detail"] for one in detail["gate"]["conditions"] if one["key"] == "no_incompatible")
    assert (f"waived: {name} until {last}" in said, said == "None.") == (True, False)

    report = client.get(f"/api/v1/runs/{run.pk}/report").json()
    assert report["verdict"] == "incompatible"
    page = client.get(f"/s/{submitted.submission.pk}/").text
    assert "<title>Incompatible: " in page
    assert name in page
    assert "ready, with warnings" in page
    own = client.get(f"/s/{submitted.submission.pk}/findings/{found['fingerprint']}/").text
    assert (name in own, "ncompatible" in own) == (True, True)


def test_what_is_waived_is_adopted_with_a_warning_that_is_kept(team):
    submitted = harmful(team)
    vote(submitted.revision, "approve", by=team.reviewer)
    for_today(team, submitted)
    adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest)
    submitted.submission.refresh_from_db()
    assert (submitted.submission.state, submitted.submission.verdict) == ("adopted", "incompatible")


def test_an_expired_waiver_blocks_adoption(team):
    submitted = harmful(team)
    vote(submitted.revision, "approve", by=team.reviewer)
    for_today(team, submitted)
    Waiver.objects.update(expires_on=today() - timedelta(days=1))
    adopting = outcome(adopt, submitted.revision, by=team.maintainer, digest=submitted.revision.digest)
    assert adopting == "gate"


def test_expired_and_unused_ones_stay_visible(team, client):
    submitted = harmful(team)
    waived(team, submitted, last=LAST)
    client.force_login(team.viewer.user)
    row = client.get(f"/api/v1/projects/{team.project.slug}/waivers").json()["results"][0]
    assert (row["state"], row["expired"]) == ("active", today() > date.fromisoformat(LAST))
    page = client.get(f"/p/{team.project.slug}/waivers/").text
    assert row["name"] in page
    last = (today() + timedelta(days=5)).isoformat()
    unused = waived(team, submitted, "degraded", last=last, day=today())
    Waiver.objects.filter(pk=unused.pk).update(fingerprint="f" * 16)
    for state in ("expiring", "unused", "active"):
        assert unused.name in client.get(f"/p/{team.project.slug}/waivers/?state={state}").text


def test_the_approver_is_not_who_proposed_the_waiver(team):
    submitted = harmful(team)
    vote(submitted.revision, "approve", by=team.reviewer)
    waived(team, submitted, by=team.reviewer)
    assert review(submitted.revision, DAY).approvals == []
    over = date.fromisoformat(LAST) + timedelta(days=1)
    assert len(review(submitted.revision, over).approvals) == 1, "what is over is needed by nothing"
