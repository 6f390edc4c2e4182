"""guest-kernels.md 1.1 to 1.5 and 5, row by row, as corrected by the source check: what a kernel programs and sets.

Rows that the engine takes no input for, and so have no test here:
- 1.1, the CPU gates of 2.6.26 and 2.6.27 (families "not yet verified"): a scenario states no CPU family.
- 1.2, "MSR reads 0": a scenario cannot state that a guest's RDMSR returns 0; eight zero bytes are a layout of UC.
- 1.4 item 5, x86_has_pat_wp(): early boot of SME asks it, nothing in the answer shows it; WP's index is tested.
- 1.5, "tracker vs hardware": what the memtype tree shows is no memory type; that 3.3 to 3.8 set no bits is in 1.3,
  that 4.7 to 5.19.5 track nothing is test_pat_enabled.
- 5, old Solaris (0x0001050000000406): no family of its own, and no release is known to tell it from illumos.
- 5, rumprun and stubdom: Mini-OS under other names.
"""

import pytest

from tests.unit.simulator.one_guest import (
    LINUX_4,
    LINUX_8,
    LINUX_42,
    RESET,
    XEN,
    Data,
    ask,
    bits_index,
    fired,
    index,
    mapping,
    pat_type,
    worst,
)

TYPES = ("WB", "WC", "UC-", "UC", "WT", "WP")


def config(*, pat: bool = True, mtrr: bool = True) -> str:
    lines = [("CONFIG_X86_PAT", pat), ("CONFIG_MTRR", mtrr), ("CONFIG_XEN", True)]
    return "".join(f"{key}=y\n" if is_set else f"# {key} is not set\n" for key, is_set in lines)


# 1.1: the value that pat_init() programs. ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "errata_cpu", "msr"),
    [
        pytest.param("2.6.24", False, RESET, id="<= 2.6.25 none written"),
        pytest.param("2.6.25", False, RESET, id="2.6.25 none written"),
        pytest.param("2.6.26", False, LINUX_4, id="2.6.26"),
        pytest.param("2.6.32", False, LINUX_4, id="2.6.32"),
        pytest.param("3.18.30", False, LINUX_4, id="3.18"),
        pytest.param("4.1.15", False, LINUX_4, id="4.1"),
        pytest.param("4.2", False, LINUX_42, id="4.2"),
        pytest.param("4.13.4", False, LINUX_42, id="4.13"),
        pytest.param("4.14", False, LINUX_8, id="4.14 (facts 5: verified)"),
        pytest.param("7.2.13", False, LINUX_8, id="7.2.13"),
        pytest.param("4.1.15", True, LINUX_4, id="4.1 on an errata CPU"),
        pytest.param("4.2.8", True, LINUX_4, id="4.2 on an errata CPU"),
        pytest.param("7.2.13", True, LINUX_4, id="7.2.13 on an errata CPU"),
    ],
)
def test_1_1_the_value_that_linux_programs(release: str, errata_cpu: bool, msr: str) -> None:
    answer = ask(release=release, mode="hvm", role="domu", guests_errata_cpu=errata_cpu)
    assert (answer["host_layout"]["msr"], answer["host_layout"]["source"]) == (msr, "guest")


@pytest.mark.parametrize("release", ["4.2.8", "6.12"])
def test_1_1_the_platforms_errata_cpu_is_the_guests(release: str) -> None:
    answer = ask(release=release, mode="hvm", role="domu", errata_cpu=True)
    assert answer["host_layout"]["msr"] == LINUX_4


@pytest.mark.parametrize(
    ("release", "wt", "wp"),
    [
        pytest.param("4.2", ("7", "WT"), ("2", "UC-"), id="4.2: WT at 7, no WP"),
        pytest.param("4.14", ("7", "WT"), ("5", "WP"), id="4.14: WT at 7, WP at 5"),
    ],
)
def test_1_1_the_slots_beyond_four(release: str, wt: tuple[str, str], wp: tuple[str, str]) -> None:
    answer = ask(release=release, mode="hvm", role="domu", devices=True)
    assert (str(index(answer, "WT")), pat_type(answer, "WT")) == wt
    assert (str(index(answer, "WP")), pat_type(answer, "WP")) == wp


# 1.2: when PAT is not programmed. --------------------------------------------------------------------------------

_COLUMNS = {"2.6.26-4.1": "3.18.30", "4.2-4.6": "4.6.2", "4.7-6.1": "6.1.192", "6.2+": "6.12.117"}
_OWN = {"2.6.26-4.1": LINUX_4, "4.2-4.6": LINUX_42, "4.7-6.1": LINUX_8, "6.2+": LINUX_8}

