"""A report leads to the rules and kernels that it rests on, and says what each guest needs and how it is known."""

import re

import pytest

from patreview.submissions.queries import visible_submissions
from tests import make


@pytest.fixture
def report(team, client):
    """The page of a guest submission, its run completed."""

    def read(**stated):
        client.force_login(team.submitter.user)
        submitted = make.make_guest_submission(team.project, team.submitter, **stated)
        make.execute(submitted.run)
        return client.get(f"/s/{submitted.submission.pk}/").text

    return read


def test_rules_are_linked_but_not_from_a_summary(report):
    page = report(release="5.15.100")
    assert '<a href="/rules/ENC020/">ENC020</a>' in page.split('<section aria-labelledby="findings">')[1]
    assert '<th scope="row"><a href="/rules/LAY020/">LAY020</a></th>' in page
    assert all("<a " not in summary for summary in re.findall(r"<summary>.*?</summary>", page, re.S))


def test_a_guest_leads_to_its_family(report):
    assert '<a href="/kernels/#linux">PV dom0, Linux 6.12.117</a>' in report()


def test_what_each_guest_needs(report):
    page = report(drivers=["mlx4_ib"], needs=["WT@ram"])
    needs = page.split('<details class="needs">')[1].split("</details>")[0]
    rows = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in needs.split("<tr>")[2:]]
    assert any(re.search(r"WC device memory .*mlx4_ib.* yes$", row) for row in rows), rows
    assert any("WT RAM" in row for row in rows), rows
    assert "What each guest needs, and by what" in needs


def test_how_a_fact_is_known_is_said_where_it_was_not_seen(report):
    page = report(family="windows", release="10", mode="hvm", role="domU", devices=False)
    assert '<span class="tag">recalled</span>' in page
    assert "EVI080 · advice · recalled" in page
    assert "recalled: not seen again in a text or in code." in page
    assert "recalled" not in report().split('id="findings"')[1].split('id="coverage"')[0]


@pytest.fixture
def form(team, client):
    client.force_login(team.submitter.user)
    guest = {"title": "A kernel", "name": "dom0-new", "family": "linux", "release": "6.12.117", "mode": "pv"}

    def post(**fields):
        return client.post(f"/p/{team.project.slug}/submit/?kind=guest", guest | {"role": "dom0"} | fields)

    return post


def test_drivers_needs_and_flags_are_stated_and_come_back(team, client, form):
    sent = {"drivers": "i915, efifb", "needs": "WC@mmio UC-", "hide_cpuid_pat": "on", "errata_cpu": "on"}
    assert form(**sent).status_code == 303
    submission = visible_submissions(team.submitter).first()
    stated = submission.current.content["stated"]["guest"]
    assert stated["drivers"] == ["i915", "efifb"]
    assert stated["needs"] == ["WC@mmio", "UC-"]
    assert (stated["hide_cpuid_pat"], stated["errata_cpu"]) == (True, True)
    page = client.get(f"/s/{submission.pk}/revise/").text
    assert 'name="drivers" value="i915 efifb"' in page
    assert 'name="needs" value="WC@mmio UC-"' in page
    assert len(re.findall(r'type="checkbox"[^>]* checked', page)) == 2


def test_what_is_not_filled_in_is_not_stated(team, form):
    form(drivers=" ,", needs="")
    stated = visible_submissions(team.submitter).first().current.content["stated"]["guest"]
    assert not {"drivers", "needs", "hide_cpuid_pat", "errata_cpu"} & set(stated)


@pytest.mark.parametrize(("field", "text"), [("drivers", "no-such-driver"), ("needs", "WC WX@mmio")])
def test_a_word_that_the_engine_does_not_know_is_marked_at_its_field(team, form, field, text):
    answer = form(**{field: text})
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.text
    assert f'value="{text}"' in answer.text
    assert visible_submissions(team.submitter).first() is None
