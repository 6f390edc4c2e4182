"""ELF files: what is read of them, what is refused, and that notes are those that other readers find."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from simulator import InvalidInput
from simulator.images.elf import Elf, Note, read_elf, read_notes, section_offset, section_text
from tests import make_images as make
from tests.make_images import PT_LOAD, PT_NOTE, SHT_NOBITS, SHT_NOTE, Part


def read(body: bytes) -> tuple[Elf, list[Note]]:
    elf = read_elf(body, source="vmlinux")
    return elf, read_notes(body, elf).found


CODE = Part(b"code", PT_LOAD, physical=make.START)
XEN_TEXT = make.xen_note(6, "linux")


@pytest.mark.parametrize(("bits", "machine"), [(32, "i386"), (64, "x86-64")])
def test_headers(bits: int, machine: str) -> None:
    elf, notes = read(make.kernel(bits=bits, notes=XEN_TEXT))
    assert (elf.bits, elf.machine, elf.kind, elf.entry) == (bits, machine, "EXEC", make.START)
    assert [(one.kind, one.physical) for one in elf.segments] == [(PT_LOAD, make.START), (PT_NOTE, make.START)]
    assert [one.name for one in elf.sections] == ["", ".text", ".notes", ".shstrtab"]
    assert [(one.owner, one.kind, one.body, one.is_whole, one.in_segment) for one in notes] == [
        (b"Xen", 6, b"linux\0", True, True)
    ]
    assert elf.remarks == []


def test_a_file_without_sections_has_notes_by_its_segments() -> None:
    elf, notes = read(make.elf(CODE, Part(XEN_TEXT, PT_NOTE)))
    assert (elf.sections, [one.body for one in notes]) == ((), [b"linux\0"])


def test_a_file_without_segments_of_notes_has_them_by_its_sections() -> None:
    _, notes = read(make.elf(CODE, Part(XEN_TEXT, 0, SHT_NOTE, ".note.Xen")))
    assert [(one.body, one.in_segment) for one in notes] == [(b"linux\0", False)]


def test_a_note_that_a_segment_and_a_section_hold_is_read_once() -> None:
    part = Part(XEN_TEXT + make.note(b"GNU", 3, b"id"), PT_NOTE, SHT_NOTE, ".notes")
    assert len(read(make.elf(CODE, part))[1]) == 2


def test_segments_that_overlap_are_read_once() -> None:
    body = make.elf(CODE, Part(XEN_TEXT * 3, PT_NOTE), Part(XEN_TEXT, PT_NOTE))
    second = make.PHDR + 56
    first_at = struct.unpack_from("<Q", body, second + 8)[0]
    body = body[: second + 56 + 8] + struct.pack("<Q", first_at + len(XEN_TEXT)) + body[second + 56 + 16 :]
    assert [one.offset for one in read(body)[1]] == [first_at + n * len(XEN_TEXT) for n in range(3)]


def test_a_segment_of_notes_at_offset_0_is_left_out() -> None:
    body = make.elf(CODE, Part(XEN_TEXT, PT_NOTE))
    body = body[: make.PHDR + 56 + 8] + bytes(8) + body[make.PHDR + 56 + 16 :]
    assert read(body)[1] == []


def test_gnu_properties_are_padded_to_8_bytes() -> None:
    """Else the note behind one would be looked for too early."""
    held = make.note(b"GNU", 5, bytes(12), alignment=8) + XEN_TEXT
    assert [one.owner for one in read(make.elf(CODE, Part(held, PT_NOTE)))[1]] == [b"GNU", b"Xen"]


def test_the_last_note_is_kept_as_far_as_it_goes() -> None:
    """So GRUB's own tool writes them."""
    cut = XEN_TEXT + make.xen_note(9, "yes,bimodal")[:-8]
    elf, notes = read(make.elf(CODE, Part(cut, PT_NOTE)))
    assert [(one.body, one.is_whole) for one in notes] == [(b"linux\0", True), (b"yes,", False)]
    assert elf.remarks == [f"the ELF note at {notes[1].offset:#x} is cut off: its range holds 4 of 12 bytes"]


def test_an_owner_past_the_end_ends_the_reading() -> None:
    elf, notes = read(make.elf(CODE, Part(XEN_TEXT + struct.pack("<III", 99, 0, 1), PT_NOTE)))
    assert len(notes) == 1
    assert "has an owner of 99 bytes, past the end of its range" in elf.remarks[0]