_CAUSES: dict[str, tuple[Data, tuple[str, ...]]] = {
    # cause                (what is stated, the columns in which the kernel programs its own layout all the same)
    "CPUID.PAT clear": ({"hide_cpuid_pat": True}, ()),
    "nopat": ({"cmdline": "root=/dev/sda1 nopat"}, ()),
    "CONFIG_X86_PAT=n": ({"config": config(pat=False)}, ()),
    "MTRR missing": ({"hide_cpuid_mtrr": True}, ("6.2+",)),
}


@pytest.mark.parametrize("column", list(_COLUMNS))
@pytest.mark.parametrize("cause", list(_CAUSES))
def test_1_2_what_keeps_linux_from_programming_it(cause: str, column: str) -> None:
    stated, programs = _CAUSES[cause]
    answer = ask(release=_COLUMNS[column], mode="hvm", role="domu", devices=True, **stated)
    assert answer["host_layout"]["msr"] == (_OWN[column] if column in programs else RESET)


@pytest.mark.parametrize("column", list(_COLUMNS))
@pytest.mark.parametrize("cause", list(_CAUSES))
def test_1_2_what_wc_is_then(cause: str, column: str) -> None:
    stated, programs = _CAUSES[cause]
    answer = ask(release=_COLUMNS[column], mode="hvm", role="domu", devices=True, **stated)
    if column in programs:
        expected = "WC"
    elif cause == "MTRR missing" and column == "2.6.26-4.1":
        expected = "WT"  # "PAT silently untouched": pat_enabled stays 1, and PWT selects PA1 of the reset layout
    else:
        expected = "UC-"  # ioremap_wc needs pat_enabled until 4.1 (1.6); from 4.2 the table falls back to slot 2
    assert pat_type(answer, "WC") == expected


@pytest.mark.parametrize("release", ["5.17", "5.19", "6.1"])
def test_1_2_5_17_to_6_1_without_config_mtrr(release: str) -> None:
    answer = ask(release=release, mode="hvm", role="domu", devices=True, config=config(pat=False, mtrr=False))
    assert answer["host_layout"]["msr"] == RESET


# 1.3: what each version does as a Xen PV guest, on Xen's layout. ---------------------------------------------------

_K = "refused by kernel"  # no such call yet: WC before 2.6.26, WT and WP before 3.19 (1.6, API by version)


