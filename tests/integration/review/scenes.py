"""Situations of a review, and what the rules say of them. Everything is made through the services."""

from datetime import date

from patreview.analyses.queries import last_run, report_of
from patreview.analyses.services import submit
from patreview.projects.errors import Refused
from patreview.reviews.gate import conclude, review_of
from patreview.reviews.services import adopt, vote
from patreview.reviews.waivers import decide_waiver, propose_waiver
from patreview.submissions.models import Revision
from patreview.submissions.services import Proposal, Upload
from tests import make

#: Two more layouts that nobody is harmed by, so that a revision can be followed by another.
OTHER = "WB WT UC- UC WC WP UC UC-"
THIRD = "WB WT UC- UC WC WP UC- UC-"
DAY = date(2026, 3, 1)
LAST = "2026-03-31"
CONFIG = "# Linux/x86 6.1.192 Kernel Configuration\nCONFIG_X86_PAT=y\nCONFIG_XEN=y\nCONFIG_XEN_PV=y\n"
#: The same kernel in other bytes: what is read stands on other lines.
REMARKED = CONFIG.replace("CONFIG_X86_PAT", "# A comment that nobody reads\nCONFIG_X86_PAT")
STATED = {
    "family": "stated", "release": "", "encodings": {"WB": "0", "WC": "PWT", "UC-": "PCD"}, "needs": ["WC"],
}  # fmt: skip


def outcome(act, *args, **kwargs):
    """ "ok", or the code of the refusal."""
    try:
        act(*args, **kwargs)
    except Refused as exc:
        return exc.code
    return "ok"


def review(revision, day=None):
    """The review as whoever opens the page now would find it."""
    found = Revision.objects.select_related("submission__project").get(pk=revision.pk)
    run = last_run(found)
    return review_of(found, run, report_of(run) if run else None, day=day)


def gate(revision, day=None):
    return conclude(review(revision, day))


def status(revision, key, day=None):
    return next(one.status for one in gate(revision, day).conditions if one.key == key)


def standing(revision):
    """What each voter's last vote is worth, by name of the voter."""
    return {one.vote.voter.username: one.status for one in review(revision).votes}


def finding(revision, verdict):
    """A finding of the last report by its verdict."""
    report = report_of(last_run(revision))
    return next(one for one in report["findings"] if one["verdict"] == verdict and one["state"] != "fixed")


def revised(team, submitted, layout=OTHER, by=None):
    """One more revision of a layout, with its report."""
    by = by or team.submitter
    again = make.make_layout_submission(team.platform, by, layout=layout, submission=submitted.submission)
    make.execute(again.run)
    return again


def adopted(team, submitted):
    vote(submitted.revision, "approve", by=team.reviewer)
    adopt(submitted.revision, by=team.maintainer, digest=submitted.revision.digest)
    submitted.submission.refresh_from_db()
    return submitted


def harmful(team):
    """A layout that makes one guest incompatible: a regression, conditional findings, a degraded one."""
    make.make_guest(
        team.platform, name="sles", family="suse-xenlinux", release="2.6.32", role="domU", needs=["WC"]
    )  # fmt: skip
    return team.submission(layout=make.LINUX)


def conditional(team):
    """A guest that is right if an assumption holds."""
    submitted = make.make_guest_submission(team.project, team.submitter, **STATED)
    make.execute(submitted.run)
    return submitted


def undecided(team):
    """A guest of which nobody says which release it is, where that decides."""
    make.make_platform(team.project, name="linux-like", layout=make.LINUX)
    submitted = make.make_guest_submission(team.project, team.submitter, release="", needs=["WC"])
    make.execute(submitted.run)
    return submitted


def configured(team, text=CONFIG, submission=None, by=None, **guest):
    """A guest that is read from a .config."""
    stated = {"name": "kernel", "mode": "pv", "role": "dom0", "devices": True} | guest
    files = (Upload("config", "config", text.encode()),)
    proposal = Proposal(kind="guest", title="A kernel", guest=stated, files=files)
    submitted = submit(team.project, proposal, by=by or team.submitter, submission=submission)
    make.execute(submitted.run)
    return submitted


def proposed(team, submitted, verdict="incompatible", *, by=None, last=LAST, day=DAY, **fields):
    """A waiver of a finding of that verdict, waiting for a second person."""
    fields = {"reason": "Known, and kept away from users.", "expires_on": last, "day": day} | fields
    print_ = finding(submitted.revision, verdict)["fingerprint"]
    return propose_waiver(submitted.revision, print_, by=by or team.submitter, **fields)


def waived(team, submitted, verdict="incompatible", *, day=DAY, **fields):
    return decide_waiver(
        proposed(team, submitted, verdict, day=day, **fields), accept=True, by=team.maintainer, day=day
    )
