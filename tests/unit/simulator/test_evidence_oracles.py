"""The readers say what others say of the same bytes: pyelftools and readelf of ELF files, kconfiglib of a .config."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator import InvalidInput
from simulator.driver import SYMBOLS as DRIVER_SYMBOLS
from simulator.images.elf import PT_LOAD, PT_NOTE, read_elf, read_notes
from simulator.images.reader import read_image
from simulator.inputs.kernel_config import SYMBOLS, KernelConfig, read_config, read_options
from tests import make_images as make
from tests.make_images import SHT_NOTE, SHT_PROGBITS, Part
from tests.real import oracles
from tests.real.oracles import PlainNote, PlainSegment

# --- ELF ------------------------------------------------------------------------------------------------------------

#: A kernel as a linker sees it: what it tells Xen, in notes and in the section of old, and an entry point.
SOURCE = """
.macro note owner, kind
  .pushsection .notes, "a", @note
  .balign 4
  .long 2f - 1f, 4f - 3f, \\kind
1: .asciz "\\owner"
2: .balign 4
3:
.endm
.macro end
4: .balign 4
  .popsection
.endm
note Xen, 6
  .asciz "linux"
end
note Xen, 5
  .asciz "xen-3.0"
end
note Xen, 8
  .asciz "generic"
end
note Xen, 1
  .long {entry}
end
note Xen, 3
  .long 0
end
note Xen, 17
  .long 0x8801
end
note Linux, 0x100
  .asciz "6.12.117"
end
note other, 77
  .zero 21
end
.section __xen_guest, "a"
  .asciz "GUEST_OS=linux,XEN_VER=xen-3.0,LOADER=generic"
.text
.globl _start
_start: ret
.data
  .long 1
.bss
  .zero 100000
