"""hardware-and-xen.md 1.4 and 4.1 to 4.7, row by row: what Xen programs, allows, rewrites and restores.

Rows that the engine takes no input for, and so have no test here:
- 1.4: which CPU families have the errata is the reader's to know, the engine is told `errata_cpu`; Celeron C30 (mode
  B and C only) and C31 (MTRRs off without CR0.CD) need a paging mode and CR0.CD; the lkml line is a reason, no rule.
- 4.1 "where programmed": which function writes the MSR has no effect but the S3 windows, which are tested.
- 4.2 "early RDMSR is faked", #GP swallowed by Linux: Linux never writes the MSR as a PV guest (guest-kernels 1.3).
- 4.3: VME, PSE, PGE and the rest of the PV mask are no memory types.
- 4.4: PSE and superpages (PV has none, so bit 7 of an L1 entry is always PAT); XSA-182's fast path, EFI runtime
  ranges, 32-bit Xen, grant maps and L1TF shadows change no verdict on a guest. mmio_ro_ranges are no input.
- 4.5: CR0.CD emulation (XSA-60), the pinned types' limits and permissions and the var_ranges bug are events at run
  time; the history of the EMT rules before HEAD is not modelled, the issue asks for the seven rules.
- 4.6: 32-bit PV has the masks of PV; a PV-shim guest and a qemu-trad stubdomain cannot be stated, they are PV guests.
"""

from itertools import product

import pytest

from simulator import MemoryType, hypervisors_as_data, rules_as_data
from simulator.stage2 import Page, ept_type
from tests.unit.simulator.one_guest import (
    LINUX_8,
    RESET,
    XEN,
    Data,
    ask,
    bits_index,
    fired,
    index,
    mapping,
    pat_type,
    report_on,
    worst,
)

TYPES = ("WB", "WC", "UC-", "UC", "WT", "WP")
UC, UC_MINUS, WC, WT, WP, WB = (
    MemoryType.UC,
    MemoryType.UC_MINUS,
    MemoryType.WC,
    MemoryType.WT,
    MemoryType.WP,
    MemoryType.WB,
)


def release_key(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


def facet(key: str, release: str) -> Data:
    """The row of a facet that holds for a release."""
    rows = next(one["rows"] for one in hypervisors_as_data()["facets"] if one["key"] == key)
    return [row for row in rows if release_key(row["since"]) <= release_key(release)][-1]


# 1.4: errata CPUs read entry i+4 as entry i. -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "bits", "becomes", "verdicts"),
    [
        pytest.param("WC", "PAT", "WB", {"incompatible"}, id="4 (WC) -> 0 (WB) unsafe"),
        pytest.param("WP", "PAT+PWT", "WT", {"conditional", "incompatible"}, id="5 (WP) -> 1 (WT) unsafe-ish"),
        pytest.param("UC", "PAT+PCD", "UC-", {"compatible"}, id="6 (UC) -> 2 (UC-) safe"),
        pytest.param("UC", "PAT+PCD+PWT", "UC", {"compatible"}, id="7 (UC) -> 3 (UC) safe"),
    ],
)
def test_1_4_xens_layout_on_an_errata_cpu(wanted: str, bits: str, becomes: str, verdicts: set[str]) -> None:
    answer = ask(release="6.12", errata_cpu=True, encode={"WB": "0", wanted: bits}, target="ram")
    assert pat_type(answer, wanted) == becomes
    assert mapping(answer, wanted)["verdict"] in verdicts


@pytest.mark.parametrize(
    ("layout", "wanted", "becomes"),
    [
        pytest.param(LINUX_8, "WT", "UC", id="WT in slot 7 degrades to slot 3 = UC, on purpose"),
        pytest.param(LINUX_8, "WC", "WC", id="WC at 1 needs no bit 2"),
        pytest.param("0x0007010600070106", "WC", "WC", id="four types, repeated"),
    ],
)
def test_1_4_layouts_made_for_errata_cpus(layout: str, wanted: str, becomes: str) -> None:
    assert pat_type(ask(release="6.12", errata_cpu=True, layout=layout), wanted) == becomes


