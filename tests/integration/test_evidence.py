"""Files as evidence, from the upload to the report: images, domain files, patches, contradictions, hostile bytes."""

import json
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from patreview import engine
from patreview.analyses.images import last_isolation
from patreview.analyses.models import ImageReading
from patreview.analyses.queries import is_stale, report_of
from patreview.analyses.scenario import guest_of, scenario_of
from patreview.analyses.services import request_run, submit
from patreview.catalogue.models import Guest
from patreview.reviews.services import adopt, vote
from patreview.submissions.queries import artifacts_of
from patreview.submissions.services import Proposal, Upload, read_proposal
from tests import make, make_images

DOMAIN = 'name = "gpu"\ntype = "pv"\nkernel = "/boot/vmlinuz"\nmemory = 1024\n'
_ON = ("X86_64", "X86_PAT", "MTRR", "XEN_PV", "DRM_I915")
CONFIG = "# Linux/x86 6.12.117 Kernel Configuration\n" + "".join(f"CONFIG_{one}=y\n" for one in _ON)
LOG = """\
[    0.000000] Linux version 6.12.117 (a@b) (gcc 12) #1 SMP Debian
[    0.000000] Command line: root=/dev/xvda1 ro
[    0.000000] x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC
[    0.000000] Booting kernel on Xen
[    0.000000] Xen version: 4.17.2 (preserve-AD)
"""


def send(team, *files, **guest):
    """A guest submitted with files (name, bytes or text), run; its run and report."""
    uploads = tuple(Upload("auto", name, body if isinstance(body, bytes) else body.encode()) for name, body in files)
    made = submit(team.project, Proposal(kind="guest", title="k", guest=guest, files=uploads), by=team.submitter)
    run = make.execute(made.run)
    return run, report_of(run)


def rules_of(report):
    return {finding["rule"]: finding for finding in report["findings"]}


def on(report, platform="xen-4.17"):
    return next(one for one in report["classes"] if one["platform"] == platform)


def test_a_domain_file_with_pci_turns_a_guest_into_one_that_may_set_cache_bits(team):
    _, without = send(team, ("gpu.cfg", DOMAIN), ("dom.config", CONFIG))
    _, having = send(team, ("gpu.cfg", DOMAIN + 'pci = ["0000:01:00.0"]\n'), ("dom.config", CONFIG))
    assert on(without)["behaviour"] == "may set no cache bit: PA0 alone"
    assert on(having)["behaviour"] == "reads the layout at boot"
    assert "domU with devices" in on(having)["title"]
    facts = {fact["key"]: fact for fact in having["evidence"][0]["facts"]}
    assert (facts["devices"]["value"], facts["devices"]["origin"]["source"], facts["devices"]["origin"]["line"]) == (
        True, "gpu.cfg", 5,
    )  # fmt: skip


def test_a_kernel_image_gives_release_notes_and_abilities(team):
    image = make_images.boot_image(make_images.kernel())
    run, report = send(team, ("vmlinuz", image), name="dom0", mode="pv", role="dom0", devices=True)
    facts = {fact["key"]: fact for fact in report["evidence"][0]["facts"]}
    read = facts["image"]["value"]
    assert read["format"] == "bzImage"
    assert {way: one["able"] for way, one in read["abilities"].items()} == {"pv": True, "pvh": True, "dom0": True}
    assert facts["release"]["origin"]["kind"] == "image"
    assert facts["release"]["origin"]["offset"] is not None
    assert facts["family"]["value"] == "linux"
    assert "EVI020" not in rules_of(report)
    assert [one["state"] for one in report["evidence"][0]["files"]] == ["read"]
    assert last_isolation()["limits"] is True
    assert not is_stale(run)


def test_an_image_is_read_once(team):
    image = make_images.boot_image(make_images.kernel())
    for name in ("one", "two"):
        send(team, ("vmlinuz", image), name=name, mode="pv", role="dom0", devices=True)
    assert ImageReading.objects.count() == 1