def test_long_owners_and_descriptors_are_kept_in_part() -> None:
    held = make.note(b"o" * 99, 1, b"d" * 5000) + XEN_TEXT
    long, last = read(make.elf(CODE, Part(held, PT_NOTE)))[1]
    assert (long.owner, long.body, long.is_whole, last.owner) == (b"o" * 64, b"d" * 4096, False, b"Xen")


def test_a_note_without_owner() -> None:
    assert read(make.elf(CODE, Part(make.note(b"", 7, b"body"), PT_NOTE)))[1][0][:3] == (b"", 7, b"body")


@pytest.mark.parametrize(
    ("held", "remark", "count"),
    [
        (bytes(12 * 4097), "more than 4096 ELF notes; the rest are left out", 4096),
        (
            make.note(b"", 0, bytes(4000)) * 262,
            f"{4012 * 262} bytes of ELF notes; only the first 1048576 are read",
            262,
        ),
    ],
)
def test_too_many_notes(held: bytes, remark: str, count: int) -> None:
    body = make.elf(CODE, Part(held, PT_NOTE))
    elf = read_elf(body, source="vmlinux")
    notes = read_notes(body, elf)
    assert (len(notes.found), notes.are_all, remark in elf.remarks) == (count, False, True)


def test_text_of_a_section() -> None:
    body = make.kernel(legacy="GUEST_OS=linux,LOADER=generic")
    elf = read_elf(body, source="vmlinux")
    assert section_text(body, elf, "__xen_guest", limit=100) == "GUEST_OS=linux,LOADER=generic"
    assert section_text(body, elf, "__xen_guest", limit=5) == "GUEST"
    assert (section_text(body, elf, ".bss", limit=5), section_offset(elf, ".bss")) == (None, None)


def test_sections_without_bytes_in_the_file_are_left_out() -> None:
    elf, _ = read(make.elf(CODE, Part(b"", 0, SHT_NOBITS, ".bss")))
    assert [one.name for one in elf.sections] == ["", ".shstrtab"]


def test_an_empty_segment_may_lie_anywhere() -> None:
    body = make.elf(CODE, Part(b"", PT_LOAD, memory_size=4096))
    body = body[: make.PHDR + 56 + 8] + struct.pack("<Q", 1 << 40) + body[make.PHDR + 56 + 16 :]
    assert len(read(body)[0].segments) == 2


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        ("e_shoff -0x1", "the table of ELF sections is damaged or lies past the end of the file"),
        ("e_shentsize 0x1", "the table of ELF sections is damaged or lies past the end of the file"),
        ("e_shnum 0xffff", "65535 ELF sections; more than 4096 are not read"),
        ("sh_offset past the end", "1 ELF sections lie past the end of the file"),
    ],
)
def test_damaged_sections_are_remarked(name: str, remark: str) -> None:
    body = next(harm.body for harm in make.hostile_elfs() if harm.name == name)
    elf, notes = read(body)
    assert remark in elf.remarks
    assert notes != []


@pytest.mark.parametrize("name", ["sh_name 0xffffffff", "e_shstrndx 0xffff"])
def test_a_name_that_is_nowhere_is_empty(name: str) -> None:
    body = next(harm.body for harm in make.hostile_elfs() if harm.name == name)
    assert "" in [one.name for one in read(body)[0].sections[1:]]


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("empty", "not_an_image", "0 bytes that are no ELF file"),
        ("magic alone", "not_an_image", "4 bytes that are no ELF file"),
        ("big-endian", "not_x86", "an ELF file that is not little-endian; IA32_PAT is a register of x86"),
        ("no class", "damaged", "an ELF file of class 3; 1 (32-bit) and 2 (64-bit) are known"),
        ("e_machine 183", "not_x86", "an ELF file for machine 183; IA32_PAT is a register of x86"),
        ("e_type 1", "not_an_image", "an ELF file that is a relocatable object; send the image that boots"),
        ("e_type 4", "not_an_image", "an ELF file that is a core dump; send the image that boots"),
        ("e_type 65535", "not_an_image", "an ELF file that is of type 65535; send the image that boots"),
        ("e_phnum 0xffff", "damaged", "65535 ELF segments; at most 128 are read, and a kernel has 5"),
        ("e_phentsize 0x1", "damaged", "ELF program headers of 1 bytes; they have 56"),
        (
            "e_phoff -0x1",
            "damaged",
            "ELF program header 0 lies past the end of the file: it is cut off, or no ELF file",
        ),
        ("p_filesz 1 -0x1", "damaged", "ELF segment 1 lies past the end of the file, at 0x14d0: it is cut off"),
    ],
)
def test_what_is_refused(name: str, code: str, message: str) -> None:
    body = next(harm.body for harm in make.hostile_elfs() if harm.name == name)
    with pytest.raises(InvalidInput) as fault:
        read_elf(body, source="vmlinux")
    assert (fault.value.found[0].code, fault.value.found[0].message) == (code, message)


