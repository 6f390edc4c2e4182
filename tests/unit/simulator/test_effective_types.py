"""Effective memory types, cell by cell, against a second typing of each grid and against two other implementations."""

import itertools

import pytest

from simulator.effective import (
    AMD_CACHE_DISABLE,
    AMD_ROWS,
    BOCHS_ROWS,
    CD,
    DISPUTED,
    FOOTNOTES,
    HOST_COLUMNS,
    INTEL_FOOTNOTES,
    INTEL_ROWS,
    NESTED_CONFIDENCE,
    NESTED_ROWS,
    PAT_COLUMNS,
    PCD_PWT_COLUMNS,
    PRE_PAT,
    TABLE_CITATIONS,
    Vendor,
    conditions,
    effective_cell,
    effective_type,
    footnotes,
    formerly_undefined,
    grid,
    is_disputed,
    is_model_specific,
    is_snooped,
    nested_type,
    notes,
    type_without_pat,
)
from simulator.memory_type import BY_WORD, MTRR_ORDER, MemoryType

UC, WC, WT, WP, WB, UC_MINUS = (
    MemoryType.UC,
    MemoryType.WC,
    MemoryType.WT,
    MemoryType.WP,
    MemoryType.WB,
    MemoryType.UC_MINUS,
)
MTRR_TYPES = (UC, WC, WT, WP, WB)
CELLS = tuple(itertools.product(MTRR_TYPES, PAT_COLUMNS))

# Typed anew, the other way round: a row for each PAT type, a column for each MTRR type.
INTEL_BY_PAT = """
    PAT   WB   WP   WT   WC   UC
    WB    WB   WP   WT   WC   UC
    WP    WP   WP   WP   UC   UC
    WT    WT   WT   WT   UC   UC
    WC    WC   WC   WC   WC   WC
    UC-   UC   WC   UC   WC   UC
    UC    UC   UC   UC   UC   UC
"""
AMD_BY_PAT = """
    PAT   WB   WP   WT   WC   UC
    WB    WB   WP   WT   WC   UC
    WP    WP   WP   CD   CD   UC
    WT    WT   CD   WT   CD   UC
    WC    WC   WC   WC   WC   WC
    UC-   CD   CD   CD   WC   UC
    UC    CD   CD   CD   CD   UC
"""
FOOTNOTES_BY_PAT = """
    PAT   WB   WP   WT   WC   UC
    WB    -    -    -    -    1
    WP    -    -    3    23   1
    WT    -    3    -    23   1
    WC    -    -    -    -    -
    UC-   2    3    2    -    1
    UC    2    2    2    2    1
"""
NESTED_BY_HOST = """
    host  WB   WT   WP   WC   UC-  UC
    WB    WB   WT   WP   WC+  UC   UC
    WT    WT   WT   UC   WC+  UC   UC
    WP    WP   UC   WP   WC+  UC   UC
    WC    WC   UC   UC   WC   WC   UC
    UC-   UC   UC   UC   WC   UC-  UC
    UC    UC   UC   UC   WC   UC   UC
"""


def turned(text: str) -> dict[tuple[MemoryType, MemoryType], str]:
    """The cells of a typed grid by (column, row)."""
    head, *lines = (line.split() for line in text.strip().splitlines())
    return {
        (BY_WORD[column], BY_WORD[row]): word
        for row, *words in lines
        for column, word in zip(head[1:], words, strict=True)
    }


def each_cell(text: str) -> list[object]:
    return [pytest.param(*pair, word, id=f"{pair[0].word}x{pair[1].word}") for pair, word in turned(text).items()]


@pytest.mark.parametrize(("mtrr", "pat", "word"), each_cell(INTEL_BY_PAT))
def test_intel(mtrr: MemoryType, pat: MemoryType, word: str) -> None:
    for vendor in (Vendor.INTEL, Vendor.ANY):
        assert effective_cell(mtrr=mtrr, pat=pat, vendor=vendor) == word
        assert effective_type(mtrr=mtrr, pat=pat, vendor=vendor) is BY_WORD[word]
    assert effective_type(mtrr=mtrr, pat=pat) is BY_WORD[word]


@pytest.mark.parametrize(("mtrr", "pat", "word"), each_cell(AMD_BY_PAT))
def test_amd(mtrr: MemoryType, pat: MemoryType, word: str) -> None:
    assert effective_cell(mtrr=mtrr, pat=pat, vendor=Vendor.AMD) == word
    assert effective_type(mtrr=mtrr, pat=pat, vendor=Vendor.AMD) is (UC if word == CD else BY_WORD[word])


