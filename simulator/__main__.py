"""The engine by command line: `python -m simulator layout|effective|check`.

Answers go to stdout, errors to stderr. Exit codes: 0 compatible or degraded,
4 incompatible, 5 indeterminate, 6 conditional, 7 input rejected, 64 usage.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from simulator.effective import PAT_COLUMNS, Vendor, effective_cell
from simulator.inputs.layout import read_layout
from simulator.memory_type import MemoryType
from simulator.pat import PteCacheBits
from simulator.problem import InvalidInput, refuse
from simulator.report import analyse

USAGE = """usage: python -m simulator layout TEXT      the eight entries that a layout has
       python -m simulator effective        the effective memory type by MTRR, PAT entry and vendor
       python -m simulator check FILE.json  the report on a scenario
"""
EXIT_CODES = {"compatible": 0, "degraded": 0, "incompatible": 4, "indeterminate": 5, "conditional": 6}
REJECTED = 7
USAGE_ERROR = 64
SCENARIO_LIMIT = 64 << 20


def show_layout(text: str) -> int:
    """Print the entries of a layout, one a line."""
    read = read_layout(text)
    print(read.layout.hex)
    print("entry  PAT PCD PWT  type")
    for index, entry in enumerate(read.layout.entries):
        bits = PteCacheBits.of_index(index).as_data()
        print(f"PA{index}    {bits['pat']}   {bits['pcd']}   {bits['pwt']}    {entry.word}")
    return 0


def show_effective() -> int:
    """Print the effective memory types of both vendors, a row for each MTRR type."""
    for vendor in (Vendor.INTEL, Vendor.AMD):
        print(f"{vendor.value}: MTRR \\ PAT  " + "  ".join(f"{pat.word:3}" for pat in PAT_COLUMNS).rstrip())
        for mtrr in sorted(set(MemoryType) - {MemoryType.UC_MINUS}):
            cells = (effective_cell(mtrr=mtrr, pat=pat, vendor=vendor) for pat in PAT_COLUMNS)
            print(f"{mtrr.word:>{len(vendor.value) + 12}}  " + "  ".join(f"{cell:3}" for cell in cells).rstrip())
    return 0


def check(name: str) -> int:
    """Print the report on a scenario file; the exit code says the verdict."""
    report = analyse(_read_scenario(name))
    print(json.dumps(report, indent=2, sort_keys=True, ensure_ascii=True))
    return EXIT_CODES[str(report["verdict"])]


def _read_scenario(name: str) -> object:
    try:
        with Path(name).open("rb") as file:
            body = file.read(SCENARIO_LIMIT + 1)
    except OSError as fault:
        raise refuse("unreadable", f"{name}: {fault.strerror}") from fault
    if len(body) > SCENARIO_LIMIT:
        raise refuse("too_large", f"{name}: more than {SCENARIO_LIMIT} bytes")
    try:
        data: object = json.loads(body)
    except (ValueError, RecursionError) as fault:
        raise refuse("json", f"{name}: no JSON: {fault}") from fault
    return data


_COMMANDS: dict[tuple[str, int], Callable[..., int]] = {
    ("layout", 1): show_layout,
    ("effective", 0): show_effective,
    ("check", 1): check,
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    command = _COMMANDS.get((arguments[0], len(arguments) - 1)) if arguments else None
    if command is None:
        sys.stderr.write(USAGE)
        return USAGE_ERROR
    try:
        return command(*arguments[1:])
    except InvalidInput as fault:
        print(fault, file=sys.stderr)
        return REJECTED


if __name__ == "__main__":  # pragma: no cover - `python -m simulator` runs it in a process of its own
    sys.exit(main(sys.argv[1:]))
