"""A Linux boot log: what each boot in it says of the PAT, the MTRRs, the hypervisor and the kernel."""

import re
from collections.abc import Callable
from typing import NamedTuple

from simulator import hypervisor
from simulator.inputs.layout import read_layout
from simulator.inputs.log_lines import LINE_LIMIT, VALUES_LIMIT, LoggedBoot, LoggedBoots, LogLine, log_lines
from simulator.inputs.memtype_lines import TELLTALES as MEMTYPE_TELLTALES
from simulator.inputs.memtype_lines import read_conflict
from simulator.inputs.mtrr_lines import TELLTALES as MTRR_TELLTALES
from simulator.inputs.reading import Reading
from simulator.pat import POWER_ON, InvalidPatLayout, PatLayout
from simulator.problem import InvalidInput

CONFLICTS_LIMIT = 200
_OPENING_LINES = 8  # how near a PAT line in front of a banner is

#: Why the kernel does without PAT, by its message. Source: linux, arch/x86/mm/pat/memtype.c and its ancestors.
WITHOUT_PAT = {
    "PAT support disabled via boot option.": "boot option",
    "PAT support disabled.": "boot option",
    "PAT support disabled because CONFIG_X86_PAT is disabled in the kernel.": "CONFIG_X86_PAT",
    "PAT support disabled because CONFIG_MTRR is disabled in the kernel.": "CONFIG_MTRR",
    "PAT WC disabled due to known CPU erratum.": "erratum",
    "PAT disabled. Not yet verified on this CPU type.": "unverified cpu",
    "PAT support disabled by the firmware.": "firmware",
    "PAT MSR is 0, disabled.": "firmware",
    "PAT read returns always zero, disabled.": "firmware",
}

#: Messages that only an initial domain has.
#: Source: linux, arch/x86/pci/xen.c, drivers/xen/mcelog.c, drivers/xen/xen-acpi-processor.c.
DOM0_MESSAGES = (
    "xen: sci override: global_irq=",
    "xen: acpi sci ",
    "xen: registering gsi ",
    "xen_mcelog: /dev/mcelog registered by Xen",
    "xen_acpi_processor: Uploading Xen processor PM info",
    "xen-acpi-processor: Uploading Xen processor PM info",
)

#: The mode by pv_info's name, and by the name of the detected hypervisor, which PVH guests share with HVM guests.
_MODES = {"Xen": "pv", "Xen HVM": "hvm", "Xen PVH": "pvh"}
_DETECTED_MODES = {"Xen PV": "pv", "Xen HVM": "hvm"}
_BARE = "bare hardware"
_VENDOR = re.compile(r"\b(?:Intel|AMD)\b", re.ASCII)

_RELEVANT = re.compile(
    "|".join(
        (
            "PAT",
            *MTRR_TELLTALES,
            *MEMTYPE_TELLTALES,
            "Disabled",
            "Linux version ",
            "ommand line:",
            "Booting ",
            "Hypervisor detected",
            "Xen version",
            "CPU0: ",
            "xen[:_-]",
        )
    )
)
#: Lines that would have been understood if they were whole, or if this kernel were known.
_NOT_UNDERSTOOD = re.compile(r"(?:x86[/ ])?(?:PAT|MTRRs?|mtrr)\b", re.ASCII)
_NEEDED = (
    "no line of a Linux boot log that says anything of memory types: send it from its first line on, as `dmesg` prints "
    "it; a line `Linux version ...`, `x86/PAT: Configuration [0-7]: ...` or `MTRR default type: ...` would do"
)


class _Seen(NamedTuple):
    """A text of the log that has to wait for others, and its line."""

    text: str
    line: int


