"""The hardware's tables: PAT entries, index bits, effective types."""

import pytest

from simulator.effective import (
    PAT_COLUMNS,
    Vendor,
    effective_cell,
    effective_type,
)
from simulator.memory_type import MemoryType
from simulator.pat import NAMED_LAYOUTS, XEN_LAYOUT, InvalidPatLayout, PatLayout, PteCacheBits, name_of

UC, WC, WT, WP, WB, UC_MINUS = (
    MemoryType.UC,
    MemoryType.WC,
    MemoryType.WT,
    MemoryType.WP,
    MemoryType.WB,
    MemoryType.UC_MINUS,
)


@pytest.mark.parametrize(
    ("mtrr", "pat", "expected"),
    [
        pytest.param(UC, WC, WC, id="WC in the PAT overrides a UC range"),
        pytest.param(UC, WT, UC, id="WT in the PAT does not"),
        pytest.param(WC, UC_MINUS, WC, id="UC- yields to a WC range"),
        pytest.param(WC, UC, UC, id="UC does not"),
        pytest.param(WC, WT, UC, id="WT cancels a WC range"),
        pytest.param(WB, WT, WT, id="WT on RAM"),
        pytest.param(WB, UC_MINUS, UC, id="UC- on RAM"),
    ],
)
@pytest.mark.parametrize("vendor", list(Vendor))
def test_effective_type(mtrr: MemoryType, pat: MemoryType, expected: MemoryType, vendor: Vendor) -> None:
    assert effective_type(mtrr=mtrr, pat=pat, vendor=vendor) is expected


def test_intel_is_xens_own_table() -> None:
    """mm_type_tbl of xen/arch/x86/hvm/mtrr.c, rows UC WC WT WP WB, columns UC WC WT WP WB UC-."""
    rows = {
        UC: "UC WC UC UC UC UC",
        WC: "UC WC UC UC WC WC",
        WT: "UC WC WT WP WT UC",
        WP: "UC WC WT WP WP WC",
        WB: "UC WC WT WP WB UC",
    }
    for mtrr, row in rows.items():
        for pat, word in zip((UC, WC, WT, WP, WB, UC_MINUS), row.split(), strict=True):
            assert effective_cell(mtrr=mtrr, pat=pat, vendor=Vendor.INTEL) == word


def test_vendors_differ_in_disputed_cells_alone() -> None:
    differing = {
        (mtrr, pat)
        for mtrr in set(MemoryType) - {UC_MINUS}
        for pat in PAT_COLUMNS
        if effective_type(mtrr=mtrr, pat=pat, vendor=Vendor.INTEL)
        is not effective_type(mtrr=mtrr, pat=pat, vendor=Vendor.AMD)
    }
    assert differing == {(WT, WP), (WP, UC_MINUS), (WP, WT)}
    assert effective_cell(mtrr=WB, pat=UC, vendor=Vendor.AMD) == "CD"


def test_an_mtrr_is_never_uc_minus() -> None:
    with pytest.raises(KeyError):
        effective_type(mtrr=UC_MINUS, pat=WB)


@pytest.mark.parametrize(
    ("key", "msr"),
    [
        ("power-on", "0x0007040600070406"),
        ("xen", "0x0000050100070406"),
        ("linux-four", "0x0007010600070106"),
        ("linux-4.2", "0x0407010600070106"),
        ("linux-4.14", "0x0407050600070106"),
        ("freebsd", "0x0001050600070406"),
    ],
)
def test_named_layouts(key: str, msr: str) -> None:
    named = next(one for one in NAMED_LAYOUTS if one.key == key)
    assert named.layout.hex == msr
    assert name_of(named.layout) == named.title


def test_the_mails_table_of_2010() -> None:
    """Index, flags, Linux, Xen, Default, as xen-devel saw them on 29 March 2010."""
    table = """
        0  0            WB   WB   WB
        1  PWT          WC   WT   WT
        2  PCD          UC-  UC-  UC-
        3  PCD+PWT      UC   UC   UC
        4  PAT          WB   WC   WB
        5  PAT+PWT      WC   WP   WT
        6  PAT+PCD      UC-  UC   UC-
        7  PAT+PCD+PWT  UC   UC   UC
    """
    layouts = {one.key: one.layout for one in NAMED_LAYOUTS}
    for line in table.split("\n")[1:-1]:
        index, words, *types = line.split()
        bits = PteCacheBits.of_index(int(index))
        assert (bits.pat_index, bits.words) == (int(index), words)
        found = [layouts[key].memory_type(bits).word for key in ("linux-four", "xen", "power-on")]
        assert found == types


def test_a_layout_encodes_by_its_lowest_entry() -> None:
    assert XEN_LAYOUT.encode(UC) == PteCacheBits.of_index(3)
    assert NAMED_LAYOUTS[2].layout.encode(WT) is None
    assert name_of(PatLayout((WB,) * 8)) == "own layout"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0x0200050100070406, "PA7: encoding 0x02 is reserved"),
        (0x0000050100070306, "PA1: encoding 0x03 is reserved"),
        (0x0000058100070406, "PA4: encoding 0x81 is reserved"),
        (1 << 64, "64 bits"),
        (-1, "64 bits"),
    ],
)
def test_values_that_the_processor_refuses(value: int, message: str) -> None:
    with pytest.raises(InvalidPatLayout, match=message):
        PatLayout.from_msr(value)


def test_every_wrong_entry_is_named() -> None:
    with pytest.raises(InvalidPatLayout, match=r"PA0: .* PA1: "):
        PatLayout.from_msr(0x0303)


def test_a_layout_has_eight_entries() -> None:
    with pytest.raises(InvalidPatLayout, match="7 are given"):
        PatLayout((WB,) * 7)
