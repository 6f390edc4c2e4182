"""/proc/version, /proc/cmdline, /sys/hypervisor and xl info."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.canonical_json import canonical
from simulator.inputs.reading import Reading
from simulator.inputs.running_kernel import (
    read_kernel_cmdline,
    read_kernel_version,
    read_sys_hypervisor,
    read_xl_info,
)
from simulator.problem import InvalidInput

VERSION = (
    "Linux version 6.12.117+deb12-amd64 (debian-kernel@lists.debian.org) (x86_64-linux-gnu-gcc-12 "
    "(Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) "
    "#1 SMP PREEMPT_DYNAMIC Debian 6.12.117-1~deb12u1 (2026-11-14)\n"
)
DOM0 = """\
type: xen
guest_type: PV
version: 4.17.2
capabilities: xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64
start_flags: privileged initdomain
proc_xen_capabilities: control_d
"""
XL_INFO = """\
host                   : dom0
release                : 6.1.0-56-amd64
version                : #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)
machine                : x86_64
nr_cpus                : 8
virt_caps              : pv hvm hvm_directio pv_directio hap shadow iommu_hap_pt_share
xen_major              : 4
xen_minor              : 17
xen_extra              : .5
xen_version            : 4.17.5
xen_caps               : xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64
xen_commandline        : placeholder dom0_mem=4G,max:4G mmio-relax
cc_compiler            : gcc (Debian 12.2.0-14) 12.2.0
"""


def version(text: str) -> Reading:
    return read_kernel_version(text, source="version")


def cmdline(text: str) -> Reading:
    return read_kernel_cmdline(text, source="cmdline")


def hypervisor(text: str) -> Reading:
    return read_sys_hypervisor(text, source="hypervisor")


def xl_info(text: str) -> Reading:
    return read_xl_info(text, source="xl")


def facts(reading: Reading) -> list[tuple[str, object, int | None]]:
    return [(fact.key, fact.value, fact.line) for fact in reading.facts]


def notes(reading: Reading) -> list[tuple[object, object]]:
    return [(note["line"], note["message"]) for note in reading.notes]


@pytest.mark.parametrize(
    ("text", "release", "line"),
    [
        (VERSION, "6.12.117+deb12-amd64", 1),
        ("\n  Linux version 2.6.32.27 (a@b) (gcc version 4.4.5) #1 SMP Tue", "2.6.32.27", 2),
        ("Linux version 6.0-rc1", "6.0-rc1", 1),
    ],
)
def test_the_release(text: str, release: str, line: int) -> None:
    assert facts(version(text)) == [("release", release, line)]
    assert version(text).unknown_count == 0


def test_lines_behind_the_banner_are_skipped() -> None:
    assert version(f"{VERSION}\nLinux version 5.4\n").unknown == [(3, "Linux version 5.4")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "version:1: files: does not begin with a banner as in `Linux version .* send /proc/version as it is"),
        ("6.12.117", "does not begin with a banner"),
        ("\nNetBSD 10.0", "version:2: files: does not begin with a banner"),
        (f"Linux version {'6' * 101}", "does not begin with a banner"),
        ("Linux version six", "version:1: files: 'six' is no kernel release"),
        ("Linux version 3.20", "there never was a Linux 3.20"),
        ("Linux version 6.1\n" * 101, "more than 100 lines"),
    ],
)
def test_what_is_no_version(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        version(text)


@pytest.mark.parametrize(
    ("text", "value", "line"),
    [
        ("root=/dev/xvda1 ro nopat\n", "root=/dev/xvda1 ro nopat", 1),
        ("\n", "", 1),
        (" \n\nroot=/dev/xvda1\tro ", "root=/dev/xvda1 ro", 3),
        ("\ufeffquiet", "quiet", 1),
        ("a" * 4096, "a" * 4096, 1),
        ("\u4e00" * 4096, "\u4e00" * 4096, 1),
    ],
)
def test_the_command_line(text: str, value: str, line: int) -> None:
    assert (facts(cmdline(text)), notes(cmdline(text))) == ([("cmdline", value, line)], [])


@pytest.mark.parametrize(
    ("text", "value", "note"),
    [
        ("ro\n\nnopat\n", "ro nopat", (3, "2 lines are read as one, with a blank between them")),
        ("a\x1b[1mb", "a?[1mb", (1, "control characters are read as `?`")),
        ('ro "a b nopat', 'ro "a b nopat', (1, "a quote is not closed: all that follows it belongs to one option")),
    ],
)
def test_notes_on_a_command_line(text: str, value: str, note: tuple[int, str]) -> None:
    assert (facts(cmdline(text))[0][1], notes(cmdline(text))) == (value, [note])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cmdline:1: files: is empty; send /proc/cmdline as it is"),
        ("a" * 4097, "cmdline:1:4097: files: a line of 4097 characters; at most 4096 are read"),
        ("a" * 4000 + "\n" + "b" * 4000, "cmdline:1: files: 8001 characters; a command line has at most 4096"),
        ("a\0b", "a NUL character"),
        ("a\n" * 101, "more than 100 lines"),
        ("\u4e00" * 6000, "more than 17408 bytes; /proc/cmdline is one line of at most 2048 characters"),
    ],
)
def test_what_is_no_command_line(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        cmdline(text)


def test_a_dom0() -> None:
    assert facts(hypervisor(DOM0)) == [
        ("xen", "4.17.2", 3),
        ("mode", "pv", 2),
        ("role", "dom0", 5),
        ("role", "dom0", 6),
    ]
    assert (notes(hypervisor(DOM0)), hypervisor(DOM0).unknown_count) == ([], 0)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param("guest_type: HVM", [("mode", "hvm")], id="HVM"),
        pytest.param("guest_type: pvh", [("mode", "pvh")], id="PVH, in small letters"),
        pytest.param("guest_type: PV\nguest_type: HVM", [("mode", "pv"), ("mode", "hvm")], id="both are said"),
        pytest.param("version: 4.2.amazon", [("xen", "4.2.amazon")], id="a vendor's Xen"),
        pytest.param("version: xen-4.17-unstable", [("xen", "4.17-unstable")], id="without the word xen"),
        pytest.param("start_flags:", [], id="no flags say nothing"),
        pytest.param("start_flags: mod_start_pfn", [("role", "domU")], id="flags of a domU"),
        pytest.param("start_flags: privileged", [], id="privileged but not the initial domain"),
        pytest.param("proc_xen_capabilities:", [], id="empty capabilities say nothing"),
        pytest.param(
            "features: 00002705\nversion: 4.17.2", [("xen", "4.17.2"), ("role", "domU")], id="features of a domU"
        ),
        pytest.param("features: 00002705\nversion: 4.1.2", [("xen", "4.1.2")], id="before Xen 4.2 they do not say"),
        pytest.param("features: 00002705", [], id="without a version they do not say"),
        pytest.param("features: 0x00000b3d", [("role", "dom0")], id="features of a dom0"),
        pytest.param("features: many", [], id="odd features"),
        pytest.param("uuid: 0\nchangeset: abc", [], id="passed over"),
    ],
)
def test_other_guests(lines: str, said: list[tuple[str, str]]) -> None:
    reading = hypervisor(f"type: xen\n{lines}")
    assert [(key, value) for key, value, _ in facts(reading)] == said
    assert (notes(reading), reading.unknown_count) == ([], 0)


def test_what_is_odd_of_a_hypervisor() -> None:
    reading = hypervisor("type: xen\nguest_type: PVX\nversion: 2.0\nnothing\nsecret: 1\n\n")
    assert notes(reading) == [
        (3, "Xen 2.0 is not known: its sources were not read; known are 3.0 to 3.4 and 4.0 and later"),
        (2, "'PVX' is no type of guest; PV, HVM or PVH is expected"),
    ]
    assert (reading.facts, reading.unknown) == ([], [(4, "nothing"), (5, "secret: 1")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "hypervisor:1: files: holds no `type: xen`; send the files of /sys/hypervisor"),
        ("guest_type: PV", "holds no `type: xen`"),
        (
            "guest_type: PV\ntype: kvm",
            "hypervisor:2: files: the hypervisor's type is 'kvm', not xen; send what a guest",
        ),
        ("type: xen\ntype: none", "hypervisor:2: files: the hypervisor's type is 'none'"),
        ("type: xen\n" * 2001, "more than 2000 lines"),
    ],
)
def test_what_is_no_guest_of_xen(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        hypervisor(text)


def test_xl_info() -> None:
    assert facts(xl_info(XL_INFO)) == [
        ("xen", "4.17.5", 10),
        ("virt_caps", "pv hvm hvm_directio pv_directio hap shadow iommu_hap_pt_share", 6),
        ("xen_cmdline", "placeholder dom0_mem=4G,max:4G mmio-relax", 12),
    ]
    assert (notes(xl_info(XL_INFO)), xl_info(XL_INFO).unknown_count) == ([], 0)


@pytest.mark.parametrize(
    ("text", "said", "noted"),
    [
        pytest.param("xen_major : 3\nxen_minor : 4\nxen_extra : .2", [("xen", "3.4.2", 1)], [], id="xm info"),
        pytest.param("xen_major : 4\nxen_minor : 18", [("xen", "4.18", 1)], [], id="no extra"),
        pytest.param("xen_version : 4.18.3", [("xen", "4.18.3", 1)], [], id="the version alone"),
        pytest.param("xen_version : 4.18.3\nxen_major : 4\nxen_minor : 17\nxen_extra : .1",
                     [("xen", "4.18.3", 1), ("xen", "4.17.1", 2)],
                     [(2, "xen_version and xen_major, xen_minor, xen_extra state different versions")],
                     id="two versions"),
        pytest.param("xen_major : 4\nxen_minor : 4\nxen_extra : .4OVM", [("xen", "4.4.4", 1)],
                     [(1, "Xen's version '4.4.4OVM' is read as 4.4.4")], id="a vendor's extra"),
        pytest.param("xen_version : 4.17.1234", [("xen", "4.17", 1)],
                     [(1, "Xen's version '4.17.1234' is read as 4.17")], id="a patch that never was"),
        pytest.param("xen_version : 2.0OVM", [],
                     [(1, "Xen's version '2.0OVM' is read as 2.0"),
                      (1, "Xen 2.0 is not known: its sources were not read; known are 3.0 to 3.4 and 4.0 and later")],
                     id="a vendor's old Xen"),
        pytest.param("xen_version : new\nxen_commandline :", [],
                     [(1, "'new' is no Xen release; write it as in 4.17 or 4.17.2")],
                     id="no version, empty command line"),
        pytest.param(f"xen_version : 4.17\nvirt_caps : {'x' * 201}", [("xen", "4.17", 1)],
                     [(2, "virt_caps has 201 characters and is left out; at most 200 are read")],
                     id="long capabilities"),
        pytest.param(f"xen_version : 4.17\nxen_commandline : {'x' * 4097}", [("xen", "4.17", 1)],
                     [(2, "xen_commandline has 4097 characters and is left out; at most 4096 are read")],
                     id="long command line"),
        pytest.param("xen_version : 4.17\nxen_commandline : a\x1bb\tc",
                     [("xen", "4.17", 1), ("xen_cmdline", "a b c", 2)], [], id="control characters are blanks"),
    ],
)  # fmt: skip
def test_parts_of_xl_info(text: str, said: list[object], noted: list[object]) -> None:
    assert (facts(xl_info(text)), notes(xl_info(text))) == (said, noted)


def test_tables_of_xl_info_are_skipped() -> None:
    text = (
        "xen_version : 4.17\ncpu_topology           :\ncpu:    core    socket     node\n  0:       0        0        0"
    )
    assert [line for line, _ in xl_info(text).unknown] == [2, 3, 4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "xl:1: files: holds neither `xen_version` nor `xen_major` and `xen_minor`; send what `xl info` prints"),
        ("xen_major : 4\nhost : a", "holds neither"),
        ("x" * 8193, "a line of 8193 characters; at most 8192 are read"),
    ],
)
def test_what_is_no_xl_info(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        xl_info(text)


PIECES = [
    VERSION,
    DOM0,
    XL_INFO,
    "Linux version ",
    "\n",
    ": ",
    "xen_version : ",
    "features: ",
    "0",
    '"',
    "\t",
    "9.9",
    "xen",
]


@pytest.mark.parametrize("read", [version, cmdline, hypervisor, xl_info])
@settings(max_examples=100, deadline=None)
@given(text=st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_read_or_refused(read: Callable[[str], Reading], text: str) -> None:
    try:
        reading = read(text)
    except InvalidInput:
        return
    assert canonical(reading.as_data())
    assert all(fact.line for fact in reading.facts)
