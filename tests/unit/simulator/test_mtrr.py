"""The MTRRs: precedence of ranges, what is refused, and laws against a slow reference."""

import copy
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.memory_type import MemoryType
from simulator.mtrr import (
    FIXED_LIMIT,
    VARIABLE_LIMIT,
    MtrrMap,
    MtrrRange,
    Overlap,
    read_mtrr,
    state_from_def_type,
    variable_from_msrs,
)
from simulator.problem import InvalidInput

UC, WC, WT, WP, WB = (MemoryType.UC, MemoryType.WC, MemoryType.WT, MemoryType.WP, MemoryType.WB)
TYPES = (UC, WC, WT, WP, WB)
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


def mtrrs(
    *variable: MtrrRange,
    enabled: bool = True,
    default: MemoryType = WP,
    fixed_enabled: bool = False,
    fixed: tuple[MtrrRange, ...] = (),
    address_bits: int = 46,
) -> MtrrMap:
    """MTRRs whose default, WP, tells itself from every range of these tests."""
    return MtrrMap(
        enabled=enabled,
        default=default,
        fixed_enabled=fixed_enabled,
        fixed=fixed,
        variable=variable,
        address_bits=address_bits,
    )


def gib(number: int, memory_type: MemoryType) -> MtrrRange:
    return MtrrRange(base=number * GIB, size=GIB, type=memory_type)


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        pytest.param([], WP, id="no range: the default"),
        pytest.param([WC], WC, id="one range"),
        pytest.param([WC, WC], WC, id="the same type twice"),
        pytest.param([WB, UC], UC, id="UC wins over WB"),
        pytest.param([UC, WC], UC, id="UC wins over WC"),
        pytest.param([WT, WP, UC, WC], UC, id="UC wins over what is undefined without it"),
        pytest.param([WB, WT], WT, id="WT wins over WB"),
        pytest.param([WB, WT, WB], WT, id="three ranges of WT and WB"),
        pytest.param([WB, WC], None, id="WB and WC"),
        pytest.param([WT, WC], None, id="WT and WC"),
        pytest.param([WP, WB], None, id="WP and WB"),
        pytest.param([WP, WT], None, id="WP and WT"),
        pytest.param([WT, WB, WP], None, id="WT and WB and another"),
    ],
)
def test_overlaps(types: list[MemoryType], expected: MemoryType | None) -> None:
    found = mtrrs(*(gib(1, each) for each in types))
    assert found.type_at(GIB) is expected
    assert found.type_at(2 * GIB - 1) is expected
    assert found.type_at(GIB - 1) is WP
    assert found.type_at(2 * GIB) is WP


LOW = (
    MtrrRange(base=0, size=640 * KIB, type=WB),
    MtrrRange(base=640 * KIB, size=128 * KIB, type=UC),
    MtrrRange(base=768 * KIB, size=256 * KIB, type=WT),
)


def test_fixed_ranges_win_below_1_mib() -> None:
    found = mtrrs(MtrrRange(base=0, size=GIB, type=WC), fixed_enabled=True, fixed=LOW)
    at = [found.type_at(address) for address in (0, 0x9FFFF, 0xA0000, 0xBFFFF, 0xC0000, 0xFFFFF, 0x100000)]
    assert at == [WB, WB, UC, UC, WT, WT, WC]


def test_without_fe_fixed_ranges_count_for_nothing() -> None:
    assert mtrrs(MtrrRange(base=0, size=GIB, type=WC), fixed=LOW).types_in(0, MIB) == {WC}


def test_what_no_fixed_range_states_is_left_to_variable_ranges() -> None:
    found = mtrrs(MtrrRange(base=0, size=GIB, type=WC), fixed_enabled=True, fixed=LOW[1:2])
    assert found.types_in(0, MIB) == {WC, UC}


def test_disabled_mtrrs_make_everything_uc() -> None:
    found = mtrrs(gib(1, WB), gib(1, WC), enabled=False, fixed_enabled=True, fixed=LOW, default=WB)
    assert found.types() == {UC}
    assert found.undefined_overlaps() == []