@pytest.mark.parametrize(
    ("guest", "release", "role", "indices"),
    [
        #                                         WB WC  UC- UC WT  WP
        pytest.param("xenlinux", "2.6.18", "dom0", (0, 3, 2, 3, _K, _K), id="2.6.18 XenLinux dom0"),
        pytest.param("xenlinux", "2.6.18", "domu", (0, 3, 2, 3, _K, _K), id="2.6.18 XenLinux driver domain"),
        pytest.param("suse-xenlinux", "2.6.27", "dom0", (0, 4, 2, 3, 1, 5), id="SUSE XenLinux 2.6.27"),
        pytest.param("suse-xenlinux", "3.12", "domu", (0, 4, 2, 3, 1, 5), id="SUSE XenLinux 3.x"),
        # "PCD stripped": PWT of UC = PCD+PWT stays in the entry, though the row's result says WB (ambiguous)
        pytest.param("linux", "2.6.24", "dom0", (0, _K, 0, 1, _K, _K), id="2.6.24"),
        pytest.param("linux", "2.6.25", "dom0", (0, _K, 0, 0, _K, _K), id="2.6.25"),
        pytest.param("linux", "2.6.26", "domu", (0, 0, 0, 0, _K, _K), id="2.6.26 domU"),
        pytest.param("linux", "2.6.35", "domu", (0, 0, 0, 0, _K, _K), id="2.6.35 domU"),
        pytest.param("linux", "2.6.30", "dom0", (0, 1, 2, 3, _K, _K), id="2.6.30 dom0, native bits"),
        pytest.param("linux-jeremy", "2.6.32", "dom0", (0, 4, 2, 3, _K, _K), id="Jeremy's 2.6.32 dom0"),
        pytest.param("linux-jeremy", "2.6.32", "domu", (0, 0, 0, 0, _K, _K), id="Jeremy's 2.6.32 domU"),
        pytest.param("linux", "2.6.36", "dom0", (0, 4, 2, 3, _K, _K), id="2.6.36 dom0"),
        pytest.param("linux", "2.6.36", "domu", (0, 0, 0, 0, _K, _K), id="2.6.36 domU"),
        pytest.param("linux", "2.6.39", "dom0", (0, 4, 2, 3, _K, _K), id="2.6.39 dom0"),
        pytest.param("linux", "3.2.71", "dom0", (0, 4, 2, 3, _K, _K), id="3.2 dom0"),
        pytest.param("linux", "3.2.71", "domu", (0, 0, 0, 0, _K, _K), id="3.2 domU"),
        pytest.param("linux", "3.3", "dom0", (0, 0, 0, 0, _K, _K), id="3.3 dom0 (facts 1: verified)"),
        pytest.param("linux", "3.4.113", "dom0", (0, 0, 0, 0, _K, _K), id="3.4 dom0"),
        pytest.param("linux", "3.18.30", "dom0", (0, 0, 0, 0, _K, _K), id="3.18 dom0"),
        pytest.param("linux", "3.18.30", "domu", (0, 0, 0, 0, _K, _K), id="3.18 domU"),
        pytest.param("linux", "3.19.8", "dom0", (0, 4, 2, 3, 1, 5), id="3.19"),
        pytest.param("linux", "4.1.15", "domu", (0, 4, 2, 3, 1, 5), id="4.1"),
        pytest.param("linux", "4.2.8", "dom0", (0, 4, 2, 3, 1, 5), id="4.2"),
        pytest.param("linux", "4.6.2", "domu", (0, 4, 2, 3, 1, 5), id="4.6"),
        pytest.param("linux", "4.7.4", "dom0", (0, 4, 2, 3, 1, 5), id="4.7"),
        pytest.param("linux", "5.19.0", "dom0", (0, 4, 2, 3, 1, 5), id="5.19.0"),
        pytest.param("linux", "6.0-rc1", "dom0", (0, 4, 2, 3, 1, 5), id="6.0-rc1"),
        pytest.param("linux", "6.0.19", "dom0", (0, 4, 2, 3, 1, 5), id="6.0.19"),
        pytest.param("linux", "6.1.192", "dom0", (0, 4, 2, 3, 1, 5), id="6.1"),
        pytest.param("linux", "6.2.1", "dom0", (0, 4, 2, 3, 1, 5), id="6.2"),
        pytest.param("linux", "6.5.0", "dom0", (0, 4, 2, 3, 1, 5), id="6.5"),
        pytest.param("linux", "7.2.13", "domu", (0, 4, 2, 3, 1, 5), id="7.2.13"),
    ],
)
def test_1_3_the_pte_index_of_each_type(guest: str, release: str, role: str, indices: tuple[int | str, ...]) -> None:
    answer = ask(guest=guest, release=release, role=role, devices=True)
    assert answer["host_layout"]["msr"] == XEN
    assert tuple(index(answer, wanted) for wanted in TYPES) == indices


@pytest.mark.parametrize("release", ["2.6.26", "2.6.36", "3.2", "3.18"])
def test_1_3_untranslated_bits_of_dom0_read_as_xens(release: str) -> None:
    expected = {"2.6.26": "WT", "2.6.36": "WC", "3.2": "WC", "3.18": "WB"}[release]
    assert pat_type(ask(release=release), "WC") == expected


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(LINUX_8, id="Linux's eight"),
        pytest.param(LINUX_4, id="Linux's four"),
        pytest.param(RESET, id="reset"),
    ],
)
def test_1_3_suse_xenlinux_is_wrong_on_any_other_host_layout(layout: str) -> None:
    answer = ask(guest="suse-xenlinux", release="2.6.32", layout=layout)
    assert index(answer, "WC") == 4
    assert pat_type(answer, "WC") == "WB"
    assert mapping(answer, "WC")["verdict"] == "incompatible"


@pytest.mark.parametrize("layout", [XEN, LINUX_8, LINUX_4, RESET])
def test_1_3_xenlinux_is_right_wherever_slots_0_2_and_3_stay(layout: str) -> None:
    answer = ask(guest="xenlinux", release="2.6.18", layout=layout)
    assert [pat_type(answer, wanted) for wanted in ("WB", "UC-", "UC")] == ["WB", "UC-", "UC"]
    assert answer["verdict"] == "compatible"


