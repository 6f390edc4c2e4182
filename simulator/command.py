"""The engine's commands. Answers go to stdout, as text for people or, with `--format json`, for machines.

Errors go to stderr. Exit codes: 0 compatible or degraded, 3 degraded with --strict, 4 incompatible, 5 indeterminate,
6 conditional, 7 input refused, 64 usage. Each command imports only what it needs: a short answer comes at once.
"""

import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper

from simulator.problem import InvalidInput, refuse

USAGE = """usage: python -m simulator layout TEXT          the eight entries that a layout has
       python -m simulator effective [--vendor intel|amd]
                                                the effective memory type by MTRR and PAT entry
       python -m simulator explain FLAGS        what becomes of each memory type of one guest
       python -m simulator check SCENARIO.json  the report on a scenario
       python -m simulator check FLAGS          the report on the guest that the flags of explain state
       python -m simulator diff A.json B.json   two reports compared
       python -m simulator rules [ID]           the rules
       python -m simulator guests               the known guest kernels
       python -m simulator hypervisors          the known releases of Xen
all:     --format text|json, --strict (a degraded verdict exits with 3)
explain: --guest FAMILY --release R --mode pv|pvh|hvm --role dom0|domu [--devices]
         [--host-layout TEXT] [--xen RELEASE] [--xen-cmdline TEXT] [--vendor intel|amd] [--target mmio|ram]
         [--driver NAME]... [--module NAME]... [--config FILE] [--cmdline TEXT] [--encode TYPE=BITS]...
         [--need TYPE[@mmio|@ram]]... [--patch COMMIT]... [--hide-cpuid-pat] [--hide-cpuid-mtrr]
         [--booted-under TEXT] [--errata-cpu] [--observed-pat TEXT]
"""
EXIT_CODES = {"compatible": 0, "degraded": 0, "incompatible": 4, "indeterminate": 5, "conditional": 6}
DEGRADED_UNDER_STRICT = 3
REJECTED = 7
USAGE_ERROR = 64
READER_WENT_AWAY = 141
FILE_LIMIT = 64 << 20

Data = dict[str, object]


class UsageError(Exception):
    """A command line that says nothing; the text says what is wrong with it."""


class Arguments:
    """A command line, read: positional words, flags with their values, and switches."""

    def __init__(self, words: list[str], values: dict[str, list[str]], switches: set[str]) -> None:
        self.words = words
        self.values = values
        self.switches = switches

    def one(self, flag: str) -> str | None:
        """The value of a flag that is given at most once."""
        found = self.values.get(flag, [])
        if len(found) > 1:
            raise UsageError(f"--{flag} is given {len(found)} times")
        return found[0] if found else None

    def word(self, flag: str, words: Sequence[str]) -> str | None:
        """The value of a flag that is one of some words."""
        found = self.one(flag)
        if found is not None and found.lower() not in words:
            raise UsageError(f"--{flag} {found[:40]}: it is one of {', '.join(words)}")
        return None if found is None else found.lower()


#: The flags of each command, and which of them take a value.
_EVERYWHERE = {"format": True, "strict": False}
_GUEST_FLAGS = {
    **dict.fromkeys(("guest", "release", "mode", "role", "host-layout", "xen", "xen-cmdline", "vendor"), True),
    **dict.fromkeys(("driver", "module", "config", "cmdline", "encode", "need", "patch"), True),
    **dict.fromkeys(("booted-under", "observed-pat"), True),
    **dict.fromkeys(("devices", "hide-cpuid-pat", "hide-cpuid-mtrr", "errata-cpu"), False),
}
#: The families by name, mode and role, are checked by the engine; these words are usage.
_MODES = ("pv", "pvh", "hvm")
_ROLES = ("dom0", "domu")
_VENDORS = ("intel", "amd")
_TARGETS = ("mmio", "ram")


def parse(arguments: Sequence[str], flags: dict[str, bool]) -> Arguments:
    """The words, values and switches of a command line, `--flag value` or `--flag=value`. Raises UsageError."""
    words: list[str] = []
    values: dict[str, list[str]] = {}
    switches: set[str] = set()
    known, rest = {**_EVERYWHERE, **flags}, list(arguments)
    while rest:
        word = rest.pop(0)
        flag, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            words.append(word)
        elif flag not in known:
            raise UsageError(f"--{flag[:40]} is no flag of this command")
        elif not known[flag]:
            if equals:
                raise UsageError(f"--{flag} takes no value")
            switches.add(flag)
        elif equals or rest:
            values.setdefault(flag, []).append(value if equals else rest.pop(0))
        else:
            raise UsageError(f"--{flag} needs a value")
    return Arguments(words, values, switches)


def _json(data: object) -> None:
    import json

    print(json.dumps(data, indent=2, ensure_ascii=True))


