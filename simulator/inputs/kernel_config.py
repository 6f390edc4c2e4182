"""A kernel's .config: the symbols that matter, each with its line."""

import re
import string
from collections.abc import Sequence
from functools import cache

from simulator.driver import SYMBOLS as DRIVER_SYMBOLS
from simulator.inputs.kernel_release import KernelRelease, parse_release
from simulator.inputs.reading import Bounds, Reading, check_line, check_text, refusal
from simulator.problem import InvalidInput

BOUNDS = Bounds(2 << 20, 60_000, 16 << 10, "a .config has some 300,000 bytes and 12,000 lines")

#: The symbols that bear on memory types. Source: Kconfig of arch/x86 and arch/x86/xen.
_SWITCHES = frozenset(
    {
        "CONFIG_X86_PAT",
        "CONFIG_MTRR",
        "CONFIG_X86_64",
        "CONFIG_PARAVIRT",
        "CONFIG_PARAVIRT_GUEST",
        "CONFIG_HYPERVISOR_GUEST",
        "CONFIG_AMD_MEM_ENCRYPT",
        "CONFIG_LOCALVERSION",
        "CONFIG_XEN",
        "CONFIG_XEN_PV",
        "CONFIG_XEN_DOM0",
        "CONFIG_XEN_PV_DOM0",
        "CONFIG_XEN_PVH",
        "CONFIG_XEN_PVHVM",
        "CONFIG_XEN_PRIVILEGED_GUEST",
        "CONFIG_XEN_UNPRIVILEGED_GUEST",
        "CONFIG_XEN_PCIDEV_FRONTEND",
    }
)
SYMBOLS = _SWITCHES | DRIVER_SYMBOLS

#: What kconfig takes: drivers may be modules, and all other symbols above are switches but these.
_SWITCH_VALUE = re.compile("[yn]")
_VALUES = {
    "CONFIG_LOCALVERSION": re.compile(r'"(?:[^"\\]|\\.)*"', re.ASCII),
    "CONFIG_XEN_PCIDEV_FRONTEND": re.compile("[ymn]"),
}
_DRIVER_VALUE = re.compile("[ymn]")
_ARCHITECTURES = ("x86", "x86_64", "i386")

_HEADER = re.compile(r"# Linux(?:/(\S+) (\S+) Kernel Configuration| kernel version: (\S+))\s*", re.ASCII)
_CONFLICT = re.compile(r"(?:<{7}|>{7}|\|{7}) .*|={7}")
_SYMBOL = re.compile(r"CONFIG_[A-Za-z0-9_]+", re.ASCII)
#: The bytes that names of symbols are made of.
_NAME_BYTES = (string.ascii_letters + string.digits + "_").encode()
_SET, _UNSET_BEGIN, _UNSET_END = "CONFIG_", "# CONFIG_", " is not set"
_SYMBOL_AT, _UNSET_END_SIZE = len("# "), len(_UNSET_END)


class KernelConfig(Reading):
    """What was read of one .config. A disabled symbol has the value `n`; `seen` has every symbol's first line."""

    def __init__(self, source: str) -> None:
        super().__init__("config", source)
        self.values: dict[str, str] = {}
        self.lines: dict[str, int] = {}
        self.release: KernelRelease | None = None
        self.release_line: int | None = None
        self.seen: dict[str, int] = {}

    def keep(self, symbol: str, value: str, line: int) -> None:
        """Take the value of a symbol that matters; a later one wins, as in kconfig."""
        self.values[symbol] = value
        self.lines[symbol] = line

    def finish(self) -> None:
        """Put the notes in the order of their lines, and say how many are left out."""
        self.notes.sort(key=lambda note: note["line"] or 0)  # type: ignore[arg-type, return-value]
        if self.notes_dropped:
            message = f"{self.notes_dropped} more notes are left out"
            self.notes.append({"message": message, "source": self.source, "line": None})