class _Boot(LoggedBoot):
    """What one boot says. What only all of it together tells waits for its end."""

    def __init__(self, reading: Reading, *, is_kept: bool) -> None:
        super().__init__(reading, is_kept=is_kept)
        self.opening: _Seen | None = None
        self.early_cmdline: _Seen | None = None
        self.cmdline: _Seen | None = None
        self.is_wrapped = False
        self.platform: _Seen | None = None
        self.has_pvh_extensions = False
        self.detected: _Seen | None = None
        self.enabled: list[tuple[PatLayout, PatLayout, int]] = []
        self.mtrr_off: int | None = None
        self.mtrr_state: tuple[dict[str, object], int] | None = None

    def finish(self) -> None:
        """Say what the boot as a whole tells."""
        self.say_opening()
        self._say_cmdline()
        mode = self._mode()
        for old, new, line in self.enabled:
            self._say_enabled(old, new, line, is_pv=mode == "pv")
        super().finish()
        self._say_mtrr_off(mode)
        if self.mtrr_state:
            self.say("mtrr_state", *self.mtrr_state)

    def could_spare_opening(self, banner: int) -> bool:
        """Whether the PAT line before a banner is not this boot's own: it has one already, or has no banner."""
        has_own = "release" not in self.said or "observed_pat" in self.said or bool(self.enabled)
        return has_own and self.opening is not None and banner - self.opening.line <= _OPENING_LINES

    def say_opening(self) -> None:
        """Say the layout that might have been the next boot's."""
        if self.opening:
            self.say("observed_pat", *self.opening)
            self.opening = None

    def _say_cmdline(self) -> None:
        early, late = self.early_cmdline, self.cmdline
        found = early if late is None or (early and early.text == late.text) else late
        if found:
            self.say("cmdline", *found)

    def _mode(self) -> str | None:
        """Say in which mode the kernel runs; pv_info knows, the detected hypervisor is the next best."""
        platform, detected = self.platform, self.detected
        mode = _MODES.get(platform.text) if platform else None
        if mode == "pv" and self.has_pvh_extensions:
            mode = "pvh"
        other = _DETECTED_MODES.get(detected.text) if detected else None
        if platform and mode:
            self.say("mode", mode, platform.line)
            if other and other != mode and (mode, other) != ("pvh", "hvm"):
                self.reading.note(f"another line says {mode}: that one counts", detected.line if detected else None)
        elif detected and other:
            mode = other
            self.say("mode", mode, detected.line)
            if mode == "hvm":
                self.reading.note("taken for an HVM guest; a PVH guest has this line too", detected.line)
        elif detected and detected.text == "Xen":
            self.reading.note("Xen, but no line `Booting ... kernel on ...` that tells PV from HVM", detected.line)
        elif platform and platform.text == _BARE:
            self._say_bare(platform.line, detected)
        return mode

    def _say_bare(self, line: int, detected: _Seen | None) -> None:
        if detected is None:
            self.say("bare_metal", True, line)
        else:
            self.reading.note(f"no bare hardware: line {detected.line} names a hypervisor", line)

    def _say_enabled(self, old: PatLayout, new: PatLayout, line: int, *, is_pv: bool) -> None:
        """Say which of two layouts is in force: Xen ignores what a PV guest writes."""
        counts = old if is_pv else new
        if old not in (new, POWER_ON) or counts != new:
            which, why = ("old", "Xen ignores the write of a PV guest") if is_pv else ("new", "no line says Xen PV")
            self.reading.note(f"of old {old.hex} and new {new.hex} the {which} one is taken: {why}", line)
        self.say("observed_pat", counts.hex, line)

    def _say_mtrr_off(self, mode: str | None) -> None:
        if self.mtrr_off is None or "mtrr" in self.said:
            return
        if mode == "pv":
            self.is_empty = False
            self.reading.note("a PV guest is shown no MTRRs: this says nothing of the host's", self.mtrr_off)
        else:
            self.say("mtrr", {"enabled": False}, self.mtrr_off)


# Readers of one kind of message each: boot, match, line number.


def _cmdline(boot: _Boot, found: re.Match[str], line: int) -> None:
    text = found[2] or ""
    if not found[1]:
        boot.early_cmdline = _Seen(text, line)
        return
    # 6.19 and later wrap a long command line: every part but the last ends in a backslash.
    part = text.removesuffix(" \\")
    before = boot.cmdline if boot.is_wrapped else None
    boot.cmdline = _Seen(f"{before.text} {part}", before.line) if before else _Seen(part, line)
    boot.is_wrapped = part != text and len(boot.cmdline.text) < LINE_LIMIT


