"""What a running system says of itself: /proc/version, /proc/cmdline, /sys/hypervisor, xl info."""

import re
from typing import NamedTuple

from simulator.hypervisor import parse_release as parse_xen
from simulator.inputs.kernel_release import parse_release
from simulator.inputs.reading import Bounds, Reading, lines_of, refusal
from simulator.problem import InvalidInput

VERSION_BOUNDS = Bounds(16 << 10, 100, 4096, "/proc/version is one line of some 200 characters")
#: A command line of 4096 characters, each of up to four bytes, and line ends.
COMMAND_LINE_BOUNDS = Bounds(17 << 10, 100, 4096, "/proc/cmdline is one line of at most 2048 characters")
STATEMENTS_BOUNDS = Bounds(64 << 10, 2000, 8192, "such a text has some forty lines")
COMMAND_LINE_LIMIT = 4096  # characters
SHOWN = 200  # characters of a value that a fact keeps

_BANNER = re.compile(r"Linux version ([!-~]{1,100})(?: .*)?", re.ASCII)
_XEN_NUMBERS = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}(?![0-9])(?:\.[0-9]{1,3}(?![0-9]))?", re.ASCII)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def read_kernel_version(text: str, *, source: str) -> Reading:
    """The release in a /proc/version. Raises InvalidInput where its first line is no banner of Linux."""
    reading = Reading("version", source)
    lines = [(number, line.strip()) for number, line in enumerate(lines_of(text, source, VERSION_BOUNDS), 1)]
    number, banner = next(((number, line) for number, line in lines if line), (1, ""))
    match = _BANNER.fullmatch(banner)
    if match is None:
        message = "does not begin with a banner as in `Linux version 6.12.117 (...)`; send /proc/version as it is"
        raise refusal(source, "no_version", message, line=number)
    try:
        parse_release(match[1])
    except InvalidInput as fault:
        raise refusal(source, "kernel_release", fault.found[0].message, line=number) from fault
    reading.say("release", match[1], line=number)
    for other, line in lines[number:]:
        if line:
            reading.skip(other, line)
    return reading


def read_kernel_cmdline(text: str, *, source: str) -> Reading:
    """The command line in a /proc/cmdline of up to 4096 characters; line ends and tabs become blanks.

    Raises InvalidInput for an empty file; one that holds a line end alone says that there are no options.
    """
    reading = Reading("cmdline", source)
    lines = lines_of(text, source, COMMAND_LINE_BOUNDS)
    if not lines:
        raise refusal(source, "empty", "is empty; send /proc/cmdline as it is", line=1)
    parts = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if len(parts) > 1:
        reading.note(f"{len(parts)} lines are read as one, with a blank between them", parts[1][0])
    whole = " ".join(line.strip() for _, line in parts).replace("\t", " ")
    if len(whole) > COMMAND_LINE_LIMIT:
        message = f"{len(whole)} characters; a command line has at most {COMMAND_LINE_LIMIT}"
        raise refusal(source, "too_long", message, line=parts[0][0])
    if _CONTROL.search(whole):
        whole = _CONTROL.sub("?", whole)
        reading.note("control characters are read as `?`", parts[0][0])
    if whole.count('"') % 2:
        reading.note("a quote is not closed: all that follows it belongs to one option", parts[0][0])
    reading.say("cmdline", whole, line=parts[0][0] if parts else 1)
    return reading


class _Statement(NamedTuple):
    """A line `key: value`."""

    key: str
    value: str
    line: int


#: Of /sys/hypervisor, with what is passed over: it bears on nothing here.
_HYPERVISOR_KEYS = """
    type guest_type version capabilities features start_flags proc_xen_capabilities
    major minor extra compiler compiled_by compile_date changeset virtual_start pagesize buildid build_id uuid
"""
_MODES = {"PV": "pv", "HVM": "hvm", "PVH": "pvh"}
_FEATURES = re.compile("(?:0x)?([0-9a-f]{1,8})", re.IGNORECASE | re.ASCII)
#: XENFEAT_dom0: Xen sets it for the dom0 alone, from 4.2 on. Source: xen, xen/common/kernel.c, XENVER_get_features.
_FEATURE_DOM0 = 1 << 11
_FEATURE_DOM0_SINCE = (4, 2)


def read_sys_hypervisor(text: str, *, source: str) -> Reading:
    """Mode, role and Xen's version in lines `key: value` made of /sys/hypervisor and /proc/xen.

    The keys are names of files there, `version` for major.minor and extra in one, `start_flags` for the names of
    those that are set, and `proc_xen_capabilities`. Raises InvalidInput where no `type: xen` is among them.

    Source: linux, drivers/xen/sys-hypervisor.c, drivers/xen/xenfs/super.c.
    """
    reading = Reading("hypervisor", source)
    statements = _statements(reading, text, _HYPERVISOR_KEYS)
    kinds = [one for one in statements if one.key == "type"]
    strange = next((one for one in kinds if one.value != "xen"), None)
    if strange is not None:
        message = f"the hypervisor's type is {strange.value[:20]!a}, not xen; send what a guest of Xen shows"
        raise refusal(source, "not_xen", message, line=strange.line)
    if not kinds:
        message = "holds no `type: xen`; send the files of /sys/hypervisor of a guest of Xen as lines `key: value`"
        raise refusal(source, "not_xen", message, line=1)
    for one in statements:
        if one.key == "version":
            _say_xen(reading, one.value, one.line)
    series = [parse_xen(str(xen)).series for xen in reading.said("xen")]
    shows_dom0 = bool(series) and min(series) >= _FEATURE_DOM0_SINCE
    for one in statements:
        if one.key == "guest_type":
            _say_mode(reading, one)
        elif role := _role(one, shows_dom0):
            reading.say("role", role, line=one.line)
    return reading