@pytest.mark.parametrize(
    ("release", "is_told"),
    [
        pytest.param("3.19.8", True, id="3.19"),
        pytest.param("4.6.2", True, id="4.6"),
        pytest.param("4.7.4", False, id="4.7"),
        pytest.param("5.17.5", False, id="5.17"),
        pytest.param("5.19.5", False, id="5.19.5 (facts 2)"),
        pytest.param("5.19.6", True, id="5.19.6 (facts 2)"),
        pytest.param("6.0-rc1", False, id="6.0-rc1"),
        pytest.param("6.0-rc2", False, id="6.0-rc2 (facts 2)"),
        pytest.param("6.0-rc3", True, id="6.0-rc3 (facts 2)"),
        pytest.param("6.0.19", True, id="6.0.19"),
        pytest.param("6.1.192", True, id="6.1"),
        pytest.param("6.2.1", True, id="6.2"),
        pytest.param("6.12.117", True, id="6.12"),
        pytest.param("5.15.64", False, id="5.15.64 lacks it (facts 2)"),
    ],
)
def test_1_3_pat_enabled(release: str, is_told: bool) -> None:
    answer = ask(release=release)
    assert (not fired(answer, "ENC040")) is is_told
    assert pat_type(answer, "WC") == "WC"


@pytest.mark.parametrize(
    ("release", "becomes_uc_minus"),
    [
        pytest.param("6.0.19", True, id="6.0"),
        pytest.param("6.1.192", True, id="6.1"),
        pytest.param("6.2.1", True, id="6.2"),
        pytest.param("6.3.8", True, id="6.3.8"),
        pytest.param("6.3.13", False, id="6.3.13 (facts: backport)"),
        pytest.param("6.4.3", True, id="6.4.3"),
        pytest.param("6.4.4", False, id="6.4.4 (facts: backport)"),
        pytest.param("6.5", False, id="6.5"),
        pytest.param("7.2.13", False, id="7.2.13"),
    ],
)
def test_1_3_a_wb_request_of_device_memory_without_mtrrs(release: str, becomes_uc_minus: bool) -> None:
    assert bool(fired(ask(release=release), "DRV050")) is becomes_uc_minus


@pytest.mark.parametrize(
    ("release", "breaks"),
    [
        pytest.param("6.1.6", False, id="6.1.6"),
        pytest.param("6.1.7", True, id="6.1.7"),
        pytest.param("6.1.32", True, id="6.1.32"),
        pytest.param("6.1.33", False, id="6.1.33: reverted (facts)"),
        pytest.param("6.2-rc4", True, id="6.2-rc4 (start recalled)"),
        pytest.param("6.2", False, id="6.2 final (facts: clean, derived)"),
    ],
)
def test_1_3_the_side_story_of_a_missing_mtrr_taken_for_wb(release: str, breaks: bool) -> None:
    assert bool(fired(ask(release=release), "DRV060")) is breaks


# 1.4: the table that Linux 3.19 and later builds, under ten host layouts. -----------------------------------------

_HOST_LAYOUTS = {
    # host layout          WB       WC        UC-       UC       WT        WP
    XEN: "                 0:WB     4:WC      2:UC-     3:UC     1:WT      5:WP",
    LINUX_8: "             0:WB     1:WC      2:UC-     3:UC     7:WT      5:WP",
    LINUX_42: "            0:WB     1:WC      2:UC-     3:UC     7:WT      2:UC-",
    LINUX_4: "             0:WB     1:WC      2:UC-     3:UC     2:UC-     2:UC-",
    RESET: "               0:WB     2:UC-     2:UC-     3:UC     1:WT      2:UC-",
    "0x0000050100070106": "0:WB     1:WC      2:UC-     3:UC     2:UC-     5:WP",  # Keir's idea of 2009
    "0x0001050600070406": "0:WB     6:WC      2:UC-     3:UC     1:WT      5:WP",  # FreeBSD
    "0x0007010500070406": "0:WB     5:WC      2:UC-     3:UC     1:WT      4:WP",  # FreeBSD 8
    "0x0001040600070406": "0:WB     6:WC      2:UC-     3:UC     1:WT      2:UC-",  # illumos
    "0x0001040600010406": "0:WB     2:WC      2:WC      3:UC     1:WT      2:WC",  # slot 2 = WC
}
_WC_BEFORE_4_2 = {RESET: "1:WT"}  # where no entry is WC, its default is PWT in 3.19 to 4.1


@pytest.mark.parametrize("role", ["dom0", "domu"])
@pytest.mark.parametrize("release", ["3.19.8", "4.0.5", "4.1.15", "4.2.8", "4.6.2", "4.13.4", "5.10.7", "7.2.13"])
@pytest.mark.parametrize("layout", list(_HOST_LAYOUTS))
def test_1_4_the_resulting_encodings(layout: str, release: str, role: str) -> None:
    answer = ask(release=release, role=role, devices=True, layout=layout)
    expected = dict(zip(TYPES, _HOST_LAYOUTS[layout].split(), strict=True))
    if release in {"3.19.8", "4.0.5", "4.1.15"} and layout in _WC_BEFORE_4_2:
        expected["WC"] = _WC_BEFORE_4_2[layout]
    assert {wanted: f"{bits_index(answer, wanted)}:{pat_type(answer, wanted)}" for wanted in TYPES} == expected
    assert [index(answer, wanted) for wanted in TYPES] == [bits_index(answer, wanted) for wanted in TYPES]