# 4.1: IA32_PAT. ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("xen", "msr"),
    [
        pytest.param("3.0", RESET, id="3.0: the firmware's value stays"),
        pytest.param("3.1.4", RESET, id="3.1.x"),
        pytest.param("3.2", XEN, id="3.2.0: host_pat"),
        pytest.param("4.11", XEN, id="4.11.x"),
        pytest.param("4.12", XEN, id="4.12: XEN_MSR_PAT"),
        pytest.param("4.17", XEN, id="4.17.x"),
        pytest.param("4.18", XEN, id="4.18: per entry"),
        pytest.param("4.22", XEN, id="4.22"),
    ],
)
def test_4_1_the_value_by_release(xen: str, msr: str) -> None:
    answer = ask(release="6.12", xen=xen)
    assert (answer["host_layout"]["msr"], answer["host_layout"]["source"]) == (msr, "xen")
    assert (facet("pat", xen)["word"] == "firmware") is (msr == RESET)


def test_4_1_the_entries() -> None:
    assert ask(release="6.12")["host_layout"]["entries"] == ["WB", "WT", "UC-", "UC", "WC", "WP", "UC", "UC"]


@pytest.mark.parametrize(
    ("key", "xen", "word"),
    [
        pytest.param("assertion", "4.17", "absent", id="no BUILD_BUG_ON before 4.18"),
        pytest.param("assertion", "4.18", "present", id="BUILD_BUG_ON since 4.18"),
        pytest.param("header", "4.1", "absent", id="no table before 4.2"),
        pytest.param("header", "4.2", "wrong", id="5e3758f22b: wrong columns"),
        pytest.param("header", "4.3", "wrong", id="4.3: wrong columns"),
        pytest.param("header", "4.4", "right", id="3829655bd3: corrected"),
        pytest.param("header", "4.22", "right", id="4.22"),
    ],
)
def test_4_1_header_and_assertion(key: str, xen: str, word: str) -> None:
    assert facet(key, xen)["word"] == word


@pytest.mark.parametrize(
    ("xen", "is_left"),
    [
        pytest.param("3.1", False, id="3.1: Xen has no value of its own"),
        pytest.param("3.2.1", True, id="3.2"),
        pytest.param("3.3.2", True, id="3.3"),
        pytest.param("3.4", False, id="3.4: 38651997ed"),
        pytest.param("4.13.4", False, id="4.13"),
        pytest.param("4.14.0", True, id="4.14.0"),
        pytest.param("4.14.6", True, id="4.14.6"),
        pytest.param("4.15.0", True, id="4.15.0"),
        pytest.param("4.15.7", True, id="4.15.7: never fixed"),
        pytest.param("4.16.0", True, id="4.16.0"),
        pytest.param("4.16.3", True, id="4.16.3"),
        pytest.param("4.16.4", False, id="4.16.4: 4d975798e1"),
        pytest.param("4.17.0", True, id="4.17.0"),
        pytest.param("4.17.1", False, id="4.17.1: 4d975798e1"),
        pytest.param("4.18", False, id="4.18"),
        pytest.param("4.22", False, id="4.22"),
        # 4.16 and 4.17 without a patch level: the documents do not say what a verdict is then
    ],
)
def test_4_1_s3_leaves_the_boot_cpu_on_the_firmwares_layout(xen: str, is_left: bool) -> None:
    answer = ask(release="6.12", xen=xen, drivers=["amdgpu"])
    assert (worst(answer, "XEN070") == "conditional") is is_left
    assert answer["verdict"] == ("conditional" if is_left else "degraded" if xen == "3.1" else "compatible")
    plain = ask(release="6.12", xen=xen, role="domu", devices=False)
    assert plain["verdict"] == "compatible"  # PA0 is WB in both layouts


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        # 1be8707c75: WB 0, WT PWT, UC- PCD, UC PCD|PWT, WC PAT, WP PAT|PWT
        pytest.param("WT", "PWT", id="_PAGE_WT"),
        pytest.param("UC-", "PCD", id="_PAGE_UCM"),
        pytest.param("UC", "PCD+PWT", id="_PAGE_UC"),
        pytest.param("WC", "PAT", id="_PAGE_WC"),
        pytest.param("WP", "PAT+PWT", id="_PAGE_WP"),
    ],
)
def test_4_1_xens_own_page_flags(name: str, bits: str) -> None:
    """A layout that keeps all but one entry: Xen's flag of that one is wrong, and no other."""
    at = {"PWT": 1, "PCD": 2, "PCD+PWT": 3, "PAT": 4, "PAT+PWT": 5}[bits]
    entries = ["WB", "WT", "UC-", "UC", "WC", "WP", "UC", "UC"]
    entries[at] = "WB"
    proposal = {"kind": "layout", "layout": " ".join(entries)}
    found = [
        one["message"] for one in report_on(release="6.12", proposal=proposal)["findings"] if one["rule"] == "XEN010"
    ]
    assert len(found) == 1
    assert f"({bits}) selects WB" in found[0]
    same = {"kind": "layout", "layout": XEN}
    assert not [one for one in report_on(release="6.12", proposal=same)["findings"] if one["rule"] == "XEN010"]


