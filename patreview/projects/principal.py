"""Who asks: a person, or a token on a person's behalf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from patreview.accounts.models import User
    from patreview.projects.models import Token


@dataclass(frozen=True)
class Principal:
    """A person in the browser has no token and every scope; a token narrows its owner's rights."""

    user: User | AnonymousUser
    token: Token | None = None

    @property
    def name(self) -> str:
        return self.user.get_username()

    @property
    def token_key(self) -> str:
        return self.token.key if self.token else ""

    def has_scope(self, scope: str) -> bool:
        return self.token is None or scope in self.token.scopes