@pytest.mark.parametrize(
    ("release", "wc"),
    [
        pytest.param("3.19", (1, "UC"), id="3.19: the default of WC is PWT, whatever slot 1 holds"),
        pytest.param("4.1", (1, "UC"), id="4.1"),
        pytest.param("4.2", (2, "WP"), id="4.2: the default is slot 2, whatever slot 2 holds"),
        pytest.param("6.12", (2, "WP"), id="6.12"),
    ],
)
def test_1_4_item_4_an_absent_mode_keeps_its_default(release: str, wc: tuple[int, str]) -> None:
    answer = ask(release=release, layout="WB UC WP WT WB UC WP WT")
    assert (index(answer, "WC"), pat_type(answer, "WC")) == wc
    assert (index(answer, "UC-"), pat_type(answer, "UC-")) == (2, "WP")
    no_uc = ask(release=release, layout="WB WC UC- WT WB WC UC- WP")
    assert (index(no_uc, "UC"), pat_type(no_uc, "UC")) == (3, "WT")


@pytest.mark.parametrize(
    ("release", "dies"),
    [
        pytest.param("3.18", False, id="3.18"),
        pytest.param("3.19", True, id="3.19: BUG_ON"),
        pytest.param("4.2", True, id="4.2"),
        pytest.param("7.2.13", True, id="7.2.13"),
    ],
)
def test_1_4_item_3_entry_0_must_be_wb(release: str, dies: bool) -> None:
    answer = ask(release=release, layout="WT WB UC- UC WC WP UC UC")
    refused = [row["refused"] for row in answer["mappings"]]
    assert all(why is not None and why["by"] == "boot" for why in refused) is dies
    assert answer["verdict"] == "incompatible"  # with 3.18 too: LAY020, page tables and Xen itself use entry 0


# 1.5: hazards. -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "loses"),
    [
        pytest.param("3.18.30", False, id="3.18: sets no PAT bit"),
        pytest.param("3.19", True, id="3.19"),
        pytest.param("5.4.286", True, id="5.4.286"),
        pytest.param("5.10.7", True, id="5.10.7"),
        pytest.param("5.10.194", True, id="5.10.194"),
        pytest.param("5.10.195", False, id="5.10.195 (facts 3)"),
        pytest.param("5.15.55", True, id="5.15.55"),
        pytest.param("5.15.131", True, id="5.15.131"),
        pytest.param("5.15.132", False, id="5.15.132 (facts 3)"),
        pytest.param("6.0.19", True, id="6.0.19"),
        pytest.param("6.1.52", True, id="6.1.52"),
        pytest.param("6.1.53", False, id="6.1.53 (facts 3)"),
        pytest.param("6.1.192", False, id="6.1.192"),
        pytest.param("6.3.8", True, id="6.3.8"),
        pytest.param("6.4.15", True, id="6.4.15"),
        pytest.param("6.4.16", False, id="6.4.16 (facts 3)"),
        pytest.param("6.5.0", True, id="6.5.0"),
        pytest.param("6.6-rc1", False, id="6.6-rc1 (facts 3)"),
        pytest.param("6.6", False, id="6.6"),
        pytest.param("6.12.117", False, id="6.12"),
        pytest.param("7.2.13", False, id="7.2"),
        # 6.5.1 to 6.5.x: see the next test
    ],
)
def test_1_5_pat_bit_loss_by_release(release: str, loses: bool) -> None:
    answer = ask(release=release, drivers=["amdgpu"])
    assert (worst(answer, "ENC020") == "incompatible") is loses


@pytest.mark.parametrize("release", ["6.5.1", "6.5.2", "6.5.3"])
def test_1_5_pat_bit_loss_in_6_5_y_is_not_verified(release: str) -> None:
    """6.5.0 is the last tree without the fix, 6.6-rc1 the first with it; "6.5.3?" is recalled (facts 3)."""
    answer = ask(release=release, drivers=["amdgpu"])
    assert answer["verdict"] == "indeterminate" or "recalled" in {one["confidence"] for one in answer["findings"]}


