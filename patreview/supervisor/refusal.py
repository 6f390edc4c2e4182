"""Why a start does not go on, with the exit code that says the same to a script."""

from __future__ import annotations

FAILED = 1
BAD_VALUE = 2
ALREADY_RUNS = 3
PORT_TAKEN = 4
FOLDER_UNUSABLE = 5


class Refusal(Exception):
    """A start that cannot go on. The message says what would help."""

    def __init__(self, message: str, *, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code
