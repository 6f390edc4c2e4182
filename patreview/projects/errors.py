"""Why a service refused. Doors turn these into their own language; the message is for the person."""

from dataclasses import dataclass


@dataclass
class Refused(Exception):
    """`code` is stable and for programs, `message` says what was refused and what would do."""

    code: str
    message: str

    def __str__(self) -> str:
        return self.message


class Forbidden(Refused):
    """The object is known to the one who asks, the right is not there."""


class Conflict(Refused):
    """The object's present state does not allow it."""


class NotFound(Refused):
    """There is no such object, or none that the one who asks may know of."""