@pytest.mark.parametrize(
    ("layout", "wanted", "verdicts"),
    [
        pytest.param(XEN, "WC", {"incompatible"}, id="Xen: WC(4) -> WB(0) unsafe"),
        pytest.param(XEN, "WP", {"conditional", "incompatible"}, id="Xen: WP(5) -> WT(1) unsafe-ish"),
        pytest.param(LINUX_8, "WT", {"compatible", "degraded"}, id="Linux: WT(7) -> UC(3) safe"),
        pytest.param(LINUX_8, "WP", {"incompatible"}, id="Linux: WP(5) -> WC(1)"),
        pytest.param(LINUX_8, "WC", {"compatible"}, id="Linux: WC(1) has no PAT bit"),
    ],
)
def test_1_5_pat_bit_loss_by_layout(layout: str, wanted: str, verdicts: set[str]) -> None:
    answer = ask(release="5.15.55", layout=layout)
    row = mapping(answer, wanted)
    assert row["pat_type"] == wanted  # "PAT-bit loss leaves these fields alone and is a finding"
    assert row["verdict"] in verdicts
    assert ("ENC020" in row["findings"]) is (wanted != "WC" or layout == XEN)


@pytest.mark.parametrize(
    ("layout", "types"),
    [
        #                     WB  WC  UC- UC  WT  WP
        pytest.param(XEN, "   WB  WB  UC- UC  WT  WT", id="Xen: 4 as 0, 5 as 1"),
        pytest.param(LINUX_8, "WB WC  UC- UC  UC  WC", id="Linux: 7 as 3, 5 as 1"),
    ],
)
def test_1_5_an_errata_cpu_folds_a_pv_guests_entries(layout: str, types: str) -> None:
    answer = ask(release="6.12", layout=layout, guests_errata_cpu=True)
    assert answer["host_layout"]["msr"] == layout
    assert [pat_type(answer, wanted) for wanted in TYPES] == types.split()
    assert ask(release="6.12", layout=layout, errata_cpu=True)["mappings"] == answer["mappings"]


def test_1_5_a_lost_pat_bit_is_judged_as_an_errata_cpu_is() -> None:
    """hardware-and-xen.md 1.4: one pair table, wanted = type(i+4), in force = type(i)."""
    folded = ask(release="6.12", guests_errata_cpu=True)
    lost = ask(release="5.15.55")
    for wanted in TYPES:
        assert mapping(folded, wanted)["verdict"] == mapping(lost, wanted)["verdict"]


def test_1_5_tables_are_fixed_at_boot() -> None:
    answer = ask(release="6.12", booted_under=XEN, layout=LINUX_8)
    assert answer["host_layout"]["msr"] == LINUX_8
    assert [(index(answer, wanted), pat_type(answer, wanted)) for wanted in ("WC", "WT", "WP")] == [
        (4, "WB"),
        (1, "WC"),
        (5, "WP"),
    ]
    assert mapping(answer, "WC")["verdict"] == "incompatible"
    assert mapping(answer, "WT")["verdict"] == "incompatible"


@pytest.mark.parametrize(
    ("release", "layout", "wc", "wt"),
    [
        # On Xen's layout the reset table is right for slots 0 to 3; WC falls back to slot 2.
        pytest.param("4.7", XEN, (2, "UC-"), (1, "WT"), id="4.7 on Xen's"),
        pytest.param("6.12", XEN, (2, "UC-"), (1, "WT"), id="6.12 on Xen's"),
        pytest.param("4.7", LINUX_8, (2, "UC-"), (1, "WC"), id="4.7 on Linux's: PWT = WC"),
        pytest.param("6.12", LINUX_8, (2, "UC-"), (1, "WC"), id="6.12 on Linux's: PWT = WC"),
        pytest.param("3.19.8", XEN, (4, "WC"), (1, "WT"), id="3.19 reads the MSR"),
        pytest.param("4.6.2", XEN, (4, "WC"), (1, "WT"), id="4.6 reads the MSR"),
        pytest.param("4.6.2", LINUX_8, (1, "WC"), (7, "WT"), id="4.6 on Linux's"),
    ],
)
def test_1_5_a_hidden_cpuid_pat(release: str, layout: str, wc: tuple[int, str], wt: tuple[int, str]) -> None:
    answer = ask(release=release, layout=layout, hide_cpuid_pat=True)
    assert (index(answer, "WC"), pat_type(answer, "WC")) == wc
    assert (index(answer, "WT"), pat_type(answer, "WT")) == wt


def test_1_5_a_hidden_cpuid_pat_leaves_old_kernels_as_they_are() -> None:
    for guest, release in (("linux", "3.2"), ("xenlinux", "2.6.18"), ("suse-xenlinux", "2.6.32")):
        hidden = ask(guest=guest, release=release, hide_cpuid_pat=True)
        assert hidden["mappings"] == ask(guest=guest, release=release)["mappings"]


