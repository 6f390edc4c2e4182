"""IA32_PAT: eight entries that the PAT, PCD and PWT bits of a page-table entry select from."""

from typing import NamedTuple

from simulator import citations
from simulator.memory_type import BY_WORD, MemoryType

ENTRY_COUNT = 8
_ENCODINGS = frozenset(MemoryType)


class InvalidPatLayout(ValueError):
    """A value that IA32_PAT cannot hold: writing it raises #GP."""


class Leaf(NamedTuple):
    """Where the three bits are in one kind of paging-structure entry; None where there is no PAT bit."""

    title: str
    page_bytes: int | None
    pwt: int
    pcd: int
    pat: int | None

    def index_of(self, entry: int) -> int:
        """The PAT index that an entry of this kind selects; 0 to 3 where it has no PAT bit."""
        pat = 0 if self.pat is None else entry >> self.pat & 1
        return pat << 2 | (entry >> self.pcd & 1) << 1 | entry >> self.pwt & 1


KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

#: Bit numbers by level and page size. Source: Intel SDM vol. 3A, "Paging and Memory Typing".
LEAVES = (
    #    entry                                                page   PWT PCD PAT
    Leaf("PTE of a 4 KiB page", 4 * KIB, 3, 4, 7),
    Leaf("PDE of a 4 MiB page (32-bit paging, CR4.PSE)", 4 * MIB, 3, 4, 12),
    Leaf("PDE of a 2 MiB page", 2 * MIB, 3, 4, 12),
    Leaf("PDPTE of a 1 GiB page", GIB, 3, 4, 12),
    Leaf("entry that points to a table", None, 3, 4, None),
    Leaf("CR3", None, 3, 4, None),
    Leaf("PDPTE register (PAE)", None, 3, 4, None),
)


class PteCacheBits(NamedTuple):
    """The three bits of a leaf page-table entry that choose its memory type.

    Source: Intel SDM vol. 3A, "Selecting a Memory Type from the PAT".
    """

    pat: bool  # bit 7 of a 4 KiB entry, bit 12 of a larger one
    pcd: bool  # bit 4
    pwt: bool  # bit 3

    @property
    def pat_index(self) -> int:
        """Which entry of IA32_PAT these bits select, 0 to 7."""
        return self.pat << 2 | self.pcd << 1 | self.pwt

    @classmethod
    def of_index(cls, index: int) -> "PteCacheBits":
        """The bits that select an entry, 0 to 7."""
        return cls(pat=bool(index & 4), pcd=bool(index & 2), pwt=bool(index & 1))

    @property
    def words(self) -> str:
        """The bits that are set, as in `PAT+PWT`; `0` if none is."""
        names = (("PAT", self.pat), ("PCD", self.pcd), ("PWT", self.pwt))
        return "+".join(name for name, is_set in names if is_set) or "0"

    @property
    def spoken(self) -> str:
        """The bits as a sentence names them."""
        return self.words if self.pat_index else "no cache bits"

    def as_data(self) -> dict[str, int]:
        """The bits as JSON-able data, 0 or 1 each."""
        return {"pat": int(self.pat), "pcd": int(self.pcd), "pwt": int(self.pwt)}


