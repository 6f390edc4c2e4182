"""The memory types of IA32_PAT."""

from enum import IntEnum


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


#: The order in which reports list types.
ORDER = (MemoryType.WB, MemoryType.WC, MemoryType.UC_MINUS, MemoryType.UC, MemoryType.WT, MemoryType.WP)

#: Each type by its word, in capitals.
BY_WORD = {memory_type.word: memory_type for memory_type in ORDER}