def test_a_header_that_ends_early() -> None:
    with pytest.raises(InvalidInput, match="an ELF header that ends after 20 bytes; send the whole file"):
        read_elf(make.kernel()[:20], source="vmlinux")


# --- other readers ---------------------------------------------------------------------------------------------------

ASSEMBLED = """
    .section .note.{name}, "a", @note
    .balign 4
    .long 2f - 1f, 4f - 3f, {kind}
1:  .asciz "{owner}"
2:  .balign 4
3:  {body}
4:  .balign 4
"""
ROWS = (
    ("one", "Xen", 6, '.asciz "linux"'),
    ("one", "Xen", 17, ".long 0x8801"),
    ("two", "Linux", 0x100, '.asciz "6.1.0"'),
    ("two", "other", 77, ".zero 21"),
)
SOURCE = (
    "".join(ASSEMBLED.format(name=name, owner=owner, kind=kind, body=body) for name, owner, kind, body in ROWS)
    + ".text\n.globl _start\n_start: ret\n"
)
OPTIONS = [[], ["-static"], ["-pie"], ["-m32"], ["-Wl,--build-id"], ["-Wl,-z,separate-code"], ["-Wl,-N"]]


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_notes_are_those_that_other_readers_find_in_what_a_linker_makes(options: list[str], tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    source, made = tmp_path / "notes.S", tmp_path / "notes"
    source.write_text(SOURCE)
    command = ["gcc", "-nostdlib", "-nostartfiles", *options, str(source), "-o", str(made)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this gcc does not take these options")
    assert len(_compared(made.read_bytes(), made)) >= 4


def _installed() -> list[Path]:
    found = [path for folder in ("/usr/bin", "/usr/lib/x86_64-linux-gnu") for path in sorted(Path(folder).glob("*"))]
    return [path for path in found if path.is_file() and path.stat().st_size < 4 * make.MIB][::25][:80]


def test_notes_are_those_that_other_readers_find_in_installed_programs() -> None:
    counts = [len(_compared(body, path)) for path in _installed() if (body := path.read_bytes()).startswith(b"\x7fELF")]
    if not counts:
        pytest.skip("no programs for x86 are installed")
    assert sum(counts) > len(counts) / 2


def _compared(body: bytes, path: Path) -> list[tuple[bytes, int, bytes]]:
    """The notes of a file after they were compared with those of pyelftools."""
    elffile = pytest.importorskip("elftools.elf.elffile")
    if body[18:20] not in (b"\3\0", b"\x3e\0") or body[16] not in (2, 3):
        return []  # of another machine, or an object
    own = {(one.owner, one.kind, one.body) for one in read(body)[1]}
    with path.open("rb") as stream:
        theirs = elffile.ELFFile(stream)
        held = [part for part in theirs.iter_segments() if part["p_type"] == "PT_NOTE" and part["p_offset"]]
        held += [part for part in theirs.iter_sections() if part["sh_type"] == "SHT_NOTE"]
        expected = {
            (str(one["n_name"] or "").encode("latin-1"), int(_kind(one)), bytes(one["n_descdata"]))
            for part in held
            for one in part.iter_notes()
        }
    assert own == expected, path
    return [*own]


def _kind(one: dict[str, object]) -> int:
    """The number of a type that pyelftools names."""
    names = {"NT_GNU_ABI_TAG": 1, "NT_GNU_HWCAP": 2, "NT_GNU_BUILD_ID": 3, "NT_GNU_GOLD_VERSION": 4,
             "NT_GNU_PROPERTY_TYPE_0": 5, "NT_PRPSINFO": 3, "NT_PRSTATUS": 1, "NT_FPREGSET": 2, "NT_TASKSTRUCT": 4,
             "NT_AUXV": 6}  # fmt: skip
    kind = one["n_type"]
    return names[kind] if isinstance(kind, str) else int(str(kind))
