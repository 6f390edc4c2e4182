"""Who calls: a bearer token of a project, or the session of a person in the browser."""

from typing import Any

from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from patreview.projects.principal import Principal
from patreview.projects.services import find_token


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer prt_...`"""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = find_token(text.strip())
        if token is None:
            raise AuthenticationFailed("The token is unknown, expired or revoked.")
        request._request.principal = Principal(token.owner, token)  # type: ignore[attr-defined]
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="patreview"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, with its CSRF check; 401 rather than 403 when there is none."""

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="patreview"'
