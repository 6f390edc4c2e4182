"""The memory type range registers: which MTRR type a physical address has. Addresses and sizes are in bytes."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

from simulator.inputs.record import Record
from simulator.memory_type import BY_WORD, MTRR_ORDER, MemoryType
from simulator.problem import refuse

PAGE: Final = 0x1000
FIXED_END: Final = 0x100000

#: How many bits a physical address has: on most machines, and at least and at most on any.
ADDRESS_BITS: Final = 46
FEWEST_ADDRESS_BITS: Final = 32
MOST_ADDRESS_BITS: Final = 52

#: The registers of a variable range are MSRs 0x200 + 2n and 0x201 + 2n; IA32_MTRR_FIX64K_00000 is MSR 0x250.
VARIABLE_LIMIT: Final = (0x250 - 0x200) // 2

# The fixed ranges: 8 of 64 KiB, 16 of 16 KiB, 64 of 4 KiB.
# First     end       step
_FIXED_GRID = (
    (0x00000, 0x80000, 0x10000),
    (0x80000, 0xC0000, 0x04000),
    (0xC0000, FIXED_END, PAGE),
)
_FIXED_EDGES = frozenset(edge for first, end, step in _FIXED_GRID for edge in range(first, end + 1, step))
FIXED_LIMIT: Final = len(_FIXED_EDGES) - 1

_TYPE_WORDS = "UC, WC, WT, WP or WB"
_TYPE_CODES = "00 UC, 01 WC, 04 WT, 05 WP or 06 WB"

_RANGE_FIELDS = ("base", "size", "type")
_MAP_FIELDS = ("enabled", "default", "fixed_enabled", "fixed", "variable", "address_bits")
_CODE = "mtrr"
_LIST_LIMIT = 1000

# IA32_MTRR_PHYSBASEn: type 7:0, base from bit 12. IA32_MTRR_PHYSMASKn: V bit 11, mask from bit 12.
_TYPE_FIELD = 0xFF
_VALID = 1 << 11
# IA32_MTRR_DEF_TYPE: type 7:0, FE bit 10, E bit 11; the others are reserved.
_FIXED_ENABLE = 1 << 10
_ENABLE = 1 << 11


class MtrrRange(NamedTuple):
    """A range of physical addresses, in bytes, and its MTRR type."""

    base: int
    size: int
    type: MemoryType

    @property
    def end(self) -> int:
        """The first address behind the range."""
        return self.base + self.size

    def holds(self, address: int) -> bool:
        """Whether an address lies in the range."""
        return self.base <= address < self.end

    @property
    def words(self) -> str:
        """The range as messages name it: its first address, its size and its type."""
        return f"{self.type.word} range at {self.base:#x} of {self.size:#x} bytes"


class DefType(NamedTuple):
    """What IA32_MTRR_DEF_TYPE states: its bits E and FE, and the type outside all ranges."""

    enabled: bool
    fixed_enabled: bool
    default: MemoryType


class Overlap(NamedTuple):
    """A region, in bytes, where variable ranges overlap in a way that the manual leaves undefined."""

    base: int
    size: int
    types: frozenset[MemoryType]


class MtrrMap(NamedTuple):
    """The MTRRs of a machine, the same on all its processors. Nothing is checked here; `read_mtrr` does.

    The order of ranges has no meaning. Below 1 MiB, what no fixed range states is left to the variable ranges.
    """

    enabled: bool
    default: MemoryType
    fixed_enabled: bool
    fixed: tuple[MtrrRange, ...]
    variable: tuple[MtrrRange, ...]
    address_bits: int = ADDRESS_BITS

    @classmethod
    def absent(cls, *, address_bits: int = ADDRESS_BITS) -> "MtrrMap":
        """A processor without MTRRs: WB everywhere, so that the PAT alone decides.

        Source: Bochs, cpu/paging.cc, resolve_memtype(), which takes a missing MTRR type as WB.
        """
        return cls(
            enabled=True,
            default=MemoryType.WB,
            fixed_enabled=False,
            fixed=(),
            variable=(),
            address_bits=address_bits,
        )

    @property
    def space(self) -> int:
        """The first address that the machine does not have."""
        return 1 << self.address_bits

    def type_at(self, address: int) -> MemoryType | None:
        """The MTRR type of one physical address, in bytes.

        Where variable ranges overlap, UC wins over all, and WT over WB; None means that the manual leaves the
        overlap undefined. Raises ValueError past `address_bits`.

        Source: Intel SDM vol. 3A, "MTRR Precedences".
        """
        if not 0 <= address < self.space:
            raise ValueError(f"address {address:#x} is not within {self.address_bits} bits")
        if not self.enabled:
            return MemoryType.UC
        if self.fixed_enabled:
            for fixed in self.fixed:
                if fixed.holds(address):
                    return fixed.type
        types = self._variable_types(address)
        return _combined(types) if types else self.default

    def types_in(self, base: int, size: int) -> frozenset[MemoryType | None]:
        """Every MTRR type in a region, in bytes; None among them where an overlap is undefined.

        More than one under a large page is what the manual says to avoid: the type is then undefined.
        Raises ValueError for an empty region and past `address_bits`.

        Source: Intel SDM vol. 3A, "Large Page Size Considerations".
        """
        if size < 1 or base < 0 or base + size > self.space:
            raise ValueError(f"a region of {size} bytes from {base:#x} is not within {self.address_bits} bits")
        return frozenset(self.type_at(address) for address, _ in self._segments(base, base + size))

    def types(self) -> frozenset[MemoryType]:
        """Every MTRR type that some address has; `undefined_overlaps` lists where there is none."""
        return frozenset(found for found in self.types_in(0, self.space) if found is not None)

    def undefined_overlaps(self) -> list[Overlap]:
        """Where variable ranges overlap in a way that the manual leaves undefined, by rising address."""
        found: list[Overlap] = []
        for base, end in self._segments(0, self.space):
            if self.type_at(base) is not None:
                continue
            types = self._variable_types(base)
            if found and (found[-1].base + found[-1].size, found[-1].types) == (base, types):
                base = found.pop().base
            found.append(Overlap(base=base, size=end - base, types=types))
        return found

    def _variable_types(self, address: int) -> frozenset[MemoryType]:
        return frozenset(variable.type for variable in self.variable if variable.holds(address))

    def _segments(self, base: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts of a region inside which no range begins or ends."""
        edges = {edge for each in (*self.fixed, *self.variable) for edge in (each.base, each.end) if base < edge < end}
        return pairwise(sorted({base, end} | edges))


