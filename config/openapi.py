"""Completes the OpenAPI document: what every operation may answer besides its success, and with which headers.

drf-spectacular prints what the views say; the refusals are the same everywhere and are said here once, from the table of
problems. Schemathesis compares every answer of the running service with the result.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from config.problems import ADDRESS, KINDS, MEDIA_TYPE

Json = dict[str, Any]

# Lists by pages change with every transaction, and a certificate says what holds when it is opened; nobody asks for them twice.
_WITHOUT_ETAG = frozenset(
    {
        "list_accounts",
        "list_agreements",
        "list_blocks",
        "list_corridors",
        "list_freezes",
        "list_instruments",
        "list_links",
        "list_notices",
        "list_quotas",
        "list_recognitions",
        "list_theft_cases",
        "list_transactions",
        "list_trusted_accounts",
        "read_statement",
        "read_certificate",
    }
)
# Where facilities are judged by their jurisdiction's dated rules.
_BY_RULES_OF_COMPLIANCE = frozenset({"list_obligations", "list_periods"})
_ANSWERS: Mapping[int, tuple[str, str]] = {
    304: ("NotModified", "What the client has is current."),
    400: ("BadRequest", "The request is not of the documented form: its body, a parameter or a header."),
    401: ("NotAuthenticated", "No API key, or none that is known and current."),
    403: ("NotPermitted", "The API key lacks the scope, or its user the role."),
    404: ("NotFound", "Nothing is there, or nothing that the reader may know of: the two are told alike."),
    406: ("NotAcceptable", "The answer is not to be had in an accepted media type."),
    409: ("RulesNotUnderstood", "The jurisdiction's dated rules of compliance say nothing that can be read."),
    413: ("BodyTooLarge", "The body is larger than 1 MiB."),
    415: ("UnsupportedMediaType", "The body is not `application/json` in UTF-8."),
    422: ("Refused", "The checks refused the order; `errors` lists every failure, and nothing moved."),
    428: ("IdempotencyKeyMissing", "The request names no `Idempotency-Key`."),
    500: ("Unexpected", "Something failed that should not. Nothing is told but in the log."),
    503: ("Busy", "Concurrent work was in the way, or a part of the service is away; ask again."),
}

PROBLEM: Json = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "code", "errors"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "enum": [f"{ADDRESS}{kind}" for kind in KINDS]},
        "title": {"type": "string", "description": "The kind of problem, in the reader's language."},
        "status": {"type": "integer", "enum": sorted(set(KINDS.values()))},
        "detail": {"type": "string", "description": "What is wrong with this request, in the reader's language."},
        "instance": {"type": "string", "format": "uri-reference", "description": "The path that was asked for."},
        "code": {
            "type": ["integer", "string"],
            "description": "The code of the first error; the kind of problem where `errors` is empty.",
        },
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/RequestError"}},
    },
}
REQUEST_ERROR: Json = {
    "type": "object",
    "description": "One thing wrong with a request.",
    "required": ["code", "detail", "field", "pointer", "subjects", "transient"],
    "additionalProperties": False,
    "properties": {
        "code": {
            "type": ["integer", "string"],
            "description": "A number of the check table (`/api/v1/checks`), or a word for a fault of form. Stable.",
        },
        "detail": {"type": "string"},
        "field": {"type": "string", "description": "The member, query parameter or header; empty for the whole."},
        "pointer": {"type": "string", "description": "Where in the body (RFC 6901); empty for the whole."},
        "subjects": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The accounts or serial blocks concerned.",
        },
        "transient": {"type": "boolean", "description": "Whether a retry of the same order can succeed."},
    },
}


def _header(description: str, pattern: str | None = None, *, required: bool = True) -> Json:
    schema: Json = {"type": "string"} if pattern is None else {"type": "string", "pattern": pattern}
    return {"description": description, "required": required, "schema": schema}


HEADERS: dict[str, Json] = {
    "Cache-Control": _header(
        "`no-store` for authenticated answers and problems, `no-cache` for what anybody may read."
    ),
    "ETag": _header("Names this very answer; send it back in `If-None-Match`.", '^"[0-9a-f]{32}"$'),
    "Location": _header("The address of what was made."),
    "Idempotency-Replayed": _header(
        "`true` when this is the first answer to the same request, given again.", "^true$", required=False
    ),
    "WWW-Authenticate": _header("The challenge (RFC 6750)."),
    "Retry-After": _header("Seconds to wait.", "^[0-9]+$"),
}
# Of what moves units, which the request names by a key.
_HEADERS_WITH_KEY = ("Location", "Idempotency-Replayed")
_HEADERS_OF: dict[int, tuple[str, ...]] = {
    304: ("ETag",),
    401: ("WWW-Authenticate",),
    422: ("Idempotency-Replayed",),
    503: ("Retry-After",),
}


def document_problems(result: Json, generator: object, request: object, public: bool) -> Json:
    """Add to each operation the answers that any request may get (drf-spectacular calls it last)."""
    _forget_enumeration_ids(result)
    components = result["components"]
    schemas = {**components["schemas"], "Problem": PROBLEM, "RequestError": REQUEST_ERROR}
    for name, schema in schemas.items():
        if name.endswith("Request"):
            # Unknown members are refused.
            schema["additionalProperties"] = False
    components["schemas"] = dict(sorted(schemas.items()))
    components["headers"] = HEADERS
    components["responses"] = {_ANSWERS[status][0]: _answer(status) for status in _ANSWERS}
    for path in result["paths"].values():
        for method, operation in path.items():
            _complete(operation, method)
    return result


def _forget_enumeration_ids(value: object) -> None:
    # drf-spectacular marks enumerations for a hook that gathers them; they are printed where they are used.
    if isinstance(value, dict):
        value.pop("x-spec-enum-id", None)
        for member in value.values():
            _forget_enumeration_ids(member)
    elif isinstance(value, list):
        for item in value:
            _forget_enumeration_ids(item)


def _headers(status: int, *more: str) -> Json:
    names = ("Cache-Control", *_HEADERS_OF.get(status, ()), *more)
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _answer(status: int) -> Json:
    answer: Json = {"description": _ANSWERS[status][1], "headers": _headers(status)}
    if status != 304:
        answer["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return answer


def _complete(operation: Json, method: str) -> None:
    more: tuple[str, ...] = ("ETag",) if _is_tagged(operation, method) else ()
    if _has_key(operation):
        more = _HEADERS_WITH_KEY
    for status, answer in operation["responses"].items():
        answer["description"] = answer["description"] or "As asked."
        # Only what was made has an address.
        fitting = (name for name in more if name != "Location" or status == "201")
        answer["headers"] = _headers(int(status), *fitting)
    for status in _statuses(operation, method):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/{_ANSWERS[status][0]}"}
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _statuses(operation: Json, method: str) -> Iterator[int]:
    yield from (400, 406, 500, 503)
    if _is_tagged(operation, method):
        yield 304
    # An operation open to anybody says so with an empty requirement, or none.
    if any(operation.get("security", [])):
        yield from (401, 403)
    if any(parameter["in"] == "path" for parameter in operation.get("parameters", [])):
        yield 404
    if operation["operationId"] in _BY_RULES_OF_COMPLIANCE:
        yield 409
    if method == "post":
        yield from (413, 415, 422)
        if _has_key(operation):
            yield 428


def _is_tagged(operation: Json, method: str) -> bool:
    return method == "get" and operation["operationId"] not in _WITHOUT_ETAG


def _has_key(operation: Json) -> bool:
    return any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
