"""The MTRRs as Linux and Xen print them at boot: lines of registers that make up one map. Addresses are in bytes."""

import re
from typing import NamedTuple

from simulator.inputs.reading import Reading

#: The words of a log line. Source: linux and xen, arch/x86/kernel/cpu/mtrr/generic.c, mtrr_attrib_to_str().
TYPE_WORDS = {
    "uncachable": "UC",
    "write-combining": "WC",
    "write-through": "WT",
    "write-protect": "WP",
    "write-back": "WB",
}
#: Every line of the list has one of these, as parts of a pattern.
TELLTALES = ("MTRR", "mtrr: ", "uncachable", "write-", "disabled", "TOM2", r" \?")

_TYPE = r"(uncachable|write-combining|write-through|write-protect|write-back|\?)"
_DEFAULT = re.compile(rf"MTRR default type: {_TYPE}", re.ASCII)
_FIXED_STATE = re.compile(r"MTRR fixed ranges (en|dis)abled:", re.ASCII)
_VARIABLE_STATE = re.compile(r"MTRR variable ranges (en|dis)abled:", re.ASCII)
# Linux 2.6.27 repeats MTRR in front of every line; later ones and Xen indent.
_FIXED = re.compile(rf"(?:MTRR )?([0-9A-Fa-f]{{5}})-([0-9A-Fa-f]{{5}}) {_TYPE}", re.ASCII)
_VARIABLE = re.compile(
    rf"(?:MTRR )?([0-9]{{1,2}}) base ([0-9A-Fa-f]{{8,16}}) mask ([0-9A-Fa-f]{{8,16}}) {_TYPE}", re.ASCII
)
_UNUSED = re.compile(r"(?:MTRR )?([0-9]{1,2}) disabled", re.ASCII)
# Xen prints TOP_MEM2 also where memory below it is not forced to WB, and says so where it is.
_TOM2 = re.compile(r"TOM2: ([0-9A-Fa-f]{8,16})(?: aka [0-9]{1,9}M| \(WB\))", re.ASCII)

_FIXED_END = 0x100000
_PAGE = 0x1000
_FOUR_GIB = 1 << 32
_ADDRESS_BITS = range(32, 53)
_VARIABLE_LIMIT = 40


class Register(NamedTuple):
    """A variable range as its pair of registers states it."""

    base: int
    mask: int
    type: str