# 4.2, 4.3: the MSR and CPUID as a PV guest sees them. ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("xen", "rdmsr", "wrmsr"),
    [
        pytest.param("3.0", "host", "ignored", id="3.0"),
        pytest.param("4.14", "host", "ignored", id="4.14.x: the real host value; silently ignored"),
        pytest.param("4.15", "constant", "#GP", id="4.15: the constant; #GP (ba28efb242)"),
        pytest.param("4.22", "constant", "#GP", id="4.22"),
    ],
)
def test_4_2_rdmsr_and_wrmsr(xen: str, rdmsr: str, wrmsr: str) -> None:
    assert (facet("rdmsr", xen)["word"], facet("wrmsr", xen)["word"]) == (rdmsr, wrmsr)
    assert ("msr_relaxed" in facet("wrmsr", xen)["text"]) is (wrmsr == "#GP")


@pytest.mark.parametrize("xen", ["3.0", "4.2", "4.14", "4.22"])
def test_4_3_cpuid_pat_is_never_masked(xen: str) -> None:
    assert facet("cpuid", xen)["word"] == "shown"


def test_4_3_hiding_it_changes_nothing_in_hardware() -> None:
    """The seed's problem 3: bits that assume the power-on layout are walked under the host's all the same."""
    answer = ask(release="6.12", layout=LINUX_8, hide_cpuid_pat=True)
    assert answer["host_layout"]["msr"] == LINUX_8
    assert (index(answer, "WT"), pat_type(answer, "WT")) == (1, "WC")
    assert mapping(answer, "WT")["verdict"] == "incompatible"


# 4.4: cache bits in a PV guest's entries. ---------------------------------------------------------------------------

_X, _K = "refused by xen", "refused by kernel"


@pytest.mark.parametrize(
    ("xen", "devices", "indices"),
    [
        #                           WB WC  UC- UC  WT  WP
        pytest.param("3.0", False, (0, _X, 2, 3, 1, _X), id="3.0: PWT, PCD for all; PAT for none"),
        pytest.param("3.1", False, (0, _X, 2, 3, 1, _X), id="3.1"),
        pytest.param("3.1", True, (0, _X, 2, 3, 1, _X), id="3.1, privileged"),
        pytest.param("3.2", False, (0, _X, _X, _X, _X, _X), id="3.2: -EINVAL, Bad L1 flags"),
        pytest.param("3.2", True, (0, 4, 2, 3, 1, 5), id="3.2 with I/O resources"),
        pytest.param("3.3", True, (0, 4, 2, 3, 1, 5), id="3.3: + assigned PCI devices"),
        pytest.param("4.22", False, (0, _X, _X, _X, _X, _X), id="4.22"),
        pytest.param("4.22", True, (0, 4, 2, 3, 1, 5), id="4.22: cache_flush_permitted()"),
    ],
)
def test_4_4_the_bits_that_an_l1_entry_may_have(xen: str, devices: bool, indices: tuple[int | str, ...]) -> None:
    """SUSE XenLinux sets the bits of Xen's own layout whatever the host's is."""
    answer = ask(guest="suse-xenlinux", release="2.6.32", role="domu", devices=devices, xen=xen)
    assert tuple(index(answer, wanted) for wanted in TYPES) == indices
    assert answer["verdict"] == "compatible"
    assert facet("l1", xen)["word"] == ("pcd-pwt" if release_key(xen) < (3, 2) else "privileged")


@pytest.mark.parametrize(
    ("xen", "word"),
    [pytest.param("3.1", "pcd-pwt", id="3.0-3.1: PCD, PWT allowed"), pytest.param("3.2", "none", id="3.2+: for none")],
)
def test_4_4_l2_to_l4(xen: str, word: str) -> None:
    assert facet("l2-l4", xen)["word"] == word


