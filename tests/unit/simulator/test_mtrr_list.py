"""/proc/mtrr in both of its forms."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.canonical_json import canonical
from simulator.inputs.mtrr_list import read_mtrr_list
from simulator.inputs.reading import Reading
from simulator.mtrr import read_mtrr
from simulator.problem import InvalidInput

OLD = "reg00: base=0x00000000 (   0MB), size= 256MB: write-back, count=1"
NEW = "reg00: base=0x000000000 (    0MB), size= 2048MB, count=1: write-back"
PROTECT = "reg01: base=0x0ffe00000 ( 4094MB), size=    2MB, count=1: write-protect"


def read(text: str) -> Reading:
    return read_mtrr_list(text, source="mtrr")


def notes(text: str) -> list[tuple[object, object]]:
    return [(note["line"], note["message"]) for note in read(text).notes]


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        pytest.param(OLD, [("0x0", "0x10000000", "WB")], id="until 2.6.29"),
        pytest.param(NEW, [("0x0", "0x80000000", "WB")], id="since 2.6.30"),
        pytest.param(f"{NEW}\r\n{PROTECT}\r\n", [("0x0", "0x80000000", "WB"), ("0xffe00000", "0x200000", "WP")],
                     id="two rows, CR LF"),
        pytest.param("reg00: base=0x00000000 ( 0MB), size= 512MB: write-back, count=1", [("0x0", "0x20000000", "WB")],
                     id="blanks squeezed"),
        pytest.param("reg00: base=0x00000000 (0MB), size=512MB: write-back, count=1", [("0x0", "0x20000000", "WB")],
                     id="no blanks at all"),
        pytest.param("\n  reg00: base=0x000000000 (    0MB), size=   64KB, count=1: uncachable  ",
                     [("0x0", "0x10000", "UC")], id="KB, and blanks around it"),
        pytest.param("reg02: base=0x0d0000000 ( 3328MB), size=  256MB, count=1: write-combining",
                     [("0xd0000000", "0x10000000", "WC")], id="WC"),
        pytest.param("reg02: base=0x0d0000000 ( 3328MB), size=  256MB, count=1: write-through",
                     [("0xd0000000", "0x10000000", "WT")], id="WT"),
        pytest.param("reg00: base=0x00000000 (   0MB), size=65536MB: write-back, count=1",
                     [("0x0", "0x1000000000", "WB")], id="64 GB"),
    ],
)  # fmt: skip
def test_rows(text: str, ranges: list[tuple[str, str, str]]) -> None:
    reading = read(text)
    variable = [{"base": base, "size": size, "type": word} for base, size, word in ranges]
    assert [(fact.key, fact.value) for fact in reading.facts] == [("mtrr_list", {"variable": variable})]
    assert (reading.notes, reading.unknown_count) == ([], 0)


def test_the_fact_has_the_line_of_the_first_row() -> None:
    assert read(f"\n\n{NEW}\n{PROTECT}").facts[0].line == 3


def test_the_fact_is_a_map_of_mtrrs() -> None:
    mtrrs = read_mtrr(read(f"{NEW}\n{PROTECT}").facts[0].value)
    assert [(each.base, each.size, each.type.word) for each in mtrrs.variable] == [
        (0, 0x80000000, "WB"),
        (0xFFE00000, 0x200000, "WP"),
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("reg00: base=0x000000000 (    0MB), size=    1MB, count=1: write-back",
         "reg00 is left out: the register is listed on line 1 already"),
        ("reg01: base=0x000000000 (    0MB), size=    0MB, count=1: write-back",
         "reg01 is left out: its size is 0 bytes; a range has 4 KiB at least"),
        ("reg01: base=0x000000000 (    0MB), size=    2KB, count=1: write-back",
         "reg01 is left out: its size is 2048 bytes; a range has 4 KiB at least"),
        ("reg01: base=0x000000000 (    0MB), size=    3MB, count=1: write-back",
         "reg01 is left out: its size 0x300000 is no power of two"),
        ("reg01: base=0x000100000 (    1MB), size=    2MB, count=1: write-back",
         "reg01 is left out: its base 0x100000 is not aligned to its size 0x200000"),
        ("reg01: base=0x000000000 (    0MB), size=    1MB, count=1: ?",
         "reg01 is left out: '?' is no memory type of an MTRR"),
        ("reg01: base=0x10000000000000 (4294967296MB), size=    1MB, count=1: write-back",
         "reg01 is left out: it goes past 52 bits, which are the most that a physical address has"),
        ("reg01: base=0x00000000 (   0MB), size=8589934592MB: write-back, count=1",
         "reg01 is left out: it goes past 52 bits, which are the most that a physical address has"),
    ],
)  # fmt: skip
def test_rows_that_no_register_holds(row: str, fault: str) -> None:
    assert notes(f"{NEW}\n{row}") == [(2, fault)]
    assert read(f"{NEW}\n{row}").facts == read(NEW).facts


def test_a_row_may_be_all_that_is_left_out() -> None:
    reading = read("reg01: base=0x000000000 (    0MB), size=    0MB, count=1: write-back")
    assert (reading.facts, len(reading.notes)) == ([], 1)


def test_megabytes_that_contradict_the_hex_digits() -> None:
    text = "reg01: base=0x0ffe00000 ( 4095MB), size=    2MB, count=1: write-protect"
    assert notes(text) == [(1, "reg01: base 0xffe00000 is 4094 MB, not 4095; the hex digits count")]
    assert read(text).facts == read(PROTECT).facts


@pytest.mark.parametrize(
    "line",
    [
        "base=0xf8000000 size=0x400000 type=write-combining",
        "disable=2",
        "reg00: base=-0x1 (    0MB), size= 2048MB, count=1: write-back",
        "reg00: base=0x0 (    0MB), size= -2048MB, count=1: write-back",
        "reg\u0660\u0660: base=0x0 (    0MB), size= 2048MB, count=1: write-back",
        "reg00: base=0x00000000000000000 (    0MB), size= 2048MB, count=1: write-back",
        NEW + " and more",
    ],
)
def test_other_lines_are_skipped(line: str) -> None:
    reading = read(f"{PROTECT}\n{line}")
    assert (reading.unknown, len(reading.facts)) == ([(2, line)], 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mtrr:1: files: holds no row as in `reg00: base=0x000000000 .* send /proc/mtrr as it is"),
        ("MTRR default type: uncachable", "holds no row"),
        ("a\0b", "mtrr:1:2: files: a NUL character"),
        ("x" * (65 << 10), "more than 65536 bytes; a /proc/mtrr has some ten rows of 70 characters"),
        (f"{NEW}\n" * 257, "more than 256 lines"),
        ("x" * 1025, "mtrr:1:1025: files: a line of 1025 characters; at most 1024 are read"),
    ],
)
def test_what_is_no_list(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(text)


PIECES = [OLD, NEW, PROTECT, "reg0", "reg00: base=0x", "( 0MB)", ", size=", ": ", "\n", " ", "count=1", "K", "9" * 14]


@settings(max_examples=100, deadline=None)
@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reading = read(text)
    except InvalidInput:
        return
    assert canonical(reading.as_data())
    assert all(read_mtrr({**fact.value, "address_bits": 52}) for fact in reading.facts)
