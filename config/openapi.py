"""Completes the OpenAPI document: what every operation may answer besides its success, and with which headers.

drf-spectacular prints what the views say; the refusals are the same everywhere and are said here once, from the table of
problems. Schemathesis compares every answer of the running service with the result.
"""

from collections.abc import Iterator
from typing import Any

from config.problems import ADDRESS, KINDS, MEDIA_TYPE

Json = dict[str, Any]

# Lists by pages change with every transaction; nobody asks for them twice.
_WITHOUT_ETAG = frozenset({"list_accounts", "list_blocks", "list_transactions", "propose_transaction"})
_DESCRIPTIONS = {
    304: "What the client has is current.",
    400: "The request is not of the documented form: its body, a parameter or a header.",
    401: "No API key, or none that is known and current.",
    403: "The API key lacks the scope, or its user the role.",
    404: "Nothing is there, or nothing that the reader may know of: the two are told alike.",
    406: "The answer is not to be had in an accepted media type.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not `application/json` in UTF-8.",
    422: "The checks refused the order; `errors` lists every failure, and nothing moved.",
    428: "The request names no `Idempotency-Key`.",
    500: "Something failed that should not. Nothing is told but in the log.",
    503: "Concurrent work was in the way, or a part of the service is away; ask again.",
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


_CACHE = _header("Nothing of an authenticated answer or a problem is kept (`no-store`).")
_ETAG = _header("Names this very answer; send it back in `If-None-Match`.", '^"[0-9a-f]{32}"$')
_REPLAYED = _header("`true` when this is the first answer to the same request, given again.", "^true$", required=False)
_HEADERS: dict[int, Json] = {
    201: {
        "Location": _header("The transaction's address."),
        "Idempotency-Replayed": _REPLAYED,
    },
    401: {"WWW-Authenticate": _header("The challenge (RFC 6750).")},
    422: {"Idempotency-Replayed": _REPLAYED},
    503: {"Retry-After": _header("Seconds to wait.", "^[0-9]+$")},
}


def document_problems(result: Json, generator: object, request: object, public: bool) -> Json:
    """Add to each operation the answers that any request may get (drf-spectacular calls it last)."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"], schemas["RequestError"] = PROBLEM, REQUEST_ERROR
    for name, schema in schemas.items():
        if name.endswith("Request"):
            # Unknown members are refused.
            schema["additionalProperties"] = False
    for path in result["paths"].values():
        for method, operation in path.items():
            _complete(operation, method)
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


def _complete(operation: Json, method: str) -> None:
    for status, answer in operation["responses"].items():
        answer["headers"] = {**answer.get("headers", {}), **_HEADERS.get(int(status), {}), "Cache-Control": _CACHE}
        if operation["operationId"] not in _WITHOUT_ETAG:
            answer["headers"]["ETag"] = _ETAG
    for status in _statuses(operation, method):
        answer = {"description": _DESCRIPTIONS[status], "headers": {**_HEADERS.get(status, {}), "Cache-Control": _CACHE}}
        if status != 304:
            answer["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        else:
            answer["headers"]["ETag"] = _ETAG
        operation["responses"].setdefault(str(status), answer)
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _statuses(operation: Json, method: str) -> Iterator[int]:
    yield from (400, 406, 500, 503)
    if operation["operationId"] not in _WITHOUT_ETAG:
        yield 304
    # An operation open to anybody says so with an empty requirement, or none.
    if any(operation.get("security", [])):
        yield from (401, 403)
    if any(parameter["in"] == "path" for parameter in operation.get("parameters", [])):
        yield 404
    if method == "post":
        yield from (413, 415, 422)
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", [])):
            yield 428
