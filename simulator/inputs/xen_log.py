"""Xen's own log, as `xl dmesg` prints it and a shared console shows it among others' lines."""

import re
from collections.abc import Callable

from simulator import hypervisor
from simulator.inputs.log_lines import LoggedBoot, LoggedBoots, LogLine, log_lines
from simulator.inputs.mtrr_lines import TELLTALES as MTRR_TELLTALES
from simulator.inputs.reading import Reading
from simulator.problem import InvalidInput

_RELEVANT = re.compile(
    "|".join(
        (
            "Xen version",
            "Latest ChangeSet",
            "build-id",
            "Command line",
            "CPU Vendor",
            "Dom0",
            "Bad L1 flags",
            "WRMSR",
            *MTRR_TELLTALES,
        )
    )
)
#: PWT, PCD and PAT of a page-table entry of 4 KiB.
_CACHE_BITS = 0x98
_VENDORS = {"Intel": "intel", "AMD": "amd"}
_NEEDED = (
    "no line of Xen's log that is read: send what `xl dmesg` prints, from its first line on, with `(XEN)` in front of "
    "each; a line `(XEN) Xen version ...` or `(XEN) Command line: ...` would do"
)


class _Boot(LoggedBoot):
    """What Xen says from one start to the next."""

    def __init__(self, reading: Reading, *, is_kept: bool) -> None:
        super().__init__(reading, is_kept=is_kept)
        self.counts: dict[str, list[int]] = {}  # key: how often, first line
        self.flags = 0

    def count(self, key: str, line: int) -> None:
        """Count a line of a kind that repeats."""
        self.is_empty = False
        self.counts.setdefault(key, [0, line])[0] += 1

    def finish(self) -> None:
        """Say what the boot as a whole tells."""
        super().finish()
        for key, (count, first) in self.counts.items():
            self.say(key, count, first)
        if "bad_l1_flags" in self.counts and not self.flags & _CACHE_BITS:
            message = "none of the refused flags is PAT, PCD or PWT: this is not about memory types"
            self.reading.note(message, self.counts["bad_l1_flags"][1])


def _version(boot: _Boot, found: re.Match[str], line: int) -> None:
    try:
        boot.say("xen", hypervisor.parse_release(found[1]).release, line)
    except InvalidInput as fault:
        boot.is_empty = False
        boot.reading.note(fault.found[0].message, line)


def _text(key: str) -> Callable[[_Boot, re.Match[str], int], None]:
    return lambda boot, found, line: boot.say(key, found[1], line)


def _cpu(boot: _Boot, found: re.Match[str], line: int) -> None:
    vendor = _VENDORS.get(found[1])
    boot.say("cpu", {"vendor": vendor, "family": int(found[2], 16), "model": int(found[3], 16)}, line)


def _dom0_mode(boot: _Boot, found: re.Match[str], line: int) -> None:
    boot.say("dom0_mode", found[1].lower(), line)


def _bad_l1_flags(boot: _Boot, found: re.Match[str], line: int) -> None:
    boot.flags |= int(found[1], 16)
    boot.count("bad_l1_flags", line)


def _wrmsr_pat(boot: _Boot, found: re.Match[str], line: int) -> None:
    boot.count("wrmsr_pat", line)


# Before a message about a domain stand file and line, and which domain, as in `arch/x86/mm.c:907:d1v0 `.
_WHERE = r"(?:\S{1,100} )?"
_NUMBER = r"[0-9]{1,4} \(0x([0-9a-f]{1,4})\)"
_BANNER = re.compile(r"Xen version (\S{1,80}) \(.*", re.ASCII)
_LINES = tuple(
    (re.compile(pattern, re.ASCII), take)
    for pattern, take in (
        (r"Latest ChangeSet: (.{1,200})", _text("changeset")),
        (r"build-id: ([0-9a-f]{8,64})", _text("build_id")),
        (r"Command line: (.*)", _text("xen_cmdline")),
        (rf"CPU Vendor: (\S{{1,40}}), Family {_NUMBER}, Model {_NUMBER}(?:, .*)?", _cpu),
        (r"\*{2,3} Building a (PVH?) Dom0 \*{2,3}", _dom0_mode),
        (rf"{_WHERE}Bad L1 flags (?:0x)?([0-9a-f]{{1,8}})", _bad_l1_flags),
        # 4.14 and older print the register without 0x, the oldest with 16 digits.
        (rf"{_WHERE}(?:Domain |Non-priv domain )?(?:attempted )?WRMSR[ (](?:0x)?0{{0,13}}277\b.*", _wrmsr_pat),
    )
)


def _take(boots: LoggedBoots[_Boot], line: LogLine) -> None:
    boot = boots.of(line)
    if banner := _BANNER.fullmatch(line.message):
        _version(boots.begin(line), banner, line.number)
        return
    if boot.takes_mtrr(line):
        return
    for pattern, take in _LINES:
        if found := pattern.fullmatch(line.message):
            take(boot, found, line.number)
            return
    if line.message.startswith(("MTRR", "mtrr")):
        boots.reading.skip(line.number, line.message)


def read_xen_log(text: str, *, source: str) -> Reading:
    """The facts of Xen's log of up to 4 MiB and 100,000 lines; lines without `(XEN)`, and those that a
    domain printed, are others' and passed over: a guest may write on the console what it likes.

    A boot begins with the line of Xen's version; each says its facts, a value once. Counts of refused page-table
    flags and of writes to IA32_PAT have the first line's number. Raises InvalidInput for what is no such log.

    Source: xen, xen/common/version.c, xen/arch/x86/cpu/common.c, xen/arch/x86/mm.c, xen/arch/x86/pv/emul-priv-op.c.
    """
    reading = Reading("xl-dmesg", source)
    boots = LoggedBoots(reading, _Boot)
    for line in log_lines(text, reading, _RELEVANT):
        if line.is_xen and not line.domain:
            _take(boots, line)
    boots.finish()
    if not reading.facts:
        raise reading.refusal("not_recognised", _NEEDED, line=1)
    return reading
