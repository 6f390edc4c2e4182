"""The fifteen incidents of guest-kernels.md 6: each one a test that states it.

In part beyond the engine, and why:
- 10 and 11 are alias conflicts inside one kernel: which mappings of a page exist at once is no input, and the document
  itself says "independent of layout". The tests state that: no layout makes or cures them.
- 4, 8 and 12 happened under TDX, Hyper-V and KVM. The engine knows Xen; the tests state the same mechanism there.
"""

import pytest

from simulator import hypervisors_as_data
from tests.unit.simulator.one_guest import (
    LINUX_4,
    LINUX_8,
    RESET,
    XEN,
    Data,
    ask,
    fired,
    index,
    mapping,
    pat_type,
    report_on,
    worst,
)

KEIR = "0x0000050100070106"
NO_WC = "WB WT UC- UC WT WP UC UC"


@pytest.mark.parametrize("layout", [XEN, LINUX_8])
@pytest.mark.parametrize(
    ("release", "refused"),
    [
        pytest.param("5.16.20", False, id="5.16"),
        pytest.param("5.17.5", True, id="5.17.5 (qubes-issues 7479)"),
        pytest.param("5.19.5", True, id="5.19.5"),
        pytest.param("5.19.6", False, id="5.19.6: 72cbc8f04fe2"),
        pytest.param("6.0", False, id="6.0"),
    ],
)
def test_1_i915_refuses_wc_on_xen_pv(release: str, refused: bool, layout: str) -> None:
    """Feature loss even though the layout has WC."""
    answer = ask(release=release, layout=layout, config="CONFIG_DRM_I915=y\n")
    assert bool(fired(answer, "DRV020")) is refused
    assert (index(answer, "WC") == "refused by driver") is refused
    if refused:
        assert answer["verdict"] == "incompatible"
        assert any("5.19.6" in fix or "6.0" in fix for one in fired(answer, "DRV020") for fix in one["fixes"])


@pytest.mark.parametrize(
    ("release", "layout", "corrupts"),
    [
        pytest.param("5.15.94", XEN, True, id="WC at slot 4 becomes WB"),
        pytest.param("5.15.94", LINUX_8, False, id="Linux's layout: IT WORKS (PR 145/146)"),
        pytest.param("6.1.192", XEN, False, id="548cb932051f (PR 180)"),
        pytest.param("5.15.94", "WB WT UC- WC WC WP UC UC", False, id="1=WT, 3=WC: good (hardware-and-xen 3.5)"),
        pytest.param("5.15.94", "WB WT UC- UC WT WC UC UC", False, id="1=WT, 5=WC becomes WT: no glitch seen (3.5)"),
    ],
)
def test_2_display_corruption_by_the_loss_of_the_pat_bit(release: str, layout: str, corrupts: bool) -> None:
    answer = ask(release=release, layout=layout, drivers=["i915"])
    assert pat_type(answer, "WC") == "WC"
    lost = {one["verdict"] for one in fired(answer, "ENC020") if one["subject"].startswith("WC")}
    assert ("incompatible" in lost) is corrupts
    assert (answer["verdict"] == "incompatible") is corrupts


@pytest.mark.parametrize(
    ("driver", "layout", "works"),
    [
        pytest.param("nvidia-nv-pat", XEN, False, id="NVRM: PAT configuration unsupported (9501)"),
        pytest.param("nvidia-nv-pat", LINUX_8, True, id="PR 193: Linux's layout restored"),
        pytest.param("nvidia", XEN, True, id="6xx dropped nv-pat (issue 191)"),
    ],
)
def test_3_nvidias_module_under_xens_layout(driver: str, layout: str, works: bool) -> None:
    answer = ask(release="6.12.117", layout=layout, drivers=[driver])
    assert (answer["verdict"] == "compatible") is works
    assert bool(fired(answer, "DRV010")) is not works


@pytest.mark.parametrize(
    "stated",
    [
        pytest.param({"mode": "hvm", "observed_pat": RESET}, id="a guest that keeps the firmware's PAT (6.2.1, TDX)"),
        pytest.param({"mode": "pv", "layout": RESET}, id="a PV guest under a layout without WC"),
    ],
)
def test_4_nvidia_where_pat_lacks_wc(stated: Data) -> None:
    answer = ask(release="6.2.1", role="domu", devices=True, drivers=["nvidia-nv-pat"], **stated)
    assert not fired(answer, "DRV010")  # not "unsupported"
    assert pat_type(answer, "WC") == "UC-"
    assert mapping(answer, "WC")["verdict"] == "degraded"
    assert answer["verdict"] == "degraded"


