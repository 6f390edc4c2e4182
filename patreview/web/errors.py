"""Error pages: what happened, and one thing to do next."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import get_template

View = Callable[..., HttpResponseBase]


class BadAddress(Exception):
    """The address asks something that is not understood; the message says what would be."""


def bad_request(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    """400, or 413 where the request was larger than the service takes."""
    if isinstance(exception, RequestDataTooBig):
        return render(request, "413.html", status=413)
    return render(request, "400.html", {"reason": reason}, status=400)


def body_refused(request: HttpRequest, status: int, reason: str) -> HttpResponse:
    """411, 413, 415 or 400: the body of the request was not taken, and nothing of it was looked at."""
    template = "413.html" if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else "400.html"
    page = get_template(template).render({"reason": reason})
    return HttpResponse(page, status=status)


def permission_denied(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    """403: seen, but not allowed; one who is not logged in is asked to, since they may be allowed then."""
    context = {"reason": reason, "login_first": _is_nobody(request)}
    return render(request, "403.html", context, status=403)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404; one who is not logged in is asked to, since more may be there for them."""
    return render(request, "404.html", {"login_first": _is_nobody(request)}, status=404)


def _is_nobody(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return user is not None and not user.is_authenticated


def server_error(request: HttpRequest) -> HttpResponse:
    """500, rendered without the request: whatever failed may fail again."""
    return HttpResponse(get_template("500.html").render({}), status=500)


def unavailable(request: HttpRequest) -> HttpResponse:
    """503, rendered without the request: the database does not answer."""
    return HttpResponse(get_template("503.html").render({}), status=503)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without a valid token."""
    return render(request, "403_csrf.html", status=403)


def only(*methods: str) -> Callable[[View], View]:
    """Answer other methods with a 405 page; GET stands for HEAD too."""
    allowed = [*methods, "HEAD"] if "GET" in methods else list(methods)

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method in allowed:
                return _answer(view, request, *args, **kwargs)
            page = get_template("405.html").render({}, request)
            return HttpResponseNotAllowed(allowed, page)

        return checked

    return decorate


def _answer(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
    try:
        return view(request, *args, **kwargs)
    except BadAddress as exc:
        return bad_request(request, reason=str(exc))
