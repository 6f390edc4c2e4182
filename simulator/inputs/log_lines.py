"""The messages of a kernel's or hypervisor's log, without what consoles, loggers and mail put around them."""

import re
from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

from simulator.inputs.mtrr_lines import MtrrLines, begin_mtrr
from simulator.inputs.reading import Bounds, Reading, lines_of

LINE_LIMIT = 4096  # characters
SIZE_LIMIT = 4 << 20
_EXAMPLE = "send the log of one boot; it has some 100,000 bytes and 1,500 lines"
#: A line past LINE_LIMIT is left out alone, so it does not count among the bounds.
BOUNDS = Bounds(SIZE_LIMIT, 100_000, SIZE_LIMIT, _EXAMPLE)
BOOTS_LIMIT = 100
VALUES_LIMIT = 20  # different values of one fact that are kept of a boot


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


class LoggedBoot:
    """What a log says of one boot."""

    def __init__(self, reading: Reading, *, is_kept: bool) -> None:
        self.reading = reading
        self.is_kept = is_kept
        self.is_empty = True
        self.said: dict[str, list[object]] = {}
        self.mtrr: MtrrLines | None = None

    def say(self, key: str, value: object, line: int) -> None:
        """Take a fact, a value once a boot."""
        self.is_empty = False
        values = self.said.setdefault(key, [])
        if not self.is_kept or value in values:
            return
        if len(values) >= VALUES_LIMIT:
            self.reading.note(f"one more value of {key} in one boot is left out", line)
            return
        values.append(value)
        self.reading.say(key, value, line=line)

    def takes_mtrr(self, line: LogLine) -> bool:
        """Whether a message belongs to a list of MTRRs; it is taken then."""
        if begun := begin_mtrr(line.message, line.number):
            self.finish_mtrr()
            self.mtrr = begun
            return True
        return self.mtrr is not None and self.mtrr.take(line.message)

    def finish_mtrr(self) -> None:
        """Say the MTRRs, if their list is whole."""
        if self.mtrr:
            line, value = self.mtrr.line, self.mtrr.finish(self.reading)
            self.mtrr = None
            if value is not None:
                self.say("mtrr", value, line)

    def finish(self) -> None:
        """Say what the boot as a whole tells."""
        self.finish_mtrr()


_Boot = TypeVar("_Boot", bound=LoggedBoot)


class LoggedBoots(Generic[_Boot]):
    """The boots of one log. Each domain of a shared console has its own; the first hundred are kept."""

    def __init__(self, reading: Reading, make: Callable[..., _Boot]) -> None:
        self.reading = reading
        self.make = make
        self.current: dict[str, _Boot] = {}
        self.count = 0
        self.last_banner: int | None = None
        self.ended: list[frozenset[str]] = []  # the keys of what each boot said

    def of(self, line: LogLine) -> _Boot:
        """The boot that a message is of: where no banner began one, one that began before the log."""
        if line.domain not in self.current:
            self.current[line.domain] = self._new()
        return self.current[line.domain]

    def begin(self, line: LogLine) -> _Boot:
        """The boot that a banner begins; what the one before it says as a whole is said."""
        self._end(self.of(line))
        self.current[line.domain] = self._new()
        self.last_banner = line.number
        return self.current[line.domain]

    def finish(self) -> None:
        """Say what all boots as a whole tell, and how many there are; put the facts in the order of their lines."""
        for boot in self.current.values():
            self._end(boot)
        self.reading.facts.sort(key=lambda fact: fact.line or 0)
        if self.count > BOOTS_LIMIT:
            self.reading.note(f"{self.count - BOOTS_LIMIT} more boots are left out")
        if self.last_banner is not None:
            self.reading.say("boots", self.count, line=self.last_banner)

    def _new(self) -> _Boot:
        return self.make(self.reading, is_kept=self.count < BOOTS_LIMIT)

    def _end(self, boot: _Boot) -> None:
        boot.finish()
        self.count += not boot.is_empty
        if boot.said:
            self.ended.append(frozenset(boot.said))