@pytest.mark.parametrize("layout", [XEN, LINUX_8, RESET, "0x0007010600070106", "WB UC UC UC UC UC UC UC"])
@pytest.mark.parametrize("release", ["2.6.18", "3.2", "3.18", "4.1", "5.15.55", "6.12"])
def test_4_4_an_ordinary_pv_domu_is_immune_to_any_layout(release: str, layout: str) -> None:
    family = "xenlinux" if release == "2.6.18" else "linux"
    answer = ask(guest=family, release=release, role="domu", devices=False, layout=layout)
    assert answer["verdict"] == "compatible"
    assert answer["needs"] == ask(guest=family, release=release, role="domu", devices=False)["needs"]
    assert [need["wanted"] for need in answer["needs"]] == ["WB"]


@pytest.mark.parametrize(
    ("xen", "layout", "cmdline", "indices"),
    [
        #                                 WB WC UC- UC WT WP
        pytest.param("4.6", XEN, "", "     0 4 2 3 1 5", id="4.6: stays as it is"),
        pytest.param("4.7", XEN, "", "     3 4 2 3 3 3", id="4.7: WB, WT, WP on a BAR become UC (c61a6f74f8)"),
        pytest.param("4.17", XEN, "", "    3 4 2 3 3 3", id="4.17"),
        pytest.param("4.18", XEN, "", "    3 4 2 3 3 3", id="4.18"),
        pytest.param("4.22", XEN, "", "    3 4 2 3 3 3", id="4.22"),
        pytest.param("4.6", LINUX_8, "", " 0 1 2 3 7 5", id="4.6 under Linux's layout"),
        pytest.param("4.7", LINUX_8, "", " 3 3 2 3 7 3", id="4.7: by index 0, 1, 5: WC at 1 is hit, WT at 7 is not"),
        pytest.param("4.17", LINUX_8, "", "3 3 2 3 7 3", id="4.17: the same"),
        pytest.param("4.18", LINUX_8, "", "3 1 2 3 3 3", id="4.18: by type (40b05620e2)"),
        pytest.param("4.22", LINUX_8, "", "3 1 2 3 3 3", id="4.22: by type"),
        pytest.param("4.22", XEN, "mmio-relax", "         0 4 2 3 1 5", id="mmio-relax: dom0"),
        pytest.param("4.22", XEN, "console=com1 mmio-relax=1", "0 4 2 3 1 5", id="mmio-relax=1"),
        pytest.param("4.22", XEN, "mmio-relax=all", "     0 4 2 3 1 5", id="mmio-relax=all"),
        pytest.param("4.22", XEN, "mmio-relax=0", "       3 4 2 3 3 3", id="mmio-relax=0"),
        pytest.param("4.22", XEN, "no-mmio-relax", "      3 4 2 3 3 3", id="no-mmio-relax"),
        pytest.param("4.17", LINUX_8, "mmio-relax", "     0 1 2 3 7 5", id="4.17, relaxed"),
    ],
)
def test_4_4_mmio_of_a_pv_dom0(xen: str, layout: str, cmdline: str, indices: str) -> None:
    stated = {"xen_cmdline": cmdline} if cmdline else {}
    answer = ask(release="6.12", xen=xen, layout=layout, target="mmio", **stated)
    assert [index(answer, wanted) for wanted in TYPES] == [int(one) for one in indices.split()]
    unwritten = ask(release="6.12", xen=xen, layout=layout)
    for wanted in TYPES:  # pte_bits: what the kernel writes; pat_index: what Xen leaves
        assert bits_index(answer, wanted) == index(unwritten, wanted)


@pytest.mark.parametrize(
    ("cmdline", "wt"),
    [
        pytest.param("mmio-relax", 3, id="a boolean relaxes dom0 alone"),
        pytest.param("mmio-relax=all", 1, id="all: domU too"),
    ],
)
def test_4_4_mmio_relax_of_a_driver_domain(cmdline: str, wt: int) -> None:
    answer = ask(release="6.12", role="domu", devices=True, target="mmio", xen_cmdline=cmdline)
    assert index(answer, "WT") == wt


def test_4_4_the_seeds_step_3_on_mmio() -> None:
    """WC by PWT, as of 2010: from 4.7 on Xen itself makes it UC, whatever the MTRR."""
    for xen, effective in (("4.6", "WT"), ("4.7", "UC"), ("4.22", "UC")):
        answer = ask(release="6.12", xen=xen, encode={"WB": "0", "WC": "PWT"}, target="mmio")
        assert mapping(answer, "WC")["effective"]["WB"] == effective
        assert mapping(answer, "WC")["effective"]["UC"] == "UC"
        assert mapping(answer, "WC")["verdict"] == "degraded"


