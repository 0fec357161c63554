"""Strict fields for what comes in: a value is of the type the document says, or it is refused. Nothing is converted.

Django REST framework's own take "5" for 5 and 5 for "5"; an order must mean one thing.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from accounts.texts import text

_INTEGER = re.compile(r"0|[1-9][0-9]{0,18}")


def fault(code: int | str, **params: str | int) -> serializers.ValidationError:
    """Return the error of a member: its code and the text of `problem.<code>`."""
    return serializers.ValidationError(text(f"problem.{code}", **params), code=str(code))


class Integer(serializers.IntegerField):
    """A JSON integer between `min_value` and `max_value`; `out_of_range` is the code when it is not between them."""

    def __init__(
        self, *, out_of_range: int | str = "out-of-range", not_integer: int | str = "not-an-integer", **kwargs: Any
    ):
        self.out_of_range, self.not_integer = out_of_range, not_integer
        self.least, self.most = kwargs["min_value"], kwargs["max_value"]
        super().__init__(**kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the integer. Raises: ValidationError with this field's codes."""
        is_empty, value = self.validate_empty_values(data)
        if is_empty:
            return value
        # A truth value is an integer to Python, not to JSON.
        if isinstance(data, bool) or not isinstance(data, int):
            raise fault(self.not_integer)
        if not self.least <= data <= self.most:
            raise fault(self.out_of_range, least=self.least, most=self.most)
        return data


class Text(serializers.CharField):
    """A JSON text without NUL, at most `max_length` characters, as it was sent."""

    def __init__(self, **kwargs: Any):
        super().__init__(trim_whitespace=False, **kwargs)
        # The parser refuses NUL already; the document says so by this pattern.
        self.validators.append(RegexValidator(r"^[^\x00]*$"))

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the text. Raises: ValidationError."""
        if data is not serializers.empty and data is not None and not isinstance(data, str):
            raise fault("not-a-text")
        return super().run_validation(data)


class Pattern(serializers.RegexField):
    """A text of a given form, all of it: `pattern` begins with ^ and ends with $."""

    def __init__(self, pattern: str, *, code: int | str = "wrong-form", **kwargs: Any):
        self.code = code
        # To Python "$" is also the place before a last line feed; "\\Z" is the end, and is documented as "$".
        super().__init__(pattern.removesuffix("$") + r"\Z", trim_whitespace=False, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the text. Raises: ValidationError with this field's code for another form."""
        is_empty, value = self.validate_empty_values(data)
        if is_empty:
            return value
        if not isinstance(data, str):
            raise fault("not-a-text")
        try:
            return super().run_validation(data)
        except serializers.ValidationError:
            raise fault(self.code) from None


class Word(serializers.ChoiceField):
    """One word of a short list."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the word. Raises: ValidationError."""
        if data is serializers.empty or data is None:
            return super().run_validation(data)
        if not isinstance(data, str) or data not in self.choices:
            raise fault("unknown-word", words=", ".join(map(str, self.choices)))
        return data


class Flag(serializers.BooleanField):
    """A JSON truth value; `"true"` and 1 are none."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return it. Raises: ValidationError."""
        if data is not serializers.empty and not isinstance(data, bool):
            raise fault("not-a-flag")
        return super().run_validation(data)


class QueryFlag(serializers.BooleanField):
    """`true` or `false` in a query string; left out, it asks nothing."""

    def to_internal_value(self, data: Any) -> bool:
        """Return it. Raises: ValidationError for every other word, the empty one too."""
        if data not in {"true", "false"}:
            raise fault("not-a-flag")
        return bool(data == "true")


class QueryInteger(serializers.IntegerField):
    """An integer in a query string, printed as integers are printed."""

    def to_internal_value(self, data: Any) -> int:
        """Return the integer. Raises: ValidationError for `+1`, `01`, ` 1` and the like."""
        if not _INTEGER.fullmatch(str(data)):
            raise fault("not-an-integer")
        return int(data)


class StrictSerializer(serializers.Serializer[Any]):
    """A body whose members are all known: an unknown one is refused, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the members. Raises: ValidationError with every fault of every member."""
        if not isinstance(data, Mapping):
            # As a member of a list; the body itself is an object before it comes here.
            return super().to_internal_value(data)
        unknown = {name: [fault("unknown-field").detail[0]] for name in data if name not in self.fields}  # type: ignore[index]
        try:
            members = super().to_internal_value(data)
        except serializers.ValidationError as error:
            known: Any = error.detail
            raise serializers.ValidationError({**_by_name(known), **unknown}) from None
        if unknown:
            raise serializers.ValidationError(unknown)
        return members


def _by_name(detail: Any) -> Mapping[str, Any]:
    return detail if isinstance(detail, Mapping) else {"non_field_errors": detail}
