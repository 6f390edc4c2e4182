"""Proposing a layout or a guest: what is taken, what is refused, what is kept in the form."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from patreview.analyses.services import submit
from patreview.reviews.services import withdraw
from patreview.submissions.queries import artifacts_of, visible_submissions
from patreview.submissions.services import Proposal
from patreview.web.forms import CONFIG_MAX, field_of
from tests import make

CONFIG = "# Linux/x86 6.12.117 Kernel Configuration\nCONFIG_X86_PAT=y\nCONFIG_XEN_PV=y\n"


@pytest.fixture
def path(team, client):
    client.force_login(team.submitter.user)
    return f"/p/{team.project.slug}/submit/"


def layout(**fields):
    return {"title": "Ours", "platform": "xen-4.17", "layout": make.HARMLESS, "note": ""} | fields


def guest(**fields):
    stated = {"name": "dom0-new", "family": "linux", "release": "6.12.117", "mode": "pv", "role": "dom0"}
    return {"title": "A kernel", "devices": "yes"} | stated | fields


def newest(team):
    return visible_submissions(team.submitter).first()


def test_a_layout_as_text(team, client, path):
    answer = client.post(path, layout())
    assert (answer.status_code, answer["Location"]) == (303, f"/s/{newest(team).pk}/")
    assert newest(team).current.content["layout"]["entries"] == make.HARMLESS.split()
    assert newest(team).platform == team.platform


def test_a_layout_as_eight_choices(team, client, path):
    chosen = {f"pa{index}": name for index, name in enumerate(make.HARMLESS.split())}
    client.post(path, layout(layout="") | chosen)
    assert newest(team).current.content["layout"]["entries"] == make.HARMLESS.split()


def test_a_preset_is_an_address(client, path):
    page = client.get(f"{path}?layout={make.LINUX}").text
    assert '<option value="WT" selected>WT</option>' in page.split('name="pa7"')[1].split("</select>")[0]
    assert f"{path}?layout=0x0007040600070406" in page


def test_a_layout_that_no_processor_takes(team, client, path):
    answer = client.post(path, layout(layout="0x0000050100070402"))
    assert answer.status_code == 422
    assert "PA0" in answer.text
    assert 'value="0x0000050100070402"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert newest(team) is None


@pytest.mark.parametrize(("query", "told"), [("kind=scheme", "is no kind"), ("layout=0x02", "PA0"), ("layout=x", "")])
def test_an_address_that_means_nothing(client, path, query, told):
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert told in answer.text


def test_who_may_propose(team, client, path):
    client.force_login(team.viewer.user)
    answer = client.post(path, layout())
    assert answer.status_code == 403
    assert "Proposing needs the role submitter" in answer.text
    client.logout()
    assert client.get(path)["Location"].startswith("/login/?next=/p/")


def test_a_title_is_needed(client, path):
    answer = client.post(path, layout(title=""))
    assert answer.status_code == 422
    assert "This field is required." in answer.text


def test_a_guest_with_its_config(team, client, path):
    chosen = SimpleUploadedFile("dom0.config", CONFIG.encode())
    answer = client.post(f"{path}?kind=guest", guest(config_file=chosen))
    assert answer.status_code == 303
    current = newest(team).current
    assert current.content["guest"]["facts"]["config"]["origin"]["source"] == "dom0.config"
    assert [(a.role, a.name) for a in artifacts_of(current)] == [("config", "dom0.config")]
    page = client.get(answer["Location"]).text
    assert "CONFIG_X86_PAT=y, line 2" in page
    assert "stated by" in page


def test_a_guest_with_stated_encodings_and_a_pasted_config(team, client, path):
    sent = guest(family="stated", encoding_wc="PWT", encoding_ucm="PCD", config_text=CONFIG.replace("\n", "\r\n"))
    del sent["release"]
    assert client.post(f"{path}?kind=guest", sent).status_code == 303
    stated = newest(team).current.content["stated"]["guest"]
    assert stated["encodings"] == {"WC": "PWT", "UC-": "PCD"}
    assert stated["devices"] is True
    assert artifacts_of(newest(team).current)[0].name == "pasted.config"


def test_a_config_that_is_none_comes_back_with_its_text(client, path):
    chosen = SimpleUploadedFile("new.config", b"this is no configuration\n")
    answer = client.post(f"{path}?kind=guest", guest(config_file=chosen))
    assert answer.status_code == 422
    assert "<code>new.config:1</code>" in answer.text
    assert "this is no configuration\n</textarea>" in answer.text
    assert 'name="config_name" value="new.config"' in answer.text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"CONFIG_X=y\n" * (CONFIG_MAX // 11 + 1), "at most 2097152"),
        (b"\x1f\x8b\x08\x00", "new.config is no text"),
    ],
)
def test_a_file_that_is_no_config(client, path, content, told):
    answer = client.post(f"{path}?kind=guest", guest(config_file=SimpleUploadedFile("new.config", content)))
    assert answer.status_code == 422
    assert told in answer.text


@pytest.mark.parametrize(
    ("problem", "field"),
    [
        ("release", "release"),
        ("guest.release", "release"),
        ("guest.encodings.UC-", "encoding_ucm"),
        ("encodings", "family"),
        ("files", "config_text"),
        ("files.0", "config_text"),
        (None, ""),
    ],
)
def test_a_problem_finds_its_field(problem, field):
    assert field_of(problem) == field


def test_a_revision_starts_from_the_one_before(team, client, path):
    client.post(f"{path}?kind=guest", guest(config_file=SimpleUploadedFile("dom0.config", CONFIG.encode())))
    submission = newest(team)
    page = client.get(f"/s/{submission.pk}/revise/").text
    assert 'value="6.12.117"' in page
    assert "CONFIG_X86_PAT=y" in page
    assert 'value="dom0.config"' in page
    answer = client.post(f"/s/{submission.pk}/revise/", guest(release="6.18.1", config_text="", note="newer"))
    assert answer["Location"] == f"/s/{submission.pk}/"
    submission.refresh_from_db()
    assert (submission.current.number, submission.current.note, submission.title) == (2, "newer", "A kernel")


def test_a_revision_keeps_what_the_form_has_no_field_for(team, client, path):
    stated = {"modules": ["i915"], "booted_under": make.LINUX, "hide_cpuid_mtrr": True}
    submission = make.make_guest_submission(team.project, team.submitter, **stated).submission
    page = client.get(f"/s/{submission.pk}/revise/").text
    assert "As the current revision states it: booted_under, hide_cpuid_mtrr, modules." in page
    client.post(
        f"/s/{submission.pk}/revise/",
        guest(release="6.18.1", drivers="efifb", needs="WT@ram", errata_cpu="on", keep="on"),
    )
    submission.refresh_from_db()
    found = submission.current.content["stated"]["guest"]
    assert {name: found[name] for name in stated} == stated
    assert (found["release"], found["drivers"], found["needs"]) == ("6.18.1", ["efifb"], ["WT@ram"])
    assert found["errata_cpu"] is True


def test_a_revision_may_drop_what_the_form_has_no_field_for(team, client, path):
    submission = make.make_guest_submission(team.project, team.submitter, modules=["i915"]).submission
    client.post(f"/s/{submission.pk}/revise/", guest())
    submission.refresh_from_db()
    assert "modules" not in submission.current.content["stated"]["guest"]
    assert "Keep what has no field here" not in client.get(f"/s/{submission.pk}/revise/").text


def test_a_layout_is_revised(team, client, path):
    submitted = team.submission()
    page = client.get(f"/s/{submitted.submission.pk}/revise/").text
    assert "r2" in page
    assert 'name="platform"' not in page
    client.post(f"/s/{submitted.submission.pk}/revise/", {"layout": make.LINUX, "note": ""})
    submitted.submission.refresh_from_db()
    assert submitted.submission.current.content["layout"]["msr"] == make.LINUX


def test_only_the_owner_or_a_maintainer_revises(team, client):
    submitted = team.submission()
    client.force_login(make.make_member(team.project).user)
    answer = client.post(f"/s/{submitted.submission.pk}/revise/", {"layout": make.LINUX, "note": ""})
    assert answer.status_code == 403
    assert "only they or a maintainer add to it" in answer.text


def test_a_submission_without_a_config_has_none_to_start_from(team, client, path):
    made = submit(team.project, Proposal(kind="guest", title="k", guest={"name": "k"}), by=team.submitter)
    page = client.get(f"/s/{made.submission.pk}/revise/").text
    assert 'value="k"' in page


def test_the_choices_start_from_what_is_in_force(client, path, team):
    page = client.get(path).text
    assert '<option value="WC" selected>WC</option>' in page.split('name="pa4"')[1].split("</select>")[0]
    bare = make.make_project()
    member = make.make_member(bare)
    client.force_login(member.user)
    assert client.get(f"/p/{bare.slug}/submit/").status_code == 200


def test_a_revision_of_a_closed_submission_is_409(team, client, path):
    made = make.make_layout_submission(team.platform, team.submitter)
    withdraw(made.submission, by=team.submitter)
    refused = client.post(f"/s/{made.submission.pk}/revise/", {"layout": make.LINUX, "note": ""})
    assert refused.status_code == 409
    assert "withdrawn" in refused.text


def test_commits_that_a_kernel_carries_come_back_in_the_form_and_on_the_page(client, path):
    sent = guest(release="5.14.0-427.el9.x86_64", patches="548cb932051f, 72cbc8f04fe2")
    place = client.post(f"{path}?kind=guest", sent)["Location"]
    assert "548cb932051f, 72cbc8f04fe2" in client.get(place).text
    revise = client.get(f"{place}revise/").text
    assert 'value="548cb932051f 72cbc8f04fe2"' in revise
    refused = client.post(f"{path}?kind=guest", guest(patches="no commit"))
    assert refused.status_code == 422


def test_a_revision_that_keeps_its_config_keeps_its_bytes(team, client, path):
    body = b"# Linux/x86 6.1.192 Kernel Configuration\r\nCONFIG_XEN=y\r\n# caf\xe9\r\n"
    upload = SimpleUploadedFile("new.config", body)
    place = client.post(f"{path}?kind=guest", guest(config_file=upload))["Location"]
    form = client.get(f"{place}revise/").context["form"]
    sent = guest(config_text=form["config_text"].value(), config_name="new.config", cmdline="nopat")
    assert client.post(f"{place}revise/", sent).status_code == 303
    submission = visible_submissions(team.submitter).get()
    assert submission.current.number == 2
    assert {artifact.size for artifact in artifacts_of(submission.current)} == {len(body)}