def read_config(text: str, *, source: str) -> KernelConfig:
    """The facts of a .config text of up to 2 MiB and 60,000 lines.

    Odd lines become notes with their number, at most 100 of them, the rest counted.
    Raises InvalidInput for text that no .config can be.

    Source: linux, scripts/kconfig/confdata.c.
    """
    check_text(text, source, BOUNDS)
    config = KernelConfig(source)
    if text.startswith("\ufeff"):
        text = text[1:]
        config.note("a byte order mark is left out", 1)
    if text.find("\r\n", 0, text.find("\n") + 1) >= 0:
        config.note("lines end in CR LF; the CRs are left out", 1)
    lines = text.split("\n")
    if len(lines) > BOUNDS.lines:
        raise refusal(source, "too_many_lines", f"more than {BOUNDS.lines} lines; {BOUNDS.example}")
    _read_lines(config, lines)
    if not config.seen:
        raise refusal(source, "no_config", "holds no CONFIG_ line; send the kernel's .config as text", line=1)
    config.finish()
    return config


def _read_lines(config: KernelConfig, lines: list[str]) -> None:
    """Read every line. This loop is most of the time that a .config takes: the usual lines stay inside it."""
    seen = config.seen
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip()
        if line[:7] == _SET:
            symbol, _, value = line.partition("=")
            if (value == "n" or not value or len(line) > BOUNDS.line) and not _is_setting(config, line, number):
                continue
        elif line[:9] == _UNSET_BEGIN and line[-_UNSET_END_SIZE:] == _UNSET_END:
            symbol, value = line[_SYMBOL_AT:-_UNSET_END_SIZE], "n"
        else:
            if line:
                _read_other(config, line, number)
            continue
        if symbol in seen:
            config.note(f"{symbol[:60]} is set twice (first on line {seen[symbol]}); this one counts", number)
        else:
            seen[symbol] = number
        if symbol in SYMBOLS:
            _keep(config, symbol, value, number)
    _leave_out_strangers(config)


def read_symbols(text: str, *, source: str) -> dict[str, str]:
    """The value of every symbol of a .config, whether it matters or not; a disabled one has the value `n`.

    Symbols that matter have the values that kconfig gives them. Raises InvalidInput like read_config().
    """
    config = read_config(text, source=source)
    values: dict[str, str] = {}
    for raw in text.split("\n"):
        line = raw.rstrip()
        if line.startswith(_SET):
            symbol, equals, value = line.partition("=")
        elif line.startswith(_UNSET_BEGIN) and line.endswith(_UNSET_END):
            symbol, equals, value = line[_SYMBOL_AT:-_UNSET_END_SIZE], "=", "n"
        else:
            continue
        if equals and symbol in config.seen and symbol not in SYMBOLS:
            values[symbol] = value
    return values | config.values


_HEADER_WITHIN = 8  # lines
_JUDGED_WITH_CARE = ("<", "\ufeff")  # a merge that was not resolved, a byte order mark


def _either(words: Sequence[str]) -> str:
    """A pattern of words that shares their beginnings: a plain alternation takes twice as long."""
    follows: dict[str, list[str]] = {}
    for word in words:
        follows.setdefault(word[:1], []).append(word[1:])
    parts = [first + (_either(rest) if first else "") for first, rest in sorted(follows.items(), reverse=True)]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


@cache
def _wanted() -> re.Pattern[str]:
    """Where a symbol that matters stands. The constant beginning is what makes the search fast."""
    return re.compile(rf"CONFIG_{_either([symbol.removeprefix(_SET) for symbol in SYMBOLS])}(?=[ =])", re.ASCII)


def read_options(text: str, *, source: str) -> KernelConfig:
    """The same values, lines and release as read_config(), without notes: for fleets, several times as fast.

    A text with anything that only a careful reading judges is read with care after all. Raises InvalidInput like
    read_config(), but for lines that are too many or too long and a mark of a merge that stands alone.
    """
    check_text(text, source, BOUNDS)
    config, number, at = KernelConfig(source), 1, 0
    for match in _wanted().finditer(text):
        start = match.start()
        number, at = number + text.count("\n", at, start), start
        _take_option(
            config, text[max(start - 3, 0) : start], text[start : text.find("\n", start) % (len(text) + 1)], number
        )
    is_whole = bool(config.values) and _find_header(config, text.split("\n", _HEADER_WITHIN)[:_HEADER_WITHIN])
    is_usual = not any(mark in text for mark in _JUDGED_WITH_CARE)
    return config if is_whole and is_usual else read_config(text, source=source)


