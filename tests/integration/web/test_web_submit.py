"""Proposing a layout or a guest: what is taken, what is refused, what is kept in the form."""

import gzip
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from patreview.analyses.services import submit
from patreview.reviews.services import withdraw
from patreview.submissions.drafts import forget_drafts
from patreview.submissions.models import Artifact, Blob
from patreview.submissions.queries import artifacts_of, visible_submissions
from patreview.submissions.services import Proposal
from patreview.web.forms import field_of
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
    assert "0x0000050100070402</textarea>" in answer.text
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
    answer = client.post(f"{path}?kind=guest", guest(evidence=chosen))
    assert answer.status_code == 303
    current = newest(team).current
    assert current.content["guest"]["facts"]["config"]["origin"]["source"] == "dom0.config"
    assert [(a.role, a.name) for a in artifacts_of(current)] == [("config", "dom0.config")]
    page = client.get(answer["Location"]).text
    assert "CONFIG_X86_PAT=y, line 2" in page
    assert "stated by" in page


def test_a_guest_with_stated_encodings_and_a_pasted_config(team, client, path):
    sent = guest(family="stated", encoding_wc="PWT", encoding_ucm="PCD", pasted=CONFIG.replace("\n", "\r\n"))
    del sent["release"]
    assert client.post(f"{path}?kind=guest", sent).status_code == 303
    stated = newest(team).current.content["stated"]["guest"]
    assert stated["encodings"] == {"WC": "PWT", "UC-": "PCD"}
    assert stated["devices"] is True
    assert artifacts_of(newest(team).current)[0].name == "pasted.txt"


def kept_in(page):
    """The tokens of the files that a form has kept."""
    return re.findall(r'name="kept" value="([^"]+)"', page)


def test_what_is_no_evidence_is_named_and_what_was_typed_comes_back(client, path):
    chosen = SimpleUploadedFile("new.config", b"this is no configuration\n")
    answer = client.post(f"{path}?kind=guest", guest(evidence=chosen, pasted="nor is this\n"))
    assert answer.status_code == 422
    assert "<code>new.config</code>" in answer.text
    assert "is none of the files that are read: kernel .config" in answer.text
    assert "nor is this\n</textarea>" in answer.text


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("new.config", b"CONFIG_X=y\n" * ((2 << 20) // 11 + 1), "at most 2097152 are read"),
        ("config.gz", gzip.compress(CONFIG.encode())[:40], "config.gz"),
        ("dom0.config", b"CONFIG_X=y\n<<<<<<< HEAD\n", "<code>dom0.config:2</code>"),
    ],
    ids=["too large", "cut off", "a mark of a merge"],
)
def test_a_file_that_cannot_be_read_says_why(client, path, name, content, told):
    answer = client.post(f"{path}?kind=guest", guest(evidence=SimpleUploadedFile(name, content)))
    assert answer.status_code == 422
    assert told in answer.text
    assert newest_blob_is_a_draft()


def newest_blob_is_a_draft():
    return Blob.objects.count() == 1 and not Artifact.objects.exists()


def test_files_of_a_form_that_came_back_need_not_be_chosen_again(team, client, path):
    sent = guest(evidence=SimpleUploadedFile("dom0.config", CONFIG.encode()), title="")
    answer = client.post(f"{path}?kind=guest", sent)
    assert answer.status_code == 422
    assert "<code>dom0.config</code>" in answer.text
    assert client.post(f"{path}?kind=guest", guest(kept=kept_in(answer.text))).status_code == 303
    assert [(a.role, a.name) for a in artifacts_of(newest(team).current)] == [("config", "dom0.config")]


def test_a_kept_file_is_its_senders_alone(team, client, path):
    answer = client.post(f"{path}?kind=guest", guest(evidence=SimpleUploadedFile("c", CONFIG.encode()), title=""))
    client.force_login(make.make_member(team.project).user)
    stolen = client.post(f"{path}?kind=guest", guest(kept=kept_in(answer.text)))
    assert stolen.status_code == 422
    assert "c is kept no more: choose it again." in stolen.text
    forged = client.post(f"{path}?kind=guest", guest(kept=["eyJ1c2VyIjoxfQ:x:y"]))
    assert forged.status_code == 422
    assert "a file is kept no more" in forged.text
    assert newest(team) is None


def test_a_chosen_file_takes_the_place_of_a_kept_one(team, client, path):
    answer = client.post(f"{path}?kind=guest", guest(evidence=SimpleUploadedFile("old", CONFIG.encode()), title=""))
    fresh = SimpleUploadedFile("fresh", CONFIG.replace("117", "118").encode())
    assert client.post(f"{path}?kind=guest", guest(kept=kept_in(answer.text), evidence=fresh)).status_code == 303
    assert [a.name for a in artifacts_of(newest(team).current)] == ["fresh"]