@pytest.mark.parametrize(
    ("key", "xen", "word"),
    [
        pytest.param("direct-map", "3.1", "wb", id="3.1"),
        pytest.param("direct-map", "3.2", "follows", id="3.2: PGC_cacheattr"),
        pytest.param("direct-map", "4.15", "follows", id="4.15: not with self-snoop"),
        pytest.param("direct-map", "4.16", "follows", id="4.16"),
        pytest.param("direct-map", "4.17", "wb", id="4.17: ae09597da3"),
        pytest.param("non-coherent", "4.15", "untracked", id="4.15: nothing tracked"),
        pytest.param("non-coherent", "4.17", "by-bits", id="4.17: PGT_non_coherent by _PAGE_WC (c1c9cae3a9)"),
        pytest.param("mmio", "4.6", "none", id="4.6"),
        pytest.param("mmio", "4.7", "index", id="4.7"),
        pytest.param("mmio", "4.17", "index", id="4.17"),
        pytest.param("mmio", "4.18", "type", id="4.18"),
    ],
)
def test_4_4_by_release(key: str, xen: str, word: str) -> None:
    assert facet(key, xen)["word"] == word


def test_4_4_self_snoop_is_named_from_4_15_on() -> None:
    assert "self-snoop" not in facet("direct-map", "4.14")["text"]
    assert "self-snoop" in facet("direct-map", "4.15")["text"]


@pytest.mark.parametrize(
    ("xen", "layout", "missed"),
    [
        pytest.param("4.17", XEN, False, id="WC by _PAGE_WC is tracked"),
        pytest.param("4.17", LINUX_8, True, id="WC by another index would be missed"),
        pytest.param("4.16", LINUX_8, False, id="4.16 tracks nothing"),
    ],
)
def test_4_4_wc_by_another_index_escapes_the_tracking(xen: str, layout: str, missed: bool) -> None:
    answer = ask(release="6.12", xen=xen, layout=layout, drivers=["amdgpu"])
    assert bool(fired(answer, "XEN080")) is missed


# 4.5: HVM and PVH. ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("xen", "word"),
    [
        pytest.param("3.1", "shared", id="3.1"),
        pytest.param("3.2", "own", id="3.2: validated, per vCPU"),
        pytest.param("3.4", "own", id="3.4: in the VMCS"),
        pytest.param("4.22", "own", id="4.22"),
    ],
)
def test_4_5_a_guest_of_its_own_layout(xen: str, word: str) -> None:
    assert facet("hvm-pat", xen)["word"] == word


@pytest.mark.parametrize(
    ("page", "emt", "ignores_pat", "number"),
    [
        pytest.param(Page(is_read_only_mmio=True), UC, True, 1, id="1: read-only MMIO"),
        pytest.param(Page(is_read_only_mmio=True, is_mmio=True, has_devices=True), UC, True, 1, id="1 before 4"),
        pytest.param(Page(), WB, True, 2, id="2: no IOMMU, no cache-flush permission"),
        pytest.param(Page(is_special=True), WB, True, 2, id="2 before 3"),
        pytest.param(Page(guest_mtrr=UC, host_mtrr=UC), WB, True, 2, id="2: guest PAT and MTRR ignored"),
        pytest.param(Page(is_special=True, has_devices=True), WB, True, 3, id="3: special page"),
        pytest.param(Page(is_special=True, is_mmio=True), WB, True, 3, id="3 before 4"),
        pytest.param(Page(is_mmio=True, has_devices=True), UC, False, 4, id="4: mmio_direct"),
        pytest.param(Page(is_mmio=True), UC, False, 4, id="4: mmio_direct is not for rule 2"),
        pytest.param(Page(is_mmio=True, is_foreign=True, has_devices=True), UC, False, 4, id="4 before 5"),
        pytest.param(Page(is_foreign=True, has_devices=True), WB, True, 5, id="5: grant or foreign"),
        pytest.param(Page(is_foreign=True, has_devices=True, pinned=UC), WB, True, 5, id="5 before 6"),
        pytest.param(Page(has_devices=True, pinned=WC), WC, True, 6, id="6: pinned WC"),
        pytest.param(Page(has_devices=True, pinned=UC_MINUS), UC, True, 6, id="6: pinned UC- is UC"),
        pytest.param(Page(has_devices=True), WB, False, 7, id="7: else"),
    ],
)
def test_4_5_the_seven_ept_rules(page: Page, emt: MemoryType, ignores_pat: bool, number: int) -> None:
    got = ept_type(page)
    assert (got.memory_type, got.ignores_pat, got.rule.number) == (emt, ignores_pat, number)


