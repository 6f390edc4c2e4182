"""The memory types of IA32_PAT, and what each lets the processor do."""

from enum import IntEnum
from typing import NamedTuple

from simulator import citations


class MemoryType(IntEnum):
    """A memory type; its value is the encoding in an IA32_PAT entry.

    Encodings 2 and 3 are reserved. UC- exists in the PAT only, never in an MTRR.

    Source: Intel SDM vol. 3A, "IA32_PAT MSR", memory types that can be encoded with PAT.
    """

    UC = 0
    WC = 1
    WT = 4
    WP = 5
    WB = 6
    UC_MINUS = 7

    @property
    def word(self) -> str:
        """The type as the manuals write it: `UC-` for UC_MINUS."""
        return "UC-" if self is MemoryType.UC_MINUS else self.name

    @property
    def is_cacheable(self) -> bool:
        """Whether reads through this type may be answered by a cache."""
        return self in (MemoryType.WB, MemoryType.WT, MemoryType.WP)


#: The types in the manual's order: that of tables, reports and mappings.
ORDER = (MemoryType.UC, MemoryType.UC_MINUS, MemoryType.WC, MemoryType.WT, MemoryType.WP, MemoryType.WB)

#: Each type by its word, in capitals.
BY_WORD = {memory_type.word: memory_type for memory_type in ORDER}

#: What an MTRR can hold, in the manual's order of tables.
MTRR_ORDER = (MemoryType.UC, MemoryType.WC, MemoryType.WT, MemoryType.WP, MemoryType.WB)


class Property(NamedTuple):
    """One thing that a type may do, or a service that it gives, by type in the order of ORDER."""

    key: str
    title: str
    cells: tuple[bool, ...]
    cite: str
    confidence: str

    def holds(self, memory_type: MemoryType) -> bool:
        """Whether the type has it."""
        return self.cells[ORDER.index(memory_type)]


def _property(key: str, title: str, cells: str, cite: str, confidence: str = "verified") -> Property:
    return Property(key, title, tuple(cell == "x" for cell in cells.split()), cite, confidence)


#: Liberties: what the processor may do with accesses of a type, and what somebody who asked for another may suffer
#: from. x where it may.
LIBERTIES = (
    #                                                                      UC UC- WC WT WP WB
    _property("combines", "writes wait in buffers that nobody snoops, are combined and reordered", "       - - x - - -",
              citations.SDM_WC),
    _property("speculates", "reads may be made early, or never asked for", "                               - - x x x x",
              citations.SDM_METHODS),
    _property("caches-reads", "reads may be answered from a cache line", "                                 - - - x x x",
              citations.SDM_METHODS),
    _property("updates-lines", "a write updates the cache line and keeps it", "                            - - - x - x",
              citations.SDM_METHODS),
    _property("caches-writes", "writes stay in the cache and reach memory late", "                         - - - - - x",
              citations.SDM_METHODS),
)  # fmt: skip

#: Services: what makes a type fast, and what is missed where another is in force. x where the type gives it.
SERVICES = (
    #                                                                      UC UC- WC WT WP WB
    _property("fast-writes", "writes are gathered: by buffers or by the cache", "                          - - x - - x",
              citations.SDM_METHODS),
    _property("fast-reads", "reads are answered from the cache", "                                         - - - x x x",
              citations.SDM_METHODS),
    _property("read-after-write", "what was written is read back from the cache", "                        - - - x - x",
              citations.SDM_METHODS),
)  # fmt: skip
