"""Xen's log: what `xl dmesg` prints, alone and on a console that others share."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.inputs.boot_log import read_boot_log
from simulator.inputs.log_lines import BOOTS_LIMIT, VALUES_LIMIT
from simulator.inputs.reading import Reading
from simulator.inputs.xen_log import read_xen_log
from simulator.mtrr import read_mtrr
from simulator.problem import InvalidInput

VERSION = "Xen version 4.17.2 (root@build) (gcc (Debian 12.2.0-14) 12.2.0) debug=n Thu Jan  7 06:33:20 UTC 2016"
MTRRS = [
    "mtrr: your CPUs had inconsistent fixed MTRR settings",
    "mtrr: probably your BIOS does not setup all CPUs.",
    "MTRR default type: write-back",
    "MTRR fixed ranges enabled:",
    "  00000-9ffff write-back",
    "  a0000-bffff uncachable",
    "  c0000-fffff write-protect",
    "MTRR variable ranges enabled:",
    "  0 base 0080000000 mask ff80000000 uncachable",
    *[f"  {number} disabled" for number in range(1, 8)],
]
LOG = [
    VERSION,
    "Latest ChangeSet: Mon Jan 26 17:53:45 2026 +0000 git:6491616ddd",
    "build-id: 035024497a4cadebf9e5a2ded61f63ac",
    "CPU Vendor: Intel, Family 6 (0x6), Model 158 (0x9e), Stepping 11 (raw 000906eb)",
    "Bootloader: GRUB 2.12",
    "Command line: placeholder dom0_mem=4096M,max:4096M mtrr.show no-real-mode edd=off",
    *MTRRS,
    "Dom0 has maximum 416 PIRQs",
    "*** Building a PV Dom0 ***",
    "arch/x86/mm.c:2159:d0v0 Bad L1 flags 90",
    "mm.c:1758:d0 Bad L1 flags 800000",
    "emul-priv-op.c:1166:d0v0 Domain attempted WRMSR 00000277 from 0x0000050100070406 to 0x0007010600070106",
]


def read(*lines: str, prefix: str = "(XEN) ") -> Reading:
    return read_xen_log("".join(f"{prefix}{line}\n" for line in lines), source="xl-dmesg.txt")


def facts_of(reading: Reading) -> list[tuple[str, object, int | None]]:
    return [(fact.key, fact.value, fact.line) for fact in reading.facts]


def messages(reading: Reading) -> list[tuple[object, object]]:
    return [(note["line"], note["message"]) for note in reading.notes]


FACTS = [
    ("xen", "4.17.2", 1),
    ("changeset", "Mon Jan 26 17:53:45 2026 +0000 git:6491616ddd", 2),
    ("build_id", "035024497a4cadebf9e5a2ded61f63ac", 3),
    ("cpu", {"vendor": "intel", "family": 6, "model": 0x9E}, 4),
    ("xen_cmdline", "placeholder dom0_mem=4096M,max:4096M mtrr.show no-real-mode edd=off", 6),
    (
        "mtrr",
        {
            "enabled": True,
            "default": "WB",
            "fixed_enabled": True,
            "fixed": [
                {"base": "0x0", "size": "0xa0000", "type": "WB"},
                {"base": "0xa0000", "size": "0x20000", "type": "UC"},
                {"base": "0xc0000", "size": "0x40000", "type": "WP"},
            ],
            "variable": [{"base": "0x80000000", "size": "0x80000000", "type": "UC"}],
            "address_bits": 40,
        },
        9,
    ),
    ("dom0_mode", "pv", 24),
    ("bad_l1_flags", 2, 25),
    ("wrmsr_pat", 1, 27),
    ("boots", 1, 1),
]


@pytest.mark.parametrize(
    "prefix",
    [
        "(XEN) ",
        "(XEN) [0000003420fc47e1] ",
        "(XEN) [    3.151856] ",
        "(XEN) [2022-09-19 19:50:56] ",
        "(XEN) [2022-09-19 19:50:56.123] ",
        ">> (XEN) ",
        "> > (XEN) ",
        "Jun 26 21:51:47.667448 (XEN) ",
        "[    0.000000] (XEN) ",
        "\x1b[0m\r(XEN) ",
    ],
)
def test_a_whole_log(prefix: str) -> None:
    reading = read(*LOG, prefix=prefix)
    assert facts_of(reading) == FACTS
    assert reading.unknown == [(7, MTRRS[0]), (8, MTRRS[1])]
    assert reading.notes == []
    assert reading.as_data()["kind"] == "xl-dmesg"


def test_its_mtrrs_are_what_the_engine_reads() -> None:
    (value,) = read(*LOG).said("mtrr")
    mtrr = read_mtrr(value)
    assert (mtrr.default.word, mtrr.address_bits, len(mtrr.fixed), len(mtrr.variable)) == ("WB", 40, 3, 1)


def test_a_log_in_quoted_printable() -> None:
    reading = read_xen_log(
        "> (XEN) Xen version 4.20-rc (woods@.local) (gcc (nb1 =\n"
        "20200907) 9.3.0) debug=3Dy Sun Feb 16 13:33:02 PST 2025\n"
        "> (XEN) Command line: loglvl=3Dall\n",
        source="mail.eml",
    )
    assert facts_of(reading) == [("xen", "4.20-rc", 1), ("xen_cmdline", "loglvl=all", 3), ("boots", 1, 1)]


@pytest.mark.parametrize(
    ("line", "release"),
    [
        (
            "Xen version 4.6.0 (user@) (gcc (GCC) 4.8.3 20140911 (Red Hat 4.8.3-7)) debug=n "
            "Thu Jan  7 06:33:20 UTC 2016",
            "4.6.0",
        ),
        ("Xen version 4.22-unstable (tsnake41@(none)) (gcc (Alpine 15.2.0) 15.2.0) debug=y Tue", "4.22-unstable"),
        ("Xen version 4.4.1 (root@host) (gcc) debug=n", "4.4.1"),
        ("Xen version 3.1.2-128.1.10.el5 (mockbuild@) (gcc) Tue", "3.1.2-128.1.10.el5"),
    ],
)  # fmt: skip
def test_releases(line: str, release: str) -> None:
    assert facts_of(read(line)) == [("xen", release, 1), ("boots", 1, 1)]


def test_a_release_that_never_was_is_noted() -> None:
    reading = read("Xen version 3.9.1 (a@b) (gcc) x")
    assert facts_of(reading) == [("boots", 1, 1)]
    ((line, message),) = messages(reading)
    assert line == 1
    assert "Xen 3.9 is not known" in str(message)


@pytest.mark.parametrize(
    ("line", "cpu"),
    [
        (
            "CPU Vendor: AMD, Family 25 (0x19), Model 33 (0x21), Stepping 0 (raw 00a20f10)",
            {"vendor": "amd", "family": 0x19, "model": 0x21},
        ),
        (
            "CPU Vendor: Hygon, Family 24 (0x18), Model 1 (0x1), Stepping 1 (raw 00900f11)",
            {"vendor": None, "family": 0x18, "model": 1},
        ),
        ("CPU Vendor: Intel, Family 6 (0x6), Model 23 (0x17)", {"vendor": "intel", "family": 6, "model": 23}),
    ],
)
def test_processors(line: str, cpu: dict[str, object]) -> None:
    assert facts_of(read(line)) == [("cpu", cpu, 1)]


@pytest.mark.parametrize(
    ("line", "mode"),
    [
        ("*** Building a PV Dom0 ***", "pv"),
        ("*** Building a PVH Dom0 ***", "pvh"),
        ("** Building a PVH Dom0 **", "pvh"),
    ],
)
def test_dom0_modes(line: str, mode: str) -> None:
    assert facts_of(read(line)) == [("dom0_mode", mode, 1)]


@pytest.mark.parametrize(
    "line",
    [
        "d1v0 Domain attempted WRMSR 00000277 from 0x0000050100070406 to 0x0007010600070106",
        "emul-priv-op.c:1166:d1v0 Domain attempted WRMSR 0x00000277 from 0x0000050100070406 to 0x0007010600070106",
        "traps.c:2317:d1 Domain attempted WRMSR 0000000000000277 from 00000501:00070406 to 00070106:00070106.",
        "arch/x86/pv/emul-priv-op.c:1050:d1v0 WRMSR 0x00000277 val 0x0007010600070106 unimplemented",
        "Non-priv domain attempted WRMSR(0000000000000277,00070106,00070106).",
    ],
)
def test_writes_of_the_register_are_counted(line: str) -> None:
    assert facts_of(read(line, "d0v0 Domain attempted WRMSR c0011020 from 0x0 to 0x1", line)) == [("wrmsr_pat", 2, 1)]


@pytest.mark.parametrize(
    "line",
    [
        "arch/x86/mm.c:907:d1v0 Bad L1 flags 0x80",
        "mm.c:1758:d1 Bad L1 flags 90",
        "Bad L1 flags 8",
    ],
)
def test_refused_flags_are_counted(line: str) -> None:
    reading = read(line, line)
    assert (facts_of(reading), reading.notes) == ([("bad_l1_flags", 2, 1)], [])


def test_refused_flags_that_are_no_cache_bits_are_counted_with_a_note() -> None:
    reading = read("arch/x86/mm.c:2159:d0v0 Bad L1 flags 400000")
    assert facts_of(reading) == [("bad_l1_flags", 1, 1)]
    message = "none of the refused flags is PAT, PCD or PWT: this is not about memory types"
    assert messages(reading) == [(1, message)]


def test_what_amd_forces_is_so_only_where_xen_says_it() -> None:
    head = ["MTRR default type: uncachable", "MTRR variable ranges enabled:"]
    plain, forced = read(*head, "TOM2: 000240000000"), read(*head, "TOM2: 000240000000 (WB)")
    assert [len(read_mtrr(reading.said("mtrr")[0]).variable) for reading in (plain, forced)] == [0, 2]
    assert plain.unknown_count == 0


def test_two_boots_say_their_facts_each() -> None:
    reading = read(VERSION, "*** Building a PV Dom0 ***", VERSION, "*** Building a PVH Dom0 ***")
    assert facts_of(reading) == [
        ("xen", "4.17.2", 1),
        ("dom0_mode", "pv", 2),
        ("xen", "4.17.2", 3),
        ("dom0_mode", "pvh", 4),
        ("boots", 2, 3),
    ]


def test_boots_past_the_limit_are_counted() -> None:
    reading = read(*[VERSION] * (BOOTS_LIMIT + 3))
    assert len(reading.said("xen")) == BOOTS_LIMIT
    assert reading.said("boots") == [BOOTS_LIMIT + 3]
    assert messages(reading) == [(None, "3 more boots are left out")]


def test_values_past_the_limit_are_noted() -> None:
    reading = read(*(f"Command line: {number}" for number in range(VALUES_LIMIT + 1)))
    assert len(reading.said("xen_cmdline")) == VALUES_LIMIT
    assert messages(reading) == [(VALUES_LIMIT + 1, "one more value of xen_cmdline in one boot is left out")]


MIXED = f"""\
(XEN) {VERSION}
(XEN) Command line: placeholder console=com1
(XEN) MTRR default type: uncachable
[    0.000000] MTRR default type: write-back
(XEN) MTRR variable ranges enabled:
[    0.000000] MTRR variable ranges enabled:
(XEN)   0 base 000000000000 mask ffff80000000 write-back
[    0.000000]   0 base 000080000000 mask 3FFF80000000 uncachable
(XEN)   1 disabled
[    0.000000] Linux version 6.1.0-56-amd64 (a@b) (gcc) #1 SMP
[    0.000000] Command line: placeholder root=/dev/sda1
(XEN) HVM4: x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- WT
(d5) Command line: console=hvc0
(d2) (XEN) *** Building a PVH Dom0 ***
(XEN) *** Building a PV Dom0 ***
"""


def test_on_a_shared_console_each_reader_takes_its_own_lines() -> None:
    xen, linux = (reader(MIXED, source="console.txt") for reader in (read_xen_log, read_boot_log))
    assert [(key, line) for key, _, line in facts_of(xen)] == [
        ("xen", 1),
        ("xen_cmdline", 2),
        ("mtrr", 3),
        ("dom0_mode", 15),
        ("boots", 1),
    ]
    assert [(key, line) for key, _, line in facts_of(linux)] == [
        ("mtrr", 4),
        ("release", 10),
        ("cmdline", 11),
        ("observed_pat", 12),
        ("cmdline", 13),
        ("boots", 10),
    ]
    assert [read_mtrr(reading.said("mtrr")[0]).address_bits for reading in (xen, linux)] == [48, 46]


@pytest.mark.parametrize(
    ("text", "code", "line", "message"),
    [
        ("", "not_recognised", 1, "no line of Xen's log that is read: send what `xl dmesg` prints"),
        (f"{VERSION}\n", "not_recognised", 1, "with `(XEN)` in front of each; a line `(XEN) Xen version ...`"),
        ("(XEN) Xen version 4.17.2\n(XEN) Command", "not_recognised", 1, "or `(XEN) Command line: ...` would do"),
        ("(XEN) a\n(XEN) \0", "not_text", 2, "a NUL character"),
        ("\n" * 100_001, "too_many_lines", None, "more than 100000 lines"),
        ("a" * ((4 << 20) + 1), "too_large", None, "more than 4194304 bytes"),
    ],
)
def test_refusals(text: str, code: str, line: int | None, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_xen_log(text, source="xl-dmesg.txt")
    (problem,) = refused.value.found
    assert (problem.code, problem.source, problem.line) == (code, "xl-dmesg.txt", line)
    assert message in problem.message


@pytest.mark.parametrize("line", ["(XEN) Bad L1 flags", "(XEN) d1 Domain attempted WRMSR 000", "(XEN) Xen version 4"])
def test_a_hundred_thousand_near_matches_end(line: str) -> None:
    reading = read_xen_log("\n".join([f"(XEN) {VERSION}", *[line] * 99_999]), source="xl-dmesg.txt")
    assert facts_of(reading) == [("xen", "4.17.2", 1), ("boots", 1, 1)]


_WORDS = ["(XEN) ", "(d1) ", "\n", "\n(XEN) ", "\n(XEN) ", "> ", "=20", "=3D", "=\n", *LOG]


@settings(max_examples=100)
@given(st.lists(st.one_of(st.sampled_from(_WORDS), st.text(max_size=20)), max_size=60).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reading = read_xen_log(text, source="xl-dmesg.txt")
    except InvalidInput:
        return
    assert reading.facts
    for value in reading.said("mtrr"):
        read_mtrr(value)