@pytest.mark.parametrize(("mtrr", "pat", "marks"), each_cell(FOOTNOTES_BY_PAT))
def test_footnotes(mtrr: MemoryType, pat: MemoryType, marks: str) -> None:
    assert footnotes(mtrr=mtrr, pat=pat) == tuple(int(mark) for mark in marks if mark != "-")
    assert set(footnotes(mtrr=mtrr, pat=pat)) <= set(FOOTNOTES)


@pytest.mark.parametrize(("guest", "host", "word"), each_cell(NESTED_BY_HOST))
def test_nested(guest: MemoryType, host: MemoryType, word: str) -> None:
    assert NESTED_ROWS[guest].split()[HOST_COLUMNS.index(host)] == word
    assert nested_type(guest=guest, host=host) is (WC if word == "WC+" else BY_WORD[word])
    assert is_snooped(guest=guest, host=host) == (word == "WC+")


def test_what_a_guest_asks_as_wc_is_snooped_where_the_host_has_a_cacheable_type() -> None:
    snooped = {(guest, host) for guest in MemoryType for host in MemoryType if is_snooped(guest=guest, host=host)}
    assert snooped == {(WC, host) for host in MemoryType if host.is_cacheable}
    assert NESTED_CONFIDENCE == "derived"


@pytest.mark.parametrize("vendor", list(Vendor))
def test_grid(vendor: Vendor) -> None:
    typed = turned(AMD_BY_PAT if vendor is Vendor.AMD else INTEL_BY_PAT)
    found = grid(vendor)
    assert list(found) == [mtrr.word for mtrr in MTRR_ORDER] == ["UC", "WC", "WT", "WP", "WB"]
    for mtrr in MTRR_ORDER:
        row = found[mtrr.word]
        assert list(row) == [pat.word for pat in PAT_COLUMNS] == ["UC", "UC-", "WC", "WT", "WP", "WB"]
        assert row == {pat.word: typed[mtrr, pat].replace(CD, "UC") for pat in PAT_COLUMNS}


def test_a_changed_grid_changes_no_table() -> None:
    grid(Vendor.INTEL)["WB"]["WB"] = "UC"
    assert grid(Vendor.INTEL)["WB"]["WB"] == "WB"


def test_the_grids_are_whole() -> None:
    for text, size in ((INTEL_BY_PAT, 30), (AMD_BY_PAT, 30), (FOOTNOTES_BY_PAT, 30), (NESTED_BY_HOST, 36)):
        assert len(turned(text)) == size
    for rows in (INTEL_ROWS, AMD_ROWS, BOCHS_ROWS, INTEL_FOOTNOTES, PRE_PAT):
        assert set(rows) == set(MTRR_TYPES)
    assert set(NESTED_ROWS) == set(HOST_COLUMNS) == set(PAT_COLUMNS) == set(MemoryType)


def test_xens_own_table() -> None:
    """mm_type_tbl of xen/arch/x86/hvm/mtrr.c, both ways by encoding, with its reserved rows and columns."""
    table = """
        UC WC RS RS UC UC UC UC
        UC WC RS RS UC UC WC WC
        RS RS RS RS RS RS RS RS
        RS RS RS RS RS RS RS RS
        UC WC RS RS WT WP WT UC
        UC WC RS RS WT WP WP WC
        UC WC RS RS WT WP WB UC
    """
    rows = [line.split() for line in table.strip().splitlines()]
    for mtrr, pat in CELLS:
        assert rows[mtrr][pat] == effective_cell(mtrr=mtrr, pat=pat, vendor=Vendor.INTEL)


def bochs_rule(mtrr: MemoryType, pat: MemoryType) -> MemoryType:
    """resolve_memtype() of bochs/cpu/paging.cc, which is a rule and not a table."""
    if pat in (UC, WC):
        return pat
    if pat in (WT, WP):
        return UC if mtrr is WC else min(pat, mtrr)
    if pat is WB:
        return mtrr
    return WC if mtrr is WC else UC


@pytest.mark.parametrize(("mtrr", "pat"), CELLS)
def test_bochs_rule_gives_its_rows(mtrr: MemoryType, pat: MemoryType) -> None:
    word = BOCHS_ROWS[mtrr].split()[PAT_COLUMNS.index(pat)]
    assert bochs_rule(mtrr, pat).word == word
    same = effective_type(mtrr=mtrr, pat=pat, vendor=Vendor.INTEL) is BY_WORD[word]
    assert same == ((mtrr, pat) not in {(WT, WP), (WP, UC_MINUS)})