def test_a_processor_without_mtrrs_leaves_it_to_the_pat() -> None:
    absent = MtrrMap.absent()
    assert absent.types() == {WB}
    assert absent.type_at((1 << 46) - 1) is WB
    assert MtrrMap.absent(address_bits=36).space == 1 << 36


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("address", [-1, 1 << 36])
def test_no_type_past_the_last_address(address: int, enabled: bool) -> None:
    with pytest.raises(ValueError, match=rf"^address {address:#x} is not within 36 bits$"):
        mtrrs(enabled=enabled, address_bits=36).type_at(address)


@pytest.mark.parametrize(("base", "size"), [(0, 0), (-1, 1), (0, (1 << 36) + 1), (1 << 36, 1)])
def test_no_types_in_a_region_that_is_none(base: int, size: int) -> None:
    with pytest.raises(ValueError, match=rf"^a region of {size} bytes from {base:#x} is not within 36 bits$"):
        mtrrs(address_bits=36).types_in(base, size)


def test_types_under_a_large_page() -> None:
    framebuffer = MtrrRange(base=GIB + MIB, size=MIB, type=WC)
    found = mtrrs(gib(1, UC), gib(2, WB), framebuffer._replace(base=2 * GIB + MIB), default=WT)
    assert found.types_in(GIB, 2 * MIB) == {UC}
    assert found.types_in(2 * GIB, 2 * MIB) == {WB, None}
    assert found.types_in(2 * GIB, MIB) == {WB}
    assert found.types_in(GIB, GIB + 1) == {UC, WB}
    assert found.types_in(2 * GIB - 1, 1) == {UC}
    assert found.types() == {UC, WB, WT}
    assert found.types_in(0, 1 << 46) == {UC, WB, WT, None}


def test_undefined_overlaps() -> None:
    found = mtrrs(
        MtrrRange(base=0, size=4 * GIB, type=WB),
        gib(1, WC),
        gib(2, WC),  # adjoins the one before: one region
        MtrrRange(base=3 * GIB, size=MIB, type=UC),
        MtrrRange(base=3 * GIB + MIB, size=MIB, type=WP),  # adjoins nothing undefined of the same types
        MtrrRange(base=3 * GIB + 2 * MIB, size=MIB, type=WT),
    )
    assert found.undefined_overlaps() == [
        Overlap(base=GIB, size=2 * GIB, types=frozenset({WB, WC})),
        Overlap(base=3 * GIB + MIB, size=MIB, types=frozenset({WB, WP})),
    ]


def test_adjoining_overlaps_of_other_types_stay_apart() -> None:
    found = mtrrs(MtrrRange(base=0, size=4 * GIB, type=WB), gib(1, WC), gib(2, WP))
    apart = [(GIB, frozenset({WB, WC})), (2 * GIB, frozenset({WB, WP}))]
    assert [(each.base, each.types) for each in found.undefined_overlaps()] == apart


def test_fixed_ranges_settle_an_overlap_below_1_mib() -> None:
    ranges = (MtrrRange(base=0, size=2 * MIB, type=WB), MtrrRange(base=0, size=2 * MIB, type=WC))
    found = mtrrs(*ranges, fixed_enabled=True, fixed=LOW)
    assert found.undefined_overlaps() == [Overlap(base=MIB, size=MIB, types=frozenset({WB, WC}))]


# Laws

BITS = 36
types = st.sampled_from(TYPES)


@st.composite
def ranges(draw: st.DrawFn) -> MtrrRange:
    """A range that hardware takes, mostly low so that ranges meet."""
    power = draw(st.integers(12, 24))
    return MtrrRange(base=draw(st.integers(0, 8)) << power, size=1 << power, type=draw(types))


@st.composite
def maps(draw: st.DrawFn) -> MtrrMap:
    edges = [0, *sorted(draw(st.sets(st.sampled_from([0x10000, 0x84000, 0xC0000, 0xF1000])))), MIB]
    return MtrrMap(
        enabled=draw(st.sampled_from([True, True, True, False])),
        default=draw(types),
        fixed_enabled=draw(st.booleans()),
        fixed=tuple(MtrrRange(base=low, size=high - low, type=draw(types)) for low, high in pairwise(edges)),
        variable=tuple(draw(st.lists(ranges(), max_size=5))),
        address_bits=BITS,
    )


