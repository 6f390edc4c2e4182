"""What is wrong with an input, in words for the one who sent it."""

from typing import NamedTuple


class Problem(NamedTuple):
    """One thing wrong with an input, and where. Lines and columns count from 1."""

    code: str
    message: str
    field: str | None = None
    source: str | None = None
    line: int | None = None
    column: int | None = None

    def as_data(self) -> dict[str, object]:
        """The problem as JSON-able data."""
        return {
            "code": self.code,
            "message": self.message,
            "field": self.field,
            "source": self.source,
            "line": self.line,
            "column": self.column,
        }

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)
        return ": ".join(part for part in (where, self.field or "", self.message) if part)


class InvalidInput(ValueError):
    """An input that cannot be read; `problems` says what, where, and what would do."""

    def __init__(self, *found: Problem) -> None:
        super().__init__("; ".join(str(problem) for problem in found))
        self.found = found
        self.problems: list[dict[str, object]] = [problem.as_data() for problem in found]


def refuse(code: str, message: str, *, field: str | None = None) -> InvalidInput:
    """An InvalidInput of one problem that lies in a field, not in a file."""
    return InvalidInput(Problem(code=code, message=message, field=field))
