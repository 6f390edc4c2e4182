"""What may go wrong for a guest besides the encoding of a type."""

from dataclasses import dataclass

from simulator.finding import Severity, Verdict
from simulator.memory_type import MemoryType


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """One statement about one behaviour, by the rule that makes it a finding.

    `message` and `headline` follow the guest and a colon; a conditional hazard
    has an assumption.
    """

    rule: str
    verdict: Verdict
    severity: Severity
    title: str
    message: str
    headline: str
    cite: str
    fix: str | None = None
    assumption: str | None = None
    entry: int | None = None
    wanted: MemoryType | None = None
    in_force: MemoryType | None = None
    subject: str = ""

    def as_data(self) -> list[object]:
        """The hazard as plain data, for digests."""
        return [self.rule, self.verdict.word, self.subject, self.message, self.assumption]