addresses = st.integers(0, 1 << 13).map(lambda page: page << 12) | st.integers(0, (1 << BITS) - 1)


def slow_type(mtrr: MtrrMap, address: int) -> MemoryType | None:
    """The manual's list, step by step."""
    if mtrr.enabled is False:
        return UC
    if mtrr.fixed_enabled and address < MIB:
        return next(each.type for each in mtrr.fixed if address in range(each.base, each.base + each.size))
    matching = [each.type for each in mtrr.variable if address in range(each.base, each.base + each.size)]
    if not matching:
        return mtrr.default
    if all(each == matching[0] for each in matching):
        return matching[0]
    if any(each == UC for each in matching):
        return UC
    if sorted(set(matching)) == [WT, WB]:
        return WT
    return None


@given(maps(), addresses)
def test_type_at_agrees_with_the_manuals_list(mtrr: MtrrMap, address: int) -> None:
    assert mtrr.type_at(address) is slow_type(mtrr, address)


@given(maps(), addresses, st.randoms())
def test_the_order_of_ranges_does_not_matter(mtrr: MtrrMap, address: int, shuffler: random.Random) -> None:
    variable, fixed = list(mtrr.variable), list(mtrr.fixed)
    shuffler.shuffle(variable)
    shuffler.shuffle(fixed)
    other = mtrr._replace(variable=tuple(variable), fixed=tuple(fixed))
    assert other.type_at(address) is mtrr.type_at(address)
    assert other.undefined_overlaps() == mtrr.undefined_overlaps()
    assert other.types() == mtrr.types()


@given(maps(), st.integers(0, 1 << 12), st.integers(1, 64))
def test_types_in_are_the_types_of_each_page(mtrr: MtrrMap, page: int, pages: int) -> None:
    expected = {mtrr.type_at(number << 12) for number in range(page, page + pages)}
    assert mtrr.types_in(page << 12, pages << 12) == expected
    assert expected - {None} <= mtrr.types()


@given(maps(), addresses)
def test_a_type_is_undefined_in_the_listed_overlaps_alone(mtrr: MtrrMap, address: int) -> None:
    listed = mtrr.undefined_overlaps()
    inside = [each for each in listed if each.base <= address < each.base + each.size]
    assert len(inside) == (mtrr.type_at(address) is None)
    for lower, upper in pairwise(listed):
        assert lower.base + lower.size <= upper.base
    for each in inside:
        assert each.types == {one.type for one in mtrr.variable if one.holds(address)}


@given(maps())
def test_what_hardware_takes_is_read_back(mtrr: MtrrMap) -> None:
    def as_data(each: MtrrRange) -> dict[str, object]:
        return {"base": each.base, "size": hex(each.size).upper().replace("X", "x"), "type": each.type.word.lower()}

    data = {
        "enabled": mtrr.enabled,
        "default": mtrr.default.word,
        "fixed_enabled": mtrr.fixed_enabled,
        "fixed": [as_data(each) for each in mtrr.fixed],
        "variable": [as_data(each) for each in mtrr.variable],
        "address_bits": BITS,
    }
    assert read_mtrr(data) == mtrr


@given(ranges())
def test_the_registers_of_a_range_state_it(each: MtrrRange) -> None:
    mask = (1 << BITS) - each.size
    assert variable_from_msrs(each.base | each.type, mask | 1 << 11, BITS) == each


# Reading

DATA = {
    "default": "WB",
    "fixed_enabled": True,
    "fixed": [
        {"base": 0, "size": "0xa0000", "type": "WB"},
        {"base": "0xa0000", "size": "0x20000", "type": "UC"},
    ],
    "variable": [{"base": "0xC0000000", "size": GIB, "type": "UC"}],
}


def test_reading() -> None:
    assert read_mtrr(DATA) == MtrrMap(
        enabled=True,
        default=WB,
        fixed_enabled=True,
        fixed=(MtrrRange(base=0, size=0xA0000, type=WB), MtrrRange(base=0xA0000, size=0x20000, type=UC)),
        variable=(MtrrRange(base=3 * GIB, size=GIB, type=UC),),
        address_bits=46,
    )