def test_drafts_that_no_revision_took_are_forgotten_after_a_day(team, client, path):
    client.post(f"{path}?kind=guest", guest(evidence=SimpleUploadedFile("taken", CONFIG.encode())))
    client.post(f"{path}?kind=guest", guest(evidence=SimpleUploadedFile("left", b"CONFIG_A=y\n"), title=""))
    assert Blob.objects.count() == 2
    assert forget_drafts() == 0
    Blob.objects.update(kept_at=timezone.now() - timedelta(days=2))
    assert forget_drafts() == 1
    assert Blob.objects.get().sha256 == artifacts_of(newest(team).current)[0].sha256


def test_a_preview_says_what_is_recognised_unknown_and_missing(team, client, path):
    domain = b'name = "gpu"\ntype = "pv"\nfrobnicate = 3\npci = ["0000:01:00.0"]\n'
    sent = {"title": "A kernel", "action": "preview", "evidence": SimpleUploadedFile("gpu.cfg", domain)}
    page = client.post(f"{path}?kind=guest", sent)
    assert page.status_code == 200
    assert newest(team) is None
    text = page.text.split('id="preview-head"')[1].split("</section>")[0]
    assert "domain configuration (xl.cfg)" in text
    assert "1 line not understood" in text
    assert "frobnicate" in text
    assert "gpu.cfg:4" in text
    assert "which kernels of the table it is one of" in text
    assert client.post(f"{path}?kind=guest", {"title": "k", "kept": kept_in(page.text)}).status_code == 303
    assert newest(team).current.content["guest"]["name"] == "gpu"


@pytest.mark.parametrize(
    ("problem", "field"),
    [
        ("release", "release"),
        ("guest.release", "release"),
        ("guest.encodings.UC-", "encoding_ucm"),
        ("encodings", "family"),
        ("files", "evidence"),
        ("files.0", "evidence"),
        (None, ""),
    ],
)
def test_a_problem_finds_its_field(problem, field):
    assert field_of(problem) == field


def test_a_revision_starts_from_the_one_before(team, client, path):
    client.post(f"{path}?kind=guest", guest(evidence=SimpleUploadedFile("dom0.config", CONFIG.encode())))
    submission = newest(team)
    page = client.get(f"/s/{submission.pk}/revise/").text
    assert 'value="6.12.117"' in page
    assert "<code>dom0.config</code>" in page
    answer = client.post(f"/s/{submission.pk}/revise/", guest(release="6.18.1", note="newer"))
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


def test_a_revision_that_keeps_its_files_keeps_their_bytes(team, client, path):
    body = b"# Linux/x86 6.1.192 Kernel Configuration\r\nCONFIG_XEN=y\r\n# caf\xe9\r\n"
    place = client.post(f"{path}?kind=guest", guest(evidence=SimpleUploadedFile("new.config", body)))["Location"]
    page = client.get(f"{place}revise/").text
    assert client.post(f"{place}revise/", guest(kept=kept_in(page), cmdline="nopat")).status_code == 303
    submission = visible_submissions(team.submitter).get()
    assert submission.current.number == 2
    assert {artifact.size for artifact in artifacts_of(submission.current)} == {len(body)}


def test_what_was_pasted_stays_with_the_next_revision(team, client, path):
    place = client.post(f"{path}?kind=guest", guest(pasted=CONFIG))["Location"]
    page = client.get(f"{place}revise/").text
    assert len(kept_in(page)) == 1
    seen = client.post(f"{place}revise/", guest(kept=kept_in(page), action="preview", pasted="")).text
    assert len(kept_in(seen)) == 1
    typed = client.post(f"{path}?kind=guest", guest(action="preview", pasted=CONFIG)).text
    assert kept_in(typed) == []
    refused = client.post(f"{path}?kind=guest", guest(pasted="nothing that is known\n")).text
    assert kept_in(refused) == []


def test_choices_that_differ_from_the_patch_that_came_along_are_not_passed_over(team, client, path):
    patch = "#define XEN_MSR_PAT 0x0407050600070106ULL\n"
    place = client.post(path, layout(layout=patch))["Location"]
    page = client.get(f"{place}revise/").text
    chosen = {f"pa{index}": name for index, name in enumerate(make.HARMLESS.split())}
    refused = client.post(f"{place}revise/", {"note": "", "layout": "", "kept": kept_in(page)} | chosen)
    assert refused.status_code == 422
    assert "leave one of them out" in refused.text
    taken = client.post(f"{place}revise/", {"note": "", "layout": ""} | chosen)
    assert taken.status_code == 303
    assert newest(team).current.content["layout"]["entries"] == make.HARMLESS.split()


def test_the_form_of_a_revision_is_for_those_who_may_add_one(team):
    submitted = team.submission()
    another = make.make_member(team.project)
    for by, status in ((team.submitter, 200), (team.maintainer, 200), (another, 403), (team.reviewer, 403)):
        client = Client()
        client.force_login(by.user)
        answer = client.get(f"/s/{submitted.submission.pk}/revise/")
        assert answer.status_code == status
        if status == 403:
            assert "Submit one of your own" in answer.text
