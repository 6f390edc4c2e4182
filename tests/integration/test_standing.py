"""Every guest in service against the layouts in force: equal guests are one fact, judged once and counted."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from patreview import engine
from patreview.analyses import standing as module
from patreview.analyses.standing import guest_standing, standing_of
from patreview.catalogue.facts import facts_digest
from patreview.catalogue.models import Guest
from patreview.catalogue.retirement import retire
from patreview.catalogue.services import know_layout, put_layout_in_force
from tests import make

WEB = {"role": "domU", "devices": False, "release": "6.1.192"}


def sizes(standing, platform="xen-4.17"):
    return sorted((row["title"], row["guests"], row["after"]) for row in standing.classes_on(platform))


def test_many_equal_guests_are_one_class(team):
    for number in range(40):
        make.make_guest(team.platform, name=f"web {number}", **WEB)
    make.make_guest(team.platform, name="gpu", role="domU", release="5.15", drivers=["amdgpu"])
    standing = standing_of(team.project)
    assert sizes(standing) == [
        ("PV dom0, Linux 6.12.117", 1, "compatible"),
        ("PV domU with devices, Linux 5.15", 1, "incompatible"),
        ("PV domU without devices, Linux 6.1.192", 40, "compatible"),
    ]
    assert standing.classes_on("xen-4.17")[0]["after"] == "incompatible"
    assert standing.tally("xen-4.17") == [("incompatible", 1), ("compatible", 41)]
    relied = standing.platforms["xen-4.17"]["entries"][0]["relied_on"]
    assert sum(one["guests"] for one in relied) == 42
    assert standing.counts == {team.platform.pk: 42}


def test_one_at_a_time_says_the_same(team):
    """What the classes say of a guest is what judging it alone says."""
    kinds = (
        {"release": "3.1", "drivers": ["i915"]}, WEB, {"family": "netbsd", "release": "9.3"},
        WEB | {"mode": "hvm", "devices": True}, {"family": "suse-xenlinux", "release": "2.6.32", "needs": ["WT@ram"]},
    )  # fmt: skip
    for stated in kinds:
        make.make_guest(team.platform, **stated)
    other = make.make_platform(team.project, name="linux", layout=make.LINUX)
    for guest in Guest.objects.all():
        guest.platforms.add(other)
    standing = standing_of(team.project)
    for guest in Guest.objects.all():
        alone = guest_standing(guest, [team.platform, other]).report
        for row in alone["classes"]:
            assert standing.class_of(guest.facts_digest, row["platform"])["after"] == row["after"]


def test_it_is_computed_once_a_state_of_the_catalogue(team, django_assert_num_queries):
    first = standing_of(team.project)
    with django_assert_num_queries(1):
        assert standing_of(team.project) is first
    make.make_guest(team.platform, name="another")
    assert standing_of(team.project) is not first


def test_retired_ones_do_not_count(team):
    other = make.make_platform(team.project, name="other")
    guest = make.make_guest(team.platform, name="both", **WEB)
    guest.platforms.add(other)
    retire(other, reason="gone", by=team.maintainer)
    assert set(standing_of(team.project).platforms) == {"xen-4.17"}
    retire(guest, reason="gone", by=team.maintainer)
    assert sizes(standing_of(team.project)) == [("PV dom0, Linux 6.12.117", 1, "compatible")]


def test_each_platform_names_its_own_guests(team):
    other = make.make_platform(team.project, name="other")
    make.make_guest(team.platform, name="here", **WEB)
    there = make.make_guest(other, name="there", **WEB)
    rows = standing_of(team.project).classes_on("other")
    assert [(row["members"], row["first"]) for row in rows] == [(["there"], there.pk)]


@pytest.mark.parametrize("facts", [["not facts"], {}, {"facts": 5}, {"facts": {"family": {"value": "beos"}}}, "", 7])
def test_facts_that_cannot_be_read_are_left_out_and_said(team, facts):
    odd = make.make_guest(team.platform, name="odd", **WEB)
    Guest.objects.filter(pk=odd.pk).update(facts=facts, facts_digest=facts_digest(facts))
    standing = standing_of(team.project)
    assert (standing.unread, standing.problem) == (1, "")
    assert sizes(standing) == [("PV dom0, Linux 6.12.117", 1, "compatible")]
    odd.refresh_from_db()
    judged = guest_standing(odd, [team.platform])
    assert judged.report is None
    assert judged.problem


def test_the_most_frequent_are_judged_where_there_are_too_many(team, monkeypatch):
    monkeypatch.setattr(module, "PAIRS_MAX", 2)
    for number in range(3):
        make.make_guest(team.platform, name=f"web{number}", **WEB)
    for number in range(4):
        make.make_guest(team.platform, name=f"one{number}", release=f"5.{number}")
    standing = standing_of(team.project)
    assert standing.left_out == 4
    assert ("PV domU without devices, Linux 6.1.192", 3, "compatible") in sizes(standing)
    assert standing.counts == {team.platform.pk: 8}


def test_nothing_in_service_is_no_problem(db):
    project = make.make_project()
    assert standing_of(project).problem == ""
    make.make_platform(project)
    assert standing_of(project).classes == ()


def test_what_decides_is_the_digest(team):
    stated = {"family": "linux", "release": "6.1", "mode": "pv", "role": "dom0", "devices": True}
    one = engine.read_guest(stated | {"name": "a"}, [], by="dana")
    assert facts_digest(one) == facts_digest(engine.read_guest(stated | {"name": "b"}, [], by="max"))
    assert facts_digest(one) != facts_digest(engine.read_guest(stated | {"name": "a", "release": "6.2"}, [], by="max"))
    header = one | {"facts": one["facts"] | {"config": {"value": {}, "release": {"value": "6.1", "line": 3}}}}
    bare = one | {"facts": one["facts"] | {"config": {"value": {}}}}
    assert facts_digest(header) != facts_digest(bare)


def test_a_boot_log_that_is_forgotten_changes_the_digest(team):
    guest = make.make_guest(team.platform, name="seen", observed_pat=make.XEN)
    put_layout_in_force(team.platform, know_layout(team.project, make.LINUX), by="tests")
    after = Guest.objects.get(pk=guest.pk)
    assert after.facts_digest == facts_digest(after.facts) != guest.facts_digest


def test_the_migration_fills_the_digests(team):
    Guest.objects.update(facts_digest="")
    migration = import_module("patreview.catalogue.migrations.0003_guests_by_facts")
    migration.digest_the_facts(apps, SimpleNamespace(connection=connection))
    assert [guest.facts_digest for guest in Guest.objects.all()] == [
        facts_digest(one.facts) for one in Guest.objects.all()
    ]