class PatLayout(NamedTuple):
    """The eight memory types of IA32_PAT, PA0 first."""

    entries: tuple[MemoryType, ...]

    @classmethod
    def of(cls, entries: tuple[MemoryType, ...]) -> "PatLayout":
        """The layout of eight types; raises InvalidPatLayout for any other number."""
        if len(entries) != ENTRY_COUNT:
            raise InvalidPatLayout(f"IA32_PAT has eight entries, PA0 to PA7; {len(entries)} are given")
        return cls(entries)

    @classmethod
    def of_words(cls, words: str) -> "PatLayout":
        """A layout from eight words with blanks between them, as tables print them."""
        return cls.of(tuple(BY_WORD[word] for word in words.split()))

    @classmethod
    def from_msr(cls, value: int) -> "PatLayout":
        """The layout that an MSR value of 64 bits holds.

        Raises InvalidPatLayout, naming every entry, where the processor would raise #GP.
        """
        if not 0 <= value < 1 << 64:
            raise InvalidPatLayout(f"IA32_PAT has 64 bits; {value:#x} does not fit")
        encodings = value.to_bytes(ENTRY_COUNT, "little")
        faults = [
            f"PA{index}: encoding {encoding:#04x} is reserved"
            for index, encoding in enumerate(encodings)
            if encoding not in _ENCODINGS
        ]
        if faults:
            raise InvalidPatLayout("; ".join(faults) + "; use 00 UC, 01 WC, 04 WT, 05 WP, 06 WB or 07 UC-")
        return cls(tuple(MemoryType(encoding) for encoding in encodings))

    @property
    def msr(self) -> int:
        """The value of the MSR that holds this layout."""
        return int.from_bytes(bytes(self.entries), "little")

    @property
    def hex(self) -> str:
        """The value of the MSR as `0x` and 16 hex digits."""
        return f"0x{self.msr:016x}"

    @property
    def words(self) -> list[str]:
        """The eight types as words, PA0 first."""
        return [entry.word for entry in self.entries]

    @property
    def name(self) -> str:
        """The title of a known layout, or `own layout`."""
        return next((named.title for named in NAMED_LAYOUTS if named.layout == self), "own layout")

    def memory_type(self, bits: PteCacheBits) -> MemoryType:
        """The type that a page-table entry with these bits selects."""
        return self.entries[bits.pat_index]

    def index_of(self, wanted: MemoryType) -> int | None:
        """The lowest index that selects a type; None if no entry does."""
        return self.entries.index(wanted) if wanted in self.entries else None

    def encode(self, wanted: MemoryType) -> PteCacheBits | None:
        """The bits of the lowest entry that selects a type; None if no entry does."""
        index = self.index_of(wanted)
        return None if index is None else PteCacheBits.of_index(index)


class NamedLayout(NamedTuple):
    """A layout that a processor, a hypervisor or a kernel is known to use."""

    key: str
    title: str
    layout: PatLayout
    origin: str
    confidence: str


def _named(key: str, title: str, words: str, origin: str, confidence: str = "verified") -> NamedLayout:
    return NamedLayout(key, title, PatLayout.of_words(words), origin, confidence)


NAMED_LAYOUTS = (
    #                                                       PA0 PA1 PA2 PA3 PA4 PA5 PA6 PA7
    _named("power-on", "Power-on default", "                WB  WT  UC- UC  WB  WT  UC- UC", citations.SDM_PAT_RESET),
    _named("xen", "Xen 3.2 and later", "                    WB  WT  UC- UC  WC  WP  UC  UC", citations.XEN_MSR_PAT),
    _named("linux-four", "Linux 2.6.26 to 4.1", "           WB  WC  UC- UC  WB  WC  UC- UC", citations.LINUX_PAT_FOUR),
    _named("linux-4.2", "Linux 4.2 to 4.13", "              WB  WC  UC- UC  WB  WC  UC- WT", citations.LINUX_PAT_4_2),
    _named("linux-4.14", "Linux 4.14 and later", "          WB  WC  UC- UC  WB  WP  UC- WT", citations.LINUX_PAT_INIT),
    _named("freebsd", "FreeBSD", "                          WB  WT  UC- UC  WB  WP  WC  UC", citations.FREEBSD_PAT),
    _named("freebsd-8", "FreeBSD 8", "                      WB  WT  UC- UC  WP  WC  UC- UC", citations.FREEBSD_8_PAT,
           "derived"),
    _named("freebsd-errata", "FreeBSD on errata CPUs", "    WB  WT  WC  UC  WB  WP  WC  UC", citations.FREEBSD_PAT,
           "derived"),
    _named("illumos", "illumos", "                          WB  WT  UC- UC  WB  WT  WC  UC", citations.ILLUMOS_PAT),
    _named("nvidia", "NVIDIA's built-in layout", "          WB  WC  UC- UC  WB  WT  UC- UC", citations.NVIDIA_PAT),
    _named("keir-2009", "Xen with WC at PA1 (2009)", "      WB  WC  UC- UC  WC  WP  UC  UC", citations.LKML_2009),
    _named("serenity", "SerenityOS", "                      WB  WT  UC- UC  WC  WT  UC- UC", citations.SERENITY_PAT),
    _named("asterinas", "Asterinas", "                      WB  WT  WC  UC  WB  WT  WC  UC", citations.ASTERINAS_PAT),
)  # fmt: skip

_BY_KEY = {named.key: named.layout for named in NAMED_LAYOUTS}

#: What the processor starts with, what Xen has written since 3.2 and never changed, what Linux writes natively.
POWER_ON = _BY_KEY["power-on"]
XEN_LAYOUT = _BY_KEY["xen"]
LINUX_LAYOUT = _BY_KEY["linux-4.14"]


def layout_of(key: str) -> PatLayout:
    """The layout of a row of NAMED_LAYOUTS."""
    return _BY_KEY[key]
