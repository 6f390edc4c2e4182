"""What is stated of a platform besides its release: it is judged by the engine, and adopting a layout adds to it."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from patreview.analyses.scenario import scenario_of
from patreview.catalogue.models import Platform
from patreview.catalogue.services import know_layout, put_layout_in_force
from tests import make

RANGES = {"default": "UC", "variable": [{"base": "0x0", "size": "0x80000000", "type": "WB"}]}


def test_a_platform_is_made_with_details(db):
    make.make_project(slug="xen")
    options = {"cmdline": "mmio-relax=all", "errata_cpu": True, "patch": ["40b05620e2"], "mtrr": json.dumps(RANGES)}
    call_command("create_platform", "xen", "odd", release="4.17", stderr=StringIO(), **options)
    assert Platform.objects.get().details == {
        "cmdline": "mmio-relax=all", "errata_cpu": True, "patches": ["40b05620e2"], "mtrr": RANGES,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cmdline": "mmio-relax=perhaps"}, "a boolean or `all`"),
        ({"patch": ["latest"]}, "no commit id"),
        ({"mtrr": "{"}, "no JSON"),
        ({"mtrr": '{"default": "UC-"}'}, "default"),
        ({"mtrr": '{"defualt": "UC"}'}, "defualt"),
    ],
)
def test_details_that_cannot_be_are_refused(db, options, words):
    make.make_project(slug="xen")
    with pytest.raises(CommandError, match=words):
        call_command("create_platform", "xen", "odd", release="4.17", stderr=StringIO(), **options)
    assert not Platform.objects.exists()


def test_details_reach_the_engine(team):
    Platform.objects.update(details={"errata_cpu": True})
    submitted = make.make_guest_submission(team.project, team.submitter, drivers=["i915"])
    assert scenario_of(submitted.revision)["platforms"][0]["errata_cpu"] is True
    make.execute(submitted.run)
    submitted.submission.refresh_from_db()
    assert submitted.submission.verdict == "incompatible"


def test_adopting_a_layout_records_that_xen_was_patched_along(team):
    linux = know_layout(team.project, make.LINUX)
    put_layout_in_force(team.platform, linux, by="tests")
    team.platform.refresh_from_db()
    assert team.platform.details == {"patches": ["40b05620e2"]}
    submitted = make.make_guest_submission(team.project, team.submitter, drivers=["i915"])
    make.execute(submitted.run)
    submitted.submission.refresh_from_db()
    assert submitted.submission.verdict == "compatible"
    put_layout_in_force(team.platform, know_layout(team.project, make.XEN), by="tests")
    team.platform.refresh_from_db()
    assert team.platform.details == {"patches": ["40b05620e2"]}


@pytest.mark.parametrize(("release", "layout"), [("4.17", make.XEN), ("4.18", make.LINUX), ("4.6.0", make.LINUX)])
def test_a_layout_that_xen_needs_no_patch_for(team, release, layout):
    """Xen's own passes the test by index; 4.18 tests by type, and 4.6 tests nothing."""
    Platform.objects.update(release=release)
    put_layout_in_force(team.platform, know_layout(team.project, layout), by="tests")
    team.platform.refresh_from_db()
    assert team.platform.details == {}


def test_details_are_shown(team, client):
    Platform.objects.update(details={"cmdline": "mmio-relax=all", "errata_cpu": True, "patches": ["40b05620e2"]})
    client.force_login(team.submitter.user)
    page = client.get(f"/p/{team.project.slug}/").content.decode()
    assert "command line mmio-relax=all; its CPUs lose index bit 2; carries 40b05620e2" in page
    answer = client.get(f"/api/v1/projects/{team.project.slug}").json()
    assert answer["platforms"][0]["details"]["patches"] == ["40b05620e2"]


def test_a_boot_log_is_no_evidence_of_a_later_layout(team):
    """A log that was seen under the layout before must not stand against the one that is adopted."""
    make.make_guest(team.platform, name="dom0", observed_pat=make.XEN)
    make.make_guest(team.platform, name="hvm", mode="hvm", role="domU", observed_pat=make.LINUX)
    put_layout_in_force(team.platform, know_layout(team.project, make.LINUX), by="tests")
    seen = {guest.name: guest.fact("observed_pat") for guest in team.platform.guests.all()}
    assert seen == {"dom0": None, "hvm": make.LINUX}
    submitted = make.make_layout_submission(team.platform, team.submitter, layout=make.LINUX)
    make.execute(submitted.run)
    submitted.submission.refresh_from_db()
    assert submitted.submission.verdict == "conditional"  # on the patches that the layout needs, not indeterminate
