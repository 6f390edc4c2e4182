"""The two doors and the probes. Errors raised outside a view answer in the language of their door."""

import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from patreview.api import problems
from patreview.middleware import BodyRefused
from patreview.probes import healthz, readyz
from patreview.web import errors

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/v1/", include("patreview.api.urls")),
    path("", include("patreview.web.urls")),
]


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, BodyRefused):
        code, status, reason = exception.code, exception.status, str(exception)
        answer = (
            problems.problem(status, code, reason) if _is_api(request) else errors.body_refused(request, status, reason)
        )
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            answer["Retry-After"] = "5"
        return answer
    return problems.bad_request(request, exception) if _is_api(request) else errors.bad_request(request, exception)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problems.forbidden(request, exception) if _is_api(request) else errors.permission_denied(request, exception)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problems.not_found(request, exception) if _is_api(request) else errors.page_not_found(request, exception)


def handler500(request: HttpRequest) -> HttpResponse:
    """Called while the exception is being handled: a database that does not answer is no defect."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        answer = problems.unavailable() if _is_api(request) else errors.unavailable(request)
        answer["Retry-After"] = "5"
        return answer
    return problems.server_error(request) if _is_api(request) else errors.server_error(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return problems.csrf_failure(request, reason) if _is_api(request) else errors.csrf_failure(request, reason)
