"""Problem documents (RFC 9457): how every error of the API is told to a client, and what is only told to the log.

The tree of what may be raised, and the answer it becomes:

    rest_framework APIException
    |- ValidationError                  400  the body's members
    |- NotAuthenticated, AuthenticationFailed  401
    |- PermissionDenied                 403  the key lacks the scope
    |- NotFound                         404  nothing there, or no right to know of it: the same words
    |- MethodNotAllowed 405, NotAcceptable 406, UnsupportedMediaType 415
    config.parsers.MalformedBody        400  no JSON that all readers read alike
    config.parsers.BodyTooLarge         413
    accounts.api.errors.RequestRefused       400 query, 422 form of a member, 428 no idempotency key
    accounts.refusals.Refusal           422  an act upon accounts was refused
    |- NotPermitted                     403
    |- NotFound                         404
    registry.operations.outcome.Refused 422  the checks refused a proposal, or a step of a transaction: every failure
    registry.operations.propose_batch.BatchRefused  422  an all-or-nothing batch: every failure of every order, by its place
    (AnsweredBefore is no error: the view gives the first answer again)
    registry.rules.cover_the_excess.RuleNotUnderstood  409  dated rules of compliance say nothing that can be read
    django.db.OperationalError          503  concurrent work was in the way, or the database is away: ask again
    anything else                       500  says nothing; everything is in the log
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path
from django.views import defaults
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import refusals
from accounts.api.errors import RequestError, RequestRefused
from accounts.texts import text
from config.parsers import BodyTooLarge, MalformedBody
from registry.api.refusals import errors_of, errors_of_batch
from registry.operations.outcome import Refused
from registry.operations.propose_batch import BatchRefused
from registry.rules.cover_the_excess import RuleNotUnderstood

MEDIA_TYPE = "application/problem+json"
ADDRESS = "/api/problems/"
RETRY_AFTER_SECONDS = 1
_log = logging.getLogger(__name__)

# Every kind of problem and its status. A kind is public and stable; its texts are `problem.<kind>` and, where the document
# has no more particular thing to say, `problem.<kind>.detail`.
KINDS: Mapping[str, int] = {
    "malformed-body": 400,
    "invalid-request": 400,
    "invalid-query": 400,
    "invalid-header": 400,
    "bad-request": 400,
    "not-authenticated": 401,
    "key-refused": 401,
    "not-permitted": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "not-acceptable": 406,
    "rules-not-understood": 409,
    "body-too-large": 413,
    "unsupported-media-type": 415,
    "refused": 422,
    "idempotency-key-missing": 428,
    "unexpected": 500,
    "busy": 503,
}
# What Django REST framework calls a thing, and what it is called here.
_KIND_OF: Mapping[type[exceptions.APIException], str] = {
    exceptions.NotAuthenticated: "not-authenticated",
    exceptions.AuthenticationFailed: "key-refused",
    exceptions.PermissionDenied: "not-permitted",
    exceptions.NotFound: "not-found",
    exceptions.MethodNotAllowed: "method-not-allowed",
    exceptions.NotAcceptable: "not-acceptable",
    exceptions.UnsupportedMediaType: "unsupported-media-type",
    exceptions.ParseError: "malformed-body",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document before it is printed."""

    kind: str
    errors: tuple[RequestError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KINDS[self.kind]

    def document(self, instance: str) -> dict[str, Any]:
        """Return the members of RFC 9457 and, as extensions, `code` and `errors`.

        `code` is the first error's, in the order of the check table, or the kind where nothing more is to be said.
        """
        first = next((error for error in self.errors), None)
        detail = first.detail if len(self.errors) == 1 and first else text(f"problem.{self.kind}.detail")
        return {
            "type": f"{ADDRESS}{self.kind}",
            "title": text(f"problem.{self.kind}"),
            "status": self.status,
            "detail": detail,
            "instance": instance,
            "code": first.code if first else self.kind,
            "errors": [_printed(error) for error in self.errors],
        }


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response:
    """Answer whatever a view raised with a problem document (Django REST framework calls it)."""
    problem = problem_of(exc)
    # What administrators have to set right is told to them as well.
    if problem.status >= 500 or problem.kind == "rules-not-understood":
        _log.error("%s %s", context["request"].method, context["request"].path, exc_info=exc)
    headers = {"Cache-Control": "no-store", **problem.headers}
    document = problem.document(_instance(context["request"]))
    return Response(document, status=problem.status, headers=headers, content_type=MEDIA_TYPE)


def problem_of(exc: Exception) -> Problem:
    """Return the problem that an exception is told as."""
    match exc:
        case Refused():
            return Problem("refused", errors_of(exc))
        case BatchRefused():
            return Problem("refused", errors_of_batch(exc))
        case RequestRefused():
            return Problem(exc.kind, exc.errors)
        case MalformedBody():
            return Problem("malformed-body", tuple(_of_body(fault.code, fault.pointer) for fault in exc.faults))
        case BodyTooLarge():
            return Problem("body-too-large")
        case exceptions.ValidationError():
            return Problem("invalid-request", tuple(_validation_errors(exc.detail)))
        case refusals.NotFound() | Http404():
            return Problem("not-found")
        case refusals.NotPermitted() | DjangoPermissionDenied():
            return Problem("not-permitted")
        case refusals.Refusal():
            return Problem("refused", (_of_refusal(exc),))
        case RuleNotUnderstood():
            code = "compliance-rule-not-understood"
            return Problem("rules-not-understood", (RequestError(code, text(f"problem.{code}")),))
        case exceptions.APIException():
            return _of_rest_framework(exc)
        case OperationalError():
            return Problem("busy", headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
        case _:
            return Problem("unexpected")


def _of_rest_framework(exc: exceptions.APIException) -> Problem:
    kind = next((kind for cls, kind in _KIND_OF.items() if isinstance(exc, cls)), "unexpected")
    challenge = getattr(exc, "auth_header", None)
    return Problem(kind, headers={"WWW-Authenticate": challenge} if challenge else {})


def _of_refusal(refusal: refusals.Refusal) -> RequestError:
    detail = text(f"refusal.{refusal.code}", **refusal.params)
    pointer = f"/{refusal.field}" if refusal.field else ""
    return RequestError(refusal.code, detail, field=refusal.field, pointer=pointer)


def _of_body(code: str, pointer: str) -> RequestError:
    # The third part of "/serial_blocks/0" and the like is for the pointer alone.
    return RequestError(code, text(f"problem.{code}"), field=pointer.split("/")[1] if pointer else "", pointer=pointer)


def _validation_errors(detail: Any, pointer: str = "") -> Iterator[RequestError]:
    """Flatten a serializer's errors, each with its place."""
    if isinstance(detail, Mapping):
        for name, found in detail.items():
            own = name in {"non_field_errors", "__all__"}
            escaped = str(name).replace("~", "~0").replace("/", "~1")
            yield from _validation_errors(found, pointer if own else f"{pointer}/{escaped}")
    elif isinstance(detail, list):
        for found in detail:
            yield from _validation_errors(found, pointer)
    else:
        code = getattr(detail, "code", "invalid")
        yield RequestError(
            code=int(code) if code.isdecimal() else code.replace("_", "-"),
            detail=str(detail),
            field=pointer.split("/")[1] if pointer else "",
            pointer=pointer,
        )


def _printed(error: RequestError) -> dict[str, Any]:
    return {
        "code": error.code,
        "detail": error.detail,
        "field": error.field,
        "pointer": error.pointer,
        "subjects": list(error.subjects),
        "transient": error.transient,
    }


def _answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Print a problem that arose outside any view of the API."""
    content = JSONRenderer().render(problem.document(_instance(request)))
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(content, status=problem.status, content_type=MEDIA_TYPE, headers=headers)


def _instance(request: HttpRequest | Request) -> str:
    """Return what was asked for as a URI reference: a path may hold any character, a URI may not."""
    return escape_uri_path(request.path)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django itself refused, such as one for another host."""
    return _answer(request, Problem("bad-request")) if _is_api(request) else defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django itself denied."""
    if _is_api(request):
        return _answer(request, Problem("not-permitted"))
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request for an address that does not exist."""
    return _answer(request, Problem("not-found")) if _is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what failed outside any view; Django has logged it."""
    return _answer(request, Problem("unexpected")) if _is_api(request) else defaults.server_error(request)


def kinds() -> Iterable[tuple[str, int, str, str]]:
    """Return every kind of problem: its name, status, title and detail."""
    return [(kind, status, text(f"problem.{kind}"), text(f"problem.{kind}.detail")) for kind, status in KINDS.items()]