@pytest.mark.parametrize(("guest", "host"), list(product((UC, WC, WT, WP, WB), repeat=2)))
def test_4_5_rule_7_merges_guest_and_host_mtrr(guest: MemoryType, host: MemoryType) -> None:
    if guest is host:
        expected = guest
    elif UC in (guest, host):
        expected = UC
    elif WB in (guest, host):
        expected = host if guest is WB else guest
    elif {guest, host} == {WT, WP}:
        expected = WP
    else:
        expected = UC
    got = ept_type(Page(has_devices=True, guest_mtrr=guest, host_mtrr=host))
    assert (got.memory_type, got.ignores_pat, got.rule.number) == (expected, False, 7)


def test_4_5_the_rules_as_data() -> None:
    rows = [(row["number"], row["emt"], row["ipat"]) for row in hypervisors_as_data()["ept_rules"]]
    assert rows == [(1, "UC", 1), (2, "WB", 1), (3, "WB", 1), (4, "UC", 0), (5, "WB", 1), (6, "", 1), (7, "", 0)]


@pytest.mark.parametrize(
    ("vendor", "layout", "verdict"),
    [
        pytest.param("intel", XEN, "compatible", id="EPT on Xen's"),
        pytest.param("intel", LINUX_8, "compatible", id="EPT: independent of XEN_MSR_PAT"),
        pytest.param("intel", "WB WT WC UC UC- WP UC UC", "compatible", id="EPT: also of PA2"),
        pytest.param("amd", XEN, "compatible", id="NPT on Xen's"),
        pytest.param("amd", LINUX_8, "compatible", id="NPT: 0 and 2 are the same"),
        pytest.param("amd", "WB WT WC UC UC- WP UC UC", "incompatible", id="NPT: mmio_direct is PCD"),
        pytest.param("amd", "UC WT UC- UC WC WP WB UC", "incompatible", id="NPT: RAM is index 0"),
    ],
)
def test_4_5_ept_and_npt_under_a_layout(vendor: str, layout: str, verdict: str) -> None:
    """PA0 of the last is LAY020's too."""
    answer = ask(release="6.12", mode="hvm", devices=True, vendor=vendor, layout=layout, drivers=["amdgpu"])
    assert answer["verdict"] == verdict


def test_4_5_the_second_stage_is_a_finding() -> None:
    for mode, devices, word in (("hvm", False, "ignores"), ("pvh", False, "ignores"), ("hvm", True, "honoured")):
        (found,) = fired(ask(release="6.12", mode=mode, devices=devices, vendor="intel"), "XEN060")
        assert word in found["message"]
        assert found["verdict"] == "compatible"


def test_4_5_npt_names_the_type_that_pa2_has() -> None:
    answer = ask(release="6.12", mode="hvm", devices=True, vendor="amd", layout="WB WT WC UC UC- WP UC UC")
    (found,) = fired(answer, "XEN060")
    assert "PA2, UC-" not in found["message"]


# 4.6: the matrix by guest kind. --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "role", "devices", "vendor", "depends"),
    [
        pytest.param("pv", "domu", False, "intel", False, id="PV domU, no device: no"),
        pytest.param("pv", "domu", True, "intel", True, id="PV domU + device: yes"),
        pytest.param("pv", "dom0", True, "intel", True, id="PV dom0: yes"),
        pytest.param("pvh", "domu", False, "intel", False, id="PVH domU: no (EPT)"),
        pytest.param("pvh", "dom0", True, "intel", False, id="PVH dom0: no on EPT"),
        pytest.param("hvm", "domu", True, "intel", False, id="HVM + EPT: no"),
    ],
)
def test_4_6_who_depends_on_xens_value(mode: str, role: str, devices: bool, vendor: str, depends: bool) -> None:
    stated = {"release": "6.12", "mode": mode, "role": role, "devices": devices, "vendor": vendor, "needs": ["WC@ram"]}
    if mode == "pv" and not devices:
        del stated["needs"]  # Xen refuses it WC under any layout
    under = [ask(**stated, layout=layout) for layout in (XEN, RESET)]
    told = [[(row["pat_index"], row["pat_type"], row["verdict"]) for row in one["mappings"]] for one in under]
    assert (told[0] != told[1]) is depends
    own = {one["host_layout"]["source"] for one in under}
    assert own == ({"stated"} if mode == "pv" else {"guest"})