def test_an_image_that_xen_would_not_take_cannot_boot(team):
    body = make_images.kernel(notes=make_images.note(b"GNU", 1, bytes(16)))
    _, report = send(team, ("vmlinux", body), name="k", family="linux", release="6.12.117", mode="pv", role="domU")
    found = rules_of(report)["EVI010"]
    assert found["verdict"] == "incompatible"
    assert "Xen does not take this image as a PV domU" in found["message"]


HOSTILE = {
    "an ELF header alone": b"\x7fELF",
    "a boot sector that ends early": make_images.boot_image(make_images.kernel())[:1000],
    "a bomb": next(harm.body for harm in make_images.bombs() if harm.body.startswith(b"\x1f\x8b")),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_image_costs_a_finding(team, body):
    upload = Upload("image", "vmlinuz", body)
    guest = {"name": "k", "family": "linux", "release": "6.12.117", "mode": "pv", "role": "domU", "devices": False}
    made = submit(team.project, Proposal(kind="guest", title="k", guest=guest, files=(upload,)), by=team.submitter)
    report = report_of(make.execute(made.run))
    found = rules_of(report)["EVI120"]
    assert (found["verdict"], report["verdict"]) == ("indeterminate", "indeterminate")
    assert "could not be read: " in found["message"]
    assert report["evidence"][0]["files"][0]["state"] == "refused"


def test_what_failed_for_a_passing_reason_is_tried_again(team, settings):
    settings.IMAGE_WALL_S = 0.001
    image = make_images.boot_image(make_images.kernel())
    run, report = send(team, ("vmlinuz", image), name="k", mode="pv", role="dom0", devices=True)
    assert "EVI120" in rules_of(report)
    settings.IMAGE_WALL_S = 12
    again = make.execute(request_run(run.revision, by=team.submitter, reason="more time"))
    assert "EVI120" not in rules_of(report_of(again))
    assert ImageReading.objects.get().is_final


def test_a_boot_log_shows_the_guest_and_its_host(team):
    _, report = send(team, ("dmesg.txt", LOG), name="dom0", role="dom0", devices=True)
    facts = {fact["key"]: fact["value"] for fact in report["evidence"][0]["facts"]}
    assert facts["mode"] == "pv"
    assert facts["release"] == "6.12.117"
    assert facts["observed_pat"] == "0x0000050100070406"
    assert [one["name"] for one in report["platforms"]] == ["xen-4.17"]  # it may be the same
    _, other = send(team, ("dmesg.txt", LOG.replace("4.17.2", "4.19.1")), name="dom0", role="dom0", devices=True)
    seen = next(one for one in other["platforms"] if one["name"] == "collected")
    assert (seen["hypervisor"], seen["before"]["msr"]) == ("Xen 4.19.1", "0x0000050100070406")


def test_a_boot_log_speaks_for_the_platform_that_it_is_of_alone(team):
    make.make_platform(team.project, "xen-linux", layout=make.LINUX)
    _, report = send(team, ("dmesg.txt", LOG), name="dom0", role="dom0", devices=True)
    assert "EVI070" not in rules_of(report)
    assert [one["name"] for one in report["platforms"]] == ["xen-4.17", "xen-linux"]


def test_facts_that_cannot_be_are_refused_or_a_finding(team):
    with pytest.raises(engine.InvalidInput):
        send(team, ("a.cfg", DOMAIN), name="k", release="6.1", family="linux", drivers=["none such"])
    odd = (make_images.TEMPLATE + "\n\0" + make_images.BANNER.replace("6.12", "999999.9") + "\n\0").encode()
    image = make_images.kernel(text=odd)
    _, report = send(team, ("vmlinuz", image), name="k", mode="pv", role="dom0", drivers=["i915"])
    assert report["verdict"] == "indeterminate"
    log = LOG.replace("ro\n", "ro \u202e\n")
    _, marked = send(team, ("dmesg.txt", log), name="k2", role="dom0", devices=True)
    facts = {fact["key"]: fact["value"] for fact in marked["evidence"][0]["facts"]}
    assert facts["cmdline"] == "root=/dev/xvda1 ro \ufffd"


def test_a_name_of_another_project_is_not_shown(team):
    body = b"\x7fELF" + bytes(60)
    for name in ("secret-bad", "mine"):
        upload = Upload("image", name, body)
        guest = {"name": "k", "family": "linux", "release": "6.12.117", "mode": "pv", "role": "domU"}
        made = submit(team.project, Proposal(kind="guest", title=name, guest=guest, files=(upload,)), by=team.submitter)
        report = report_of(make.execute(made.run))
    assert "secret" not in json.dumps(report)
    assert "mine" in json.dumps(report["evidence"])


def test_two_files_of_a_role_are_refused_for_a_layout_too(team):
    files = (Upload("auto", "a.patch", VALUE.encode()), Upload("auto", "b.patch", (VALUE + "\n").encode()))
    with pytest.raises(engine.InvalidInput, match=r"b\.patch is a second file of the role xen-source"):
        propose(team, "", *files)
    with pytest.raises(engine.InvalidInput, match="has 0 bytes"):
        propose(team, make.XEN, Upload("xen-image", "xen.gz", b""))


def test_rest_shows_what_was_read_of_an_image(team, client):
    run, _ = send(team, ("vmlinuz", make_images.boot_image()), name="k", mode="pv", role="dom0", devices=True)
    token = make.make_token(team.project)
    path = f"/api/v1/submissions/{run.revision.submission_id}"
    found = client.get(path, headers={"Authorization": f"Bearer {token}"}).json()["revisions"][0]["inputs"]
    assert [one["state"] for one in found["files"]] == ["read"]
    assert "image" in [fact["key"] for fact in found["facts"]]


def test_a_project_without_platforms_judges_by_the_host_that_the_evidence_shows(db):
    project = make.make_project()
    by = make.make_member(project)
    files = (Upload("auto", "dmesg.txt", LOG.encode()),)
    made = submit(project, Proposal(kind="guest", title="k", guest={"name": "k", "role": "dom0"}, files=files), by=by)
    assert [one["name"] for one in scenario_of(made.revision)["platforms"]] == ["collected"]


def test_evidence_that_contradicts_itself_is_no_silent_pick(team):
    _, report = send(team, ("dmesg.txt", LOG), ("gpu.cfg", DOMAIN.replace("pv", "hvm")), name="k", devices=False)
    found = rules_of(report)["EVI090"]
    assert found["verdict"] == "indeterminate"
    assert "dmesg.txt:4" in found["message"]
    assert "gpu.cfg:2" in found["message"]


def test_two_boots_that_differ_are_a_finding(team):
    two = LOG + LOG.replace("WB  WT  UC- UC  WC  WP  UC  UC", "WB  WC  UC- UC  WB  WP  UC- WT")
    _, report = send(team, ("dmesg.txt", two), name="k", role="dom0", devices=True)
    assert (
        "the layout that was seen is 0x0000050100070406 (dmesg.txt:3), but 0x0407050600070106"
        in (rules_of(report)["EVI090"]["message"])
    )
    _, same = send(team, ("dmesg.txt", LOG + LOG), name="k2", role="dom0", devices=True)
    assert rules_of(same)["EVI100"]["verdict"] == "compatible"


def test_a_guest_is_adopted_with_what_was_read_of_its_image(team):
    image = make_images.boot_image(make_images.kernel())
    run, _ = send(team, ("vmlinuz", image), name="anew", mode="pv", role="domU", devices=False)
    vote(run.revision, "approve", by=team.reviewer)
    adopt(run.revision, by=team.maintainer, digest=run.revision.digest)
    assert Guest.objects.get(name="anew").facts == json.loads(json.dumps(guest_of(run.revision)))
    assert Guest.objects.get(name="anew").fact("release")


PATCH = """\
diff --git a/xen/arch/x86/include/asm/page.h b/xen/arch/x86/include/asm/page.h
--- a/xen/arch/x86/include/asm/page.h
+++ b/xen/arch/x86/include/asm/page.h
@@ -324,6 +324,6 @@
 #define _PAGE_WB         (                                0)
-#define _PAGE_WT         (                        _PAGE_PWT)
+#define _PAGE_WC         (                        _PAGE_PWT)
 #define _PAGE_UCM        (            _PAGE_PCD            )
 #define _PAGE_UC         (            _PAGE_PCD | _PAGE_PWT)
-#define _PAGE_WC         (_PAGE_PAT                        )
 #define _PAGE_WP         (_PAGE_PAT |             _PAGE_PWT)
+#define _PAGE_WT         (_PAGE_PAT | _PAGE_PCD | _PAGE_PWT)
"""
VALUE = """\
diff --git a/xen/arch/x86/include/asm/processor.h b/xen/arch/x86/include/asm/processor.h
--- a/xen/arch/x86/include/asm/processor.h
+++ b/xen/arch/x86/include/asm/processor.h
@@ -66,2 +66,2 @@
-#define XEN_MSR_PAT 0x050100070406ULL
+#define XEN_MSR_PAT 0x0407050600070106ULL
 #ifndef __ASSEMBLY__
"""


def propose(team, text, *files):
    proposal = Proposal(kind="layout", title="Linux's PAT", platform=team.platform, layout=text, files=files)
    made = submit(team.project, proposal, by=team.submitter)
    return made, report_of(make.execute(made.run))


def test_a_pasted_patch_of_xen_is_a_layout(team):
    made, report = propose(team, PATCH + VALUE)
    assert made.revision.content["layout"]["msr"] == make.LINUX
    assert [(one.role, one.name) for one in artifacts_of(made.revision)] == [("xen-source", "pasted.patch")]
    assert "XEN010" not in rules_of(report)
    assert report["platforms"][0]["after"]["msr"] == make.LINUX


def test_a_patch_that_leaves_page_h_behind_is_incompatible_and_says_why(team):
    _, report = propose(team, VALUE)
    found = rules_of(report)["XEN010"]
    assert (found["verdict"], report["verdict"]) == ("incompatible", "incompatible")
    assert "pasted.patch leaves page.h as it is" in found["message"]


def test_a_patch_as_a_file_and_another_layout_do_not_agree(team):
    upload = Upload("auto", "pat.patch", (PATCH + VALUE).encode())
    made, _ = propose(team, "", upload)
    assert made.revision.content["layout"]["msr"] == make.LINUX
    with pytest.raises(engine.InvalidInput, match="leave one of them out"):
        propose(team, make.XEN, upload)


def test_a_xen_binary_is_compared_with_the_proposed_layout(team):
    upload = Upload("auto", "xen-4.17.gz", make_images.pack_gzip(make_images.hypervisor()))
    _, agrees = propose(team, make.XEN, upload)
    _, differs = propose(team, make.LINUX, upload)
    assert "XEN130" not in rules_of(agrees)
    assert rules_of(differs)["XEN130"]["verdict"] == "indeterminate"
    broken = Upload("xen-image", "xen.gz", b"\x1f\x8b\x08")
    _, unread = propose(team, make.XEN, broken)
    assert "xen.gz could not be read" in rules_of(unread)["XEN130"]["message"]


@pytest.fixture
def api(team, client):
    token = make.make_token(team.project)

    def post(path, body, **files):
        headers = {"Authorization": f"Bearer {token}"}
        sent = {"submission": json.dumps(body), **files}
        return client.post(f"/api/v1/projects/{team.project.slug}/{path}", sent, headers=headers)

    return post


def test_a_preview_by_rest_stores_nothing(team, api):
    body = {"kind": "guest", "title": "k", "guest": {}}
    answer = api("preview", body, file=SimpleUploadedFile("gpu.cfg", (DOMAIN + "frobnicate = 1\n").encode()))
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert found["sent"] == [{"role": "domain", "name": "gpu.cfg", "size": len(DOMAIN) + 15}]
    assert found["inputs"]["guest"] == "gpu"
    assert [gap["fact"] for gap in found["inputs"]["missing"]] == ["family", "release", "drivers"]
    assert found["inputs"]["files"][0]["unknown"] == [{"line": 5, "text": "frobnicate"}]
    assert not team.project.submissions.exists()


def test_an_image_of_many_bytes_comes_by_multipart_alone(team, api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100_000
    image = make_images.boot_image(make_images.kernel()) + bytes(300_000)
    body = {"kind": "guest", "title": "k", "guest": {"name": "k", "mode": "pv", "role": "dom0"}}
    assert api("submissions", body, image=SimpleUploadedFile("vmlinuz", image)).status_code == 202
    settings.UPLOAD_MAX_SIZE = 200_000
    refused = api("submissions", body, image=SimpleUploadedFile("vmlinuz", image))
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


def test_an_image_is_no_text_of_the_json(team, api):
    files = [{"role": "image", "name": "vmlinuz", "text": "x"}]
    answer = api("submissions", {"kind": "guest", "title": "k", "guest": {"name": "k"}, "files": files})
    assert answer.status_code == 400
    assert "curl -F image=@FILE" in answer.text


def test_the_status_page_says_how_images_are_read(team, client):
    client.force_login(team.viewer.user)
    assert "No image was read yet." in client.get("/status/").text
    send(team, ("vmlinuz", make_images.boot_image(make_images.kernel())), name="k", mode="pv", role="dom0")
    page = client.get("/status/").text
    assert "in a process of its own" in page
    assert "pat_memtype_list" in page
    client.logout()
    assert client.get("/status/").status_code == 302


def test_the_page_of_a_submission_shows_what_was_read_of_its_image(team, client):
    run, _ = send(team, ("vmlinuz", make_images.boot_image(make_images.kernel())), name="k", mode="pv", role="dom0")
    client.force_login(team.viewer.user)
    page = client.get(f"/s/{run.revision.submission_id}/").text
    assert "bzImage" in page
    assert "Xen takes it as PV, PVH, dom0" in page
    assert "vmlinuz at 0x" in page


def test_large_bodies_are_taken_a_few_at_once(team, api, settings, monkeypatch):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.LARGE_UPLOADS_AT_ONCE = 10_000, 1
    body = {"kind": "guest", "title": "k", "guest": {"name": "k"}}
    inner = []

    def meanwhile(*args, **kwargs):
        inner.append(api("preview", body, file=SimpleUploadedFile("c", CONFIG.encode() + b"#\n" * 10_000)))
        return read_proposal(*args, **kwargs)

    monkeypatch.setattr("patreview.analyses.services.read_proposal", meanwhile)
    taken = api("submissions", body, file=SimpleUploadedFile("c", CONFIG.encode() + b"#\n" * 10_000))
    assert taken.status_code == 202
    assert (inner[0].status_code, inner[0].json()["code"], inner[0]["Retry-After"]) == (503, "busy", "5")


def test_a_body_for_which_there_is_no_room_comes_again_later(team, api, settings, monkeypatch):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000

    class Full(BytesIO):
        def write(self, part):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("patreview.middleware.TemporaryFile", Full)
    body = {"kind": "guest", "title": "k", "guest": {"name": "k"}}
    refused = api("submissions", body, file=SimpleUploadedFile("c", CONFIG.encode() + b"#\n" * 10_000))
    assert (refused.status_code, refused.json()["code"]) == (503, "no_room")