def _combined(types: frozenset[MemoryType]) -> MemoryType | None:
    if len(types) == 1:
        return next(iter(types))
    if MemoryType.UC in types:
        return MemoryType.UC
    return MemoryType.WT if types == {MemoryType.WT, MemoryType.WB} else None


def read_mtrr(data: object, *, field: str = "mtrr") -> MtrrMap:
    """The MTRRs that JSON-able data states; addresses and sizes are numbers or text such as "0x80000000".

    Left out, `enabled` is true, `default` is UC, `fixed_enabled` is whether fixed ranges are given, and
    `address_bits` is 46. Raises InvalidInput, naming the range, for what hardware would refuse or cannot hold.

    Source: Intel SDM vol. 3A, "Memory Type Range Registers (MTRRs)", "Range Size and Alignment Requirement".
    """
    record = Record.of(data, path=field, known=_MAP_FIELDS)
    bits = _address_bits(record)
    fixed = _ranges(record, "fixed", limit=FIXED_LIMIT)
    variable = _ranges(record, "variable", limit=VARIABLE_LIMIT)
    for name, each in fixed:
        _check(_fixed_fault(each), each, name)
    for name, each in variable:
        _check(_variable_fault(each, bits), each, name)
    _refuse_shared_fixed([each for _, each in fixed], field=record.at("fixed"))
    enabled, fixed_enabled = record.flag("enabled"), record.flag("fixed_enabled")
    return MtrrMap(
        enabled=True if enabled is None else enabled,
        default=_type(record, "default") if record.has("default") else MemoryType.UC,
        fixed_enabled=bool(fixed) if fixed_enabled is None else fixed_enabled,
        fixed=tuple(each for _, each in fixed),
        variable=tuple(each for _, each in variable),
        address_bits=bits,
    )


def _address_bits(record: Record) -> int:
    if not record.has("address_bits"):
        return ADDRESS_BITS
    bits = _number(record, "address_bits")
    if not FEWEST_ADDRESS_BITS <= bits <= MOST_ADDRESS_BITS:
        message = f"a physical address has {FEWEST_ADDRESS_BITS} to {MOST_ADDRESS_BITS} bits, not {bits}"
        raise refuse(_CODE, message, field=record.at("address_bits"))
    return bits


def _ranges(record: Record, key: str, *, limit: int) -> list[tuple[str, MtrrRange]]:
    """The ranges of a list, each with the path of its place there."""
    items = record.items(key, limit=_LIST_LIMIT)
    if len(items) > limit:
        message = f"{len(items)} {key} ranges are too many; the processor has registers for {limit} at most"
        raise refuse(_CODE, message, field=record.at(key))
    return [_placed_range(item, f"{record.at(key)}[{index}]") for index, item in enumerate(items)]


def _placed_range(item: object, path: str) -> tuple[str, MtrrRange]:
    record = Record.of(item, path=path, known=_RANGE_FIELDS)
    base, size = _number(record, "base"), _number(record, "size")
    return path, MtrrRange(base=base, size=size, type=_type(record, "type"))


@cache
def _hex() -> re.Pattern[str]:
    return re.compile(r"0x([0-9a-f]{1,16})", re.IGNORECASE | re.ASCII)