def _table(rows: Sequence[Sequence[object]]) -> None:
    """Rows as columns of the widths that they need."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in texts) for n in range(len(texts[0]))]
    for row in texts:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _is_json(arguments: Arguments) -> bool:
    return arguments.word("format", ("text", "json")) == "json"


def show_layout(arguments: Arguments) -> int:
    """Print the entries of a layout, one a line."""
    from simulator.inputs.layout import read_layout
    from simulator.pat import PteCacheBits

    if len(arguments.words) != 1:
        raise UsageError("layout takes one text: eight words, an IA32_PAT value or a boot-log line")
    layout = read_layout(arguments.words[0], field=None).layout
    if _is_json(arguments):
        _json({"msr": layout.hex, "entries": layout.words, "name": layout.name})
        return 0
    print(f"{layout.hex}  {layout.name}")
    bits = [PteCacheBits.of_index(index).as_data() for index in range(8)]
    head = ("entry", "PAT", "PCD", "PWT", "type")
    _table([head, *((f"PA{n}", *bits[n].values(), word) for n, word in enumerate(layout.words))])
    return 0


def show_effective(arguments: Arguments) -> int:
    """Print the effective memory types, a row for each MTRR type; of both vendors unless one is named."""
    from simulator import effective
    from simulator.effective import PAT_COLUMNS, Vendor
    from simulator.memory_type import MTRR_ORDER

    _no_words(arguments)
    vendor = arguments.word("vendor", _VENDORS)
    if _is_json(arguments):
        if vendor is None:
            raise UsageError("effective as JSON is of one vendor: --vendor intel or --vendor amd")
        one = Vendor(vendor)
        _json({"vendor": vendor, "grid": effective.grid(one), "notes": list(effective.notes(one))})
        return 0
    for one in (Vendor(vendor),) if vendor else (Vendor.INTEL, Vendor.AMD):
        grid = effective.grid(one)
        rows = [(mtrr.word, *(grid[mtrr.word][pat.word] for pat in PAT_COLUMNS)) for mtrr in MTRR_ORDER]
        _table([(f"{one.value}: MTRR \\ PAT", *(pat.word for pat in PAT_COLUMNS)), *rows])
        for note in effective.notes(one):
            print(f"  {note}")
    return 0


def _no_words(arguments: Arguments) -> None:
    if arguments.words:
        raise UsageError(f"{arguments.words[0][:40]!a} is one word too many")


def scenario_of(arguments: Arguments) -> Data:
    """The scenario that the flags of explain state. Raises UsageError where they contradict each other."""
    _no_words(arguments)
    mode, role = arguments.word("mode", _MODES), arguments.word("role", _ROLES)
    for flag in ("guest", "mode", "role"):
        if arguments.one(flag) is None:
            raise UsageError(f"--{flag} is missing")
    host_layout, booted_under = arguments.one("host-layout"), arguments.one("booted-under")
    if mode != "pv" and (host_layout is not None or booted_under is not None):
        raise UsageError(f"a guest of mode {mode} has a layout of its own: no --host-layout and no --booted-under")
    if (mode, role) == ("hvm", "dom0"):
        raise UsageError("no dom0 runs in mode hvm: it is pv or pvh")
    platform: Data = {
        "xen": arguments.one("xen"),
        "layout": host_layout,
        "vendor": arguments.word("vendor", _VENDORS),
        "cmdline": arguments.one("xen-cmdline"),
    }
    guest: Data = {
        "name": "guest",
        "guest": arguments.one("guest"),
        "release": arguments.one("release"),
        "mode": mode,
        "role": role,
        "devices": role == "dom0" or "devices" in arguments.switches,
        "cmdline": arguments.one("cmdline"),
        "encode": _encodings(arguments) or None,
        "drivers": arguments.values.get("driver", []),
        "modules": arguments.values.get("module"),
        "needs": arguments.values.get("need", []),
        "patches": arguments.values.get("patch", []),
        "booted_under": booted_under,
        "observed_pat": arguments.one("observed-pat"),
        "hide_cpuid_pat": "hide-cpuid-pat" in arguments.switches,
        "hide_cpuid_mtrr": "hide-cpuid-mtrr" in arguments.switches,
        "errata_cpu": "errata-cpu" in arguments.switches,
        "config": _config(arguments.one("config")),
    }
    return {"platform": _given(platform), "guests": [_given(guest)]}


def _given(fields: Data) -> Data:
    return {key: value for key, value in fields.items() if value not in (None, [])}


def _encodings(arguments: Arguments) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in arguments.values.get("encode", []):
        wanted, equals, bits = text.partition("=")
        if not equals:
            raise UsageError(f"--encode {text[:40]}: write it as TYPE=BITS, as in WC=PWT")
        if wanted.upper() in found:
            raise refuse("encodings", f"{wanted.upper()[:20]} is stated twice", field="encode")
        found[wanted.upper()] = bits
    return found


def _config(name: str | None) -> Data | None:
    if name is None:
        return None
    return {"name": name, "text": _read(name, 2 << 20).decode("utf-8", "replace")}


def _read(name: str, limit: int) -> bytes:
    try:
        with open(name, "rb") as file:
            body = file.read(limit + 1)
    except (OSError, ValueError) as fault:
        raise refuse("unreadable", f"{name}: {getattr(fault, 'strerror', None) or fault}") from fault
    if len(body) > limit:
        raise refuse("too_large", f"{name}: more than {limit} bytes")
    return body


def show_explanation(arguments: Arguments) -> int:
    """Print what becomes of each memory type of one guest; the exit code says the verdict."""
    target = arguments.word("target", _TARGETS)
    scenario = scenario_of(arguments)
    from simulator.explanation import explain

    found = explain(scenario, target=target)
    if _is_json(arguments):
        _json(found)
    else:
        from simulator.text import print_explanation

        print_explanation(found)
    return _exit_code(str(found["verdict"]), arguments)


def _exit_code(verdict: str, arguments: Arguments) -> int:
    if verdict == "degraded" and "strict" in arguments.switches:
        return DEGRADED_UNDER_STRICT
    return EXIT_CODES[verdict]


def check(arguments: Arguments) -> int:
    """Print the report on a scenario file, or on the guest that flags state; the exit code says the verdict."""
    if arguments.words:
        if len(arguments.words) > 1 or set(arguments.values) - {"format"} or arguments.switches - {"strict"}:
            raise UsageError("check takes one scenario file, or the flags of explain")
        scenario = _read_json(arguments.words[0])
    else:
        scenario = scenario_of(arguments)
    from simulator.report import analyse

    report = analyse(scenario)
    if _is_json(arguments):
        _json(report)
    else:
        from simulator.text import print_report

        print_report(report)
    return _exit_code(str(report["verdict"]), arguments)


def _read_json(name: str) -> object:
    import json

    try:
        data: object = json.loads(_read(name, FILE_LIMIT))
    except (ValueError, RecursionError) as fault:
        raise refuse("json", f"{name}: no JSON: {fault}") from fault
    return data


def diff(arguments: Arguments) -> int:
    """Print what changed from one report to another; a regression exits as the verdict of the later report."""
    from simulator.comparison import compare

    if len(arguments.words) != 2:
        raise UsageError("diff takes two reports")
    before, after = (_read_json(name) for name in arguments.words)
    found = compare(before, after)
    if _is_json(arguments):
        _json(found)
    else:
        from simulator.text import print_comparison

        print_comparison(found)
    assert isinstance(after, dict)  # compare() looked
    return _exit_code(str(after["verdict"]), arguments) if found["verdict"] == "regressed" else 0


def show_rules(arguments: Arguments) -> int:
    """Print the rules, or one of them with its citations and examples."""
    from simulator.catalogue import rules_as_data
    from simulator.text import print_rule

    rules = rules_as_data()
    if len(arguments.words) > 1:
        _no_words(Arguments(arguments.words[1:], {}, set()))
    if arguments.words:
        rules = [rule for rule in rules if rule["id"] == arguments.words[0].upper()]
        if not rules:
            raise refuse("rule", f"{arguments.words[0][:40]!a} is no rule; `rules` lists them")
    if _is_json(arguments):
        _json(rules[0] if arguments.words else rules)
    elif arguments.words:
        print_rule(rules[0])
    else:
        _table([(rule["id"], rule["severity"], rule["title"]) for rule in rules])
    return 0


def show_guests(arguments: Arguments) -> int:
    """Print the known guest kernels: how each encodes the memory types."""
    from simulator.catalogue import guests_as_data
    from simulator.text import guest_rows

    _no_words(arguments)
    guests = guests_as_data()
    if _is_json(arguments):
        _json(guests)
    else:
        _table(guest_rows(guests))
    return 0


def show_hypervisors(arguments: Arguments) -> int:
    """Print what is known of Xen, by release."""
    from simulator.catalogue import hypervisors_as_data
    from simulator.text import print_hypervisors

    _no_words(arguments)
    known = hypervisors_as_data()
    if _is_json(arguments):
        _json(known)
    else:
        print_hypervisors(known)
    return 0


_COMMANDS: dict[str, tuple[Callable[[Arguments], int], dict[str, bool]]] = {
    "layout": (show_layout, {}),
    "effective": (show_effective, {"vendor": True}),
    "explain": (show_explanation, {**_GUEST_FLAGS, "target": True}),
    "check": (check, _GUEST_FLAGS),
    "diff": (diff, {}),
    "rules": (show_rules, {}),
    "guests": (show_guests, {}),
    "hypervisors": (show_hypervisors, {}),
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    name = arguments[0] if arguments else ""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name in any script is shown, whatever the terminal can
    try:
        if name not in _COMMANDS:
            raise UsageError(f"{name[:40]!a} is no command" if name else "")
        run, flags = _COMMANDS[name]
        code = run(parse(arguments[1:], flags))
        sys.stdout.flush()
        return code
    except UsageError as fault:
        sys.stderr.write(f"{fault}\n{USAGE}" if str(fault) else USAGE)
        return USAGE_ERROR
    except InvalidInput as fault:
        print(fault, file=sys.stderr)
        return REJECTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the interpreter's flush is quiet
        return READER_WENT_AWAY
    except OSError as fault:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"the answer could not be written: {fault.strerror}", file=sys.stderr)
        return REJECTED