@pytest.mark.parametrize(("mtrr", "pat"), CELLS)
def test_a_cell_is_disputed_where_the_tables_differ(mtrr: MemoryType, pat: MemoryType) -> None:
    types = {
        effective_type(mtrr=mtrr, pat=pat, vendor=Vendor.INTEL),
        effective_type(mtrr=mtrr, pat=pat, vendor=Vendor.AMD),
        bochs_rule(mtrr, pat),
    }
    by_linux_alone = (mtrr, pat) == (WC, UC_MINUS)
    assert is_disputed(mtrr, pat) == (len(types) > 1 or by_linux_alone)


def test_disputed_cells_say_what_the_tables_say() -> None:
    assert [(cell.mtrr, cell.pat) for cell in DISPUTED] == [(WT, WP), (WP, UC_MINUS), (WP, WT), (WC, UC_MINUS)]
    for cell in DISPUTED:
        intel = effective_cell(mtrr=cell.mtrr, pat=cell.pat, vendor=Vendor.INTEL)
        assert cell.said["Intel"] == cell.said["Xen"] == cell.said["BitVisor"] == intel
        assert cell.said["AMD"] == effective_cell(mtrr=cell.mtrr, pat=cell.pat, vendor=Vendor.AMD)
        assert cell.said["Bochs"] == bochs_rule(cell.mtrr, cell.pat).word
    assert [cell.said.get("Linux pat.rst") for cell in DISPUTED] == [None, None, None, "UC"]


@pytest.mark.parametrize("mtrr", [UC, WB])
@pytest.mark.parametrize("pat", PAT_COLUMNS)
def test_guests_live_in_rows_on_which_all_agree(mtrr: MemoryType, pat: MemoryType) -> None:
    assert not is_disputed(mtrr, pat)


def test_amd_prints_cd_where_the_page_tables_make_it_uncached() -> None:
    for mtrr, pat in CELLS:
        by_page_tables = 2 in footnotes(mtrr=mtrr, pat=pat)
        disputed = is_disputed(mtrr, pat) and (mtrr, pat) != (WC, UC_MINUS)
        assert (effective_cell(mtrr=mtrr, pat=pat, vendor=Vendor.AMD) == CD) == (by_page_tables or disputed)


def test_formerly_undefined_cells() -> None:
    assert formerly_undefined() == {(WC, WT), (WC, WP), (WT, WP), (WP, UC_MINUS), (WP, WT)}


def test_an_mtrr_is_never_uc_minus() -> None:
    with pytest.raises(KeyError):
        effective_type(mtrr=UC_MINUS, pat=WB)
    with pytest.raises(KeyError):
        type_without_pat(pcd=False, pwt=False, mtrr=UC_MINUS)


def test_every_vendor_has_its_citation() -> None:
    assert set(TABLE_CITATIONS) == set(Vendor)
    assert TABLE_CITATIONS[Vendor.AMD].startswith("AMD64 APM")
    assert AMD_CACHE_DISABLE == 'AMD64 APM vol. 2, "Memory Types"'


def rule_without_pat(*, pcd: bool, pwt: bool, mtrr: MemoryType) -> MemoryType:
    """The manual's rules in their order."""
    if not pcd and not pwt:
        return mtrr
    if pcd:
        return UC
    return WT if mtrr is WB else mtrr


@pytest.mark.parametrize("mtrr", MTRR_TYPES)
@pytest.mark.parametrize(("pcd", "pwt"), PCD_PWT_COLUMNS)
def test_without_pat(pcd: bool, pwt: bool, mtrr: MemoryType) -> None:
    assert type_without_pat(pcd=pcd, pwt=pwt, mtrr=mtrr) is rule_without_pat(pcd=pcd, pwt=pwt, mtrr=mtrr)
    assert is_model_specific(pcd=pcd, pwt=pwt, mtrr=mtrr) == (pcd is not pwt and mtrr in (WC, WP))


def test_pcd_alone_is_uc_without_pat_but_uc_minus_with_it() -> None:
    """The power-on layout has UC- there, which a WC range turns to WC."""
    assert type_without_pat(pcd=True, pwt=False, mtrr=WC) is UC
    assert effective_type(mtrr=WC, pat=UC_MINUS) is WC


