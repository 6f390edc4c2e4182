"""The messages of a kernel's or hypervisor's log, without what consoles, loggers and mail put around them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from simulator.inputs.reading import Bounds, Reading, lines_of

LINE_LIMIT = 4096  # characters
SIZE_LIMIT = 4 << 20
_EXAMPLE = "send the log of one boot; it has some 100,000 bytes and 1,500 lines"
#: A line past LINE_LIMIT is left out alone, so it does not count among the bounds.
BOUNDS = Bounds(SIZE_LIMIT, 100_000, SIZE_LIMIT, _EXAMPLE)


class LogLine(NamedTuple):
    """A message with the number of its line in the file.

    `domain` is as Xen's console names it, as in `d4` or `HVM4`, and empty for who owns the log.
    """

    number: int
    message: str
    domain: str
    is_xen: bool


_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
_DAY = r"[A-Z][a-z]{2} [ 0-3]?[0-9]"
_ISO = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{_TIME}"
_LEVEL = "emerg|alert|crit|err|warn|notice|info|debug"

# What may stand before a message, in any order and again and again. The names of groups say who speaks.
_PREFIX = re.compile(
    "|".join(
        (
            r"[>\s]+",                                                  # mail
            r"\[ {0,12}[0-9]{1,10}\.[0-9]{1,9}\] ?",                    # printk.time
            r"\[ {0,12}[TC][0-9]{1,10}\] ?",                            # CONFIG_PRINTK_CALLER
            r"\[[0-9a-f]{16}\] ?",                                      # Xen, console_timestamps=raw
            rf"\[{_ISO}\] ?",                                           # Xen, console_timestamps=date
            rf"\[[A-Z][a-z]{{2}} {_DAY} {_TIME} [0-9]{{4}}\] ?",        # dmesg -T
            rf"{_ISO}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})? ",               # journalctl -o short-iso
            rf"{_DAY} {_TIME} ",                                        # syslog
            r"<[0-7]>",                                                 # a level; programs have 8 and more
            rf"kern {{0,4}}:(?:{_LEVEL}) {{0,4}}: ?",                   # dmesg -x
            r"[0-7],[0-9]{1,20},[0-9]{1,20},[^;]{1,40};",               # /dev/kmsg
            r"(?P<xen>\(XEN\)) ?",
            r"\((?P<domain>d[0-9]{1,5})(?:v[0-9]{1,4})?\) ?",
        )
    ),
    re.ASCII,
)  # fmt: skip
_HVM = re.compile(r"(?P<domain>HVM[0-9]{1,5})(?:\[[0-9]{1,4}\])?: ", re.ASCII)
_KERNEL = re.compile(r"(?:[\w.()-]{1,64} )?kernel(?:\[[0-9]{1,10}\])?: ?", re.ASCII)
_PREFIX_LIMIT = 16

_ESCAPE = re.compile("\x1b\\[[0-9;?]{0,20}[A-Za-z]")
_ENCODED = re.compile(r"(?:=[0-9A-F]{2})+")
_CONTROL = {code: " " for code in (*range(0x20), 0x7F) if chr(code) != "\t"}


def log_lines(text: str, reading: Reading, relevant: re.Pattern[str]) -> Iterator[LogLine]:
    """The messages of those lines that have something relevant, of up to 4 MiB and 100,000 lines.

    A line of more than 4096 characters is left out with a note. Of a line with carriage returns what stands last
    counts, as on a terminal. Raises InvalidInput for more than that, and for what is no text.
    """
    has_escapes = "\x1b" in text
    for number, raw in _physical_lines(text, reading.source):
        if len(raw) > LINE_LIMIT:
            reading.note(f"a line of {len(raw)} characters is left out; at most {LINE_LIMIT} are read", number)
            continue
        line = _ESCAPE.sub("", raw) if has_escapes else raw
        if relevant.search(line):
            yield _stripped(number, line.rstrip("\r").rpartition("\r")[2])


def _stripped(number: int, line: str) -> LogLine:
    """The line without its prefixes; what follows another program's name is left as it is."""
    start, domain, is_xen = 0, "", False
    for _ in range(_PREFIX_LIMIT):
        found = _PREFIX.match(line, start)
        if found is None:
            found = (_HVM if is_xen else _KERNEL).match(line, start)
        if found is None:
            break
        start = found.end()
        groups = found.groupdict()
        if groups.get("xen"):
            is_xen = True
        elif groups.get("domain"):
            domain, is_xen = groups["domain"], False
    return LogLine(number, line[start:].translate(_CONTROL).strip(), domain, is_xen)


def _physical_lines(text: str, source: str) -> Iterator[tuple[int, str]]:
    lines = lines_of(text, source, BOUNDS)
    return _decoded(lines) if _is_quoted_printable(text) else enumerate(lines, 1)


def _is_quoted_printable(text: str) -> bool:
    """Whether equals signs are encoded, as mail does, but for those of a few headers.

    Source: RFC 2045, section 6.7.
    """
    if "=3D" not in text and "=20" not in text and "=2E" not in text:
        return False
    encoded = len(re.findall(r"=(?:[0-9A-F]{2}|\r?\n)", text))
    return encoded >= 3 * (text.count("=") - encoded)


def _decoded(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines without the encoding; one that was broken softly is joined and has the number of its first part."""
    parts: list[str] = []
    first = 1
    for number, line in enumerate(lines, 1):
        is_broken = line.endswith("=") and number < len(lines)
        parts.append(line[:-1] if is_broken else line)
        if not is_broken:
            yield first, _ENCODED.sub(_decode, "".join(parts))
            parts, first = [], number + 1


def _decode(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("=", "")).decode("utf-8", "replace")