def test_4_6_npt_uses_indices_0_and_pcd_alone() -> None:
    stated = {"release": "6.12", "mode": "hvm", "devices": True, "vendor": "amd", "needs": ["WC@ram"]}
    for layout in (XEN, LINUX_8, "WB WP UC- WT UC UC UC WC"):
        assert ask(**stated, layout=layout)["verdict"] == "compatible"
    assert ask(**stated, layout="WB WT WC UC UC- WP UC UC")["verdict"] == "incompatible"


def test_4_6_shadow_needs_the_type_in_xens_layout() -> None:
    """ "A type absent from Xen's layout becomes UC for shadow guests"; Xen's and Linux's layouts hold all six."""
    for layout, absent in ((XEN, ()), (LINUX_8, ()), ("0x0007010600070106", ("WT", "WP"))):
        report = report_on(release="6.12", proposal={"kind": "layout", "layout": layout})
        text = " ".join(one["message"] for one in report["findings"] if one["rule"] == "LAY040")
        assert all(name in text for name in absent)
        assert bool(text) is bool(absent)
        assert "shadow" in text or not absent


@pytest.mark.parametrize(
    ("layout", "needs", "is_named"),
    [
        pytest.param(XEN, "WC@ram", False, id="Xen's holds all six"),
        pytest.param(LINUX_8, "WC@ram", False, id="Linux's holds all six"),
        pytest.param(RESET, "WC@ram", True, id="reset: no WC"),
        pytest.param("0x0007010600070106", "WC@ram", False, id="Linux's four: WC is there, WT and WP are not needed"),
        pytest.param("0x0007010600070106", "WT@ram", True, id="Linux's four: no WT"),
    ],
)
def test_4_6_shadow_touches_only_a_guest_that_needs_the_absent_type(layout: str, needs: str, is_named: bool) -> None:
    answer = ask(release="6.12", mode="hvm", devices=True, layout=layout, needs=[needs])
    assert bool(fired(answer, "XEN050")) is is_named


# 4.7: save, restore, migration. --------------------------------------------------------------------------------------

_TO_LINUX = {"kind": "layout", "layout": LINUX_8}


@pytest.mark.parametrize(
    ("mode", "devices", "migrates_wrong"),
    [
        pytest.param("pv", True, True, id="PV with devices: flag bits travel verbatim"),
        pytest.param("pv", False, False, id="unprivileged PV: harmless"),
        pytest.param("hvm", True, False, id="HVM: its PAT migrates with it"),
        pytest.param("hvm", False, False, id="HVM without devices"),
        pytest.param("pvh", False, False, id="PVH"),
    ],
)
def test_4_7_pools_of_two_layouts(mode: str, devices: bool, migrates_wrong: bool) -> None:
    needs = {"needs": ["WC@ram"]} if devices else {}
    report = report_on(release="6.12", mode=mode, role="domu", devices=devices, proposal=_TO_LINUX, **needs)
    found = [one for one in report["findings"] if one["rule"] == "MIG010"]
    assert bool(found) is migrates_wrong
    if migrates_wrong:
        assert {one["verdict"] for one in found} == {"incompatible"}


def test_4_7_dom0_never_migrates() -> None:
    report = report_on(release="6.12", role="dom0", proposal=_TO_LINUX, needs=["WC@ram"])
    assert not [one for one in report["findings"] if one["rule"] in {"MIG010", "MIG020"}]


def test_4_7_a_mapped_bar_stops_the_save_and_a_restore_without_devices_fails() -> None:
    report = report_on(release="6.12", role="domu", devices=True, proposal=_TO_LINUX, needs=["WC@ram"])
    (found,) = [one for one in report["findings"] if one["rule"] == "MIG020"]
    assert "BAR" in found["message"]
    assert "restore" in found["message"]


def test_every_rule_that_these_rows_name_is_in_the_catalogue() -> None:
    known = {rule["id"] for rule in rules_as_data()}
    assert {"LAY040", "XEN010", "XEN060", "XEN070", "XEN080", "MIG010", "MIG020"} <= known