def test_a_wc_guest_type_survives_nesting_and_beside_wb_no_type_changes_but_uc_minus() -> None:
    for guest in MemoryType:
        assert nested_type(guest=WC, host=guest) is WC
        assert nested_type(guest=WB, host=guest) is (UC if guest is UC_MINUS else guest)
        assert nested_type(guest=guest, host=WB) is (UC if guest is UC_MINUS else guest)


def test_a_wb_host_turns_uc_minus_over_a_wc_range_from_wc_to_cd() -> None:
    """As the comments of SimpleSvm tell of AMD processors; read independently of the table."""
    assert effective_cell(mtrr=WC, pat=UC_MINUS, vendor=Vendor.AMD) == "WC"
    assert effective_cell(mtrr=WC, pat=nested_type(guest=UC_MINUS, host=WB), vendor=Vendor.AMD) == CD


COMMON_NOTE = "Cells are written MTRR x PAT. The table holds while CR0.CD and CR0.NW are clear."
LAST_NOTES = (
    "Sources differ on WT x WP: WP in Intel, Xen, BitVisor; WT in Bochs; CD in AMD.",
    "Sources differ on WP x UC-: WC in Intel, Xen, BitVisor; UC in Bochs; CD in AMD.",
    "Sources differ on WP x WT: WT in Intel, Xen, BitVisor, Bochs; CD in AMD.",
    "Sources differ on WC x UC-: WC in Intel, Xen, BitVisor, Bochs, AMD; UC in Linux pat.rst.",
    "Linux's pat.rst, Documentation at 0604aa87, still prints UC for WC x UC-; a correction of 6 November 2023 was "
    "seen only as a mailed patch.",
)


def test_notes_of_intel() -> None:
    first, *footnoted, undefined, combining = notes(Vendor.INTEL)[:-5]
    assert first == COMMON_NOTE
    assert [note[:19] for note in footnoted] == [f"Intel's footnote {number}:" for number in (1, 2, 3)]
    assert undefined == "Formerly undefined cells of Intel's table: WC x WT, WC x WP, WT x WP, WP x WT, WP x UC-."
    assert combining == "Intel's manual states that write combining is allowed for WT and for WB; for WP it does not."
    assert notes(Vendor.INTEL)[-5:] == LAST_NOTES


def test_notes_of_amd() -> None:
    assert notes(Vendor.AMD) == (
        COMMON_NOTE,
        "AMD's CD is uncached, but the caches are looked up: a line that is hit in L1D or L2 is written back if "
        "modified, then invalidated, then memory is accessed; only an instruction fetch is served by a hit. Where one "
        "type is wanted, it is given as UC.",
        "AMD's manual contradicts itself on WP x WT: table 7-11, as here, gives CD, and table 7-8 gives WP.",
        *LAST_NOTES,
    )


def test_no_note_says_that_a_table_is_recalled() -> None:
    assert not any("recalled" in note for vendor in Vendor for note in notes(vendor))


def test_notes_where_either_vendor_may_be() -> None:
    both = notes(Vendor.ANY)
    assert set(both) > set(notes(Vendor.INTEL)) | set(notes(Vendor.AMD))
    assert len(both) == len(set(both))
    assert both[1].startswith("Intel's table stands for a processor of either vendor")


def test_either_vendor_agrees_in_the_rows_that_the_note_names() -> None:
    for mtrr, pat in itertools.product((UC, WC, WB), PAT_COLUMNS):
        by_vendor = {effective_type(mtrr=mtrr, pat=pat, vendor=vendor) for vendor in Vendor}
        assert len(by_vendor) == 1


def test_conditions() -> None:
    assert [(one.key, one.vendor.value, one.mtrr) for one in conditions()] == [
        ("cache-disable-intel", "intel", None),
        ("cache-disable-amd", "amd", None),
        ("no-mtrr", "any", WB),
        ("mtrr-disabled", "any", UC),
        ("fixed-range", "any", None),
        ("default-type", "any", None),
    ]
    assert all(one.when and one.effect and one.source for one in conditions())


def test_cache_disable() -> None:
    """Intel's caches answer until they are flushed; AMD's give up a line that is hit, but for instruction fetches."""
    intel, amd = (one for one in conditions() if one.when == "CR0.CD is set")
    assert "the caches still answer until WBINVD" in intel.effect
    assert "written back if modified, then invalidated" in amd.effect
    assert "only an instruction fetch is served by a hit" in amd.effect
    assert amd.source == AMD_CACHE_DISABLE
