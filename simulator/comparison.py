"""Two reports compared: what got worse, what got better, what came and went."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from simulator.finding import Verdict
from simulator.headline import shorten
from simulator.problem import refuse

Data = dict[str, object]

#: The classes of a comparison, in the order in which they matter.
COMPARISON_CLASSES = ("regressed", "new", "incomparable", "changed", "fixed", "gone", "unchanged")
_VERDICTS = {verdict.word: verdict for verdict in Verdict}
SCHEMA = "patreview.comparison/1"
_SIDES = ("before", "after")
_NAMED = 3  # how many names or rules a sentence repeats
_WHY_LIMIT = 240


def compare(before: object, after: object) -> Data:
    """What changed from one report to another: a row for each guest and for each statement about a guest.

    A row is regressed or fixed where its verdict got worse or better, new or gone where it is in one report alone,
    changed where it says something else with the same verdict. It is incomparable, and says why, where one side is
    indeterminate and the other is not, or where the rule did not run or could not decide on the side that lacks it.
    `notes` say what makes the reports differ as a whole. Raises InvalidInput for data that is no report.
    """
    reports = _read(before, "before"), _read(after, "after")
    sides = _side_of(reports[0], 0), _side_of(reports[1], 1)
    rows = sorted(_rows(*sides), key=lambda row: (COMPARISON_CLASSES.index(str(row["class"])), str(row["key"])))
    counts = {name: sum(row["class"] == name for row in rows) for name in COMPARISON_CLASSES}
    return {
        "schema": SCHEMA,
        "before": _summary(reports[0]),
        "after": _summary(reports[1]),
        "verdict": _class_of(reports[0]["verdict"], reports[1]["verdict"], is_same=True),
        "notes": list(_notes(*sides)),
        "counts": counts,
        "rows": rows,
    }


def _read(report: object, name: str) -> Data:
    """A report, looked at as far as a comparison needs it."""
    if not isinstance(report, dict) or report.get("schema") != "patreview.report/1":
        raise refuse("report", "is no report: its schema is not patreview.report/1", field=name)
    _verdict(report, name)
    for key, fields in (("classes", ("platform", "behaviour")), ("findings", ("platform", "rule", "subject", "title"))):
        for position, row in enumerate(_list(report, key, name)):
            at = f"{name}.{key}[{position}]"
            if not isinstance(row, dict):
                raise refuse("report", "is no object", field=at)
            _verdict(row, at, "after" if key == "classes" else "verdict")
            for field in fields:
                if not isinstance(row.get(field), str):
                    raise refuse("report", "is missing or no text", field=f"{at}.{field}")
            for member in _list(row, "members" if key == "classes" else "guests", at):
                if not isinstance(member, str):
                    raise refuse("report", "a guest's name is text", field=at)
    coverage = report.get("coverage")
    _list(coverage if isinstance(coverage, dict) else {}, "ran", f"{name}.coverage")
    return report


def _verdict(data: Data, name: str, key: str = "verdict") -> None:
    if str(data.get(key)) not in _VERDICTS:
        raise refuse("report", f"is no verdict: {', '.join(_VERDICTS)}", field=f"{name}.{key}")


def _list(data: Data, key: str, name: str) -> list[object]:
    found = data.get(key)
    if not isinstance(found, list):
        raise refuse("report", "is missing or no list", field=f"{name}.{key}")
    return found


def _summary(report: Data) -> Data:
    return {key: report.get(key) for key in ("verdict", "sentence", "engine", "inputs_digest")}


Key = tuple[str, str, str, str, str]
Item = tuple[str, str]


class _Side(NamedTuple):
    """One report as a comparison looks at it: its items, and what became of each rule, with the reason if any."""

    name: str
    kind: object
    engine: object
    items: dict[Key, Item]
    ran: dict[str, str]
    skipped: dict[str, str]
    undecided: dict[str, str]
    open_rules: dict[tuple[str, str], list[str]]  # those that found a guest on a platform indeterminate

    def names(self, position: int) -> set[str]:
        """The platforms (1) or the guests (2) that it is about."""
        return {key[position] for key in self.items if key[position]}

    def silence(self, key: Key) -> str:
        """Why what it does not say of something means nothing; "" where it means that there is nothing to say."""
        _, platform, guest, rule, _ = key
        if not rule:
            return ""
        if rule not in self.ran:
            reason = self.skipped.get(rule, f"its engine, {_version(self.engine)}, has no such rule")
            return f"{rule} did not run {self.name}: {reason}"
        is_open = _is_open(self.items.get(("guest", platform, guest, "", ""), ("", "")))
        if is_open and rule in self.undecided:
            return f"{rule} could not decide {self.name}: {self.undecided[rule]}"
        return ""


def _is_open(item: Item) -> bool:
    return item[0] == Verdict.INDETERMINATE.word


def _side_of(report: Data, position: int) -> _Side:
    items = _items(report)
    open_rules: dict[tuple[str, str], list[str]] = {}
    for (_, platform, guest, rule, _), item in items.items():
        if rule and _is_open(item):
            open_rules.setdefault((platform, guest), []).append(rule)
    return _Side(
        name=_SIDES[position],
        kind=report.get("kind"),
        engine=report.get("engine"),
        items=items,
        ran=_covered(report, "ran"),
        skipped=_covered(report, "not_applicable"),
        undecided=_covered(report, "undecided"),
        open_rules=open_rules,
    )


def _covered(report: Data, key: str) -> dict[str, str]:
    """The rules of one part of the coverage, each with its reason."""
    coverage: Any = report["coverage"]
    rows = coverage.get(key)
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return {str(row.get("rule")): str(row.get("why") or "it did not apply") for row in rows}


def _items(report: Data) -> dict[Key, Item]:
    """The verdict and the text of each guest on each platform, and of each statement about it."""
    found: dict[Key, Item] = {}
    classes: Any = report["classes"]
    findings: Any = report["findings"]
    for one in classes:
        for member in one["members"]:
            found["guest", one["platform"], member, "", ""] = one["after"], one["behaviour"]
    for finding in findings:
        if finding.get("state") != "fixed":
            for guest in finding["guests"] or [""]:
                key = ("finding", finding["platform"], guest, finding["rule"], finding["subject"])
                found[key] = finding["verdict"], finding["title"]
    return found


def _rows(before: _Side, after: _Side) -> Iterator[Data]:
    for key in sorted({*before.items, *after.items}):
        left, right = before.items.get(key), after.items.get(key)
        kind, platform, guest, rule, subject = key
        why = _why_incomparable(key, before, after)
        yield {
            "class": "incomparable" if why else _class_of_row(left, right),
            "kind": kind,
            "key": "/".join(key),
            "platform": platform,
            "guest": guest,
            "rule": rule or None,
            "subject": subject or None,
            "before": left and {"verdict": left[0], "text": left[1]},
            "after": right and {"verdict": right[0], "text": right[1]},
            "why": shorten(why, _WHY_LIMIT) if why else None,
        }


def _class_of_row(left: Item | None, right: Item | None) -> str:
    if left is None or right is None:
        return "new" if left is None else "gone"
    return _class_of(left[0], right[0], is_same=left == right)


def _class_of(before: object, after: object, *, is_same: bool) -> str:
    old, new = _VERDICTS[str(before)], _VERDICTS[str(after)]
    if (old is Verdict.INDETERMINATE) != (new is Verdict.INDETERMINATE):
        return "incomparable"
    if old is not new:
        return "regressed" if new > old else "fixed"
    return "unchanged" if is_same else "changed"


def _why_incomparable(key: Key, before: _Side, after: _Side) -> str:
    """Which side is indeterminate, or which rule said nothing on which side; "" where a row can be compared."""
    left, right = before.items.get(key), after.items.get(key)
    if left is None or right is None:
        return (before if left is None else after).silence(key)
    if _is_open(left) == _is_open(right):
        return ""
    side, said, other = (before, left, right) if _is_open(left) else (after, right, left)
    rules = side.open_rules.get((key[1], key[2]), []) if key[0] == "guest" else []
    cause = f" by {_named(sorted(set(rules)))}" if rules else f" ({said[1]})" if said[1] else ""
    return f"{side.name} is indeterminate{cause}, {(after if side is before else before).name} is {other[0]}"


def _notes(before: _Side, after: _Side) -> Iterator[Data]:
    """What makes two reports differ as a whole: kind, nothing in common, what is left open, engine."""
    if before.kind != after.kind:
        yield _note("kind", f"before is a report on a {before.kind}, after is one on a {after.kind}")
    for position, what in ((1, "platform"), (2, "guest")):
        left, right = before.names(position), after.names(position)
        if left and right and not left & right:
            yield _note(what, f"no {what} is in both: {_named(sorted(left))} before, {_named(sorted(right))} after")
    for side, other in ((before, after), (after, before)):
        rules = sorted({*side.undecided} - {*other.undecided})
        if rules:
            message = f"{side.name} leaves {_named(rules)} undecided: {side.undecided[rules[0]]}"
            yield _note("coverage", shorten(message, _WHY_LIMIT), side.name)
    if before.engine != after.engine:
        versions = _version(before.engine), _version(after.engine)
        same = f"engine {versions[0]} judged both, with other rules or tables"
        other_one = f"engine {versions[0]} judged before, engine {versions[1]} after"
        yield _note("engine", same if versions[0] == versions[1] else other_one)


def _note(code: str, message: str, side: str | None = None) -> Data:
    return {"code": code, "side": side, "message": message}


def _version(engine: object) -> str:
    return str(engine.get("version")) if isinstance(engine, dict) else "unknown"


def _named(names: list[str]) -> str:
    more = len(names) - _NAMED
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown
