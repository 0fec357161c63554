"""Why an act upon accounts was refused: a code and its parameters. The edges look the text up (`refusal.<code>`)."""


class Refusal(Exception):
    """An operation refused, and nothing changed. `code` is public and stable; `params` fill its text.

    `field` names the member of what was asked that it is about, where there is one.
    """

    def __init__(self, code: str, *, field: str = "", **params: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.params = params


class NotPermitted(Refusal):
    """The actor has no role that permits the act."""

    def __init__(self, act: str) -> None:
        super().__init__("not-permitted", act=act)


class NotFound(Refusal):
    """What was named does not exist, or the actor has no right to know that it does."""

    def __init__(self, what: str) -> None:
        super().__init__("not-found", what=what)
