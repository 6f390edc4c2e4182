"""x86/pat_memtype_list of debugfs in both of its forms."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.canonical_json import canonical
from simulator.inputs.memtype_list import read_memtype_list
from simulator.inputs.reading import Reading
from simulator.problem import InvalidInput

HEADER = "PAT memtype list:"
OLD = "uncached-minus @ 0x7fadf000-0x7fae0000"
NEW = "PAT: [mem 0x0000001840000000-0x0000001c40000000] write-back"


def read(text: str) -> Reading:
    return read_memtype_list(text, source="list")


def types(text: str) -> list[tuple[object, ...]]:
    values = [fact.value for fact in read(text).facts]
    return [tuple(value[key] for key in ("type", "count", "bytes", "first", "line")) for value in values]


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        (OLD, ("UC-", 1, 0x1000, "0x7fadf000-0x7fae0000", 1)),
        (NEW, ("WB", 1, 0x400000000, "0x1840000000-0x1c40000000", 1)),
        ("uncached @ 0x1000-0x2000", ("UC", 1, 0x1000, "0x1000-0x2000", 1)),
        ("write-combining @ 0x1000-0x2000", ("WC", 1, 0x1000, "0x1000-0x2000", 1)),
        ("write-through @ 0x1000-0x2000", ("WT", 1, 0x1000, "0x1000-0x2000", 1)),
        ("PAT: [mem 0x1000-0x2000] write-protected", ("WP", 1, 0x1000, "0x1000-0x2000", 1)),
    ],
)
def test_rows(line: str, fact: tuple[object, ...]) -> None:
    assert types(line) == [fact]


def test_one_fact_a_type_in_the_order_of_the_lines() -> None:
    text = f"{HEADER}\n{OLD}\nwrite-combining @ 0xd0000000-0xe0000000\nuncached-minus @ 0xfed00000-0xfed01000\n"
    assert types(text) == [
        ("UC-", 2, 0x2000, "0x7fadf000-0x7fae0000", 2),
        ("WC", 1, 0x10000000, "0xd0000000-0xe0000000", 3),
    ]
    assert [(fact.key, fact.line) for fact in read(text).facts] == [("memtypes", 2), ("memtypes", 3)]


def test_a_header_alone_is_an_empty_list() -> None:
    reading = read(f"{HEADER}\n")
    assert (reading.facts, reading.notes, reading.unknown_count) == ([], [], 0)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("uncached @ 0x2000-0x2000", "0x2000-0x2000 is left out: it ends before it begins"),
        ("uncached @ 0x3000-0x2000", "0x3000-0x2000 is left out: it ends before it begins"),
        ("uncached @ 0x0-0x10000000001000", "0x0-0x10000000001000 is left out: it goes past the 52 bits of an address"),
    ],
)
def test_ranges_that_cannot_be(line: str, fault: str) -> None:
    reading = read(line)
    assert (reading.facts, [note["message"] for note in reading.notes]) == ([], [fault])


@pytest.mark.parametrize(
    ("rows", "size"),
    [
        (["0x1000-0x3000", "0x1000-0x3000"], 0x2000),
        (["0x2000-0x4000", "0x1000-0x3000", "0x8000-0x9000"], 0x4000),
        (["0x0-0x9000", "0x1000-0x2000"], 0x9000),
        (["0x0-0x10000000000000"] * 3, 1 << 52),
    ],
)
def test_bytes_in_several_rows_are_counted_once(rows: list[str], size: int) -> None:
    assert types("\n".join(f"uncached @ {row}" for row in rows))[0][1:3] == (len(rows), size)


@pytest.mark.parametrize("line", ["broken @ 0x1000-0x2000", "uncached@0x1-0x2", "UC @ 0x1000-0x2000", "\u0660"])
def test_other_lines_are_skipped(line: str) -> None:
    assert read(f"{OLD}\n{line}").unknown == [(2, line)]


@pytest.mark.parametrize(
    ("lines", "overlaps"),
    [
        pytest.param(["uncached @ 0x1000-0x3000", "write-back @ 0x2000-0x4000"],
                     [(2, "0x1000-0x3000 UC of line 1 overlaps 0x2000-0x4000 WB of line 2")], id="two types"),
        pytest.param(["write-back @ 0x2000-0x4000", "uncached @ 0x1000-0x3000"],
                     [(1, "0x1000-0x3000 UC of line 2 overlaps 0x2000-0x4000 WB of line 1")], id="not sorted"),
        pytest.param(["uncached @ 0x1000-0x2000", "write-back @ 0x2000-0x4000"], [], id="they only touch"),
        pytest.param(["uncached @ 0x1000-0x3000", "uncached @ 0x2000-0x4000"], [], id="one type twice"),
        pytest.param(["uncached @ 0x0-0x9000", "uncached @ 0x1000-0x2000", "write-back @ 0x5000-0x6000"],
                     [(3, "0x0-0x9000 UC of line 1 overlaps 0x5000-0x6000 WB of line 3")],
                     id="the one that reaches furthest"),
        pytest.param(["uncached @ 0x0-0x9000", "write-combining @ 0x1000-0x8000", "write-back @ 0x5000-0x6000"],
                     [(2, "0x0-0x9000 UC of line 1 overlaps 0x1000-0x8000 WC of line 2"),
                      (3, "0x0-0x9000 UC of line 1 overlaps 0x5000-0x6000 WB of line 3"),
                      (3, "0x1000-0x8000 WC of line 2 overlaps 0x5000-0x6000 WB of line 3")], id="three types"),
    ],
)  # fmt: skip
def test_overlaps_of_different_types(lines: list[str], overlaps: list[tuple[int, str]]) -> None:
    assert [(note["line"], note["message"]) for note in read("\n".join(lines)).notes] == overlaps


def test_overlaps_past_twenty_are_counted() -> None:
    rows = [f"write-back @ 0x{n:x}000-0x{n + 1:x}000" for n in range(1, 31)]
    notes = [note["message"] for note in read("\n".join(["uncached @ 0x0-0xffff000", *rows])).notes]
    assert (len(notes), notes[-1]) == (21, "10 more overlaps of different types are left out")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "list:1: files: holds no row as in `PAT: .* send x86/pat_memtype_list of debugfs as it is"),
        ("x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC", "holds no row"),
        (f"{OLD}\n" * 20_001, "more than 20000 lines"),
        (f"{OLD * 25}\n" * 1200, "more than 1048576 bytes"),
    ],
)
def test_what_is_no_list(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(text)


PIECES = [HEADER, OLD, NEW, "\n", "uncached @ 0x0-0xffffffffffffffff", "\nbroken @ 0x0-0x1", "PAT: [mem 0x", " ", "-0x"]


@settings(max_examples=100, deadline=None)
@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reading = read(text)
    except InvalidInput:
        return
    assert canonical(reading.as_data())
    assert all(count > 0 and 0 < size <= 1 << 52 for _, count, size, _, _ in types(text))
