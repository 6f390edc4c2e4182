"""What the engine knows, as plain data: the same tables as the reference pages, for whoever may call at all."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from patreview import engine
from patreview.api.etags import is_known
from patreview.api.views import View
from patreview.projects.errors import NotFound


def _answer(request: Request, known: Any) -> HttpResponse | Response:
    """The data, with an ETag that changes when the engine or one of its tables does."""
    etag = f'"{engine.ENGINE_VERSION} {engine.rules_digest()}"'
    if is_known(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    return Response(known, headers={"ETag": etag})


class MemoryTypes(View):
    def get(self, request: Request) -> HttpResponse | Response:
        """Liberties and services of the types, effective types by vendor, and every pair with its verdict."""
        return _answer(request, engine.memory_types())


class Rules(View):
    def get(self, request: Request) -> HttpResponse | Response:
        """Each with its citations and two examples."""
        return _answer(request, {"rules_digest": engine.rules_digest(), "results": engine.rules()})


class RuleDetail(View):
    def get(self, request: Request, rule_id: str) -> HttpResponse | Response:
        """One rule by its id, as in ENC010."""
        rule = next((one for one in engine.rules() if one["id"] == rule_id), None)
        if rule is None:
            raise NotFound("not_found", f"There is no rule {rule_id[:50]!r}; GET rules lists them.")
        return _answer(request, rule)


class GuestKernels(View):
    def get(self, request: Request) -> HttpResponse | Response:
        """The table of kernels, the Linux releases that lose the PAT bit, and the drivers."""
        kernels = {"kernels": engine.known_guests(), "losses": engine.known_losses(), "drivers": engine.known_drivers()}
        return _answer(request, kernels)


class Hypervisors(View):
    def get(self, request: Request) -> HttpResponse | Response:
        """What Xen does by release, its S3 windows and EPT rules, and the layouts that are known."""
        return _answer(request, engine.known_hypervisors())