def _platform(boot: _Boot, found: re.Match[str], line: int) -> None:
    boot.has_pvh_extensions = bool(found[1])
    boot.platform = _Seen(found[2], line)


def _detected(boot: _Boot, found: re.Match[str], line: int) -> None:
    boot.detected = _Seen(found[1], line)


def _xen_version(boot: _Boot, found: re.Match[str], line: int) -> None:
    try:
        boot.say("xen", hypervisor.parse_release(found[1].removesuffix(".")).release, line)
    except InvalidInput as fault:
        boot.reading.note(fault.found[0].message, line)


def _configuration(boot: _Boot, found: re.Match[str], line: int) -> None:
    try:
        boot.opening = _Seen(read_layout(found[0]).layout.hex, line)
    except InvalidInput:
        boot.reading.skip(line, found[0])


def _enabled(boot: _Boot, found: re.Match[str], line: int) -> None:
    try:
        both = PatLayout.from_msr(int(found[1], 16)), PatLayout.from_msr(int(found[2], 16)), line
    except InvalidPatLayout:
        boot.reading.skip(line, found[0])
        return
    if all(both[:2] != known[:2] for known in boot.enabled) and len(boot.enabled) < VALUES_LIMIT:
        boot.enabled.append(both)


def _without_pat(boot: _Boot, found: re.Match[str], line: int) -> None:
    boot.say("without_pat", {"why": WITHOUT_PAT.get(found[1], "unknown"), "text": found[1][:200]}, line)


def _flag(key: str) -> Callable[[_Boot, re.Match[str], int], None]:
    return lambda boot, _, line: boot.say(key, True, line)


def _mtrr_off(boot: _Boot, found: re.Match[str], line: int) -> None:
    boot.mtrr_off = line


_STATE_KEYS = ("entries", "fixed", "variable", "max", "registers")


def _mtrr_state(boot: _Boot, found: re.Match[str], line: int) -> None:
    state, first = boot.mtrr_state or ({"read_only": False, **dict.fromkeys(_STATE_KEYS)}, line)
    if found[1] is None:
        state["read_only"] = True
    else:
        state |= {key: int(found[group]) for group, key in enumerate(_STATE_KEYS, 1)}
    boot.mtrr_state = state, first


def _cpu(boot: _Boot, found: re.Match[str], line: int) -> None:
    name = _VENDOR.search(found[1])
    vendor = name[0].lower() if name else None
    boot.say("cpu", {"vendor": vendor, "family": int(found[2], 16), "model": int(found[3], 16)}, line)


_HEX, _COUNT = r"(?:0x)?([0-9a-f]{1,4})", r"([0-9]{1,9})"
_MAP = (
    rf"MTRR map: {_COUNT} entries \({_COUNT} fixed \+ {_COUNT} variable; max {_COUNT}\), built from {_COUNT} variable"
)
_WITHOUT = "|".join(re.escape(message) for message in WITHOUT_PAT)

_LINES = tuple(
    (re.compile(pattern, re.ASCII), take)
    for pattern, take in (
        (r"(?:(Kernel )c|C)ommand line:(?: (.*))?", _cmdline),
        (r"Booting (?:paravirtualized )?kernel (with PVH extensions )?on (.{1,60})", _platform),
        (r"Hypervisor detected: (.{1,60})", _detected),
        (r"Xen version:? (\S{1,80})(?: \(preserve-AD\))?", _xen_version),
        (r"(?:x86/)?PAT[: ] ?[Cc]onfiguration \[0-7\]:.*", _configuration),
        (r"x86 PAT enabled: cpu [0-9]{1,5}, old 0x([0-9a-f]{1,16}), new 0x([0-9a-f]{1,16})", _enabled),
        (rf"(?:x86/PAT: )?({_WITHOUT}|PAT support disabled .*)", _without_pat),
        (r"(?:x86/PAT: )?PAT not supported by (?:the )?CPU\.", _flag("no_cpuid_pat")),
        (r"(?:x86/PAT: )?MTRRs disabled, skipping PAT initialization too\.", _flag("skipped_pat_init")),
        (r"MTRRs disabled(?: \(not available\)| by BIOS)?|(?:(?:MTRR|mtrr): )?Disabled", _mtrr_off),
        (rf"{_MAP} MTRRs|MTRRs set to read-only", _mtrr_state),
        (rf"(?:smpboot: )?CPU0: (.{{0,200}}) \((?:family|fam): {_HEX}, model: {_HEX}, stepping: .{{1,20}}", _cpu),
        (r"NVRM: PAT configuration unsupported.*", _flag("nvidia_pat_refused")),
    )
)
_BANNER = re.compile(r"Linux version ([0-9]\S{0,99})(?: .*)?", re.ASCII)