def test_what_is_left_out() -> None:
    assert read_mtrr({}) == MtrrMap(
        enabled=True, default=UC, fixed_enabled=False, fixed=(), variable=(), address_bits=46
    )
    assert read_mtrr({"fixed": DATA["fixed"]}).fixed_enabled
    assert not read_mtrr({"fixed": DATA["fixed"], "fixed_enabled": False}).fixed_enabled
    assert not read_mtrr({"enabled": False}).enabled


def test_every_fixed_range_alone_is_on_the_grid() -> None:
    widths = [(0x10000, 8), (0x4000, 16), (0x1000, 64)]
    sizes = [width for width, count in widths for _ in range(count)]
    fixed = [{"base": sum(sizes[:index]), "size": size, "type": "WP"} for index, size in enumerate(sizes)]
    assert len(read_mtrr({"fixed": fixed}).fixed) == FIXED_LIMIT == 88


def test_one_range_may_hold_the_whole_address_space() -> None:
    data = {"address_bits": 52, "variable": [{"base": 0, "size": 1 << 52, "type": "WB"}]}
    assert read_mtrr(data).types() == {WB}
    assert read_mtrr({"address_bits": 32}).space == 4 * GIB


def test_as_many_variable_ranges_as_there_are_registers() -> None:
    assert VARIABLE_LIMIT == 40
    assert len(read_mtrr({"variable": [{"base": 0, "size": 4096, "type": "UC"}] * 40}).variable) == 40


def refusal(data: object, **options: str) -> tuple[object, object, object]:
    """Code, field and message of the one problem."""
    with pytest.raises(InvalidInput) as raised:
        read_mtrr(data, **options)
    (problem,) = raised.value.problems
    return problem["code"], problem["field"], problem["message"]


NUMBER = "use a number, or text such as 0x80000000"
GRID = (
    "does not lie on the grid of the fixed ranges: steps of 64 KiB to 0x7ffff, of 16 KiB from there to 0xbffff, "
    "of 4 KiB from there to 0xfffff"
)


def variable(**fields: object) -> dict[str, object]:
    return {"variable": [{"base": GIB, "size": GIB, "type": "WB"}, {"base": 0, "size": 4096, "type": "UC", **fields}]}