"""
ENTRY = 0x1000000
#: Where the notes get a segment of their own, and where only a section holds them.
SCRIPTS = {
    "segment": "PHDRS { load PT_LOAD; notes PT_NOTE; }",
    "section": "PHDRS { load PT_LOAD; }",
}
PLACES = """
ENTRY(_start)
SECTIONS {{
  . = {entry:#x};
  .text : {{ *(.text) }} :load
  __xen_guest : {{ *(__xen_guest) }} :load
  .notes : {{ *(.notes) }} :load {notes}
  .data : {{ *(.data) }} :load
  .bss : {{ *(.bss) }} :load
}}
"""


def linked(folder: Path, script: str, *options: str) -> Path:
    """An ELF file that gcc made."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    source, places, made = folder / "kernel.S", folder / "kernel.lds", folder / "kernel"
    source.write_text(SOURCE.format(entry=ENTRY))
    notes = ":notes" if "notes" in SCRIPTS[script] else ""
    places.write_text(SCRIPTS[script] + PLACES.format(entry=ENTRY, notes=notes))
    command = ["gcc", "-nostdlib", "-static", *options, "-Wl,-T", str(places), str(source), "-o", str(made)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this gcc does not take {' '.join(options)}: {done.stderr[-100:]}")
    return made


def own_notes(body: bytes) -> list[PlainNote]:
    found = sorted(read_notes(body, read_elf(body, source="a")).found, key=lambda one: one.offset)
    return [PlainNote(one.owner, len(one.body), one.kind, one.body) for one in found]


def own_segments(body: bytes) -> list[PlainSegment]:
    names = {PT_LOAD: "LOAD", PT_NOTE: "NOTE"}
    return [
        PlainSegment(names[one.kind], one.offset, one.physical, one.file_size, one.memory_size)
        for one in read_elf(body, source="a").segments
        if one.kind in names
    ]


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("options", [["-m64"], ["-m32"], ["-Wl,--build-id"], ["-Wl,-N"]], ids=" ".join)
def test_what_a_linker_makes(script: str, options: list[str], tmp_path: Path) -> None:
    path = linked(tmp_path, script, *options)
    body = path.read_bytes()
    own = own_notes(body)
    assert own == oracles.notes_by_pyelftools(path)
    assert {one.owner for one in own} >= {b"Xen", b"Linux", b"other"}
    if (entry := oracles.entry_by_readelf(path)) is None:
        pytest.skip("readelf is not installed")
    printed = oracles.notes_by_readelf(path)
    assert [(one.owner, one.size, one.body) for one in own] == [(one.owner, one.size, one.body) for one in printed]
    assert {one.kind for one in printed} - {None} <= {one.kind for one in own}
    assert (read_elf(body, source="a").entry, own_segments(body)) == (entry, oracles.segments_by_readelf(path))
    assert ("NOTE" in {one.kind for one in own_segments(body)}) == (script == "segment")


def facts_of(body: bytes) -> dict[str, Any]:
    return {fact.key: fact.value for fact in read_image(body, source="a").facts}


@pytest.mark.parametrize("method", make.READ_PACKERS)
def test_what_a_linker_makes_packed_as_a_boot_image(method: str, tmp_path: Path) -> None:
    """However it is packed, the facts are those of the bare file."""
    body = linked(tmp_path, "segment").read_bytes()
    alone, packed = facts_of(body), facts_of(make.boot_image(body, method=method))
    assert alone["abilities"]["pv"]["able"]
    assert (packed["abilities"], packed["features"], packed["build_salt"]) == (
        alone["abilities"], alone["features"], "6.12.117",
    )  # fmt: skip
    assert [one | {"within": "file"} for one in packed["notes"]] == alone["notes"]


NOTES = st.lists(
    st.tuples(
        st.sampled_from([b"Xen", b"Linux", b"a", b"owner of a note"]),
        st.integers(0, (1 << 32) - 1),
        st.binary(max_size=60),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(NOTES, st.sampled_from([32, 64]), st.sampled_from([(PT_NOTE, 0), (0, SHT_NOTE), (PT_NOTE, SHT_NOTE)]))
def test_any_notes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[bytes, int, bytes]], bits: int, place: tuple[int, int]
) -> None:
    segment, section = place
    held = b"".join(make.note(*row) for row in rows)
    body = make.elf(Part(b"code", PT_LOAD, SHT_PROGBITS, ".text"), Part(held, segment, section, ".notes"), bits=bits)
    path = tmp_path_factory.getbasetemp() / "any-notes"
    path.write_bytes(body)
    own = own_notes(body)
    assert own == oracles.notes_by_pyelftools(path)
    assert [(one.owner, one.kind, one.body) for one in own] == rows


# --- .config --------------------------------------------------------------------------------------------------------

VERSION = "CONFIG_LOCALVERSION"
TRISTATES = DRIVER_SYMBOLS | {"CONFIG_XEN_PCIDEV_FRONTEND"}


def kind_of(symbol: str) -> str:
    if symbol == VERSION:
        return "string"
    return "tristate" if symbol in TRISTATES else "bool"


KCONFIGLIB = oracles.Kconfiglib({symbol.removeprefix("CONFIG_"): kind_of(symbol) for symbol in sorted(SYMBOLS)})

#: Few, so that they meet in one file: of each kind, and one that does not matter.
NAMES = st.sampled_from([
    "CONFIG_X86_PAT", "CONFIG_MTRR", "CONFIG_XEN_DOM0", "CONFIG_XEN_PCIDEV_FRONTEND", "CONFIG_DRM_I915", "CONFIG_FOO",
    VERSION,
])  # fmt: skip
#: What kconfig writes, and what it drops. Left out: `yes` and `"a" b`, of which it takes the beginning, this reader
#: nothing.
VALUES = st.sampled_from([
    "y", "m", "n", "", "Y", "1", "0x10", "-", "'y'", '""', '"-a"', '"a\\"b\\\\"', '"open', '"\\"',
])  # fmt: skip
LINES = st.one_of(
    st.builds("{}={}".format, NAMES, VALUES),
    NAMES.map("# {} is not set".format),
    st.builds("{}{}".format, NAMES, st.sampled_from(["", " = y", " y", "=y  ", "=y\t", "_X=y"])),
    st.builds("{}{}".format, st.sampled_from(["#", "# # ", " ", "X"]), NAMES.map("{}=y".format)),
    NAMES.map("# {} is unset".format),
    st.sampled_from(["", "#", "# text", "text", "# Linux/x86 6.12.117 Kernel Configuration", "# end of text"]),
)


def outcome(read: Callable[..., KernelConfig], text: str) -> tuple[dict[str, str], str]:
    """The values and the release that a reader finds, or none and the code of its refusal."""
    try:
        config = read(text, source="a")
    except InvalidInput as fault:
        return {}, fault.found[0].code
    return config.values, str(config.release)


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=25), st.sampled_from(["\n", "\r\n"]))
@example(["CONFIG_DRM_I915=m", "# CONFIG_DRM_I915 is not set", "CONFIG_DRM_I915=1"], "\n")
@example(['CONFIG_LOCALVERSION="-a"', "# CONFIG_LOCALVERSION is not set"], "\n")
def test_any_config_is_read_as_by_kconfiglib(lines: list[str], end: str) -> None:
    text = "".join(line + end for line in lines)
    own = outcome(read_config, text)
    assert own[0] == KCONFIGLIB.read(text)
    assert outcome(read_options, text) == own


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(SYMBOLS - {VERSION})), st.sampled_from("ymn"), min_size=1), st.booleans())
def test_the_fast_reader_of_what_kconfig_writes(options: dict[str, str], has_others: bool) -> None:
    """A whole file, where it looks for known lines alone."""
    lines = [f"# {name} is not set" if value == "n" else f"{name}={value}" for name, value in options.items()]
    others = ["CONFIG_FOO=m", "# CONFIG_BAR is not set"] if has_others else []
    text = "\n".join(["#", "# Linux/x86 6.1.192 Kernel Configuration", "#", f'{VERSION}="-x"', *others, *lines, ""])
    fast, own = read_options(text, source="a"), read_config(text, source="a")
    assert fast.values == own.values == KCONFIGLIB.read(text)
    assert fast.release == own.release
