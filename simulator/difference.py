"""The inputs of two revisions compared by what they mean: entries, facts, options, symbols; not lines of text."""

import json
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from simulator.evidence.claims import printable
from simulator.evidence.formats import config_text
from simulator.inputs.command_line import split_options
from simulator.inputs.kernel_config import SYMBOLS, read_symbols
from simulator.pat import ENTRY_COUNT
from simulator.problem import InvalidInput
from simulator.statement import FACT_KEYS

Data = dict[str, Any]

SCHEMA = "patreview.difference/1"
SYMBOLS_LIMIT = 1000
ITEMS_LIMIT = 200  # of a list, or of the options of a command line
VALUE_LIMIT = 200  # characters of a symbol's value
_CHANGES = ("removed", "changed", "added")  # the order in which diffconfig prints them
#: Facts that have a part of their own here.
_APART = ("config", "cmdline")
#: What names a source of Xen, and says nothing of it.
_OF_TEXT = ("name", "lines")


def compare_inputs(before: Data, after: Data) -> Data:
    """What changed from the inputs of one revision to those of another.

    A side is `{"layout": what read_layout_text() said}` or `{"guest": what read_guest() said}`, and may have
    `platform`, `note`, and `files`: `{"role", "name", "size", "sha256"}` each, with the `body` of a .config. Parts
    that do not apply are None; `is_same` where nothing changed. Lists are bounded, and what is left out is counted.
    """
    remarks: list[Data] = []
    is_layout, is_guest = ("layout" in before, "layout" in after), ("guest" in before, "guest" in after)
    if is_layout[0] != is_layout[1]:
        kinds = ["a layout" if one else "a guest" for one in is_layout]
        remarks.append(
            _remark("kind", f"before is {kinds[0]}, after is {kinds[1]}: their inputs have nothing in common")
        )
    parts: Data = {
        "layout": _layouts(before["layout"], after["layout"]) if all(is_layout) else None,
        "facts": _facts(_known(before), _known(after)) if is_layout[0] == is_layout[1] else [],
        "cmdline": _command_lines(_value(before, "cmdline"), _value(after, "cmdline")) if all(is_guest) else None,
        "config": _configs(before, after, remarks) if all(is_guest) else None,
        "files": _files(before, after),
        "note": _note(before, after),
    }
    return {"schema": SCHEMA, "is_same": is_layout[0] == is_layout[1] and _is_same(parts), "remarks": remarks, **parts}


def _remark(code: str, message: str) -> Data:
    return {"code": code, "message": message}


def _is_same(parts: Data) -> bool:
    layout, cmdline, config = parts["layout"], parts["cmdline"], parts["config"]
    return not (
        (layout and layout["changed"])
        or (cmdline and (cmdline["options"] or cmdline["is_reordered"]))
        or (config and any(config["counts"].values()))
        or parts["facts"]
        or parts["files"]
        or parts["note"]
    )


# Layouts


def _layouts(before: Data, after: Data) -> Data:
    """The eight entries, PA0 first, and the bytes of IA32_PAT, PA7 first as the register is written."""
    old, new = _bytes(before["msr"]), _bytes(after["msr"])
    differs = [one != other for one, other in zip(old, new, strict=True)]
    words = list(zip(before["entries"], after["entries"], strict=True))
    entries = [
        {"index": n, "name": f"PA{n}", "before": words[n][0], "after": words[n][1], "changed": differs[n]}
        for n in range(ENTRY_COUNT)
    ]
    octets = [
        {"index": n, "before": f"{old[n]:02x}", "after": f"{new[n]:02x}", "changed": differs[n]}
        for n in reversed(range(ENTRY_COUNT))
    ]
    return {
        "before": {"msr": before["msr"], "entries": before["entries"]},
        "after": {"msr": after["msr"], "entries": after["entries"]},
        "changed": sum(differs),
        "entries": entries,
        "bytes": octets,
    }


def _bytes(msr: str) -> bytes:
    return int(msr, 16).to_bytes(ENTRY_COUNT, "little")


# Facts


def _known(side: Data) -> dict[str, Data]:
    """What is stated or was read of a side, but for its parts of their own."""
    if "guest" in side:
        facts = {key: fact for key, fact in side["guest"]["facts"].items() if key not in _APART}
        return {"name": {"value": side["guest"]["name"]}, **facts}
    platform = {"platform": {"value": side["platform"]}} if side.get("platform") else {}
    source = side["layout"].get("source") or {}
    return platform | {key: {"value": value} for key, value in source.items() if key not in _OF_TEXT}


