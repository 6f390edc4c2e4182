"""A comparison as the page draws it: the two sides, what differs in the inputs, what is said otherwise, by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from patreview.analyses.comparison import CLASSES
from patreview.web import facts
from patreview.web.layout_table import entry_bits

if TYPE_CHECKING:
    from patreview.analyses.comparison import Compared, Side

Json = dict[str, Any]
Address = Callable[[tuple[str, ...] | None], str]

APART = "incomparable"
DEFAULT = ("regressed", "fixed")
ROWS_MAX = 200  # of a class
SYMBOLS_MAX = 200
_TITLES = {
    "regressed": ("Regressed", "The verdict got worse."),
    "new": ("New", "Said of the after side alone."),
    "incomparable": ("Incomparable", "One side does not know, so there is no better or worse."),
    "changed": ("Changed", "The same verdict, for another reason."),
    "fixed": ("Fixed", "The verdict got better."),
    "gone": ("Gone", "Said of the before side alone."),
    "unchanged": ("Unchanged", "The same verdict for the same reason."),
}


def context(found: Compared, shown: tuple[str, ...] | None, address: Address) -> Json:
    """What `analyses/compare.html` takes; `address` gives the page's own address with other classes shown."""
    results = found.results
    before, after = _names(found)
    context: Json = {
        "sides": [_side("Before", found.before, before), _side("After", found.after, after)],
        "before_name": before,
        "after_name": after,
        "is_one_submission": found.before.revision.submission_id == found.after.revision.submission_id,
        "difference": _difference(found.inputs),
        "results": results,
        "why_no_results": found.why_no_results,
        "word": _word(results) if results else "",
        "sentence": _sentence(found, before, after),
    }
    if results and found.inputs["is_same"]:
        digests = {results[side]["inputs_digest"] for side in ("before", "after")}
        context["difference"]["is_judged_anew"] = len(digests) > 1
    return context | (_results(results, shown, address) if results else {})


def _names(found: Compared) -> tuple[str, str]:
    """How the sides are called: as short as they can be told apart."""
    sides = (found.before, found.after)
    if found.before.revision.pk == found.after.revision.pk and found.before.run and found.after.run:
        first, second = (f"run {side.run.attempt}" for side in sides if side.run)
        return first, second
    if found.before.revision.submission_id == found.after.revision.submission_id:
        return f"r{found.before.revision.number}", f"r{found.after.revision.number}"
    first, second = (f"#{side.revision.submission_id} r{side.revision.number}" for side in sides)
    return first, second


def _side(label: str, side: Side, name: str) -> Json:
    return {
        "label": label,
        "name": name,
        "reference": side.reference,
        "revision": side.revision,
        "submission": side.revision.submission,
        "run": side.run,
        "report": side.report,
        "why_no_report": side.why_no_report,
    }


def _word(results: Json) -> str:
    """The class that the page is headed by: the worst news first, though the verdict as a whole be the same.

    What has nothing in common, and what got better only because less is known, cannot be compared.
    """
    verdict, counts = results["verdict"], results["counts"]
    if _apart(results):
        return APART
    if verdict == "regressed" or counts["regressed"] or _broken_of_both(results):
        return "regressed"
    better = verdict if verdict != "unchanged" else "fixed" if counts["fixed"] else ""
    if better == APART or (better and _left_open(results)):
        return APART
    moved = APART if counts[APART] else "changed" if _moved(results) else "unchanged"
    return better or moved


def _apart(results: Json) -> str:
    """Why the two have too little in common; "" where they can be compared."""
    return next((note["message"] for note in results["notes"] if note["code"] in ("guest", "platform", "kind")), "")


def _left_open(results: Json) -> str:
    """What the after side leaves open and the before side did not."""
    notes = results["notes"]
    return next((note["message"] for note in notes if note["code"] == "coverage" and note["side"] == "after"), "")


def _broken_of_both(results: Json) -> list[Json]:
    """What is new and fails, of guests that are on both sides."""
    rows = results["rows"]
    new = {(row["platform"], row["guest"]) for row in rows if row["kind"] == "guest" and row["class"] == "new"}
    return [row for row in _broken(results) if (row["platform"], row["guest"]) not in new]


def _moved(results: Json) -> int:
    return sum(count for name, count in results["counts"].items() if name != "unchanged")


def _broken(results: Json) -> list[Json]:
    """A new statement that something fails is a step back, whatever its class."""
    rows = results["rows"]
    return [row for row in rows if row["class"] == "new" and row["after"]["verdict"] == "incompatible"]


def _sentence(found: Compared, before: str, after: str) -> str:
    """What became of the verdict, and of the guests, in one sentence."""
    results = found.results
    if results is None:
        return "What is proposed can be compared; what is said of it cannot."
    old, new = results["before"]["verdict"], results["after"]["verdict"]
    if before == after:
        return f"Both sides are the same: {before}, {new}."
    sentences = {
        "regressed": f"{after} is worse than {before}: {old} before, {new} after",
        "fixed": f"{after} is better than {before}: {old} before, {new} after",
        APART: f"{before} is {old}, {after} is {new}: that is neither better nor worse",
    }
    if apart := _apart(results):
        return f"{before} is {old}, {after} is {new}; {apart}."
    if results["verdict"] not in ("regressed", APART) and (left := _left_open(results)):
        return f"{before} is {old}, {after} is {new} as far as it was decided; {left}."
    same = f"The verdict stays {new}" + ("" if _moved(results) else ", and so does all that is said")
    return sentences.get(results["verdict"], same) + _guests(results) + "."