class MtrrLines:
    """The lines of one list, taken in their order.

    Source: linux, arch/x86/kernel/cpu/mtrr/generic.c, print_mtrr_state(); xen, the same.
    """

    def __init__(self, line: int, default: str) -> None:
        self.line = line
        self.default = default
        self.enabled: bool | None = None
        self.fixed_enabled = False
        self.fixed: list[tuple[int, int, str]] = []  # first, last, type
        self.registers: dict[int, Register | None] = {}
        self.tom2 = 0

    def take(self, message: str) -> bool:
        """Whether a message, without its prefixes and indentation, is the next line of this list."""
        if state := _FIXED_STATE.fullmatch(message):
            self.fixed_enabled = state[1] == "en"
        elif state := _VARIABLE_STATE.fullmatch(message):
            self.enabled = state[1] == "en"
        elif found := _FIXED.fullmatch(message):
            self.fixed.append((int(found[1], 16), int(found[2], 16), found[3]))
        elif found := _VARIABLE.fullmatch(message):
            self.registers[int(found[1])] = Register(int(found[2], 16), int(found[3], 16), found[4])
        elif found := _UNUSED.fullmatch(message):
            self.registers[int(found[1])] = None
        elif found := _TOM2.fullmatch(message):
            self.tom2 = int(found[1], 16)
        else:
            return False
        return True

    def finish(self, reading: Reading) -> dict[str, object] | None:
        """The map as data; None, with a note why, where lines are missing or state what no one map holds."""
        fault = self._fault()
        if fault:
            reading.note(f"the list of MTRRs is left out: {fault}", self.line)
            return None
        used = [register for register in self.registers.values() if register is not None]
        bits = max((register.mask.bit_length() for register in used), default=0)
        variable = [_range(register.base, _size(register.mask), register.type) for register in used]
        variable += self._forced(reading, bits, len(variable))
        fixed = [_range(first, last - first + 1, word) for first, last, word in self.fixed if self.fixed_enabled]
        found: dict[str, object] = {
            "enabled": self.enabled,
            "default": TYPE_WORDS[self.default],
            "fixed_enabled": self.fixed_enabled,
            "fixed": fixed,
            "variable": variable,
        }
        return found | ({"address_bits": bits} if bits else {})

    def _fault(self) -> str | None:
        if self.enabled is None:
            return "it ends before the variable ranges"
        types = [self.default, *(word for *_, word in self.fixed)]
        types += [register.type for register in self.registers.values() if register is not None]
        if "?" in types:
            return "the kernel did not know a type"
        if self.fixed_enabled and not self._covers():
            return "its fixed ranges do not follow one another from 0 to 0xfffff, so lines are missing"
        if list(self.registers) != list(range(len(self.registers))):
            return "its registers are not numbered one by one, so lines are missing"
        if len(self.registers) > _VARIABLE_LIMIT:
            return f"it has {len(self.registers)} registers; a processor has {_VARIABLE_LIMIT} at most"
        return next((fault for fault in map(self._range_fault, self.registers) if fault), None)

    def _covers(self) -> bool:
        firsts = [first for first, _, _ in self.fixed]
        ends = [last + 1 for _, last, _ in self.fixed]
        is_rising = all(first < end and first % _step(first) == 0 for first, end in zip(firsts, ends, strict=True))
        return is_rising and [0, *ends] == [*firsts, _FIXED_END]

    def _range_fault(self, number: int) -> str | None:
        """Why a register states no one range. All masks reach up to the last bit of a physical address."""
        register = self.registers[number]
        if register is None:
            return None
        size, bits = _size(register.mask), register.mask.bit_length()
        others = max(other.mask.bit_length() for other in self.registers.values() if other is not None)
        if bits != others:
            return f"the mask of register {number} ends at bit {bits}, another's at bit {others}"
        if bits not in _ADDRESS_BITS or register.mask != (1 << bits) - size:
            return f"the mask of register {number}, {register.mask:#x}, states no one range of a physical address"
        if register.base % size or register.base >> bits:
            return f"the base of register {number}, {register.base:#x}, is not aligned to its size {size:#x}"
        return None

    def _forced(self, reading: Reading, bits: int, count: int) -> list[dict[str, object]]:
        """What AMD's Tom2ForceMemTypeWB makes WB where no range is: from 4 GiB up to TOP_MEM2, as ranges.

        Source: AMD64 Architecture Programmer's Manual vol. 2, "Top of Memory".
        """
        if self.tom2 <= _FOUR_GIB or self.default == "write-back":
            return []
        pieces = _pieces(_FOUR_GIB, self.tom2) if self.tom2 <= 1 << (bits or 46) else []
        if not pieces or count + len(pieces) > _VARIABLE_LIMIT:
            reading.note(f"WB from 4 GiB up to TOM2 {self.tom2:#x} is left out: it is no few ranges", self.line)
            return []
        reading.note(f"WB from 4 GiB up to TOM2 {self.tom2:#x} is stated as {len(pieces)} more ranges", self.line)
        return [_range(base, size, "write-back") for base, size in pieces]


def begin_mtrr(message: str, line: int) -> MtrrLines | None:
    """The list that a message begins; None if it begins none."""
    found = _DEFAULT.fullmatch(message)
    return None if found is None else MtrrLines(line, found[1])


def _step(address: int) -> int:
    """The grid of the fixed ranges: 64 KiB, 16 KiB from 0x80000 on, 4 KiB from 0xc0000 on."""
    return 0x10000 if address < 0x80000 else 0x4000 if address < 0xC0000 else _PAGE


def _size(mask: int) -> int:
    """The size that the lowest bit of a mask states; 1 without any bit, which is no size."""
    return mask & -mask or 1


def _range(base: int, size: int, word: str) -> dict[str, object]:
    return {"base": f"{base:#x}", "size": f"{size:#x}", "type": TYPE_WORDS[word]}


def _pieces(base: int, end: int) -> list[tuple[int, int]]:
    """A region from 4 GiB on as ranges that registers can hold; none where its end is within a page."""
    found = []
    while end - base >= _PAGE:
        size = min(base & -base, 1 << (end - base).bit_length() - 1)
        found.append((base, size))
        base += size
    return found if base == end else []
