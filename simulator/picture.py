"""The picture of a report: PA0 to PA7, who relies on them, and what moves where."""

from collections.abc import Iterator
from typing import NamedTuple

from simulator.analysis import Review
from simulator.finding import Verdict, worst
from simulator.memory_type import MemoryType
from simulator.pat import ENTRY_COUNT, PteCacheBits
from simulator.rules import View

Data = dict[str, object]


class Reliance(NamedTuple):
    """One class that reaches one entry for one type, in one of its possible cases."""

    pat_index: int
    guest_class: str
    case: int
    members: tuple[str, ...]
    wanted: MemoryType
    how: str
    verdict: Verdict

    @property
    def key(self) -> tuple[str, MemoryType, str]:
        """Who relies, for what, and how: one line of an entry."""
        return self.guest_class, self.wanted, self.how

    @property
    def user(self) -> tuple[str, int, MemoryType]:
        """Whose wire it is."""
        return self.guest_class, self.case, self.wanted


def _reliances(view: View) -> Iterator[Reliance]:
    """Who reaches which entry of Xen's layout by what is needed, in every case that is possible."""
    for judged in view.judged:
        for number, case in enumerate(judged.cases):
            for result in case.results if case.kernel.is_pv else ():
                index, wanted = result.mapping.written, result.mapping.wanted
                if index is None:
                    continue
                is_open = judged.chosen is None and result.verdict > Verdict.DEGRADED
                yield Reliance(
                    pat_index=index,
                    guest_class=judged.guest_class.key,
                    case=number,
                    members=tuple(judged.guest_class.members),
                    wanted=wanted,
                    how="type" if case.kernel.follows_layout(wanted) else "index",
                    verdict=Verdict.INDETERMINATE if is_open else result.verdict,
                )


def draw_entries(one: Review) -> list[Data]:
    """The eight entries with their bits, types, users and findings."""
    before = list(_reliances(one.before)) if one.before is not None else []
    after = list(_reliances(one.after))
    return [_entry(one, index, before, after) for index in range(ENTRY_COUNT)]


def _entry(one: Review, index: int, before: list[Reliance], after: list[Reliance]) -> Data:
    old, new = one.platform.layout.entries[index], one.platform.proposed
    entry = None if new is None else new.entries[index]
    found = [stated.finding for stated in one.findings if stated.finding.entry == index]
    counted = [stated.finding.verdict for stated in one.findings if stated.counts and stated.finding.entry == index]
    users = [reliance.verdict for reliance in after if reliance.pat_index == index]
    return {
        "index": index,
        "name": f"PA{index}",
        "bits": PteCacheBits.of_index(index).as_data(),
        "before": old.word,
        "after": None if entry is None else entry.word,
        "byte_before": f"{old:02x}",
        "byte_after": None if entry is None else f"{entry:02x}",
        "changed": entry is not None and entry is not old,
        "relied_on": _relied_on(index, before, after),
        "verdict": worst([*counted, *users]).word if counted or users else None,
        "findings": sorted(finding.fingerprint for finding in found),
    }


def _relied_on(index: int, before: list[Reliance], after: list[Reliance]) -> list[Data]:
    moments: dict[tuple[str, MemoryType, str], set[str]] = {}
    users: dict[tuple[str, MemoryType, str], Reliance] = {}
    for moment, reliances in (("before", before), ("after", after)):
        for reliance in reliances:
            if reliance.pat_index == index:
                users[reliance.key] = reliance
                moments.setdefault(reliance.key, set()).add(moment)
    return [
        {
            "class": users[key].guest_class,
            "members": list(users[key].members),
            "wants": users[key].wanted.word,
            "how": users[key].how,
            "when": "both" if len(moments[key]) > 1 else min(moments[key]),
        }
        for key in sorted(users)
    ]


def draw_wires(one: Review) -> list[Data]:
    """Where each type that is relied on goes when the layout changes; idle entries stay where they are.

    A wire is unsafe where a guest relying on it gets worse than a degraded result.
    """
    if one.before is None:
        return []
    old = {user.user: user for user in _reliances(one.before)}
    wires: dict[tuple[int, int, MemoryType, str], bool] = {}
    for user in _reliances(one.after):
        start = old[user.user].pat_index if user.user in old else user.pat_index
        key = (start, user.pat_index, user.wanted, user.how)
        wires[key] = wires.get(key, True) and user.verdict <= Verdict.DEGRADED
    asked = {index for start, end, _, _ in wires for index in (start, end)}
    for index in sorted(set(range(ENTRY_COUNT)) - asked):
        wires[index, index, one.platform.layout.entries[index], "idle"] = True
    return [
        {"from": start, "to": end, "type": wanted.word, "kind": kind, "safe": safe}
        for (start, end, wanted, kind), safe in sorted(wires.items())
    ]