def _guests(results: Json) -> str:
    """How many guests got worse and better."""
    counts = {
        words: len({row["guest"] for row in results["rows"] if row["kind"] == "guest" and row["class"] == name})
        for name, words in (("regressed", "got worse"), ("fixed", "got better"))
    }
    parts = [f"{count} guest{'' if count == 1 else 's'} {words}" for words, count in counts.items() if count]
    return f"; {', '.join(parts)}" if parts else ""


# Results


def _results(results: Json, shown: tuple[str, ...] | None, address: Address) -> Json:
    chosen = DEFAULT if shown is None else shown
    by_class: dict[str, list[Json]] = {name: [] for name in CLASSES}
    for row in results["rows"]:
        by_class[row["class"]].append(row)
    sections = [_section(name, by_class[name]) for name in CLASSES if name in chosen and name != APART]
    broken = _broken(results)
    if shown is None and broken:
        every_new = {"all_count": len(by_class["new"]), "all": address(("regressed", "new", "fixed"))}
        sections.insert(1, _section("new", broken) | every_new)
    every = tuple(name for name in CLASSES if name != APART)
    return {
        "chips": [_chip(name, results["counts"][name], chosen, address) for name in CLASSES],
        "sections": [section for section in sections if section["rows"]],
        "apart": _section(APART, by_class[APART]),
        "is_default": shown is None,
        "show_default": address(None),
        "show_all": "" if set(every) <= set(chosen) else address(every),
        "total": len(results["rows"]),
    }


def _chip(name: str, count: int, chosen: Sequence[str], address: Address) -> Json:
    is_chosen = name in chosen
    others = tuple(one for one in CLASSES if (one in chosen) != (one == name) and one != APART)
    return {
        "name": name,
        "title": _TITLES[name][0],
        "count": count,
        "is_chosen": is_chosen and bool(count),
        "href": f"#{APART}" if name == APART else address(others),
        "is_apart": name == APART,
    }


def _section(name: str, rows: list[Json]) -> Json:
    """The rows of one class: guests of which the same is said share one."""
    groups: dict[tuple[Any, ...], Json] = {}
    for row in sorted(rows, key=lambda row: row["kind"] != "guest"):
        said = [(side["verdict"], side["text"]) if side else None for side in (row["before"], row["after"])]
        key = (row["platform"], row["rule"], row["subject"], row["why"], *said)
        groups.setdefault(key, _row(row))["guests"].append(row["guest"] or "")
    grouped = [group | {"guests": [guest for guest in group["guests"] if guest]} for group in groups.values()]
    title, about = _TITLES[name]
    return {
        "name": name,
        "title": title,
        "about": about,
        "count": len(rows),
        "rows": grouped[:ROWS_MAX],
        "more": max(len(grouped) - ROWS_MAX, 0),
        "has_why": name == APART,
    }


def _row(row: Json) -> Json:
    before, after = row["before"], row["after"]
    was = before["text"] if before and after and before["text"] != after["text"] else ""
    return row | {"guests": [], "text": (after or before)["text"], "was": was}


# Inputs


def _difference(inputs: Json) -> Json:
    """The difference of the inputs with what is drawn put beside it."""
    layout, config = inputs["layout"], inputs["config"]
    shown = inputs | {"facts": [_fact(fact) for fact in inputs["facts"]]}
    if layout:
        entries = [entry | {"bits": entry_bits(entry["index"])} for entry in layout["entries"]]
        shown["layout"] = layout | {"entries": entries, "registers": _registers(layout)}
    if config:
        symbols = config["symbols"]
        others = [row for row in symbols if not row["matters"]]
        shown["config"] = config | {
            "first": [row for row in symbols if row["matters"]],
            "others": others[:SYMBOLS_MAX],
            "others_count": len(others) + config["left_out"],
            "others_more": max(len(others) - SYMBOLS_MAX, 0) + config["left_out"],
        }
    return shown


def _registers(layout: Json) -> list[Json]:
    return [
        {
            "label": label,
            "entries": layout[side]["entries"],
            "bytes": [{"text": octet[side], "differs": octet["changed"]} for octet in layout["bytes"]],
        }
        for label, side in (("Before", "before"), ("After", "after"))
    ]


def _fact(fact: Json) -> Json:
    """A fact as a row: its name, and what is written on either side."""
    key = fact["key"]
    lists = bool(fact["added"] or fact["removed"])
    return {
        "name": facts.name_of(key),
        "before": "" if lists else _written(key, fact["before"], fact["also_before"]),
        "after": "" if lists else _written(key, fact["after"], fact["also_after"]),
        "added": [facts.written(key, [item]) for item in fact["added"]],
        "removed": [facts.written(key, [item]) for item in fact["removed"]],
        "left_out": fact["left_out"],
        "is_list": lists,
    }


def _written(key: str, value: Any, others: Sequence[Any]) -> str:
    """A value with those that disagree with it; "" where there is none."""
    if value is None:
        return ""
    return ", but ".join(facts.written(key, one) for one in (value, *others))
