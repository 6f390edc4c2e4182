"""IA32_PAT: its entries, the bits that select one, and the layouts that are known."""

import pytest

from simulator.hypervisor import PAGE_FLAGS
from simulator.memory_type import BY_WORD, MemoryType
from simulator.pat import LEAVES, NAMED_LAYOUTS, XEN_LAYOUT, InvalidPatLayout, PatLayout, PteCacheBits

UC, WT, WB = MemoryType.UC, MemoryType.WT, MemoryType.WB


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
    assert named.layout.name == named.title


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


#: xen/arch/x86/include/asm/page.h, typed anew: each constant selects its type under the value that Xen writes.
XEN_PAGE_H = {
    "_PAGE_WB": 0x000,
    "_PAGE_WT": 0x008,
    "_PAGE_UCM": 0x010,
    "_PAGE_UC": 0x018,
    "_PAGE_WC": 0x080,
    "_PAGE_WP": 0x088,
}


@pytest.mark.parametrize(("name", "flags"), XEN_PAGE_H.items())
def test_xens_page_flags_are_an_oracle_of_its_layout(name: str, flags: int) -> None:
    word = name.removeprefix("_PAGE_")
    wanted = BY_WORD["UC-" if word == "UCM" else word]
    index = LEAVES[0].index_of(flags)
    assert PatLayout.from_msr(0x050100070406).entries[index] is wanted
    assert (name, wanted, PteCacheBits.of_index(index)) in PAGE_FLAGS
    assert XEN_LAYOUT.encode(wanted) == PteCacheBits.of_index(index)


@pytest.mark.parametrize(
    ("title", "bits"),
    [
        ("PTE of a 4 KiB page", (3, 4, 7)),
        ("PDE of a 4 MiB page (32-bit paging, CR4.PSE)", (3, 4, 12)),
        ("PDE of a 2 MiB page", (3, 4, 12)),
        ("PDPTE of a 1 GiB page", (3, 4, 12)),
        ("entry that points to a table", (3, 4, None)),
        ("CR3", (3, 4, None)),
        ("PDPTE register (PAE)", (3, 4, None)),
    ],
)
def test_the_bits_of_each_kind_of_entry(title: str, bits: tuple[int, int, int | None]) -> None:
    leaf = next(one for one in LEAVES if one.title == title)
    assert (leaf.pwt, leaf.pcd, leaf.pat) == bits
    for index in range(8):
        places = [place for place, weight in zip(bits, (1, 2, 4), strict=True) if index & weight and place is not None]
        noise = 1 << 63 | 1 << 5 | (1 << 7 if leaf.pat == 12 else 0)
        entry = noise | sum(1 << place for place in places)
        assert leaf.index_of(entry) == (index if leaf.pat is not None else index & 3)


def test_a_layout_encodes_by_its_lowest_entry() -> None:
    assert XEN_LAYOUT.encode(UC) == PteCacheBits.of_index(3)
    assert NAMED_LAYOUTS[2].layout.encode(WT) is None
    assert PatLayout((WB,) * 8).name == "own layout"


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
        PatLayout.of((WB,) * 7)