def test_1_5_a_gap_between_the_trees_is_undecided_unless_evidence_decides() -> None:
    """6.5.1 to 6.5.3 of 548cb932051f are such a gap only by memory; 2.6.36's candidates are one by the trees."""
    answer = ask(release="2.6.36-rc2", drivers=["radeon"])
    assert answer["verdict"] == "indeterminate"
    (gap,) = fired(answer, "EVI030")
    assert "2.6.36" in gap["message"]
    stated = ask(release="2.6.36-rc2", drivers=["radeon"], encode={"WC": "PAT", "UC-": "PCD", "UC": "PCD+PWT"})
    assert stated["verdict"] == "compatible"


# 5: other guests. --------------------------------------------------------------------------------------------------

_B = "refused by boot"
_FREEBSD_ERRATA = "0x0001050600010406"


@pytest.mark.parametrize(
    ("guest", "release", "msr", "indices"),
    [
        #                                                           WB WC  UC- UC WT  WP
        pytest.param("freebsd", "13.2", "0x0001050600070406", (0, 6, 2, 3, 1, 5), id="FreeBSD >= 9"),
        pytest.param("freebsd", "8.4", "0x0007010500070406", (0, 5, 2, 3, 1, 4), id="FreeBSD 8"),
        pytest.param("netbsd", "10", LINUX_4, (0, 1, 2, 3, None, None), id="NetBSD"),
        pytest.param("netbsd", "9.3", LINUX_4, (0, 1, 2, 3, None, None), id="NetBSD 9"),
        pytest.param("openbsd", "7.4", LINUX_4, (0, 1, None, None, None, None), id="OpenBSD: PG_WC = PWT"),
        pytest.param("illumos", None, "0x0001040600070406", (0, 6, None, 2, None, None), id="illumos: STRICTORDER PCD"),
        pytest.param("unikraft", None, RESET, (0, 3, 2, None, None, None), id="Unikraft: WC = PCD+PWT"),
        pytest.param("mirageos", None, RESET, (0, 0, 0, 0, None, None), id="MirageOS: none"),
        pytest.param("windows", "10", LINUX_4, (0, 1, None, None, None, None), id="Windows (recalled)"),
        pytest.param("reactos", None, RESET, (0, 2, None, None, None, None), id="ReactOS: WC by PCD before the fix"),
        pytest.param("serenity", None, "0x0007040100070406", (0, 4, 2, 3, None, None), id="SerenityOS: slot 4 = WC"),
        pytest.param("asterinas", None, "0x0001040600010406", (0, 2, None, 3, None, None), id="Asterinas: slot 2 = WC"),
        pytest.param("grub", None, RESET, (0, 0, 0, 0, None, None), id="GRUB PVH: none"),
    ],
)
def test_5_what_a_guest_programs_and_sets_in_hvm(
    guest: str, release: str | None, msr: str, indices: tuple[int | None, ...]
) -> None:
    answer = ask(guest=guest, release=release, mode="pvh" if guest in {"mirageos", "grub"} else "hvm", devices=True)
    assert (answer["host_layout"]["msr"], answer["host_layout"]["source"]) == (msr, "guest")
    for wanted, expected in zip(TYPES, indices, strict=True):
        if expected is not None:  # None: the row does not say
            assert index(answer, wanted) == expected, wanted