@pytest.mark.parametrize(
    ("release", "wc"),
    [
        pytest.param("4.6.2", "UC-", id="4.6: the table is emulated"),
        pytest.param("4.7.4", "UC-", id="4.7: MTRRs disabled, skipping PAT initialization too"),
        pytest.param("5.15.132", "UC-", id="5.15 (cloud-hypervisor 1752, WSL2 102)"),
        pytest.param("6.1.192", "UC-", id="6.1"),
        pytest.param("6.2.1", "WC", id="6.2: PAT independent of MTRR"),
        pytest.param("6.12.117", "WC", id="6.12"),
    ],
)
def test_5_slow_graphics_where_mtrr_is_hidden(release: str, wc: str) -> None:
    answer = ask(release=release, mode="hvm", devices=True, drivers=["amdgpu"], hide_cpuid_mtrr=True)
    assert pat_type(answer, "WC") == wc
    assert answer["verdict"] == ("compatible" if wc == "WC" else "degraded")
    assert bool(fired(answer, "DRV040")) is (wc != "WC")


def test_5_acrns_workaround_is_itself_unsafe() -> None:
    """It made the UC- slot WC."""
    answer = ask(
        release="5.15.132",
        mode="hvm",
        devices=True,
        drivers=["amdgpu"],
        hide_cpuid_mtrr=True,
        observed_pat="WB WT WC UC WB WT UC- UC",
    )
    assert answer["host_layout"]["source"] == "observed"
    assert pat_type(answer, "WC") == "WC"


def test_5_a_uc_minus_slot_that_is_wc_breaks_registers() -> None:
    """As a PV guest sees it, whose tables were learnt from the layout that was reset."""
    answer = ask(release="6.12", layout="WB WT WC UC WB WT WC UC", booted_under=RESET, target="mmio")
    assert (index(answer, "UC-"), pat_type(answer, "UC-")) == (2, "WC")
    assert mapping(answer, "UC-")["verdict"] == "incompatible"


@pytest.mark.parametrize("release", ["3.3", "3.10", "3.18.30"])
def test_6_slow_dom0_framebuffer(release: str) -> None:
    """All cache bits masked: UC by the MTRR, so slow and nothing worse."""
    answer = ask(release=release, target="mmio", config="CONFIG_FB_VESA=y\n")
    row = mapping(answer, "WC")
    assert row["pte_bits"] == {"pat": 0, "pcd": 0, "pwt": 0}
    assert row["effective"]["UC"] == "UC"
    assert row["verdict"] == "degraded"
    assert answer["verdict"] == "degraded"
    assert ask(release="3.2", target="mmio", config="CONFIG_FB_VESA=y\n")["verdict"] == "compatible"


@pytest.mark.parametrize(
    ("stated", "vanish"),
    [
        pytest.param({"release": "6.1.8"}, True, id="6.1.8 dom0"),
        pytest.param({"release": "6.1.6"}, False, id="6.1.6 dom0"),
        pytest.param({"release": "6.1.33"}, False, id="6.1.33: f9f57da2c2d1"),
        pytest.param({"release": "6.1.8", "mode": "hvm", "devices": True}, False, id="HVM has MTRRs"),
        pytest.param({"release": "6.1.8", "role": "domu", "devices": False}, False, id="domU without devices"),
    ],
)
def test_7_disks_vanish_on_6_1_8(stated: Data, vanish: bool) -> None:
    answer = ask(**stated)
    assert bool(fired(answer, "DRV060")) is vanish
    assert (answer["verdict"] in {"conditional", "incompatible"}) is vanish  # the document does not say which


def test_8_wb_becomes_uc_minus_without_mtrrs() -> None:
    """SEV-SNP on Hyper-V, slow memremap(): no MTRR, PAT all the same (6.2)."""
    answer = ask(release="6.2.1", mode="hvm", devices=True, hide_cpuid_mtrr=True)
    assert fired(answer, "DRV050")
    assert not fired(ask(release="6.2.1", mode="hvm", devices=True), "DRV050")


@pytest.mark.parametrize(
    ("stated", "msr", "wc"),
    [
        pytest.param({"release": "4.9", "mode": "hvm"}, RESET, "UC-", id="HVM: WB WT UC- UC twice (qubes-issues 3911)"),
        pytest.param(
            {"release": "4.1.13", "mode": "pv", "role": "domu"}, XEN, "UC-", id="4.1.13 PV: ioremap_wc asks pat_enabled"
        ),  # qubes-issues 1848: Xen's line, then "PAT support disabled."
        pytest.param({"release": "4.9", "mode": "pv", "role": "domu"}, XEN, "WC", id="4.7+ PV: table := MSR"),
        pytest.param({"release": "6.1.192", "mode": "pv", "role": "dom0"}, XEN, "WC", id="6.1 PV"),
    ],
)
def test_9_nopat_as_a_workaround(stated: Data, msr: str, wc: str) -> None:
    answer = ask(devices=True, cmdline="quiet nopat", **stated)
    assert (answer["host_layout"]["msr"], pat_type(answer, "WC")) == (msr, wc)
    assert fired(answer, "ENC040") or stated["mode"] == "hvm"  # pat_enabled() is false