def fixed(**fields: object) -> dict[str, list[object]]:
    return {"fixed": [{"base": 0, "size": 0x10000, "type": "WB", **fields}]}


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        (variable(type="UC-"), "mtrr.variable[1].type", "UC- exists in the PAT only, never in an MTRR; use UC, WC, WT, "
         "WP or WB"),
        (variable(type="RS"), "mtrr.variable[1].type", "'RS' is reserved or no memory type; use UC, WC, WT, WP or WB"),
        ({"default": "uc-"}, "mtrr.default", "UC- exists in the PAT only, never in an MTRR; use UC, WC, WT, WP or WB"),
        (fixed(type="2"), "mtrr.fixed[0].type", "'2' is reserved or no memory type; use UC, WC, WT, WP or WB"),
        (variable(size=0), "mtrr.variable[1]", "UC range at 0x0 of 0x0 bytes: the size is 0x0; a variable range has "
         "4 KiB at least"),
        (variable(size=2048), "mtrr.variable[1]", "UC range at 0x0 of 0x800 bytes: the size is 0x800; a variable range "
         "has 4 KiB at least"),
        (variable(size="0x3000"), "mtrr.variable[1]", "UC range at 0x0 of 0x3000 bytes: the size 0x3000 is no power of "
         "two; split the range"),
        (variable(base="0x1000", size="0x2000"), "mtrr.variable[1]", "UC range at 0x1000 of 0x2000 bytes: the base is "
         "not aligned to the size 0x2000; split the range"),
        (variable(base=1 << 46), "mtrr.variable[1]", "UC range at 0x400000000000 of 0x1000 bytes: goes past the 46 "
         "bits of a physical address"),
        ({"address_bits": 36, **variable(base=1 << 36)}, "mtrr.variable[1]", "UC range at 0x1000000000 of 0x1000 "
         "bytes: goes past the 36 bits of a physical address"),
        ({"variable": [{}] * 41}, "mtrr.variable", "41 variable ranges are too many; the processor has registers for "
         "40 at most"),
        ({"fixed": [{}] * 89}, "mtrr.fixed", "89 fixed ranges are too many; the processor has registers for 88 at "
         "most"),
        (fixed(size=0), "mtrr.fixed[0]", "WB range at 0x0 of 0x0 bytes: the size is 0; a fixed range has 4 KiB at "
         "least"),
        (fixed(size="0x200000"), "mtrr.fixed[0]", "WB range at 0x0 of 0x200000 bytes: goes past 1 MiB, where the "
         "fixed ranges end; use a variable range"),
        (fixed(size=0x4000), "mtrr.fixed[0]", f"WB range at 0x0 of 0x4000 bytes: {GRID}"),
        (fixed(base=0x80000, size=0x1000), "mtrr.fixed[0]", f"WB range at 0x80000 of 0x1000 bytes: {GRID}"),
        (fixed(base=0xC0800, size=0x800), "mtrr.fixed[0]", f"WB range at 0xc0800 of 0x800 bytes: {GRID}"),
        ({"fixed": [*fixed(type="WC", base=0x20000)["fixed"], *fixed(size=0x30000)["fixed"]]}, "mtrr.fixed",
         "WB range at 0x0 of 0x30000 bytes and WC range at 0x20000 of 0x10000 bytes overlap; fixed ranges cannot"),
        (variable(base=None), "mtrr.variable[1].base", f"is missing; {NUMBER}"),
        (variable(base=-4096), "mtrr.variable[1].base", f"is no number of up to 64 bits; {NUMBER}"),
        (variable(base=1 << 64), "mtrr.variable[1].base", f"is no number of up to 64 bits; {NUMBER}"),
        (variable(base=True), "mtrr.variable[1].base", f"is no number of up to 64 bits; {NUMBER}"),
        (variable(base=4096.0), "mtrr.variable[1].base", f"is no number of up to 64 bits; {NUMBER}"),
        (variable(size="4096"), "mtrr.variable[1].size", f"is no number of up to 64 bits; {NUMBER}"),
        (variable(size="0x10000000000000000"), "mtrr.variable[1].size", f"is no number of up to 64 bits; {NUMBER}"),
        ({"address_bits": 31}, "mtrr.address_bits", "a physical address has 32 to 52 bits, not 31"),
        ({"address_bits": 53}, "mtrr.address_bits", "a physical address has 32 to 52 bits, not 53"),
    ],
)  # fmt: skip
def test_refusals(data: dict[str, object], field: str, message: str) -> None:
    assert refusal(copy.deepcopy(data)) == ("mtrr", field, message)


def test_refusals_name_the_field_that_the_caller_has() -> None:
    assert refusal(variable(type="UC-"), field="platforms[0].mtrr")[1] == "platforms[0].mtrr.variable[1].type"


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        (None, "wrong_type", "mtrr"),
        ({"ranges": []}, "unknown_field", "mtrr.ranges"),
        ({"enabled": "yes"}, "wrong_type", "mtrr.enabled"),
        ({"fixed_enabled": 1}, "wrong_type", "mtrr.fixed_enabled"),
        ({"variable": {}}, "wrong_type", "mtrr.variable"),
        ({"variable": [[]]}, "wrong_type", "mtrr.variable[0]"),
        ({"variable": [{"base": 0, "size": 4096}]}, "missing", "mtrr.variable[0].type"),
        ({"variable": [{}] * 1001}, "too_many", "mtrr.variable"),
    ],
)
def test_data_of_another_shape(data: object, code: str, field: str) -> None:
    assert refusal(data)[:2] == (code, field)


# Registers


