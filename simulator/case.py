"""A guest class under one layout, as it was judged: each need, each possible case, the one that speaks for all."""

from typing import NamedTuple

from simulator.driver import Need
from simulator.finding import Finding, Verdict, worst
from simulator.kernel import Kernel
from simulator.mapping import Mapping
from simulator.scenario import GuestClass


class Result(NamedTuple):
    """A need and what it comes to: the mapping, and what the rules say of it."""

    mapping: Mapping
    need: Need
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of the pair and of the findings; a need that is only possible is conditional at worst."""
        found = worst([self.mapping.verdict, *(finding.verdict for finding in self.findings)])
        return found if self.need.certain else min(found, Verdict.CONDITIONAL)


class Case(NamedTuple):
    """One possible behaviour of a class under a layout.

    `results` is the guest started anew; `kept` is the guest started under the layout that is replaced and restored
    under this one, None where that cannot matter. `said` is what the rules say of the guest as a whole.
    """

    kernel: Kernel
    results: tuple[Result, ...]
    kept: tuple[Result, ...] | None
    said: tuple[Finding, ...]

    @property
    def fresh(self) -> Verdict:
        """The verdict on the guest started anew."""
        return worst([result.verdict for result in self.results] + [finding.verdict for finding in self.said])

    @property
    def after_restore(self) -> Verdict:
        """The verdict on the guest restored; compatible where that cannot matter."""
        return worst(result.verdict for result in self.kept or ())

    @property
    def cannot_boot(self) -> bool:
        """Whether nothing else matters: the kernel cannot boot in this mode."""
        return self.kernel.problem is not None and self.kernel.problem.verdict is Verdict.INCOMPATIBLE

    @property
    def words(self) -> str:
        """The verdicts as the end of a sentence."""
        is_same = self.kept is None or self.after_restore is self.fresh
        return self.fresh.word if is_same else f"{self.fresh.word}, {self.after_restore.word} once restored"


class ClassJudgement(NamedTuple):
    """A class under a layout: every case, and the one that speaks for all; None where what is unknown decides.

    `chosen` speaks for the guests started anew, `restored` for those restored.
    """

    guest_class: GuestClass
    cases: tuple[Case, ...]
    chosen: Case | None
    restored: Case | None

    @property
    def is_decided(self) -> bool:
        """Whether nothing that is unknown decides, neither on the guests started anew nor on those restored."""
        return self.chosen is not None and self.restored is not None

    @property
    def kernel(self) -> Kernel | None:
        """The behaviour that speaks for all."""
        return None if self.chosen is None else self.chosen.kernel

    @property
    def row(self) -> str | None:
        """The row of the table that every case is of; None where they are of several."""
        titles = {case.kernel.row.title for case in self.cases}
        return titles.pop() if len(titles) == 1 else None

    @property
    def verdict(self) -> Verdict:
        """The verdict on the guests started anew."""
        return Verdict.INDETERMINATE if self.chosen is None else self.chosen.fresh

    @property
    def resumed(self) -> Verdict | None:
        """The verdict on the guests restored; None where that cannot matter."""
        if not self.may_resume:
            return None
        return Verdict.INDETERMINATE if self.restored is None else self.restored.after_restore

    @property
    def may_resume(self) -> bool:
        """Whether a restore matters in any case."""
        return any(case.kept is not None for case in self.cases)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the rules say of the decided class, of its guests and of each mapping."""
        found = list(self.chosen.said) if self.chosen is not None else []
        results = self.chosen.results if self.chosen is not None else ()
        kept = (self.restored.kept or ()) if self.restored is not None else ()
        return *found, *(finding for result in (*results, *kept) for finding in result.findings)