def _take_option(config: KernelConfig, before: str, rest: str, number: int) -> None:
    """Take a line that names a symbol: `rest` of it, after what stands `before` the symbol."""
    line = rest.rstrip()
    if before in ("", "# ") or before.endswith("\n"):
        is_comment = before == "# "
    elif before == "\n# ":
        is_comment = True
    else:
        return
    symbol, _, value = line.partition("=")
    if is_comment:
        symbol, _, words = line.partition(" ")
        value = "n" if words.startswith(_UNSET_END[1:]) else ""
    match = _allowed(symbol).match(value) if symbol in SYMBOLS else None
    if match is not None:
        config.keep(symbol, match[0][:200], number)


def _find_header(config: KernelConfig, lines: Sequence[str]) -> bool:
    """Take the header's release; False where these lines have none."""
    for number, line in enumerate(lines, 1):
        if line.startswith("# Linux"):
            _read_header(config, line.rstrip(), number)
    return config.release is not None


def _is_setting(config: KernelConfig, line: str, number: int) -> bool:
    """Whether an unusual CONFIG_ line is one after all; it is noted either way. InvalidInput if it is too long."""
    check_line(line, number, config.source, BOUNDS)
    symbol, equals, value = line.partition("=")
    if value == "n":
        config.note(f"{symbol[:60]}=n is read as `# {symbol[:60]} is not set`", number)
    elif not equals:
        config.note(f"no setting that kconfig writes: {line[:60]!a}", number)
    return bool(equals)


def _keep(config: KernelConfig, symbol: str, value: str, number: int) -> None:
    match = _allowed(symbol).match(value)
    if match is not None:
        config.keep(symbol, match[0][:200], number)
        if match[0] != value:
            config.note(f"{symbol} is read as {match[0][:60]}, as kconfig does: {value[:60]!a}", number)
    else:
        config.note(f"{symbol} has a value that kconfig drops: {value[:60]!a}; the line is left out", number)


def _leave_out_strangers(config: KernelConfig) -> None:
    """Symbols that cannot be any: looked for in all of them at once, for there are rarely any."""
    if "".join(config.seen).encode(errors="surrogatepass").translate(None, _NAME_BYTES) or _SET in config.seen:
        for symbol, number in [*config.seen.items()]:
            if not _SYMBOL.fullmatch(symbol):
                del config.seen[symbol]
                config.note(f"no setting that kconfig writes: {symbol[:60]!a}", number)


def _read_other(config: KernelConfig, line: str, number: int) -> None:
    check_line(line, number, config.source, BOUNDS)
    if line.startswith("# Linux"):
        _read_header(config, line, number)
    elif line.startswith("# Xen/"):
        message = "the .config of a hypervisor; send the kernel's own, as /boot/config-RELEASE"
        raise refusal(config.source, "xen_config", message, line=number)
    elif line.startswith(_UNSET_BEGIN):
        _read_comment(config, line, number)
    elif _CONFLICT.fullmatch(line):
        message = "a mark of an unresolved merge: which of the two sides is meant?"
        raise refusal(config.source, "merge_conflict", message, line=number)
    elif not line.startswith("#"):
        config.note(f"no setting and no comment: {line[:60]!a}", number)


def _read_comment(config: KernelConfig, line: str, number: int) -> None:
    """A comment that begins as a symbol that is not set, and goes on."""
    symbol, _, rest = line[_SYMBOL_AT:].partition(" ")
    if rest.startswith(_UNSET_END[1:]) and symbol in SYMBOLS:
        config.seen.setdefault(symbol, number)
        config.keep(symbol, "n", number)
        config.note(f"read as `# {symbol} is not set`, as kconfig does: {line[:60]!a}", number)


def _allowed(symbol: str) -> re.Pattern[str]:
    return _VALUES.get(symbol, _DRIVER_VALUE if symbol in DRIVER_SYMBOLS else _SWITCH_VALUE)


def _read_header(config: KernelConfig, line: str, number: int) -> None:
    match = _HEADER.fullmatch(line)
    if match is None:
        return
    if match[1] is not None and match[1] not in _ARCHITECTURES:
        message = f"a .config for {match[1][:20]!a}; IA32_PAT is a register of x86"
        raise refusal(config.source, "architecture", message, line=number)
    if config.release is not None:
        config.note("a second header line with a release; the first one counts", number)
        return
    try:
        config.release = parse_release(match[2] or match[3])
        config.release_line = number
    except InvalidInput:
        config.note(f"the header states no kernel release: {line[:60]!a}", number)