@pytest.mark.parametrize(
    ("physbase", "physmask", "bits", "expected"),
    [
        pytest.param(0x80000000, 0xF80000800, 36, MtrrRange(base=2 * GIB, size=2 * GIB, type=UC), id="2 GiB of UC"),
        pytest.param(0x6, 0x3FFF80000800, 46, MtrrRange(base=0, size=2 * GIB, type=WB), id="46 bits"),
        pytest.param(0xD0000001, 0xFFFFF0000800, 48, MtrrRange(base=0xD0000000, size=256 * MIB, type=WC), id="WC"),
        pytest.param(0x6, 0x800, 36, MtrrRange(base=0, size=1 << 36, type=WB), id="an empty mask holds everything"),
        pytest.param(0xFFFFFF005, 0xFFFFFF800, 36, MtrrRange(base=0xFFFFFF000, size=4096, type=WP), id="the last page"),
        pytest.param(0x80000000, 0xF80000000, 36, None, id="V is clear"),
        pytest.param(0xF07, 0x7FF, 36, None, id="V is clear, the rest is not read"),
    ],
)
def test_variable_registers(physbase: int, physmask: int, bits: int, expected: MtrrRange | None) -> None:
    assert variable_from_msrs(physbase, physmask, bits) == expected


@pytest.mark.parametrize(
    ("physbase", "physmask", "field", "message"),
    [
        (0x100, 0xF80000800, "physbase", "the value 0x100 has reserved bits set: 0x100"),
        (1 << 36, 0xF80000800, "physbase", "the value 0x1000000000 has reserved bits set: 0x1000000000"),
        (0, 0xF80000801, "physmask", "the value 0xf80000801 has reserved bits set: 0x1"),
        (0, 0x3FFF80000800, "physmask", "the value 0x3fff80000800 has reserved bits set: 0x3ff000000000"),
        (-1, 0xF80000800, "physbase", "the value -1 is negative; use the 64 bits of the register"),
        (0, 0xFA0000800, "physmask",
         "the mask of 0xfa0000800 is not contiguous up to bit 35, so it states no one range"),
        (0, 0x780000800, "physmask",
         "the mask of 0x780000800 is not contiguous up to bit 35, so it states no one range"),
        (0x40000000, 0xF80000800, "physbase", "UC range at 0x40000000 of 0x80000000 bytes: the base is not aligned to "
         "the size 0x80000000; split the range"),
        (0x80000007, 0xF80000800, "physbase",
         "type 0x07 is reserved in an MTRR; use 00 UC, 01 WC, 04 WT, 05 WP or 06 WB"),
        (0x80000002, 0xF80000800, "physbase",
         "type 0x02 is reserved in an MTRR; use 00 UC, 01 WC, 04 WT, 05 WP or 06 WB"),
    ],
)  # fmt: skip
def test_variable_registers_refused(physbase: int, physmask: int, field: str, message: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        variable_from_msrs(physbase, physmask, 36)
    (problem,) = raised.value.problems
    assert (problem["code"], problem["field"], problem["message"]) == ("mtrr", field, message)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0x000, (False, False, UC)),
        (0xC00, (True, True, UC)),
        (0x806, (True, False, WB)),
        (0xC06, (True, True, WB)),
        (0x404, (False, True, WT)),
        (0x801, (True, False, WC)),
        (0x805, (True, False, WP)),
    ],
)
def test_def_type(value: int, expected: tuple[bool, bool, MemoryType]) -> None:
    assert state_from_def_type(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0x900, "the value 0x900 has reserved bits set: 0x100"),
        (0x1C06, "the value 0x1c06 has reserved bits set: 0x1000"),
        (-1, "the value -1 is negative; use the 64 bits of the register"),
        (0xC07, "type 0x07 is reserved in an MTRR; use 00 UC, 01 WC, 04 WT, 05 WP or 06 WB"),
        (0xC03, "type 0x03 is reserved in an MTRR; use 00 UC, 01 WC, 04 WT, 05 WP or 06 WB"),
        (0xC08, "type 0x08 is reserved in an MTRR; use 00 UC, 01 WC, 04 WT, 05 WP or 06 WB"),
    ],
)
def test_def_type_refused(value: int, message: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        state_from_def_type(value)
    assert raised.value.problems[0] == {
        "code": "mtrr",
        "message": message,
        "field": "def_type",
        "source": None,
        "line": None,
        "column": None,
    }