def _say_mode(reading: Reading, one: _Statement) -> None:
    if one.value.upper() in _MODES:
        reading.say("mode", _MODES[one.value.upper()], line=one.line)
    else:
        reading.note(f"{one.value[:20]!a} is no type of guest; PV, HVM or PVH is expected", one.line)


def _role(one: _Statement, shows_dom0: bool) -> str | None:
    """The role that a line proves, if any; `shows_dom0` is whether Xen tells every dom0 by its features."""
    if one.key == "start_flags":
        return _role_of_flags(one.value.lower().split())
    if one.key == "proc_xen_capabilities":  # empty in a domU, but also where xenfs is not mounted
        return "dom0" if "control_d" in one.value.split() else None
    match = _FEATURES.fullmatch(one.value) if one.key == "features" else None
    if match is None:
        return None
    if int(match[1], 16) & _FEATURE_DOM0:
        return "dom0"
    return "domU" if shows_dom0 else None


def _role_of_flags(flags: list[str]) -> str | None:
    """By start_flags: none at all says nothing, for old kernels do not show them."""
    if "initdomain" in flags:
        return "dom0"
    return "domU" if flags and "privileged" not in flags else None


#: Of xl info, with what is passed over. Source: xen, tools/xl/xl_info.c, and xm's of before.
_INFO_KEYS = """
    xen_major xen_minor xen_extra xen_version xen_commandline virt_caps
    host release version machine nr_cpus max_cpu_id nr_nodes cores_per_socket threads_per_core cpu_mhz hw_caps arm_sve
    total_memory free_memory sharing_freed_memory sharing_used_memory outstanding_claims free_cpus xen_caps
    xen_scheduler xen_pagesize platform_params xen_changeset cc_compiler cc_compile_by cc_compile_domain
    cc_compile_date build_id xend_config_format node_to_cpu node_to_memory node_to_dma32_mem
"""
_INFO_FACTS = {"xen_commandline": "xen_cmdline", "virt_caps": "virt_caps"}


def read_xl_info(text: str, *, source: str) -> Reading:
    """Xen's version, its command line and what virtualization the machine has, of what `xl info` prints.

    Raises InvalidInput where no version of Xen is in it.

    Source: xen, tools/xl/xl_info.c, output_xeninfo().
    """
    reading = Reading("xl-info", source)
    statements = _statements(reading, text, _INFO_KEYS)
    parts = {one.key: one for one in reversed(statements)}
    if "xen_version" not in parts and not {"xen_major", "xen_minor"} <= parts.keys():
        message = "holds neither `xen_version` nor `xen_major` and `xen_minor`; send what `xl info` prints"
        raise refusal(source, "no_xl_info", message, line=1)
    _say_versions(reading, statements, parts)
    for one in statements:
        if one.key in _INFO_FACTS and one.value:
            _say_text(reading, _INFO_FACTS[one.key], one)
    return reading


def _say_versions(reading: Reading, statements: list[_Statement], parts: dict[str, _Statement]) -> None:
    """Every xen_version, and the version in parts where that is another one."""
    stated = [one for one in statements if one.key == "xen_version"]
    for one in stated:
        _say_xen(reading, one.value, one.line)
    if {"xen_major", "xen_minor"} <= parts.keys():
        extra = parts["xen_extra"].value if "xen_extra" in parts else ""
        joined, line = f"{parts['xen_major'].value}.{parts['xen_minor'].value}{extra}", parts["xen_major"].line
        if all(one.value != joined for one in stated):
            if stated:
                reading.note("xen_version and xen_major, xen_minor, xen_extra state different versions", line)
            _say_xen(reading, joined, line)


def _say_text(reading: Reading, key: str, one: _Statement) -> None:
    limit = COMMAND_LINE_LIMIT if key == "xen_cmdline" else SHOWN
    if len(one.value) > limit:
        reading.note(f"{one.key} has {len(one.value)} characters and is left out; at most {limit} are read", one.line)
    else:
        reading.say(key, _CONTROL.sub(" ", one.value), line=one.line)


def _say_xen(reading: Reading, version: str, line: int) -> None:
    """Xen's version; of a vendor's, as 4.4.4OVM, the numbers."""
    try:
        reading.say("xen", parse_xen(_CONTROL.sub(" ", version)).release, line=line)
    except InvalidInput as fault:
        numbers = _XEN_NUMBERS.match(version)
        if numbers is None or numbers[0] == version:
            reading.note(fault.found[0].message, line)
        else:
            reading.note(f"Xen's version {version[:40]!a} is read as {numbers[0]}", line)
            _say_xen(reading, numbers[0], line)


def _statements(reading: Reading, text: str, known: str) -> list[_Statement]:
    """The lines `key: value` whose keys are known, in order; the others are skipped."""
    found, keys = [], frozenset(known.split())
    for number, line in enumerate(lines_of(text, reading.source, STATEMENTS_BOUNDS), 1):
        key, colon, value = line.partition(":")
        if colon and key.strip() in keys:
            found.append(_Statement(key.strip(), value.strip(), number))
        elif line.strip():
            reading.skip(number, line)
    return found