def _value(side: Data, key: str) -> Any:
    return side["guest"]["facts"].get(key, {}).get("value")


def _facts(before: dict[str, Data], after: dict[str, Data]) -> list[Data]:
    """The facts that changed, in the order in which guests state them."""
    order = {key: position for position, key in enumerate(("platform", "name", *FACT_KEYS))}
    keys = sorted({*before, *after}, key=lambda key: (order.get(key, len(order)), key))
    rows = (_fact(key, before.get(key), after.get(key)) for key in keys)
    return [row for row in rows if row is not None]


def _fact(key: str, before: Data | None, after: Data | None) -> Data | None:
    """One fact that changed; of a list what came and went, whatever its order."""
    old, new = _written(before), _written(after)
    row = {"key": key, "change": "added" if before is None else "removed" if after is None else "changed"}
    if all(isinstance(side["value"], list) for side in (before, after) if side is not None):
        added, removed = _items(after, before), _items(before, after)
        if not added and not removed and before is not None and after is not None:
            return None
        left_out = sum(max(len(items) - ITEMS_LIMIT, 0) for items in (added, removed))
        lists = {"added": added[:ITEMS_LIMIT], "removed": removed[:ITEMS_LIMIT], "left_out": left_out}
        return row | {"before": None, "after": None, "also_before": [], "also_after": [], **lists}
    if old == new:
        return None
    return row | {
        "before": old[0],
        "after": new[0],
        "also_before": old[1],
        "also_after": new[1],
        "added": [],
        "removed": [],
        "left_out": 0,
    }


def _written(fact: Data | None) -> tuple[Any, list[Any]]:
    """The value that counts, and those that disagree with it."""
    return (None, []) if fact is None else (fact["value"], [other["value"] for other in fact.get("also", [])])


def _items(these: Data | None, those: Data | None) -> list[Any]:
    """The items of one list that the other has not."""
    others = {json.dumps(item, sort_keys=True) for item in (those["value"] if those else [])}
    return [item for item in (these["value"] if these else []) if json.dumps(item, sort_keys=True) not in others]


# Command lines


class _Option(NamedTuple):
    """One option; what stands after `--` is init's, and another option than the kernel's of the same name."""

    text: str
    of_init: bool

    @property
    def name(self) -> tuple[str, bool]:
        """What it sets: the kernel takes `-` for `_` in names. Source: linux, kernel/params.c, parameq()."""
        return self.text.partition("=")[0].replace("-", "_"), self.of_init

    @property
    def written(self) -> str:
        """The option as a command line has it: with quotes where there are blanks."""
        if not any(character.isspace() for character in self.text):
            return self.text
        name, equals, value = self.text.partition("=")
        return f'{name}="{value}"' if equals and not any(one.isspace() for one in name) else f'"{self.text}"'


def _command_lines(before: str | None, after: str | None) -> Data | None:
    """The options that came, went or have another value, in the order of the new line; those that went come last."""
    if before is None and after is None:
        return None
    old, new = _options(before or ""), _options(after or "")
    gone, come = _left_over(old, new), _left_over(new, old)
    rows = [_option(left, right) for left, right in _paired(gone, come)]
    return {
        "before": before,
        "after": after,
        "options": rows[:ITEMS_LIMIT],
        "left_out": max(len(rows) - ITEMS_LIMIT, 0),
        # A later option of the same name wins, so the order may matter.
        "is_reordered": not rows and old != new,
    }


def _options(text: str) -> list[_Option]:
    options, of_init = [], False
    for option in split_options(text):
        if option == "--" and not of_init:
            of_init = True
        else:
            options.append(_Option(option, of_init))
    return options


def _left_over(these: Iterable[_Option], those: Iterable[_Option]) -> list[_Option]:
    """What of one line the other has not, each as often as it is missing, in order."""
    matched, found = Counter(those), []
    for option in these:
        if matched[option] > 0:
            matched[option] -= 1
        else:
            found.append(option)
    return found


def _paired(gone: list[_Option], come: list[_Option]) -> list[tuple[_Option | None, _Option | None]]:
    """What came, each with what went of the same name, and then what only went."""
    waiting: dict[tuple[str, bool], deque[_Option]] = {}
    for option in gone:
        waiting.setdefault(option.name, deque()).append(option)
    pairs: list[tuple[_Option | None, _Option | None]] = []
    for option in come:
        others = waiting.get(option.name)
        pairs.append((others.popleft() if others else None, option))
    left = {id(option) for others in waiting.values() for option in others}
    return [*pairs, *((option, None) for option in gone if id(option) in left)]


