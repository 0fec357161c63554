"""What a request lacks: the errors that a problem document lists, and the exception that carries them to the edge.

`config.problems` prints them; the apps only say which kind of problem it is and what is wrong where.
"""

from dataclasses import dataclass

from accounts.texts import text


@dataclass(frozen=True, slots=True)
class RequestError:
    """One thing wrong with a request. `code`: a number of the check table or a word of `problem.<code>`.

    `field` names the member of the body, the query parameter or the header; `pointer` (RFC 6901) is there for a body.
    `subjects` are the accounts or serial ranges concerned; `transient` says whether a retry can succeed.
    """

    code: int | str
    detail: str
    field: str = ""
    pointer: str = ""
    subjects: tuple[str, ...] = ()
    transient: bool = False


class RequestRefused(Exception):
    """A request is refused before any operation is called; `kind` is a row of `config.problems.KINDS`."""

    def __init__(self, kind: str, *errors: RequestError) -> None:
        super().__init__(f"{kind}: {', '.join(str(error.code) for error in errors)}")
        self.kind = kind
        self.errors = errors


def invalid_query(code: str, parameter: str, **params: str | int) -> RequestRefused:
    """Return the refusal of one query parameter."""
    return RequestRefused("invalid-query", RequestError(code, text(f"problem.{code}", **params), field=parameter))
