"""The list of findings says which are waived, row by row."""

from datetime import timedelta

from patreview.reviews.models import Waiver
from patreview.reviews.queries import today, waived_by
from patreview.reviews.waivers import decide_waiver, propose_waiver
from tests import make


def waived(team):
    make.make_guest(team.platform, name="sles", family="suse-xenlinux", release="2.6.32", role="domU", needs=["WC"])
    submitted = team.submission(layout=make.LINUX)
    finding = next(one for one in submitted.run.findings.order_by("position") if one.verdict == "incompatible")
    last = (today() + timedelta(days=3)).isoformat()
    proposed = propose_waiver(
        submitted.revision, finding.fingerprint, reason="Idle.", expires_on=last, by=team.submitter
    )
    decide_waiver(proposed, accept=True, by=team.maintainer)
    return finding, last


def test_the_page_of_findings_names_the_waiver(team, client):
    finding, last = waived(team)
    client.force_login(team.viewer.user)
    page = client.get(f"/p/{team.project.slug}/findings/").text
    row = next(part for part in page.split("<tr>") if finding.fingerprint in part)
    assert f"waived until {last}" in row
    assert "Incompatible" in row
    assert page.count("waived until") == 1


def test_of_two_findings_of_one_fingerprint_only_the_covered_one_is_waived(team):
    finding, _ = waived(team)
    other = next(one for one in finding.run.findings.order_by("position") if one.pk != finding.pk)
    other.fingerprint, other.verdict, other.guests = finding.fingerprint, "incompatible", ["somebody else"]
    assert set(waived_by(team.project.pk, [finding, other])) == {finding.pk}
    assert Waiver.objects.get().verdict == "incompatible"
