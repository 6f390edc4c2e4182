"""Two reports compared: what got worse, what got better, what came and went."""

from collections.abc import Iterator
from typing import Any

from simulator.finding import Verdict
from simulator.problem import refuse

Data = dict[str, object]

#: The classes of a comparison, in the order in which they matter.
CLASSES = ("regressed", "new", "incomparable", "changed", "fixed", "gone", "unchanged")
_VERDICTS = {verdict.word: verdict for verdict in Verdict}
SCHEMA = "patreview.comparison/1"


def compare(before: object, after: object) -> Data:
    """What changed from one report to another: a row for each guest and for each statement about a guest.

    A row is regressed or fixed where its verdict got worse or better, new or gone where it is in one report alone,
    changed where it says something else with the same verdict. It is incomparable where one side is indeterminate and
    the other is not, or where the rule did not run on the side that lacks it. Raises InvalidInput for data that is no
    report.
    """
    sides = _read(before, "before"), _read(after, "after")
    rows = sorted(_rows(*sides), key=lambda row: (CLASSES.index(str(row["class"])), str(row["key"])))
    counts = {name: sum(row["class"] == name for row in rows) for name in CLASSES}
    return {
        "schema": SCHEMA,
        "before": _side(sides[0]),
        "after": _side(sides[1]),
        "verdict": _class_of(sides[0]["verdict"], sides[1]["verdict"], is_same=True),
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


def _side(report: Data) -> Data:
    return {key: report.get(key) for key in ("verdict", "sentence", "engine", "inputs_digest")}


def _rows(before: Data, after: Data) -> Iterator[Data]:
    old, new = _items(before), _items(after)
    ran = _ran(before), _ran(after)
    for key in sorted({*old, *new}):
        left, right = old.get(key), new.get(key)
        kind, platform, guest, rule, subject = key
        if left is None or right is None:
            is_unknown = bool(rule) and rule not in ran[0 if left is None else 1]
            name = "incomparable" if is_unknown else "new" if left is None else "gone"
        else:
            name = _class_of(left[0], right[0], is_same=left == right)
        yield {
            "class": name,
            "kind": kind,
            "key": "/".join(key),
            "platform": platform,
            "guest": guest,
            "rule": rule or None,
            "subject": subject or None,
            "before": left and {"verdict": left[0], "text": left[1]},
            "after": right and {"verdict": right[0], "text": right[1]},
        }


def _ran(report: Data) -> set[str]:
    """The rules that ran."""
    coverage: Any = report["coverage"]
    return {str(row.get("rule")) for row in coverage["ran"] if isinstance(row, dict)}


Key = tuple[str, str, str, str, str]
Item = tuple[str, str]


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


def _class_of(before: object, after: object, *, is_same: bool) -> str:
    old, new = _VERDICTS[str(before)], _VERDICTS[str(after)]
    if (old is Verdict.INDETERMINATE) != (new is Verdict.INDETERMINATE):
        return "incomparable"
    if old is not new:
        return "regressed" if new > old else "fixed"
    return "unchanged" if is_same else "changed"