@pytest.mark.parametrize(
    ("guest", "release", "indices"),
    [
        #                                             WB WC  UC- UC WT  WP
        pytest.param("freebsd", "8.4", (0, 2, None, None, 1, 3), id="FreeBSD 8's i386 port: pat_works=0"),
        pytest.param("netbsd", "10", (0, 0, 2, None, None, None), id="NetBSD: WRITE_COMBINE -> 0, NOCACHE -> PCD"),
        pytest.param("netbsd", "9.3", (0, 1, 2, None, None, None), id="older NetBSD: no XENPV guard"),
        pytest.param("illumos", None, (0, 6, None, 2, None, None), id="i86xpv: WC = PCD+PAT all the same"),
        pytest.param("mini-os", None, (0, _K, 2, None, _K, _K), id="Mini-OS: PCD for ioremap_nocache only"),
        pytest.param("unikraft", None, (0, _K, 2, None, _K, _K), id="Unikraft: PCD, paging API excluded"),
        pytest.param("grub", None, (0, 0, 0, 0, None, None), id="GRUB: low PTE flags 7, 5, 3 only (facts 8)"),
        pytest.param("gnumach", None, (0, _K, 3, 3, _K, _K), id="GNU Mach: NCACHE+WTHRU (facts)"),
        pytest.param("openbsd", "7.4", (_B,) * 6, id="OpenBSD: no PV"),
        pytest.param("freebsd", "13.2", (_B,) * 6, id="FreeBSD amd64: HVM and PVH only (recalled)"),
        pytest.param("dragonfly", None, (_B,) * 6, id="DragonFly: no PV"),
        pytest.param("mirageos", None, (_B,) * 6, id="MirageOS: PVH only"),
        pytest.param("windows", "10", (_B,) * 6, id="Windows: no PV"),
        pytest.param("reactos", None, (_B,) * 6, id="ReactOS: HVM"),
    ],
)
def test_5_what_a_guest_sets_in_pv(guest: str, release: str | None, indices: tuple[int | str | None, ...]) -> None:
    answer = ask(guest=guest, release=release, role="domu", devices=True)
    for wanted, expected in zip(TYPES, indices, strict=True):
        if expected is not None:
            assert index(answer, wanted) == expected, wanted


def test_5_freebsd_on_an_errata_cpu() -> None:
    answer = ask(guest="freebsd", release="13.2", mode="hvm", role="domu", devices=True, guests_errata_cpu=True)
    assert answer["host_layout"]["msr"] == _FREEBSD_ERRATA
    assert (index(answer, "WC"), pat_type(answer, "WC")) == (2, "WC")


def test_5_illumos_without_cpuid_pat() -> None:
    answer = ask(guest="illumos", role="domu", devices=True, hide_cpuid_pat=True)
    assert index(answer, "WC") == 3


def test_5_netbsd_before_the_guard_writes_the_msr() -> None:
    """That releases before 10 have no guard is recalled; on Xen 4.15 and later the write is a #GP."""
    answer = ask(guest="netbsd", release="9.3", xen="4.15")
    assert (answer["guest"]["confidence"], fired(answer, "XEN090")[0]["verdict"]) == ("recalled", "conditional")
    assert not fired(ask(guest="netbsd", release="9.3", xen="4.14"), "XEN090")
    assert not fired(ask(guest="netbsd", release="10", xen="4.15"), "XEN090")


def test_5_dragonfly_was_only_partly_read() -> None:
    answer = ask(guest="dragonfly", mode="hvm", role="domu", devices=True, needs=["WC"])
    assert answer["verdict"] == "indeterminate"


@pytest.mark.parametrize(
    ("guest", "release", "mode", "confidence"),
    [
        pytest.param("windows", "10", "hvm", "recalled", id="Windows"),
        pytest.param("grub", None, "pv", "verified", id="GRUB PV (facts 8: verified, id 725061530)"),
        pytest.param("gnumach", None, "pv", "verified", id="GNU Mach (facts: ids 1547704639, 11505872681)"),
        pytest.param("openbsd", "7.4", "hvm", "verified", id="OpenBSD"),
        pytest.param("illumos", None, "hvm", "verified", id="illumos"),
        pytest.param("linux", "6.12", "pv", "verified", id="Linux"),
    ],
)
def test_5_marks_of_the_documents_reach_the_report(guest: str, release: str | None, mode: str, confidence: str) -> None:
    answer = ask(guest=guest, release=release, mode=mode, role="domu", devices=True)
    assert answer["guest"]["confidence"] == confidence


@pytest.mark.parametrize(
    ("guest", "release", "layout", "wc"),
    [
        # the classes for the engine, at the end of section 5, under Linux's layout and under Xen's
        pytest.param("linux", "3.19", LINUX_8, "WC", id="reads-MSR"),
        pytest.param("suse-xenlinux", "2.6.32", LINUX_8, "WB", id="blind-Xen-ABI: SUSE"),
        pytest.param("linux", "3.2", LINUX_8, "WB", id="blind-Xen-ABI: 2.6.36-3.2 dom0"),
        pytest.param("xenlinux", "2.6.18", LINUX_8, "UC", id="low-slots-only"),
        pytest.param("illumos", None, LINUX_8, "UC-", id="own-index: illumos xpv"),
        pytest.param("illumos", None, XEN, "UC", id="own-index: illumos xpv on Xen's"),
        pytest.param("linux", "3.18", LINUX_8, "WB", id="no-bits"),
    ],
)
def test_5_the_classes_under_a_layout(guest: str, release: str | None, layout: str, wc: str) -> None:
    assert pat_type(ask(guest=guest, release=release, layout=layout), "WC") == wc