def _option(before: _Option | None, after: _Option | None) -> Data:
    old, new = before.written if before else None, after.written if after else None
    change = _change_of(old, new)
    return {
        "change": change,
        "before": old,
        "after": new,
        "of_init": (before or after).of_init,  # type: ignore[union-attr]
        "text": {"added": f"+{new}", "removed": f"-{old}", "changed": f" {old} -> {new}"}[change],
    }


def _change_of(before: object, after: object) -> str:
    return "added" if before is None else "removed" if after is None else "changed"


# Configurations


class _Symbols(NamedTuple):
    """The symbols of a side's .config: all of them, or those alone that matter where the text is not at hand."""

    values: Mapping[str, str]
    is_whole: bool


def _configs(before: Data, after: Data, remarks: list[Data]) -> Data | None:
    """The symbols that changed as the kernel's scripts/diffconfig prints them, those that matter first."""
    old, new = _symbols(before, "before", remarks), _symbols(after, "after", remarks)
    if old is None and new is None:
        return None
    for name, side in (("before", old), ("after", new)):
        if side is None:
            remarks.append(_remark("config", f"{name} has no .config"))
    is_whole = all(side is not None and side.is_whole for side in (old, new))
    values = [dict(side.values) if side is not None else {} for side in (old, new)]
    if not is_whole:
        values = [{symbol: value for symbol, value in one.items() if symbol in SYMBOLS} for one in values]
    rows = sorted(_changed_symbols(*values), key=_in_order)
    return {
        "is_whole": is_whole,
        "counts": {change: sum(row["change"] == change for row in rows) for change in _CHANGES},
        "matters": sum(row["matters"] for row in rows),
        "symbols": rows[:SYMBOLS_LIMIT],
        "left_out": max(len(rows) - SYMBOLS_LIMIT, 0),
    }


def _symbols(side: Data, name: str, remarks: list[Data]) -> _Symbols | None:
    """What is known of a side's symbols: of its file, else of what was read of an image or a tarball."""
    file = next((one for one in side.get("files", []) if one["role"] == "config" and "body" in one), None)
    if file is not None:
        try:
            return _Symbols(read_symbols(config_text(file["name"], file["body"]), source=file["name"]), is_whole=True)
        except InvalidInput as fault:
            remarks.append(_remark("config", f"the .config of {name} is not read: {fault}"))
    values = _value(side, "config")
    if values is None:
        return None
    remarks.append(_remark("config", f"of {name} only the symbols are at hand that matter to the engine"))
    return _Symbols(values, is_whole=False)


def _changed_symbols(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Data]:
    for symbol in {*before, *after}:
        old, new = before.get(symbol), after.get(symbol)
        if old != new:
            change, name = _change_of(old, new), symbol.removeprefix("CONFIG_")[:VALUE_LIMIT]
            shown = [None if value is None else str(printable(value))[:VALUE_LIMIT] for value in (old, new)]
            texts = {"removed": f"-{name} {shown[0]}", "added": f"+{name} {shown[1]}"}
            yield {
                "symbol": name,
                "change": change,
                "before": shown[0],
                "after": shown[1],
                "matters": symbol in SYMBOLS,
                "text": texts.get(change, f" {name} {shown[0]} -> {shown[1]}"),
            }


def _in_order(row: Data) -> tuple[bool, int, str]:
    return not row["matters"], _CHANGES.index(row["change"]), row["symbol"]


# Files and notes


def _files(before: Data, after: Data) -> list[Data]:
    """The files whose bytes changed, by role."""
    old, new = _by_role(before), _by_role(after)
    pairs = {role: (old.get(role), new.get(role)) for role in sorted({*old, *new})}
    return [
        {"role": role, "change": _change_of(left, right), "before": left, "after": right}
        for role, (left, right) in pairs.items()
        if left is None or right is None or left["sha256"] != right["sha256"]
    ]


def _by_role(side: Data) -> dict[str, Data]:
    return {one["role"]: {key: one[key] for key in ("name", "size", "sha256")} for one in side.get("files", [])}


def _note(before: Data, after: Data) -> Data | None:
    old, new = before.get("note") or "", after.get("note") or ""
    return None if old == new else {"before": old, "after": new}