def _number(record: Record, key: str) -> int:
    """A number of at most 64 bits, not negative, as such or as hex text."""
    value = record.data.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64:
        return value
    if isinstance(value, str) and (match := _hex().fullmatch(value.strip())):
        return int(match[1], 16)
    message = "is missing" if value is None else "is no number of up to 64 bits"
    raise refuse(_CODE, f"{message}; use a number, or text such as 0x80000000", field=record.at(key))


def _type(record: Record, key: str) -> MemoryType:
    word = record.text(key)
    found = BY_WORD.get(word.upper())
    if found is MemoryType.UC_MINUS:
        raise refuse(_CODE, f"UC- exists in the PAT only, never in an MTRR; use {_TYPE_WORDS}", field=record.at(key))
    if found is None:
        raise refuse(_CODE, f"{word[:20]!a} is reserved or no memory type; use {_TYPE_WORDS}", field=record.at(key))
    return found


def _check(fault: str | None, each: MtrrRange, field: str) -> None:
    if fault:
        raise refuse(_CODE, f"{each.words}: {fault}", field=field)


def _fixed_fault(each: MtrrRange) -> str | None:
    if not each.size:
        return "the size is 0; a fixed range has 4 KiB at least"
    if each.end > FIXED_END:
        return "goes past 1 MiB, where the fixed ranges end; use a variable range"
    if not {each.base, each.end} <= _FIXED_EDGES:
        return (
            "does not lie on the grid of the fixed ranges: steps of 64 KiB to 0x7ffff, of 16 KiB from there to "
            "0xbffff, of 4 KiB from there to 0xfffff"
        )
    return None


def _variable_fault(each: MtrrRange, address_bits: int) -> str | None:
    if each.size < PAGE:
        return f"the size is {each.size:#x}; a variable range has 4 KiB at least"
    if each.size & (each.size - 1):
        return f"the size {each.size:#x} is no power of two; split the range"
    if each.base % each.size:
        return f"the base is not aligned to the size {each.size:#x}; split the range"
    if each.end > 1 << address_bits:
        return f"goes past the {address_bits} bits of a physical address"
    return None


def _refuse_shared_fixed(fixed: list[MtrrRange], *, field: str) -> None:
    for lower, upper in pairwise(sorted(fixed)):
        if upper.base < lower.end:
            raise refuse(_CODE, f"{lower.words} and {upper.words} overlap; fixed ranges cannot", field=field)


def variable_from_msrs(physbase: int, physmask: int, address_bits: int) -> MtrrRange | None:
    """The range that a pair IA32_MTRR_PHYSBASEn and IA32_MTRR_PHYSMASKn states; None where its V bit is clear.

    Raises InvalidInput for reserved bits and types, where a write raises #GP, for a mask that is not contiguous,
    which hardware takes but which states no one range, and for a base that is not aligned.

    Source: Intel SDM vol. 3A, "Variable Range MTRRs".
    """
    if not physmask & _VALID:
        return None
    addresses = (1 << address_bits) - PAGE
    _refuse_reserved("physbase", physbase, addresses | _TYPE_FIELD)
    _refuse_reserved("physmask", physmask, addresses | _VALID)
    size = (1 << address_bits) - (physmask & addresses)
    if size & (size - 1):
        message = f"the mask of {physmask:#x} is not contiguous up to bit {address_bits - 1}, so it states no one range"
        raise refuse(_CODE, message, field="physmask")
    found = MtrrRange(base=physbase & addresses, size=size, type=_encoded_type(physbase, "physbase"))
    _check(_variable_fault(found, address_bits), found, "physbase")
    return found


def state_from_def_type(value: int) -> DefType:
    """What a value of IA32_MTRR_DEF_TYPE states.

    Raises InvalidInput for reserved bits and types, where a write raises #GP.

    Source: Intel SDM vol. 3A, "IA32_MTRR_DEF_TYPE MSR".
    """
    _refuse_reserved("def_type", value, _TYPE_FIELD | _FIXED_ENABLE | _ENABLE)
    default = _encoded_type(value, "def_type")
    return DefType(enabled=bool(value & _ENABLE), fixed_enabled=bool(value & _FIXED_ENABLE), default=default)


def _refuse_reserved(field: str, value: int, allowed: int) -> None:
    if value < 0:
        raise refuse(_CODE, f"the value {value} is negative; use the 64 bits of the register", field=field)
    if reserved := value & ~allowed:
        raise refuse(_CODE, f"the value {value:#x} has reserved bits set: {reserved:#x}", field=field)


def _encoded_type(value: int, field: str) -> MemoryType:
    encoding = value & _TYPE_FIELD
    if encoding not in MTRR_ORDER:
        raise refuse(_CODE, f"type {encoding:#04x} is reserved in an MTRR; use {_TYPE_CODES}", field=field)
    return MemoryType(encoding)
