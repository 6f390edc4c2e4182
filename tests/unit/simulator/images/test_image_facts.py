"""From an image to facts: kernels, hypervisors, and files that mean harm."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulator import InvalidInput
from simulator.images.kernel_facts import TELLTALES, find_banner
from simulator.images.reader import read_image
from simulator.inputs.reading import Reading
from tests import make_images as make
from tests.make_images import PT_LOAD, PT_NOTE, Part


def read(body: bytes) -> Reading:
    return read_image(body, source="vmlinuz")


def values(reading: Reading, key: str) -> list[Any]:
    return [fact.value for fact in reading.facts if fact.key == key]


def only(reading: Reading, key: str) -> Any:
    (value,) = values(reading, key)
    return value


def remarks(reading: Reading) -> list[object]:
    return [note["message"] for note in reading.notes]


# --- kernels ---------------------------------------------------------------------------------------------------------


def test_a_boot_image_of_linux() -> None:
    reading = read(make.boot_image(method="xz"))
    assert (reading.kind, reading.source, reading.notes) == ("image", "vmlinuz", [])
    assert (only(reading, "family"), only(reading, "release")) == ("linux", make.RELEASE)
    image = only(reading, "image")
    assert {key: image[key] for key in ("format", "payload", "payload_offset", "within", "bits", "machine")} == {
        "format": "bzImage",
        "payload": "xz",
        "payload_offset": 0x52CC,
        "within": "payload",
        "bits": 64,
        "machine": "x86-64",
    }
    assert (image["unpacked_bytes"], image["kernel_version"]) == (len(make.kernel()), make.VERSION)
    assert (image["banner"]["text"], image["header"]["protocol"]) == (make.BANNER, "2.15")
    assert only(reading, "build_salt") == make.RELEASE


def test_facts_say_where_they_are() -> None:
    body = make.kernel()
    reading = read(body)
    at = {fact.key: fact.offset for fact in reading.facts}
    assert body[at["release"] :].startswith(make.BANNER.encode())  # type: ignore[misc]
    assert only(reading, "image")["banner"] == {"text": make.BANNER, "offset": at["release"], "within": "file"}
    assert only(reading, "notes")[0] == {
        "owner": "Xen", "type": 6, "name": "GUEST_OS", "value": "linux", "offset": make.note_at(body), "within": "file",
    }  # fmt: skip


def test_a_release_of_the_boot_header_lies_in_the_file() -> None:
    (fact,) = (one for one in read(make.boot_image()).facts if one.key == "release")
    assert (fact.value, fact.offset) == (make.RELEASE, 0x3000)


def test_header_and_banner_may_disagree_and_both_are_said() -> None:
    assert values(read(make.boot_image(version="5.10.0-1 (x@y) #1")), "release") == ["5.10.0-1", make.RELEASE]


@pytest.mark.parametrize(
    ("text", "release", "has_build"),
    [
        (make.TEMPLATE + "\n\0" + make.BANNER, make.RELEASE, True),
        (make.BANNER + "\0" + make.TEMPLATE, make.RELEASE, True),
        (make.TEMPLATE, make.RELEASE, False),
        ("Linux version %s (%s)\0" + make.BANNER, make.RELEASE, True),
        ("Linux version 2.6.18-xen (a@b) (gcc) #1-Ubuntu SMP", "2.6.18-xen", True),
    ],
)
def test_of_several_banners_the_one_with_a_number_counts(text: str, release: str, has_build: bool) -> None:
    banner = find_banner(text.encode())
    assert banner is not None
    assert (banner.release, banner.has_build) == (release, has_build)


@pytest.mark.parametrize(
    "text", ["", "Linux version ", "Linux version 6.1\0", "Linux version six (a)", "Linux version 6.1"]
)
def test_what_is_no_banner(text: str) -> None:
    assert find_banner(text.encode()) is None


def test_banners_are_looked_for_within_bounds() -> None:
    banner = find_banner((make.TEMPLATE + "\0").encode() * 16 + make.BANNER.encode())
    assert banner is not None
    assert not banner.has_build


def test_what_follows_a_packed_kernel_is_noted() -> None:
    assert remarks(read(make.pack_gzip(make.kernel()) + b"rest")) == ["4 bytes after the packed data are left out"]


def test_a_template_is_noted() -> None:
    reading = read(make.kernel(text=make.TEMPLATE.encode()))
    assert remarks(reading) == ["the kernel's banner has no number of a build: it may be a template"]


def test_telltales_are_said_of_linux_alone() -> None:
    told = {one["string"]: one for one in only(read(make.kernel()), "telltales")}
    assert [*told] == [telltale.text for telltale in TELLTALES]
    assert [text for text, one in told.items() if one["present"]] == [
        "MTRRs set to read-only", "MTRR map: ", "Booting kernel on",
    ]  # fmt: skip
    assert told["MTRR map: "]["offset"] == make.kernel().index(b"MTRR map: ")
    assert told["PAT: [mem"]["offset"] is None
    assert values(read(make.kernel(text=b"", notes=make.xen_note(6, "GRUB"))), "telltales") == []


def test_what_telltales_prove_is_taken_by_the_engine() -> None:
    """The first that names read-only MTRRs is the one that evidence looks for."""
    assert next(telltale.text for telltale in TELLTALES if "read-only" in telltale.text) == "MTRRs set to read-only"


def test_the_config_inside() -> None:
    reading = read(make.kernel(text=make.BANNER.encode() + b"\0" + make.ikconfig()))
    assert only(reading, "config") == {
        "value": {"CONFIG_MTRR": "y", "CONFIG_X86_PAT": "y", "CONFIG_XEN_DOM0": "n"},
        "lines": {"CONFIG_MTRR": 3, "CONFIG_X86_PAT": 2, "CONFIG_XEN_DOM0": 4},
        "release": {"value": "6.12.117", "line": 1},
    }
    without = read(make.kernel(text=make.BANNER.encode() + b"\0" + make.ikconfig("CONFIG_MTRR=y\n")))
    assert only(without, "config")["release"] is None


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (b"IKCFG_ST" + b"x" * 99, "it does not end within 1048576 bytes"),
        (b"IKCFG_STtextIKCFG_ED", "it begins with 74 65 78 74: it is packed with none of gzip, xz, zstd, lz4, lzma"),
        (make.ikconfig("no setting\n"), "holds no CONFIG_ line; send the kernel's .config as text"),
        (
            make.ikconfig("\0" * 3_000_000),
            "it unpacks to more than 50 times its size; what is real is packed less well",
        ),
    ],
)
def test_a_config_that_cannot_be_read_is_noted(held: bytes, why: str) -> None:
    body = make.kernel(text=make.BANNER.encode() + b"\0" + held)
    at = body.index(b"IKCFG_ST") + 8
    reading = read(body)
    assert (values(reading, "config"), remarks(reading)) == (
        [], [f"the .config inside, at {at:#x} of the file, is left out: {why}"],
    )  # fmt: skip


def test_a_kernel_that_is_no_elf_file() -> None:
    """Before boot protocol 2.08, of Linux 2.6.26."""
    text = b"Linux version 2.6.18.8-xen (a@b) (gcc version 4.1) #1 SMP Tue\0" + make.noise(1000)
    reading = read(make.boot_image(text, protocol=0x0206, version="2.6.18.8-xen (a@b) #1 SMP"))
    assert (only(reading, "family"), only(reading, "release")) == ("linux", "2.6.18.8-xen")
    assert (values(reading, "abilities"), only(reading, "image")["bits"]) == ([], None)
    assert remarks(reading) == ["what is packed in the image is no ELF file, so that it has no notes for Xen"]


@pytest.mark.parametrize(
    ("guest", "family"),
    [
        ("GRUB", "grub"), ("GNU Mach", "gnumach"), ("Mini-OS", "mini-os"), ("NetBSD", "netbsd"), ("FreeBSD", "freebsd"),
    ],
)  # fmt: skip
def test_families_by_their_note(guest: str, family: str) -> None:
    assert only(read(make.kernel(text=b"", notes=make.xen_note(6, guest))), "family") == family
    assert only(read(make.kernel(text=b"", notes=b"", legacy=f"GUEST_OS={guest}")), "family") == family


def test_an_unknown_guest_has_no_family() -> None:
    reading = read(make.kernel(text=b"", notes=make.xen_note(6, "Plan 9")))
    assert (values(reading, "family"), values(reading, "release"), values(reading, "features")) == (
        [], [], [{"required": [], "supported": []}],
    )  # fmt: skip


def test_the_facts_of_a_kernel() -> None:
    reading = read(make.boot_image()).as_data()
    assert {fact["key"] for fact in reading["facts"]} == {  # type: ignore[attr-defined]
        "family", "release", "image", "notes", "features", "build_salt", "abilities", "telltales",
    }  # fmt: skip


# --- what Xen is told ------------------------------------------------------------------------------------------------


def test_every_note_as_people_read_it() -> None:
    held = make.linux_notes() + make.note(b"Xen", 19, b"\0\0\x20\0" + b"\0\0\0\1") + make.xen_note(99, 7)
    held += make.note(b"other", 9, b"\1\2") + make.xen_note(0, "name=value")
    rows = [(one["owner"], one["name"], one["value"]) for one in only(read(make.kernel(notes=held)), "notes")]
    assert rows == [
        ("Xen", "GUEST_OS", "linux"),
        ("Xen", "GUEST_VERSION", "2.6"),
        ("Xen", "XEN_VERSION", "xen-3.0"),
        ("Xen", "VIRT_BASE", "0xffffffff80000000"),
        ("Xen", "INIT_P2M", "0x8000000000"),
        ("Xen", "ENTRY", "0xffffffff810001c0"),
        ("Xen", "FEATURES", "!writable_page_tables|pae_pgdir_above_4gb"),
        ("Xen", "SUPPORTED_FEATURES", "0x8801"),
        ("Xen", "PAE_MODE", "yes"),
        ("Xen", "LOADER", "generic"),
        ("Xen", "SUSPEND_CANCEL", "0x1"),
        ("Xen", "MOD_START_PFN", "0x1"),
        ("Xen", "PADDR_OFFSET", "0x0"),
        ("Xen", "L1_MFN_VALID", "mask 0x1, value 0x1"),
        ("GNU", "BUILD_ID", bytes(range(20)).hex()),
        ("Linux", "LTO", "0x0"),
        ("Linux", "BUILD_SALT", make.RELEASE),
        ("Xen", "PHYS32_ENTRY", "0x1000850"),
        ("Xen", "PHYS32_RELOC", "align 0x200000, min 0x1000000"),
        ("Xen", "0x63", "0700000000000000"),
        ("other", "0x9", "0102"),
        ("Xen", "INFO", "name=value"),
    ]


def test_features() -> None:
    reading = read(make.kernel(notes=make.linux_notes(n17=1 << 30 | 0x8801, n10="!writable_page_tables|dom0|other")))
    assert only(reading, "features") == {
        "required": ["writable_page_tables"],
        "supported": ["writable_page_tables", "dom0", "linux_rsdp_unrestricted", "bit 30"],
    }


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_numbers_of_any_size_that_xen_reads(size: int) -> None:
    reading = read(make.kernel(notes=make.xen_note(14, 1, size)))
    assert (only(reading, "notes")[0]["value"], reading.notes) == ("0x1", [])


def test_a_number_of_another_size_is_0_as_in_xen() -> None:
    reading = read(make.kernel(notes=make.note(b"Xen", 14, b"\1\0\0")))
    assert only(reading, "notes")[0]["value"] == "0x0"
    assert remarks(reading) == ["the note SUSPEND_CANCEL has 3 bytes; Xen reads a number of 1, 2, 4 or 8, else 0"]


def test_a_note_that_is_cut_off_says_so() -> None:
    body = make.elf(Part(b"code", PT_LOAD), Part(make.xen_note(9, "yes,bimodal")[:-8], PT_NOTE))
    assert only(read(body), "notes")[0]["value"] == "yes, (cut off)"


def test_a_loader_looks_at_sections_only_where_segments_say_nothing() -> None:
    elf = make.elf(
        Part(b"code", PT_LOAD, physical=make.START),
        Part(make.xen_note(6, "linux"), PT_NOTE),
        Part(make.xen_note(18, make.START, 4), 0, make.SHT_NOTE, ".note.Xen"),
    )
    assert only(read(elf), "abilities")["pvh"] == {"able": False, "why": "it has no note PHYS32_ENTRY"}


def able(body: bytes) -> Any:
    return only(read(body), "abilities")


def test_what_xen_takes() -> None:
    assert able(make.kernel()) == {
        "pv": {"able": True, "why": "its notes name the loader, Xen 3.0 and an entry point inside the kernel"},
        "pvh": {"able": True, "why": "it has the note PHYS32_ENTRY (0x1000850)"},
        "dom0": {"able": True, "why": "its features name dom0"},
    }


@pytest.mark.parametrize(
    ("changes", "way", "why"),
    [
        ({"n8": None, "n6": "other"}, "pv", "its note LOADER is not generic, and its GUEST_OS is not linux"),
        ({"n5": "xen-2.0"}, "pv", "its note XEN_VERSION is 'xen-2.0'; Xen takes xen-3.0 alone"),
        ({"n5": None}, "pv", "its note XEN_VERSION is ''; Xen takes xen-3.0 alone"),
        ({"n10": "!supervisor_mode_kernel"}, "pv", "it requires supervisor_mode_kernel, which Xen does not offer"),
        ({"n10": "!other"}, "pv", "it requires the feature 'other', which Xen does not know"),
        ({"n10": "!other"}, "pvh", "it requires the feature 'other', which Xen does not know"),
        ({"n3": None}, "pv", "it has the note PADDR_OFFSET and not VIRT_BASE"),
        ({"n1": 0x1000}, "pv", "its entry 0x1000 or its base 0xffffffff80000000 lies outside the kernel, "
                               "0xffffffff81000000 to 0xffffffff81200000"),
        ({"n4": make.START}, "pv", "its entry 0xffffffff810001c0 or its base 0xffffffff80000000 lies outside the "
                                   "kernel, 0xffffffff80000000 to 0xffffffff80200000"),
        ({"n15": make.BASE + make.START}, "pv", "its note INIT_P2M (0xffffffff81000000) lies inside the kernel, "
                                                "0xffffffff81000000 to 0xffffffff81200000"),
        ({"n18": None}, "pvh", "it has no note PHYS32_ENTRY"),
        ({"n18": 0x1000}, "pvh", "its PHYS32_ENTRY (0x1000) lies outside the kernel, 0x1000000 to 0x1200000"),
        ({"n17": 0x8001}, "dom0", "its note SUPPORTED_FEATURES (0x8001) does not name dom0"),
        ({"n18": None, "n5": None}, "dom0", "it can be neither PV nor PVH: "
                                            "its note XEN_VERSION is ''; Xen takes xen-3.0 alone"),
    ],
)  # fmt: skip
def test_what_xen_refuses(changes: dict[str, int | str | None], way: str, why: str) -> None:
    assert able(make.kernel(notes=make.linux_notes(**changes)))[way] == {"able": False, "why": why}


@pytest.mark.parametrize(
    ("changes", "way", "why"),
    [
        ({"n8": None}, "pv", "its notes name"),
        ({"n6": None}, "pv", "its notes name"),
        ({"n17": None}, "dom0", "it has no note SUPPORTED_FEATURES that denies it"),
        ({"n17": 0x8001, "n10": "dom0"}, "dom0", "its features name dom0"),
        ({"n15": None}, "pv", "its notes name"),
    ],
)
def test_what_xen_takes_all_the_same(changes: dict[str, int | str | None], way: str, why: str) -> None:
    ability = able(make.kernel(notes=make.linux_notes(**changes)))[way]
    assert ability["able"]
    assert ability["why"].startswith(why)


def test_without_notes_no_image_is_xens() -> None:
    reason = "it has neither ELF notes of the owner Xen nor a section __xen_guest"
    assert [one["why"] for one in able(make.kernel(notes=b"")).values()] == [
        reason, "it has no note PHYS32_ENTRY", f"it can be neither PV nor PVH: {reason}",
    ]  # fmt: skip


def test_without_segments_nothing_is_loaded() -> None:
    elf = make.elf(Part(make.linux_notes(), PT_NOTE), Part(b"code", PT_LOAD, flags=0))
    assert {one["why"] for way, one in able(elf).items() if way != "dom0"} == {"it has no segment to load"}


@pytest.mark.parametrize(
    ("mode", "is_able"), [("yes", True), ("yes,bimodal", True), ("bimodal", True), ("no", False), (None, False)]
)
def test_a_32_bit_kernel_needs_pae(mode: str | None, is_able: bool) -> None:
    notes = make.linux_notes(n9=mode, n3=0, n1=make.START, n15=None)
    ability = able(make.kernel(notes=notes, bits=32))["pv"]
    assert ability["able"] is is_able
    needs = "; as a 32-bit kernel it needs a Xen that is built with CONFIG_PV32"
    assert ability["why"].endswith(needs if is_able else "it is a 32-bit kernel without PAE")


LEGACY = "GUEST_OS=GNU Mach,GUEST_VERSION=1.3,XEN_VER=xen-3.0,VIRT_BASE=0x1000000,HYPERCALL_PAGE=0x2,LOADER=generic"


def test_the_legacy_section_is_for_pv_alone() -> None:
    strangers = make.note(b"name", 18, b"\0\0\0\1")
    reading = read(make.kernel(text=b"", notes=strangers, legacy=LEGACY))
    says = only(reading, "abilities")
    assert says["pv"] == {
        "able": True,
        "why": "its section __xen_guest names the loader, Xen 3.0 and an entry point inside the kernel",
    }
    assert says["pvh"] == {"able": False, "why": "it has no note PHYS32_ENTRY"}
    rows = only(reading, "notes")
    assert [(one["owner"], one["name"], one["value"], one["type"]) for one in rows] == [
        ("name", "0x12", "00000001", 18),
        ("__xen_guest", "GUEST_OS", "GNU Mach", None),
        ("__xen_guest", "XEN_VERSION", "xen-3.0", None),
        ("__xen_guest", "VIRT_BASE", "0x1000000", None),
        ("__xen_guest", "HYPERCALL_PAGE", "0x2", None),
        ("__xen_guest", "LOADER", "generic", None),
    ]
    assert remarks(reading) == ["Xen does not know the key 'GUEST_VERSION' of the section __xen_guest"]


@pytest.mark.parametrize(
    "legacy", [LEGACY + ",FEATURES=!other", LEGACY + ",ELF_PADDR_OFFSET=0x1000000,VIRT_ENTRY=16777216"]
)
def test_the_legacy_section_is_not_looked_at_closely(legacy: str) -> None:
    assert able(make.kernel(text=b"", notes=b"", legacy=legacy))["pv"]["able"]


@pytest.mark.parametrize("number", ["", "0x", "0xg", "x", "\u0661", "9" * 17, "-1"])
def test_a_legacy_number_that_is_none_is_0(number: str) -> None:
    ability = able(make.kernel(text=b"", notes=b"", legacy=LEGACY + ",VIRT_ENTRY=" + number))["pv"]
    assert "its entry 0x0 or its base" in ability["why"]


def test_abilities_are_not_said_where_notes_were_left_out() -> None:
    reading = read(make.kernel(notes=make.note(b"", 1, b"") * 5000 + make.linux_notes()))
    assert values(reading, "abilities") == []
    assert remarks(reading) == [
        "4032 more ELF notes are not shown", "more than 4096 ELF notes; the rest are left out",
    ]  # fmt: skip


# --- hypervisors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["", *make.READ_PACKERS])
def test_a_hypervisor(method: str) -> None:
    plain = make.hypervisor()
    reading = read(make.PACKERS[method](plain) if method else plain)
    within = "payload" if method else "file"
    assert (reading.kind, reading.notes) == ("xen-image", [])
    assert [(fact.key, fact.value, fact.offset) for fact in reading.facts if fact.key.startswith("xen")][1:] == [
        ("xen", "4.17.7", plain.index(b"4.17.7")),
        ("xen_build", "4.17.7+13-g2445b30a44", plain.index(b"4.17.7")),
        (
            "xen_pat_values",
            {
                "known": [
                    {
                        "layout": "0x0000050100070406",
                        "title": "Xen 3.2 and later",
                        "immediates": 1,
                        "pairs": 1,
                        "offset": plain.index(make.pat_write(make.XEN_LAYOUT)) + 1,
                        "within": within,
                    }
                ],
                "written": [
                    {
                        "layout": "0x0000050100070406",
                        "offset": plain.index(make.pat_write(make.XEN_LAYOUT)) + 1,
                        "within": within,
                    }
                ],
            },
            None,
        ),
        ("xen_layout", "0x0000050100070406", plain.index(make.pat_write(make.XEN_LAYOUT)) + 1),
    ]
    image = only(reading, "xen_image")
    assert (image["format"], image["within"], image["bits"]) == (f"{method} ELF" if method else "ELF", within, 32)


def test_a_hypervisor_as_efi_program() -> None:
    reading = read(b"MZ" + bytes(100) + make.hypervisor()[100:])
    assert (only(reading, "xen"), only(reading, "xen_layout"), only(reading, "xen_image")["bits"]) == (
        "4.17.7", "0x0000050100070406", None,
    )  # fmt: skip


def test_what_follows_a_packed_hypervisor_is_noted() -> None:
    assert remarks(read(make.pack_gzip(make.hypervisor()) + b"rest")) == ["4 bytes after the packed data are left out"]


LINUX, FOUR, OWN = 0x0407050600070106, 0x0007010600070106, 0x0000010500070406


@pytest.mark.parametrize("order", ["adc", "dac", "cad", "cda"])
def test_what_the_code_writes_counts_whatever_the_order(order: str) -> None:
    assert only(read(make.hypervisor(make.pat_write(OWN, order))), "xen_layout") == f"{OWN:#018x}"


@pytest.mark.parametrize("order", ["acd", "dca"])
def test_other_orders_are_not_understood(order: str) -> None:
    reading = read(make.hypervisor(make.pat_write(OWN, order)))
    assert (values(reading, "xen_layout"), remarks(reading)) == (
        [], ["which layout Xen uses cannot be told: it holds no known one, and writes no constant to IA32_PAT"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "layout", "remark"),
    [
        (make.immediate(LINUX) * 2, f"{LINUX:#018x}",
         "the layout is the only known one that is built in, 2 times as 64 bits"),
        (make.immediate(LINUX) + make.pat_write(make.XEN_LAYOUT), "0x0000050100070406", None),
        (make.immediate(make.POWER_ON), None,
         "which layout Xen uses cannot be told: it holds no known one, and writes no constant to IA32_PAT"),
        (make.immediate(LINUX) + make.immediate(FOUR), None,
         "which layout Xen uses cannot be told: several known ones are built in: "
         "0x0007010600070106 (Linux 2.6.26 to 4.1), 0x0407050600070106 (Linux 4.14 and later)"),
        (make.pat_write(LINUX) + make.pat_write(FOUR), None,
         "which layout Xen uses cannot be told: its code writes different values to IA32_PAT: "
         "0x0007010600070106, 0x0407050600070106"),
        (make.pat_write(2), None,
         "the code writes 0x0000000000000002 to IA32_PAT, which it cannot hold: PA0: encoding 0x02 is reserved; "
         "use 00 UC, 01 WC, 04 WT, 05 WP, 06 WB or 07 UC-"),
    ],
)  # fmt: skip
def test_the_layout_is_told_only_where_it_is_certain(code: bytes, layout: str | None, remark: str | None) -> None:
    reading = read(make.hypervisor(code))
    assert values(reading, "xen_layout") == ([layout] if layout else [])
    assert remarks(reading) == ([remark] if remark else [])


@pytest.mark.parametrize(
    ("release", "said", "remark"),
    [
        ("4.20.4", ["4.20.4"], None),
        ("3.4.2-pre", ["3.4.2"], None),
        ("4.17", [], "it holds none as text; state it"),
        ("5.1.2", [], "it holds none as text; state it"),
        ("4.1.2 (x)", [], "it holds none as text; state it"),
        ("4.17.2\0004.18.1\0004.17.2", [], "it holds 4.17.2, 4.18.1"),
    ],
)
def test_the_release_of_a_hypervisor(release: str, said: list[str], remark: str | None) -> None:
    reading = read(make.hypervisor(release=release))
    assert values(reading, "xen") == said
    assert remarks(reading) == ([f"which release of Xen this is cannot be told: {remark}"] if remark else [])


def test_a_linux_that_prints_xens_version_is_a_kernel() -> None:
    assert read(make.kernel(text=make.BANNER.encode() + b"\0" + make.XEN_BANNER)).kind == "image"


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"MZ" + bytes(99), "an EFI or Windows program that is neither Linux nor Xen"),
        (b"MZ" + bytes(99) + b".linux\0\0", "a unified kernel image; send the kernel that is in its section .linux "
                                            "(objcopy -O binary -j .linux)"),
        (bytes((64 << 20) + 1), "more than 67108864 bytes; kernels have some 15 MB, hypervisors 3 MB"),
    ],
)  # fmt: skip
def test_programs_that_are_no_images(body: bytes, message: str) -> None:
    with pytest.raises(InvalidInput) as fault:
        read(body)
    assert fault.value.found[0].message == message


def test_a_view_is_read_as_the_bytes_it_shows() -> None:
    body = make.kernel()
    assert read_image(memoryview(body), source="vmlinuz").facts == read(body).facts


HOSTILE = [*make.hostile_elfs(), *make.hostile_boot_images()]


def test_the_set_of_bombs_is_whole() -> None:
    assert len(make.bombs()) == 42


@pytest.mark.parametrize("harm", HOSTILE, ids=lambda harm: harm.name)
def test_harm_is_read_or_refused(harm: make.Harm) -> None:
    with suppress(InvalidInput):
        assert isinstance(read(harm.body), Reading)


MEMBERS_READ = {f"{method} of several members" for method in ("gzip", "xz", "zstd", "lz4")}


@pytest.mark.parametrize("harm", make.bombs(), ids=lambda harm: harm.name)
def test_bombs_are_refused(harm: make.Harm) -> None:
    if harm.name in MEMBERS_READ:
        assert only(read(harm.body), "release") == make.RELEASE
    elif harm.name == "lz4 with a wrong checksum":  # the legacy format has none
        with suppress(InvalidInput):
            read(harm.body)
    else:
        with pytest.raises(InvalidInput):
            read(harm.body)


@pytest.mark.parametrize("body", [make.kernel(), make.hypervisor(), make.boot_image()], ids=["ELF", "Xen", "bzImage"])
def test_every_length(body: bytes) -> None:
    for length in [*range(min(4096, len(body))), *range(4096, len(body), 4096)]:
        with suppress(InvalidInput):
            read(body[:length])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2000))
@example(b"MZ" + bytes(0x200) + b"HdrS")
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for begin in (b"", b"\x7fELF\2\1\1", b"\x7fELF\1\1\1", b"MZ"):
        with suppress(InvalidInput):
            assert isinstance(read(begin + body), Reading)


GOOD = [make.kernel(padding=16, legacy=LEGACY), make.kernel(bits=32, padding=16), make.hypervisor(), make.boot_image()]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(GOOD), st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=8)), max_size=6)
)
def test_images_with_wrong_bytes_are_read_or_refused(body: bytes, changes: list[tuple[int, bytes]]) -> None:
    changed = bytearray(body)
    for offset, wrong in changes:
        at = offset % len(body)
        changed[at : at + len(wrong)] = wrong
    with suppress(InvalidInput):
        assert read(bytes(changed)).as_data()["source"] == "vmlinuz"
