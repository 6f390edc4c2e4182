"""Linux boot logs: every form of a line, what a boot says as a whole, and what hostile or broken logs do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.inputs.boot_log import CONFLICTS_LIMIT, DOM0_MESSAGES, read_boot_log
from simulator.inputs.log_lines import BOOTS_LIMIT, LINE_LIMIT, VALUES_LIMIT
from simulator.inputs.reading import Reading
from simulator.mtrr import MtrrMap, read_mtrr
from simulator.problem import InvalidInput

XEN = "0x0000050100070406"
LINUX = "0x0407050600070106"
LINUX_4_2 = "0x0407010600070106"
LINUX_FOUR = "0x0007010600070106"
POWER_ON = "0x0007040600070406"

BANNER = (
    "Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2"
)
XEN_LAYOUT = "x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  "
LINUX_LAYOUT = "x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- WT  "


def read(*lines: str) -> Reading:
    return read_boot_log("\n".join(lines) + "\n", source="dmesg.txt")


def facts_of(reading: Reading) -> list[tuple[str, object, int | None]]:
    return [(fact.key, fact.value, fact.line) for fact in reading.facts]


def messages(reading: Reading) -> list[tuple[object, object]]:
    return [(note["line"], note["message"]) for note in reading.notes]


def the_mtrr(*lines: str) -> MtrrMap:
    """The MTRRs that lines state, read by the engine."""
    (value,) = read(*lines).said("mtrr")
    return read_mtrr(value)


# ---- layouts and why there is none


@pytest.mark.parametrize(
    ("line", "msr"),
    [
        ("x86 PAT enabled: cpu 0, old 0x7040600070406, new 0x7010600070106", LINUX_FOUR),
        ("x86 PAT enabled: cpu 3, old 0x7010600070106, new 0x7010600070106", LINUX_FOUR),
        ("PAT configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  ", XEN),
        ("PAT configuration [0-7]: WB  WC  UC- UC  WB  WC  UC- UC  ", LINUX_FOUR),
        ("x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WC  UC- WT  ", LINUX_4_2),
        ("x86/PAT: Configuration [0-7]: WB  WT  UC- UC  WB  WT  UC- UC  ", POWER_ON),
        (XEN_LAYOUT, XEN),
        (LINUX_LAYOUT, LINUX),
        (LINUX_LAYOUT.rstrip(), LINUX),
    ],
)
def test_a_layout_is_what_the_kernel_prints(line: str, msr: str) -> None:
    assert facts_of(read(line)) == [("observed_pat", msr, 1)]


PREFIXES = [
    "[    0.000000] ",
    "[    0.000000][    T0] ",
    "[    0.000000] [    T0] ",
    "<6>",
    "<6>[    0.000000] ",
    "6,339,5140900,-;",
    "kern  :info  : [    0.000000] ",
    "[Wed Nov 25 01:02:03 2026] ",
    "[2022-09-19 19:50:56] ",
    "Nov 25 01:02:03 dom0 kernel: ",
    "Nov  1 01:02:03 dom0 kernel: [    0.000000] ",
    "Jun 26 21:51:47.667448 ",
    "[    0.755301] kernel: ",
    "[    0.755301] dom0.example.org kernel: ",
    "dom0 kernel: ",
    "2026-11-25T01:02:03+0000 dom0 kernel: ",
    "2026-11-25T01:02:03.123456+01:00 dom0 kernel[0]: ",
    "(d4) ",
    "(d4v0) [    0.000000] ",
    "(XEN) HVM4: ",
    "(XEN) [2022-09-19 19:50:56] HVM4[0]: [    0.000000] ",
    "(XEN) [0000003420fc47e1] HVM12: ",
    "> ",
    "> > > ",
    ">>> [    0.000000] ",
    "> (XEN) HVM4: [    0.000000] ",
    "    ",
    "\x1b[32m[    0.000000]\x1b[0m \x1b[1;31m",
    "Loading initial ramdisk ... 100%\r[    0.000000] ",
    "\r",
    "\ufeff",
]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("end", ["", "\r", "\x1b[m\r\r"])
def test_prefixes_are_left_out(prefix: str, end: str) -> None:
    assert facts_of(read(prefix + XEN_LAYOUT + end)) == [("observed_pat", XEN, 1)]


@pytest.mark.parametrize(
    "line",
    [
        f"[    5.000000] systemd[1]: {XEN_LAYOUT}",
        f"Nov 25 01:02:03 dom0 systemd[1]: {XEN_LAYOUT}",
        f"Nov 25 01:02:03 dom0 root: kernel: {XEN_LAYOUT}",
        f"[    5.000000] [drm] {XEN_LAYOUT}",
        f"<30>{XEN_LAYOUT}",
        f"30,339,5140900,-;{XEN_LAYOUT}",
        f"user  :info  : {XEN_LAYOUT}",
        f"HVM4: {XEN_LAYOUT}",
        f"(XEN) {XEN_LAYOUT}",
        f"(d2) (XEN) {XEN_LAYOUT}",
        f"{XEN_LAYOUT}\rof old",
        f"echo {XEN_LAYOUT}",
    ],
)
def test_what_programs_and_xen_write_is_not_the_kernels(line: str) -> None:
    assert facts_of(read(line, BANNER)) == [("release", "6.1.0-56-amd64", 2), ("boots", 1, 2)]


def test_no_more_than_sixteen_prefixes_are_left_out() -> None:
    assert read("<6>" * 16 + XEN_LAYOUT).said("observed_pat") == [XEN]
    assert read("<6>" * 17 + XEN_LAYOUT, BANNER).said("observed_pat") == []


@pytest.mark.parametrize(
    "line",
    [
        "x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- W",
        "x86/PAT: Configuration [0-7]: WB  WC  UC- UC",
        "x86/PAT: Configuration [0-7]:",
        "x86/PAT: Configuration [0-7",
        "x86/PAT: Conf",
        "x86/PAT",
        "PAT configuration [0-7]: WB  WT  XX",
        "x86 PAT enabled: cpu 0, old 0x7040600070406, new 0x70106000",
        "x86 PAT enabled: cpu 0, old 0x2, new 0x7010600070106",
        "x86 PAT enabled: cpu 0, old 0x70406",
        "x86/PAT: NDK MediaCodec_:3753 map pfn RAM range req",
        "MTRR fixed ranges enabled:",
        "MTRR map: 1 entries (0 fixed",
        "mtrr: your CPUs had inconsistent variable MTRR settings",
    ],
)
def test_a_line_that_is_cut_off_or_new_is_listed_as_not_understood(line: str) -> None:
    reading = read(BANNER, f"[    0.000000] {line}")
    assert reading.unknown == [(2, line)]
    assert reading.said("observed_pat") == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("PAT support disabled.", "boot option"),
        ("x86/PAT: PAT support disabled.", "boot option"),
        ("x86/PAT: PAT support disabled via boot option.", "boot option"),
        ("x86/PAT: PAT support disabled because CONFIG_X86_PAT is disabled in the kernel.", "CONFIG_X86_PAT"),
        ("x86/PAT: PAT support disabled because CONFIG_MTRR is disabled in the kernel.", "CONFIG_MTRR"),
        ("PAT WC disabled due to known CPU erratum.", "erratum"),
        ("PAT disabled. Not yet verified on this CPU type.", "unverified cpu"),
        ("x86/PAT: PAT support disabled by the firmware.", "firmware"),
        ("x86/PAT: PAT MSR is 0, disabled.", "firmware"),
        ("PAT read returns always zero, disabled.", "firmware"),
        ("x86/PAT: PAT support disabled by the moon.", "unknown"),
    ],
)
def test_why_there_is_no_pat(line: str, why: str) -> None:
    assert facts_of(read(line)) == [("without_pat", {"why": why, "text": line.removeprefix("x86/PAT: ")}, 1)]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("PAT not supported by CPU.", "no_cpuid_pat"),
        ("x86/PAT: PAT not supported by CPU.", "no_cpuid_pat"),
        ("x86/PAT: PAT not supported by the CPU.", "no_cpuid_pat"),
        ("x86/PAT: MTRRs disabled, skipping PAT initialization too.", "skipped_pat_init"),
        ("NVRM: PAT configuration unsupported.", "nvidia_pat_refused"),
    ],
)
def test_flags(line: str, key: str) -> None:
    assert facts_of(read(line, line)) == [(key, True, 1)]


def test_of_two_layouts_a_pv_guest_keeps_the_old_one() -> None:
    line = "x86 PAT enabled: cpu 0, old 0x50100070406, new 0x7010600070106"
    reading = read(line, "Booting paravirtualized kernel on Xen", line)
    assert reading.said("observed_pat") == [XEN]
    assert messages(reading) == [
        (1, f"of old {XEN} and new {LINUX_FOUR} the old one is taken: Xen ignores the write of a PV guest"),
    ]


def test_of_two_layouts_any_other_kernel_has_the_new_one() -> None:
    reading = read("x86 PAT enabled: cpu 0, old 0x50100070406, new 0x7010600070106")
    assert reading.said("observed_pat") == [LINUX_FOUR]
    assert messages(reading) == [(1, f"of old {XEN} and new {LINUX_FOUR} the new one is taken: no line says Xen PV")]


def test_a_pv_guest_keeps_even_the_power_on_layout() -> None:
    reading = read("x86 PAT enabled: cpu 0, old 0x7040600070406, new 0x7010600070106", "Booting kernel on Xen")
    assert reading.said("observed_pat") == [POWER_ON]
    assert len(reading.notes) == 1


def test_two_layouts_that_are_the_same_need_no_note() -> None:
    reading = read("x86 PAT enabled: cpu 0, old 0x50100070406, new 0x50100070406", "Booting kernel on Xen")
    assert (reading.said("observed_pat"), reading.notes) == ([XEN], [])


# ---- kernel, mode and hypervisor


def test_a_pv_guest() -> None:
    reading = read(
        "[    0.000000] PAT configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC  ",
        "[    0.000000] Linux version 4.1.13-8.pvops.qubes.x86_64 (user@release) (gcc version 5.1.1) #1 SMP",
        "[    0.000000] Command line: root=/dev/mapper/dmroot ro nopat",
        "[    0.000000] Hypervisor detected: Xen",
        "[    0.000000] PAT support disabled.",
        "[    0.000000] Booting paravirtualized kernel on Xen",
        "[    0.000000] Xen version: 4.6.0 (preserve-AD)",
        "[    0.000000] Kernel command line: root=/dev/mapper/dmroot ro nopat",
    )
    assert facts_of(reading) == [
        ("observed_pat", XEN, 1),
        ("release", "4.1.13-8.pvops.qubes.x86_64", 2),
        ("cmdline", "root=/dev/mapper/dmroot ro nopat", 3),
        ("without_pat", {"why": "boot option", "text": "PAT support disabled."}, 5),
        ("mode", "pv", 6),
        ("xen", "4.6.0", 7),
        ("boots", 1, 2),
    ]
    assert (reading.notes, reading.unknown_count) == ([], 0)
    assert reading.as_data()["kind"] == "dmesg"


def test_a_dom0() -> None:
    reading = read(
        BANNER,
        "Command line: placeholder root=/dev/vg/root ro quiet",
        "MTRR map: 1 entries (0 fixed + 1 variable; max 16), built from 8 variable MTRRs",
        "MTRRs set to read-only",
        XEN_LAYOUT,
        "Hypervisor detected: Xen PV",
        "Booting kernel on Xen",
        "Xen version: 4.18.3 (preserve-AD)",
        "smpboot: CPU0: Intel(R) Pentium(R) Gold G5400 CPU @ 3.70GHz (family: 0x6, model: 0x9e, stepping: 0xa)",
        "xen: sci override: global_irq=9 trigger=0 polarity=0",
        "xen_acpi_processor: Uploading Xen processor PM info",
    )
    assert facts_of(reading) == [
        ("release", "6.1.0-56-amd64", 1),
        ("cmdline", "placeholder root=/dev/vg/root ro quiet", 2),
        (
            "mtrr_state",
            {"read_only": True, "entries": 1, "fixed": 0, "variable": 1, "max": 16, "registers": 8},
            3,
        ),
        ("observed_pat", XEN, 5),
        ("mode", "pv", 7),
        ("xen", "4.18.3", 8),
        ("cpu", {"vendor": "intel", "family": 6, "model": 0x9E}, 9),
        ("role", "dom0", 10),
        ("boots", 1, 1),
    ]


@pytest.mark.parametrize("message", DOM0_MESSAGES)
def test_what_only_an_initial_domain_says(message: str) -> None:
    assert facts_of(read(f"{message}9")) == [("role", "dom0", 1)]


@pytest.mark.parametrize(
    ("lines", "mode", "line", "notes"),
    [
        (["Booting paravirtualized kernel on Xen"], "pv", 1, []),
        (["Booting kernel on Xen"], "pv", 1, []),
        (["Booting paravirtualized kernel on Xen HVM"], "hvm", 1, []),
        (["Booting kernel on Xen HVM"], "hvm", 1, []),
        (["Booting kernel on Xen PVH"], "pvh", 1, []),
        (["Booting paravirtualized kernel with PVH extensions on Xen"], "pvh", 1, []),
        (["Hypervisor detected: Xen", "Booting paravirtualized kernel on Xen"], "pv", 2, []),
        (["Hypervisor detected: Xen", "Booting paravirtualized kernel on Xen HVM"], "hvm", 2, []),
        (["Hypervisor detected: Xen HVM", "Booting kernel on Xen PVH"], "pvh", 2, []),
        (
            ["Hypervisor detected: Xen HVM", "Booting kernel on Xen"],
            "pv",
            2,
            [(1, "another line says pv: that one counts")],
        ),
        (["Hypervisor detected: Xen PV"], "pv", 1, []),
        (
            ["Hypervisor detected: Xen HVM"],
            "hvm",
            1,
            [(1, "taken for an HVM guest; a PVH guest has this line too")],
        ),
        (
            ["Hypervisor detected: Xen HVM", "Booting paravirtualized kernel on bare hardware"],
            "hvm",
            1,
            [(1, "taken for an HVM guest; a PVH guest has this line too")],
        ),
    ],
)
def test_modes(lines: list[str], mode: str, line: int, notes: list[tuple[int, str]]) -> None:
    reading = read(*lines)
    assert facts_of(reading) == [("mode", mode, line)]
    assert messages(reading) == notes


def test_xen_alone_does_not_tell_the_mode() -> None:
    reading = read(BANNER, "Hypervisor detected: Xen")
    assert reading.said("mode") == []
    assert messages(reading) == [(2, "Xen, but no line `Booting ... kernel on ...` that tells PV from HVM")]


@pytest.mark.parametrize("lines", [["Hypervisor detected: KVM"], ["Booting paravirtualized kernel on KVM"]])
def test_other_hypervisors_are_no_mode(lines: list[str]) -> None:
    assert facts_of(read(BANNER, *lines))[1:] == [("boots", 1, 1)]


def test_bare_hardware() -> None:
    assert facts_of(read("Booting paravirtualized kernel on bare hardware")) == [("bare_metal", True, 1)]


def test_a_hypervisor_is_no_bare_hardware() -> None:
    reading = read(BANNER, "Hypervisor detected: Microsoft Hyper-V", "Booting paravirtualized kernel on bare hardware")
    assert reading.said("bare_metal") == []
    assert messages(reading) == [(3, "no bare hardware: line 2 names a hypervisor")]


@pytest.mark.parametrize(
    ("line", "release"),
    [
        ("Xen version: 4.17.2 (preserve-AD)", "4.17.2"),
        ("Xen version: 4.17.2", "4.17.2"),
        ("Xen version 4.8.", "4.8"),
        ("Xen version: 4.18.3 (preserve-AD)", "4.18.3"),
        ("Xen version: 4.18.4-pre (preserve-AD)", "4.18.4-pre"),
        ("Xen version: 4.17-unstable (preserve-AD)", "4.17-unstable"),
        ("Xen version: 4.21.1", "4.21.1"),
        ("Xen version: 3.3.1-rc4 (preserve-AD)", "3.3.1-rc4"),
        ("Xen version: 4.2.amazon (preserve-AD)", "4.2.amazon"),
        ("Xen version: 3.1.2-128.1.10.el5 (preserve-AD)", "3.1.2-128.1.10.el5"),
    ],
)
def test_xen_releases(line: str, release: str) -> None:
    assert facts_of(read(line)) == [("xen", release, 1)]


def test_a_xen_release_that_never_was_is_noted() -> None:
    reading = read(BANNER, "Xen version: 3.9.1 (preserve-AD)")
    assert reading.said("xen") == []
    ((line, message),) = messages(reading)
    assert line == 2
    assert "Xen 3.9 is not known" in str(message)


@pytest.mark.parametrize(
    ("lines", "cmdline", "line"),
    [
        (["Command line: ro nopat"], "ro nopat", 1),
        (["Kernel command line: ro nopat"], "ro nopat", 1),
        (["Command line: ro", "Kernel command line: ro"], "ro", 1),
        (["Command line: ro", "Kernel command line: ro nopat"], "ro nopat", 2),
        (["Command line:", "Kernel command line:"], "", 1),
        (["Command line: a b", "Kernel command line: a \\", "Kernel command line: b"], "a b", 1),
        (["Kernel command line: a \\", "Kernel command line: b \\", "Kernel command line: c"], "a b c", 1),
        (["Kernel command line: a", "Kernel command line: b"], "b", 2),
    ],
)
def test_command_lines(lines: list[str], cmdline: str, line: int) -> None:
    assert facts_of(read(*lines)) == [("cmdline", cmdline, line)]


def test_a_command_line_without_end_ends_after_a_line_of_the_log() -> None:
    (cmdline,) = read(*["Kernel command line: abcdefghijklmno \\"] * 5000).said("cmdline")
    assert isinstance(cmdline, str)
    assert len(cmdline) < 2 * LINE_LIMIT


@pytest.mark.parametrize(
    ("line", "cpu"),
    [
        (
            "smpboot: CPU0: Intel(R) Xeon(R) CPU @ 2.60GHz (family: 0x6, model: 0x2d, stepping: 0x7)",
            {"vendor": "intel", "family": 6, "model": 0x2D},
        ),
        (
            "CPU0: Genuine Intel(R) CPU T2300 @ 1.66GHz (fam: 06, model: 0e, stepping: 08)",
            {"vendor": "intel", "family": 6, "model": 14},
        ),
        (
            "smpboot: CPU0: AMD EPYC-Milan Processor (family: 0x19, model: 0x1, stepping: 0x1)",
            {"vendor": "amd", "family": 0x19, "model": 1},
        ),
        (
            "smpboot: CPU0: Quad-Core AMD Opteron(tm) Processor 8356 (fam: 10, model: 02, stepping: 03)",
            {"vendor": "amd", "family": 16, "model": 2},
        ),
        (
            "smpboot: CPU0: Common KVM processor (family: 0xf, model: 0x6, stepping: 0x1)",
            {"vendor": None, "family": 15, "model": 6},
        ),
    ],
)
def test_processors(line: str, cpu: dict[str, object]) -> None:
    assert facts_of(read(line)) == [("cpu", cpu, 1)]


# ---- MTRRs

OLD_MTRRS = [
    "MTRR default type: uncachable",
    "MTRR fixed ranges enabled:",
    "MTRR 00000-9FFFF write-back",
    "MTRR A0000-BFFFF uncachable",
    "MTRR C0000-FFFFF write-protect",
    "MTRR variable ranges enabled:",
    "MTRR 0 base 000000000 mask FE0000000 write-back",
    "MTRR 1 base 0FEDA0000 mask FFFFE0000 write-through",
    "MTRR 2 base 0E0000000 mask FE0000000 write-combining",
    "MTRR 3 disabled",
]
MTRRS = [
    "MTRR default type: uncachable",
    "MTRR fixed ranges enabled:",
    "  00000-9FFFF write-back",
    "  A0000-BFFFF write-through",
    "  C0000-FFFFF write-protect",
    "MTRR variable ranges enabled:",
    "  0 base 000000000000 mask FFFF80000000 write-back",
    "  1 base 0000E4000000 mask FFFFFC000000 write-protect",
    "  2 base 000080000000 mask FFFFC0000000 write-back",
    "  3 disabled",
    "TOM2: 0000001080000000 aka 67584M",
]
KVM_MTRRS = [
    "MTRR default type: write-back",
    "MTRR fixed ranges enabled:",
    "  00000-9FFFF write-back",
    "  A0000-BFFFF uncachable",
    "  C0000-FFFFF write-protect",
    "MTRR variable ranges enabled:",
    "  0 base 0080000000 mask FF80000000 uncachable",
    *[f"  {number} disabled" for number in range(1, 8)],
]
SMALL = ["MTRR default type: uncachable", "MTRR variable ranges enabled:"]


def as_rows(mtrr: MtrrMap) -> list[tuple[int, int, str]]:
    return [(each.base, each.size, each.type.word) for each in (*mtrr.fixed, *mtrr.variable)]


def test_mtrrs_of_2_6_27() -> None:
    mtrr = the_mtrr(*OLD_MTRRS)
    assert (mtrr.enabled, mtrr.default.word, mtrr.fixed_enabled, mtrr.address_bits) == (True, "UC", True, 36)
    assert as_rows(mtrr) == [
        (0, 0xA0000, "WB"),
        (0xA0000, 0x20000, "UC"),
        (0xC0000, 0x40000, "WP"),
        (0, 0x20000000, "WB"),
        (0xFEDA0000, 0x20000, "WT"),
        (0xE0000000, 0x20000000, "WC"),
    ]


def test_mtrrs_of_2_6_30_to_6_4_and_what_amd_forces() -> None:
    reading = read(*(f"[    0.000000] {line}" for line in MTRRS))
    (value,) = reading.said("mtrr")
    mtrr = read_mtrr(value)
    assert (mtrr.default.word, mtrr.address_bits) == ("UC", 48)
    assert as_rows(mtrr)[3:] == [
        (0, 0x80000000, "WB"),
        (0xE4000000, 0x4000000, "WP"),
        (0x80000000, 0x40000000, "WB"),
        (0x100000000, 0x100000000, "WB"),
        (0x200000000, 0x200000000, "WB"),
        (0x400000000, 0x400000000, "WB"),
        (0x800000000, 0x800000000, "WB"),
        (0x1000000000, 0x80000000, "WB"),
    ]
    assert messages(reading) == [(1, "WB from 4 GiB up to TOM2 0x1080000000 is stated as 5 more ranges")]


def test_mtrrs_of_kvm() -> None:
    mtrr = the_mtrr(*KVM_MTRRS)
    assert (mtrr.default.word, mtrr.address_bits) == ("WB", 40)
    assert as_rows(mtrr)[3:] == [(0x80000000, 0x80000000, "UC")]


def test_the_first_line_has_the_fact() -> None:
    reading = read(BANNER, *KVM_MTRRS, LINUX_LAYOUT)
    assert [(key, line) for key, _, line in facts_of(reading)] == [
        ("release", 1),
        ("mtrr", 2),
        ("observed_pat", 16),
        ("boots", 1),
    ]


def test_mtrrs_without_fixed_ranges_and_registers() -> None:
    mtrr = the_mtrr("MTRR default type: write-back", "MTRR variable ranges disabled:")
    assert (mtrr.enabled, mtrr.default.word, mtrr.fixed_enabled, as_rows(mtrr)) == (False, "WB", False, [])


def test_fixed_ranges_that_are_off_are_left_out() -> None:
    mtrr = the_mtrr(MTRRS[0], "MTRR fixed ranges disabled:", *MTRRS[2:10])
    assert (mtrr.fixed_enabled, mtrr.fixed, len(mtrr.variable)) == (False, (), 3)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (MTRRS[:1], "it ends before the variable ranges"),
        (MTRRS[:5], "it ends before the variable ranges"),
        (["MTRR default type: ?", *SMALL[1:]], "the kernel did not know a type"),
        ([*SMALL, "  0 base 000000000000 mask FFFF80000000 ?"], "the kernel did not know a type"),
        (
            [*MTRRS[:3], *MTRRS[4:10]],
            "its fixed ranges do not follow one another from 0 to 0xfffff, so lines are missing",
        ),
        (
            [*MTRRS[:2], *MTRRS[5:10]],
            "its fixed ranges do not follow one another from 0 to 0xfffff, so lines are missing",
        ),
        (
            [*MTRRS[:2], "  00000-00FFF write-back", "  01000-FFFFF write-back", *MTRRS[5:10]],
            "its fixed ranges do not follow one another from 0 to 0xfffff, so lines are missing",
        ),
        (
            [
                *MTRRS[:2],
                "  00000-9FFFF write-back",
                "  A0000-9FFFF write-back",
                "  A0000-FFFFF write-back",
                *SMALL[1:],
            ],
            "its fixed ranges do not follow one another from 0 to 0xfffff, so lines are missing",
        ),
        ([*MTRRS[:7], *MTRRS[8:10]], "its registers are not numbered one by one, so lines are missing"),
        (
            [*SMALL, *(f"  {number} disabled" for number in range(41))],
            "it has 41 registers; a processor has 40 at most",
        ),
        (
            [*SMALL, "  0 base 00000000 mask 7F0000000 write-back", "  1 base 00000000 mask 3F0000000 write-back"],
            "the mask of register 1 ends at bit 34, another's at bit 35",
        ),
        (
            [*SMALL, "  0 base 000000000 mask FE0F00000 write-back"],
            "the mask of register 0, 0xfe0f00000, states no one range of a physical address",
        ),
        (
            [*SMALL, "  0 base 000000000 mask 000000000 write-back"],
            "the mask of register 0, 0x0, states no one range of a physical address",
        ),
        (
            [*SMALL, "  0 base 010000000 mask FE0000000 write-back"],
            "the base of register 0, 0x10000000, is not aligned to its size 0x20000000",
        ),
        (
            [*SMALL, "  0 base 1000000000 mask 0FE0000000 write-back"],
            "the base of register 0, 0x1000000000, is not aligned to its size 0x20000000",
        ),
    ],
)
def test_a_list_that_is_not_whole_is_left_out(lines: list[str], fault: str) -> None:
    reading = read(*lines, BANNER)
    assert reading.said("mtrr") == []
    assert messages(reading) == [(1, f"the list of MTRRs is left out: {fault}")]


@pytest.mark.parametrize("tom2", ["0000001080000800", "0FFFFFFFFF800000", "000FFFFFFFF80000"])
def test_what_amd_forces_may_be_no_few_ranges(tom2: str) -> None:
    registers = [f"  {number} base 000000000000 mask FFFFFFFFF000 write-back" for number in range(30)]
    reading = read(*SMALL, *registers, f"TOM2: {tom2} aka 1M")
    (value,) = reading.said("mtrr")
    assert len(read_mtrr(value).variable) == 30
    message = f"WB from 4 GiB up to TOM2 {int(tom2, 16):#x} is left out: it is no few ranges"
    assert messages(reading) == [(1, message)]


@pytest.mark.parametrize(("default", "tom2"), [("write-back", "0000001080000000"), ("uncachable", "0000000080000000")])
def test_what_amd_forces_may_be_so_anyhow(default: str, tom2: str) -> None:
    reading = read(f"MTRR default type: {default}", SMALL[1], f"TOM2: {tom2} aka 1M")
    (value,) = reading.said("mtrr")
    assert (read_mtrr(value).variable, reading.notes) == ((), [])


def test_a_second_list_in_one_boot_is_said_only_if_it_differs() -> None:
    reading = read(*MTRRS, *MTRRS, *KVM_MTRRS)
    assert [line for key, _, line in facts_of(reading) if key == "mtrr"] == [1, 23]


@pytest.mark.parametrize(
    "line",
    ["MTRRs disabled", "MTRRs disabled (not available)", "MTRRs disabled by BIOS", "MTRR: Disabled", "Disabled"],
)
def test_no_mtrrs(line: str) -> None:
    reading = read(line, "Booting paravirtualized kernel on Xen HVM")
    assert facts_of(reading) == [("mtrr", {"enabled": False}, 1), ("mode", "hvm", 2)]
    assert read_mtrr(reading.said("mtrr")[0]).enabled is False


def test_a_pv_guest_without_mtrrs_says_nothing_of_the_hosts() -> None:
    reading = read(
        "Disabled",
        "x86/PAT: MTRRs disabled, skipping PAT initialization too.",
        "CPU MTRRs all blank - virtualized system.",
        XEN_LAYOUT,
        "Booting kernel on Xen",
    )
    assert facts_of(reading) == [("skipped_pat_init", True, 2), ("observed_pat", XEN, 4), ("mode", "pv", 5)]
    assert messages(reading) == [(1, "a PV guest is shown no MTRRs: this says nothing of the host's")]


def test_a_list_counts_more_than_a_line_that_says_disabled() -> None:
    assert len(read(*KVM_MTRRS, "Disabled").said("mtrr")) == 1


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (
            ["MTRR map: 0 entries (0 fixed + 0 variable; max 0), built from 0 variable MTRRs"],
            {"read_only": False, "entries": 0, "fixed": 0, "variable": 0, "max": 0, "registers": 0},
        ),
        (
            ["MTRRs set to read-only"],
            {"read_only": True, "entries": None, "fixed": None, "variable": None, "max": None, "registers": None},
        ),
    ],
)
def test_the_state_of_newer_kernels(lines: list[str], state: dict[str, object]) -> None:
    assert facts_of(read(*lines)) == [("mtrr_state", state, 1)]


# ---- conflicts


@pytest.mark.parametrize(
    ("line", "kind", "start", "end", "wanted", "got", "who"),
    [
        (
            "x86/PAT: ndctl:1850 conflicting memory types 1850600000-1850601000  uncached-minus<->write-back",
            "conflict", "0x1850600000", "0x1850601000", "UC-", "WB", "ndctl:1850",
        ),
        (
            "pcimem:77 conflicting memory types ca000000-ca800000 uncached-minus<->write-combining",
            "conflict", "0xca000000", "0xca800000", "UC-", "WC", "pcimem:77",
        ),
        (
            "reserve_memtype failed 0xfed10000-0xfed14000, track uncached-minus, req uncached",
            "reserve", "0xfed10000", "0xfed14000", "UC", "UC-", None,
        ),
        (
            "x86/PAT: reserve_memtype failed [mem 0xfed10000-0xfed13fff], track write-back, req write-back",
            "reserve", "0xfed10000", "0xfed14000", "WB", "WB", None,
        ),
        (
            "x86/PAT: memtype_reserve failed [mem 0xfed10000-0xfed13fff], track write-protected, req write-through",
            "reserve", "0xfed10000", "0xfed14000", "WT", "WP", None,
        ),
        (
            "reserve_memtype failed: [mem 0x3ffffff00000-0xffffffffffffffff], req uncached-minus",
            "reserve", "0x3ffffff00000", "0x10000000000000000", "UC-", None, None,
        ),
        ("ioremap reserve_memtype failed -16", "ioremap", None, None, None, None, None),
        ("ioremap memtype_reserve failed -16", "ioremap", None, None, None, None, None),
        (
            "x86/PAT: NDK MediaCodec_:3753 map pfn RAM range req write-combining for [mem 0x1e7a80000-0x1e7a87fff], "
            "got write-back",
            "map-ram", "0x1e7a80000", "0x1e7a88000", "WC", "WB", "NDK MediaCodec_:3753",
        ),
        (
            "x86/PAT: CPU 16/KVM:17819 map pfn RAM range req uncached-minus for [mem 0x5151f3000-0x5151f3fff], "
            "got broken",
            "map-ram", "0x5151f3000", "0x5151f4000", "UC-", None, "CPU 16/KVM:17819",
        ),
        (
            "zcount_ipc:3520 map pfn expected mapping type uncached-minus for [mem 0x28000000-0x28000fff], "
            "got write-back",
            "map", "0x28000000", "0x28001000", "UC-", "WB", "zcount_ipc:3520",
        ),
        (
            "X:2 map pfn expected mapping type write-combining for d0000000-d0001000, got uncached",
            "map", "0xd0000000", "0xd0001000", "WC", "UC", "X:2",
        ),
        (
            "reserve_ram_pages_type failed 0x32fc5000-0x32fc6000, track 0x10, req 0x10",
            "reserve-ram", "0x32fc5000", "0x32fc6000", "UC-", "UC-", None,
        ),
        (
            "x86/PAT: reserve_ram_pages_type failed [mem 0x32fc5000-0x32fc5fff], track 0x1, req 0x4",
            "reserve-ram", "0x32fc5000", "0x32fc6000", "WT", "WC", None,
        ),
        (
            "ioremap error for 0xfed40000-0xfed45000, requested 0x2, got 0x0",
            "ioremap-type", "0xfed40000", "0xfed45000", "UC-", "WB", None,
        ),
        (
            "ioremap error for 0xfed40000-0xfed45000, requested 0x18, got 0x99",
            "ioremap-type", "0xfed40000", "0xfed45000", "UC", None, None,
        ),
    ],
)  # fmt: skip
def test_conflicts(
    line: str, kind: str, start: str | None, end: str | None, wanted: str | None, got: str | None, who: str | None
) -> None:
    value = {"kind": kind, "start": start, "end": end, "wanted": wanted, "got": got, "who": who}
    assert facts_of(read(f"[  45.846872] {line}")) == [("conflicts", value, 1)]


def test_conflicts_past_the_limit_are_counted() -> None:
    reading = read(*["ioremap memtype_reserve failed -16"] * (CONFLICTS_LIMIT + 7))
    assert len(reading.said("conflicts")) == CONFLICTS_LIMIT
    assert messages(reading) == [(None, "7 more conflicts of memory types are left out")]


# ---- several boots, several domains


def test_two_boots_say_their_facts_each() -> None:
    reading = read(
        f"[    0.000000] {BANNER}",
        f"[    0.000000] {LINUX_LAYOUT}",
        "[    0.000000] Booting paravirtualized kernel on bare hardware",
        "[ 9999.000000] reboot: Restarting system",
        f"[    0.000000] {BANNER}",
        f"[    0.000000] {XEN_LAYOUT}",
        "[    0.000000] Booting kernel on Xen",
    )
    assert facts_of(reading) == [
        ("release", "6.1.0-56-amd64", 1),
        ("observed_pat", LINUX, 2),
        ("bare_metal", True, 3),
        ("release", "6.1.0-56-amd64", 5),
        ("observed_pat", XEN, 6),
        ("mode", "pv", 7),
        ("boots", 2, 5),
    ]


def test_a_layout_before_the_banner_is_of_the_boot_that_follows() -> None:
    early = "PAT configuration [0-7]: WB  WT  UC- UC  WC  WP  UC  UC"
    reading = read(early, BANNER, "Booting kernel on Xen", early, "", BANNER, "Booting kernel on Xen PVH")
    assert facts_of(reading) == [
        ("observed_pat", XEN, 1),
        ("release", "6.1.0-56-amd64", 2),
        ("mode", "pv", 3),
        ("observed_pat", XEN, 4),
        ("release", "6.1.0-56-amd64", 6),
        ("mode", "pvh", 7),
        ("boots", 2, 6),
    ]


def test_a_layout_between_banners_is_of_the_boot_that_has_no_other() -> None:
    reading = read(BANNER, LINUX_LAYOUT, BANNER, XEN_LAYOUT)
    assert [(value, line) for key, value, line in facts_of(reading) if key == "observed_pat"] == [(LINUX, 2), (XEN, 4)]
    enabled = "x86 PAT enabled: cpu 0, old 0x7040600070406, new 0x7010600070106"
    reading = read(BANNER, enabled, XEN_LAYOUT, BANNER, enabled)
    assert [(value, line) for key, value, line in facts_of(reading) if key == "observed_pat"] == [
        (LINUX_FOUR, 2),
        (XEN, 3),
        (LINUX_FOUR, 5),
    ]


def test_a_layout_far_before_a_banner_is_of_the_boot_before() -> None:
    reading = read(BANNER, XEN_LAYOUT, *["other"] * 8, BANNER, XEN_LAYOUT)
    assert [line for key, _, line in facts_of(reading) if key == "observed_pat"] == [2, 12]


def test_a_layout_before_other_lines_is_of_the_boot_before() -> None:
    assert facts_of(read(LINUX_LAYOUT, "xen: acpi sci 9", BANNER))[-1] == ("boots", 2, 3)


def test_the_domains_of_a_serial_console_have_their_own_boots() -> None:
    reading = read(
        "(XEN) Xen version 4.17.2 (root@) (gcc (Debian 12.2.0) 12.2.0) debug=n Thu Jan  7 06:33:20 UTC 2016",
        "(XEN) Command line: placeholder mtrr.show",
        "(XEN) MTRR default type: uncachable",
        "(XEN)   0 base 000000000000 mask ffff80000000 write-back",
        f"[    0.000000] {BANNER}",
        "(d1) [    0.000000] Linux version 5.10.7 (a@b) (gcc) #1 SMP",
        f"[    0.000000] {XEN_LAYOUT}",
        "(d1) [    0.000000] x86 PAT enabled: cpu 0, old 0x50100070406, new 0x7010600070106",
        "[    0.000000] Booting kernel on Xen",
        "(d1) [    0.000000] Booting paravirtualized kernel on Xen HVM",
    )
    assert facts_of(reading) == [
        ("release", "6.1.0-56-amd64", 5),
        ("release", "5.10.7", 6),
        ("observed_pat", XEN, 7),
        ("observed_pat", LINUX_FOUR, 8),
        ("mode", "pv", 9),
        ("mode", "hvm", 10),
        ("boots", 2, 6),
    ]


def test_boots_past_the_limit_are_counted() -> None:
    reading = read(*[BANNER, XEN_LAYOUT] * (BOOTS_LIMIT + 3))
    assert len(reading.said("release")) == len(reading.said("observed_pat")) == BOOTS_LIMIT
    assert reading.said("boots") == [BOOTS_LIMIT + 3]
    assert messages(reading) == [(None, "3 more boots are left out")]


def test_values_past_the_limit_are_noted() -> None:
    line = "smpboot: CPU0: AMD (family: 0x{:x}, model: 0x1, stepping: 0x1)"
    reading = read(*(line.format(family) for family in range(VALUES_LIMIT + 1)))
    assert len(reading.said("cpu")) == VALUES_LIMIT
    assert messages(reading) == [(VALUES_LIMIT + 1, "one more value of cpu in one boot is left out")]


def test_pairs_of_layouts_past_the_limit_are_left_out() -> None:
    pairs = (f"x86 PAT enabled: cpu 0, old 0x{number:016x}, new 0x{number:016x}" for number in range(1 << 12))
    assert len(read(*pairs).said("observed_pat")) == VALUES_LIMIT


# ---- mail


def test_quoted_printable_is_decoded_and_lines_keep_their_numbers() -> None:
    reading = read(
        "Subject: =?utf-8?q?boot?= of a guest",
        "> [    0.000000] Linux version 6.1.0 (a@b) (gcc=20",
        "> 12.2.0) #1 SMP",
        "> [    0.000000] Command line: root=3DUUID=3D77 console=3Dhvc0 quiet na=C3=",
        "=AFve=00",
        "> [    0.000000] x86/PAT: Configuration=20=",
        "[0-7]: WB  WT  UC- UC  WC  WP  UC  =",
        "UC=20=20",
        "> [    0.000000] Booting kernel on Xen=",
    )
    assert facts_of(reading) == [
        ("release", "6.1.0", 2),
        ("cmdline", "root=UUID=77 console=hvc0 quiet na\u00efve", 4),
        ("observed_pat", XEN, 6),
        ("boots", 1, 2),
    ]


def test_a_command_line_with_equals_signs_is_no_quoted_printable() -> None:
    line = "Command line: root=UUID=77 x=3D y=20 quiet=1 loglevel=7"
    assert read(line).said("cmdline") == [line.removeprefix("Command line: ")]


# ---- bounds


def test_a_long_line_is_left_out_alone() -> None:
    reading = read(BANNER, f"Command line: {'a' * LINE_LIMIT}", XEN_LAYOUT)
    assert [key for key, *_ in facts_of(reading)] == ["release", "observed_pat", "boots"]
    length = LINE_LIMIT + len("Command line: ")
    assert messages(reading) == [(2, f"a line of {length} characters is left out; at most 4096 are read")]


def test_unknown_text_is_shown_in_part() -> None:
    assert read(BANNER, f"x86/PAT: {'a' * 1000}").unknown == [(2, f"x86/PAT: {'a' * 111}")]


@pytest.mark.parametrize(
    ("text", "code", "line", "message"),
    [
        ("", "not_recognised", 1, "no line of a Linux boot log that says anything of memory types: send it from"),
        ("total 4\ndrwxr-xr-x 2 root root\n", "not_recognised", 1, "a line `Linux version ...`, `x86/PAT: Conf"),
        ("x86/PAT: Conf\n", "not_recognised", 1, "or `MTRR default type: ...` would do"),
        ("(XEN) Xen version 4.17.2 (a@b) (gcc) x\n", "not_recognised", 1, "as `dmesg` prints it"),
        (f"{BANNER}\n\0", "not_text", 2, "a NUL character"),
        ("\n" * 100_001, "too_many_lines", None, "more than 100000 lines; send the log of one boot"),
        ("a" * ((4 << 20) + 1), "too_large", None, "more than 4194304 bytes; send the log of one boot"),
    ],
)
def test_refusals(text: str, code: str, line: int | None, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_boot_log(text, source="dmesg.txt")
    (problem,) = refused.value.found
    assert (problem.code, problem.source, problem.line) == (code, "dmesg.txt", line)
    assert message in problem.message


NEAR = [
    "x86/PAT: Configuration [0-7]: WB  WC  UC",
    "> " * 20,
    "<6>" * 12,
    "a:1 map pfn RAM range req w for [mem ",
    "MTRR default type: uncachable",
    "Xen version: 4.17.2 (pre",
    "Kernel command line: a \\",
    "00000-9FFFF write-back",
    "=20=20=20=",
]


@pytest.mark.parametrize("line", NEAR)
def test_a_hundred_thousand_near_matches_end(line: str) -> None:
    reading = read_boot_log("\n".join([BANNER, *[line] * 99_999]), source="dmesg.txt")
    assert reading.said("boots") == [1]


_WORDS = [
    "[    0.000000] ", "> ", "(XEN) ", "(d1) ", "HVM4: ", "\x1b[1m", "\r", "\n", "\n", "\n", "=20", "=3D", "=\n", "=0A",
    BANNER, XEN_LAYOUT, *MTRRS, *KVM_MTRRS, "x86 PAT enabled: cpu 0, old 0x50100070406, new 0x7010600070106",
    "Booting kernel on Xen", "Hypervisor detected: Xen", "Disabled", "MTRRs set to read-only", "PAT support disabled.",
    "Xen version: 4.2.amazon", "Kernel command line: a \\", "x:1 conflicting memory types 1-2 uncached<->write-back",
]  # fmt: skip


@settings(max_examples=100)
@given(st.lists(st.one_of(st.sampled_from(_WORDS), st.text(max_size=20)), max_size=60).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reading = read_boot_log(text, source="dmesg.txt")
    except InvalidInput:
        return
    assert reading.facts
    for value in reading.said("mtrr"):
        read_mtrr(value)