#: Facts that a boot would have said of itself.
_TELLING = ("without_pat", "no_cpuid_pat")


class _Log:
    """The boots of one log, and how many conflicts they have."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.boots = LoggedBoots(reading, _Boot)
        self.conflicts = 0

    def take(self, line: LogLine) -> None:
        """Take a message of Linux."""
        boot = self.boots.of(line)
        if banner := _BANNER.fullmatch(line.message):
            self._begin(line, boot, banner[1])
            return
        boot.say_opening()
        is_known = boot.takes_mtrr(line) or _is_fact(boot, line) or self._is_conflict(boot, line)
        if not is_known and _NOT_UNDERSTOOD.match(line.message):
            self.reading.skip(line.number, line.message)

    def finish(self) -> None:
        """Say what waits for the end of the log."""
        self.boots.finish()
        self._compare_boots()
        if self.conflicts > CONFLICTS_LIMIT:
            self.reading.note(f"{self.conflicts - CONFLICTS_LIMIT} more conflicts of memory types are left out")

    def _compare_boots(self) -> None:
        """Say what holds of some boots only, where its absence is as telling as its presence."""
        whole = [keys for keys in self.boots.ended if "release" in keys]
        for key in _TELLING:
            if any(key in keys for keys in whole) and not all(key in keys for keys in whole):
                self.reading.say("boots_differ", key, line=self.boots.last_banner)

    def _begin(self, line: LogLine, boot: _Boot, release: str) -> None:
        """Begin a boot. Where Linux is a PV guest, its PAT line may stand in front of its banner."""
        opening = boot.opening if boot.could_spare_opening(line.number) else None
        if opening:
            boot.opening = None
        begun = self.boots.begin(line)
        begun.opening = opening
        begun.say("release", release, line.number)

    def _is_conflict(self, boot: _Boot, line: LogLine) -> bool:
        conflict = read_conflict(line.message)
        if conflict is None:
            return False
        boot.is_empty = False
        self.conflicts += 1
        if self.conflicts <= CONFLICTS_LIMIT:
            self.reading.say("conflicts", conflict.as_data(), line=line.number)
        return True


def _is_fact(boot: _Boot, line: LogLine) -> bool:
    if line.message.startswith(DOM0_MESSAGES):
        boot.say("role", "dom0", line.number)
        return True
    for pattern, take in _LINES:
        if found := pattern.fullmatch(line.message):
            take(boot, found, line.number)
            return True
    return False


def read_boot_log(text: str, *, source: str) -> Reading:
    """The facts of a Linux boot log of up to 4 MiB and 100,000 lines: of dmesg, a console, a journal or mail.

    A boot begins with its banner; each says its facts, a value once. Xen's own lines on a shared console are passed
    over. Raises InvalidInput for what is no such log.

    Source: linux, arch/x86/mm/pat, arch/x86/kernel/cpu/mtrr, arch/x86/xen, since 2.6.26.
    """
    reading = Reading("dmesg", source)
    log = _Log(reading)
    for line in log_lines(text, reading, _RELEVANT):
        if not line.is_xen:
            log.take(line)
    log.finish()
    if not reading.facts:
        raise reading.refusal("not_recognised", _NEEDED, line=1)
    return reading
