"""The answer to a proposal, printed once: the same bytes go to the client and, with the effect, into the database.

Commit point: the answer is stored in the transaction's own COMMIT. Whoever lost the connection, before or after it, asks again
with the same key and is told the one outcome there is.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.reverse import reverse

from accounts.api.base import ApiView
from accounts.api.errors import RequestError, RequestRefused
from accounts.texts import text
from registry.api.transaction_serializers import TransactionSerializer
from registry.facts import StoredAnswer
from registry.operations.outcome import AnswerKey

HEADER = "Idempotency-Key"
# One for every request: making one copies all its fields.
_PRINTER = TransactionSerializer()
_FORM = re.compile(r"[\x21-\x7e]{1,255}")

IDEMPOTENCY_KEY = OpenApiParameter(
    name=HEADER,
    location=OpenApiParameter.HEADER,
    required=True,
    type={"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]{1,255}$"},
    description="A name of your own for this request, such as a UUID. The same name and body are carried out once.",
)


class Answering:
    """Answers one request that moves or stops units."""

    def __init__(
        self,
        view: ApiView,
        request: Request,
        printer: Callable[[Any], Any] | None = None,
        success: int = 201,
        location: str = "transaction",
    ) -> None:
        """`printer` prints what succeeded, a transaction where it is absent; `success` is then the status.

        `location` is the address of what was made, by its id.

        Raises: RequestRefused when the request has no usable idempotency key.
        """
        self._view, self._request = view, request
        self._printer, self._success = printer or _PRINTER.to_representation, success
        self._location = location
        self._result: object = None
        self._status, self._body = 0, ""
        self._key = request.headers.get(HEADER, "")
        if not self._key:
            raise RequestRefused(
                "idempotency-key-missing", RequestError("required", text("problem.required"), field=HEADER)
            )
        if not _FORM.fullmatch(self._key):
            raise RequestRefused("invalid-header", RequestError("wrong-form", text("problem.wrong-form"), field=HEADER))

    def key(self, digest: str) -> AnswerKey:
        """Return the key under which the operation stores the answer."""
        return AnswerKey(
            principal=f"user:{self._view.actor.user_id}", key=self._key, digest=digest, print_answer=self._print
        )

    def printed(self, result: object) -> bool:
        """Return whether this very result was printed, and so stored."""
        return self._result is result

    def response(self) -> HttpResponse:
        """Return the answer as it was stored."""
        return self._response(self._status, self._body)

    def again(self, answer: StoredAnswer) -> HttpResponse:
        """Return the first answer to the same request, byte for byte."""
        response = self._response(answer.status, answer.body)
        response["Idempotency-Replayed"] = "true"
        return response

    def _print(self, result: Any) -> tuple[int, str]:
        """Print a result as the operation stores it. A decision made anew after a conflict prints anew."""
        if isinstance(result, Exception):
            # The one place that prints problems is found as Django REST framework finds it: config is a floor above.
            answer = self._view.get_exception_handler()(result, self._view.get_exception_handler_context())
            assert answer is not None
            status, document = answer.status_code, answer.data
        else:
            status, document = self._success, self._printer(result)
        self._result, self._status = result, status
        self._body = JSONRenderer().render(document).decode()
        return self._status, self._body

    def _response(self, status: int, body: str) -> HttpResponse:
        if status >= 400:
            return HttpResponse(body, status=status, content_type="application/problem+json")
        response = HttpResponse(body, status=status, content_type="application/json")
        if status == 201:
            response["Location"] = reverse(self._location, args=[json.loads(body)["id"]])
        return response