@pytest.mark.parametrize("layout", [XEN, LINUX_8, LINUX_4, RESET])
@pytest.mark.parametrize("release", ["4.9", "5.15.132", "7.2.13"])
def test_10_pmem_is_wb_under_every_layout(release: str, layout: str) -> None:
    """set_memory_uc() against a WB mapping of pmem: an alias conflict, independent of the layout."""
    answer = ask(release=release, layout=layout, config="CONFIG_BLK_DEV_PMEM=y\nCONFIG_X86_PMEM_LEGACY=y\n")
    assert (index(answer, "WB"), pat_type(answer, "WB")) == (0, "WB")
    assert answer["verdict"] == "compatible"


def test_11_a_type_conflict_of_one_page_is_no_matter_of_the_layout() -> None:
    """ "map pfn RAM range req write-combining, got write-back": what is wanted is encoded right under both."""
    for layout in (XEN, LINUX_8):
        answer = ask(release="7.2.13", layout=layout, needs=["WC@ram"])
        assert (pat_type(answer, "WC"), answer["verdict"]) == ("WC", "compatible")


@pytest.mark.parametrize(
    ("vendor", "devices", "ignored"),
    [
        pytest.param("intel", False, True, id="EPT, no device: WB + ipat"),
        pytest.param("intel", True, False, id="EPT with a device: honoured"),
        pytest.param("amd", False, False, id="NPT: combined"),
    ],
)
def test_12_a_guests_layout_alone_does_not_decide(vendor: str, devices: bool, ignored: bool) -> None:
    """KVM ignores guest PAT on Intel: an HVM verdict needs the stage-2 policy; under Xen it is a finding."""
    (found,) = fired(ask(release="6.12", mode="hvm", devices=devices, vendor=vendor), "XEN060")
    assert ("ignores" in found["message"]) is ignored
    assert found["steps"]


@pytest.mark.parametrize(
    ("guest", "got", "verdict"),
    [
        pytest.param("unikraft", "UC", "degraded", id="Unikraft: PCD+PWT = UC under its own PAT"),
        pytest.param("reactos", "UC-", "degraded", id="ReactOS: PCD = UC- before PR 9075"),
    ],
)
def test_13_an_encoding_that_is_wrong_under_the_guests_own_layout(guest: str, got: str, verdict: str) -> None:
    answer = ask(guest=guest, mode="hvm", devices=True, needs=["WC@mmio"])
    assert (answer["host_layout"]["source"], pat_type(answer, "WC")) == ("guest", got)
    assert fired(answer, "ENC050")
    assert answer["verdict"] == verdict
    assert not fired(ask(guest="serenity", mode="hvm", devices=True, needs=["WC@mmio"]), "ENC050")


@pytest.mark.parametrize("layout", [XEN, LINUX_8])
def test_14_not_every_corruption_is_pats(layout: str) -> None:
    """Xe on PV was bounce buffering (PR 1365): a kernel with all fixes is not blamed."""
    answer = ask(release="6.12.117", layout=layout, drivers=["xe"])
    assert answer["verdict"] == "compatible"
    assert worst(answer, *{one["rule"] for one in answer["findings"] if one["subject"].startswith(("WC", "UC-"))}) in {
        "compatible"
    }


def test_15_keirs_layout_of_2009_was_never_taken() -> None:
    msrs = {row["text"].split()[0].rstrip(",") for row in hypervisors_as_data()["facets"][0]["rows"]}
    assert KEIR not in msrs
    assert all(ask(release="6.12", xen=xen)["host_layout"]["msr"] != KEIR for xen in ("3.4", "4.0", "4.7", "4.22"))


@pytest.mark.parametrize(
    ("guest", "release", "wc", "verdict"),
    [
        pytest.param("linux", "2.6.30", (1, "WC"), "compatible", id="native bits are right"),
        pytest.param("linux", "3.2", (4, "WC"), "compatible", id="translated bits stay right"),
        pytest.param("linux", "6.12", (1, "WC"), "compatible", id="reads the MSR"),
        pytest.param("suse-xenlinux", "2.6.32", (4, "WC"), "compatible", id="SUSE's WC stays"),
    ],
)
def test_15_what_keirs_layout_would_have_done(guest: str, release: str, wc: tuple[int, str], verdict: str) -> None:
    answer = ask(guest=guest, release=release, layout=KEIR, needs=["WC@ram"])
    assert (index(answer, "WC"), pat_type(answer, "WC")) == wc
    assert answer["verdict"] == verdict


def test_15_only_suses_port_used_xens_pa1() -> None:
    answer = ask(guest="suse-xenlinux", release="2.6.32", layout=KEIR, needs=["WT@ram"])
    assert (index(answer, "WT"), pat_type(answer, "WT"), answer["verdict"]) == (1, "WC", "incompatible")
    report = report_on(
        guest="suse-xenlinux", release="2.6.32", needs=["WT@ram"], proposal={"kind": "layout", "layout": KEIR}
    )
    assert report["verdict"] == "incompatible"
