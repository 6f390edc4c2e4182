"""A kernel's .config: the symbols that matter, each with its line."""

import re

from simulator.driver import SYMBOLS as DRIVER_SYMBOLS
from simulator.inputs.kernel_release import KernelRelease, parse_release
from simulator.problem import InvalidInput, Problem

SIZE_LIMIT = 2 << 20
LINES_LIMIT = 60_000
LINE_LIMIT = 16 << 10
NOTES_LIMIT = 100

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
_UNSET = " is not set"
# The lines that most of a .config is made of; all others are looked at with more care.
_PLAIN = re.compile(r"(CONFIG_[A-Z0-9_]+)=y|# (CONFIG_[A-Z0-9_]+) is not set", re.ASCII)


class KernelConfig:
    """What was read of one .config. A disabled symbol has the value `n`."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.values: dict[str, str] = {}
        self.lines: dict[str, int] = {}
        self.release: KernelRelease | None = None
        self.release_line: int | None = None
        self.notes: list[dict[str, object]] = []
        self.notes_dropped = 0
        self.seen: dict[str, int] = {}

    def note(self, message: str, line: int | None) -> None:
        """Keep a note; past the limit, count it."""
        if len(self.notes) < NOTES_LIMIT:
            self.notes.append({"message": message, "source": self.source, "line": line})
        else:
            self.notes_dropped += 1

    def set(self, symbol: str, value: str, line: int) -> None:
        """Take a symbol's value; a later one wins, as in kconfig."""
        first = self.seen.setdefault(symbol, line)
        if first != line:
            self.note(f"{symbol} is set twice (first on line {first}); this one counts", line)
        if symbol in SYMBOLS:
            self.values[symbol] = value
            self.lines[symbol] = line


def read_config(text: str, *, source: str) -> KernelConfig:
    """The facts of a .config text of up to 2 MiB and 60,000 lines.

    Odd lines become notes with their number, at most 100 of them, the rest counted.
    Raises InvalidInput for text that no .config can be.

    Source: linux, scripts/kconfig/confdata.c.
    """
    _check_bounds(text, source)
    config = KernelConfig(source)
    if text.startswith("\ufeff"):
        text = text[1:]
        config.note("a byte order mark is left out", 1)
    lines = text.split("\n")
    if len(lines) > LINES_LIMIT:
        raise _refused(source, "too_many_lines", f"more than {LINES_LIMIT} lines; a .config has some 12,000")
    if lines[0].endswith("\r"):
        config.note("lines end in CR LF; the CRs are left out", 1)
    for number, line in enumerate(lines, 1):
        plain = _PLAIN.fullmatch(line)
        if plain is None:
            _read_line(config, line.rstrip(), number)
        else:
            config.set(plain[1] or plain[2], "y" if plain[1] else "n", number)
    if not config.seen:
        raise _refused(source, "no_config", "holds no CONFIG_ line; send the kernel's .config as text", line=1)
    if config.notes_dropped:
        message = f"{config.notes_dropped} more notes are left out"
        config.notes.append({"message": message, "source": source, "line": None})
    return config


def _check_bounds(text: str, source: str) -> None:
    if len(text) > SIZE_LIMIT or len(text.encode(errors="surrogatepass")) > SIZE_LIMIT:
        raise _refused(source, "too_large", f"more than {SIZE_LIMIT} bytes; a .config has some 300,000")
    for code, stranger, name in (
        ("nul", "\0", "a NUL character"),
        ("surrogate", "[\ud800-\udfff]", "a lone surrogate"),
    ):
        if match := re.search(stranger, text):
            line = text.count("\n", 0, match.start()) + 1
            column = match.start() - text.rfind("\n", 0, match.start())
            message = f"{name}: this is no text; send the .config itself, not an image or an archive"
            raise _refused(source, code, message, line=line, column=column)


def _refused(
    source: str, code: str, message: str, *, line: int | None = None, column: int | None = None
) -> InvalidInput:
    return InvalidInput(Problem(code=code, message=message, source=source, line=line, column=column, field="files"))


def _read_line(config: KernelConfig, line: str, number: int) -> None:
    if len(line) > LINE_LIMIT:
        message = f"a line of {len(line)} characters; at most {LINE_LIMIT} are read"
        raise _refused(config.source, "line_too_long", message, line=number, column=LINE_LIMIT + 1)
    if line.startswith("CONFIG_"):
        _read_setting(config, line, number)
    elif line.startswith("# CONFIG_") and line.endswith(_UNSET):
        symbol = line[2 : -len(_UNSET)]
        if _SYMBOL.fullmatch(symbol):
            config.set(symbol, "n", number)
        else:
            config.note(f"no setting that kconfig writes: {line[:60]!a}", number)
    elif line.startswith("# Linux"):
        _read_header(config, line, number)
    elif _CONFLICT.fullmatch(line):
        message = "a mark of an unresolved merge: which of the two sides is meant?"
        raise _refused(config.source, "merge_conflict", message, line=number)
    elif line and not line.startswith("#"):
        config.note(f"no setting and no comment: {line[:60]!a}", number)


def _read_setting(config: KernelConfig, line: str, number: int) -> None:
    symbol, equals, value = line.partition("=")
    if not equals or not _SYMBOL.fullmatch(symbol):
        config.note(f"no setting that kconfig writes: {line[:60]!a}", number)
        return
    is_kept = symbol not in SYMBOLS or _allowed(symbol).fullmatch(value)
    if value == "n":
        config.note(f"{symbol}=n is read as `# {symbol} is not set`", number)
    if is_kept:
        config.set(symbol, value[:200], number)
    else:
        config.seen.setdefault(symbol, number)
        config.note(f"{symbol} has a value that kconfig drops: {value[:60]!a}; the line is left out", number)


def _allowed(symbol: str) -> re.Pattern[str]:
    return _VALUES.get(symbol, _DRIVER_VALUE if symbol in DRIVER_SYMBOLS else _SWITCH_VALUE)


def _read_header(config: KernelConfig, line: str, number: int) -> None:
    match = _HEADER.fullmatch(line)
    if match is None:
        return
    if match[1] is not None and match[1] not in _ARCHITECTURES:
        message = f"a .config for {match[1][:20]!a}; IA32_PAT is a register of x86"
        raise _refused(config.source, "architecture", message, line=number)
    if config.release is not None:
        config.note("a second header line with a release; the first one counts", number)
        return
    try:
        config.release = parse_release(match[2] or match[3])
        config.release_line = number
    except InvalidInput:
        config.note(f"the header states no kernel release: {line[:60]!a}", number)
