"""The pages of the rules: the table by group, and one rule with its examples as the engine answers them."""

import json
from collections.abc import Iterable
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

from patreview import engine

Json = dict[str, Any]

_EXAMPLES = (
    ("fires", "An example in which it speaks", "It says nothing here."),
    ("silent", "An example in which it is silent", "It has nothing to say here."),
)


def groups() -> Json:
    """The rules by group, as the engine orders them."""
    rules = engine.rules()
    by_group = [{"title": title, "rules": list(found)} for title, found in groupby(rules, itemgetter("group"))]
    for group in by_group:
        group["prefix"] = group["rules"][0]["id"][:3]
    return {"groups": by_group, "count": len(rules)}


def context(rule_id: str) -> Json | None:
    """One rule, its neighbours, and its examples; None if there is no such rule."""
    rules = engine.rules()
    rule = next((one for one in rules if one["id"] == rule_id), None)
    if rule is None:
        return None
    before = {after["id"]: one for one, after in pairwise(rules)}
    after = {one["id"]: after for one, after in pairwise(rules)}
    return {
        "rule": rule,
        "previous": before.get(rule_id),
        "following": after.get(rule_id),
        "examples": [_example(rule, *told) for told in _EXAMPLES],
    }


def _example(rule: Json, key: str, heading: str, nothing: str) -> Json:
    """A scenario of the rule and what the engine says of it, now."""
    report = engine.analyse(rule[key])
    return {
        "key": key,
        "heading": heading,
        "nothing": nothing,
        "scenario": json.dumps(rule[key], indent=2, ensure_ascii=False),
        "verdict": report["verdict"],
        "sentence": report["sentence"],
        "findings": _told(report["findings"], rule["id"]),
        "standing": _standing(report["coverage"], rule["id"]),
    }


def _told(findings: Iterable[Json], rule_id: str) -> list[Json]:
    """The findings of a rule that hold, each message once: several entries or types may have the same."""
    mine = (one for one in findings if one["rule"] == rule_id and one["state"] != "fixed")
    return list({(one["verdict"], one["message"]): one for one in mine}.values())


def _standing(coverage: Json, rule_id: str) -> str:
    """Why there is no finding: the rule did not apply, or could not decide; "" where it ran."""
    told = (("not_applicable", "It does not apply: "), ("undecided", "It could not decide: "))
    found = (f"{words}{row['why']}." for kind, words in told for row in coverage[kind] if row["rule"] == rule_id)
    return next(found, "")
