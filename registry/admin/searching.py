"""How transactions and units are found: by what somebody types (an account, a printed block, a serial), by state and type."""

import re
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.postgres.fields import BigIntegerRangeField
from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts.texts import text
from registry.models import TransactionBlock
from registry.rules.serials import GREATEST_SERIAL, MalformedBlock, parse_block
from registry.rules.states import State
from registry.rules.types import TYPES

_SERIAL = re.compile(r"(?:([A-Z]{2}[A-Z0-9]{1,3})[ /:])?([1-9][0-9]{0,14})")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Serials `[first, next)` of a registry, or of any where it is empty."""

    registry: str
    first: int
    next: int


def serials_in(term: str) -> Wanted | None:
    """Return the serials that a search names: `CNBJ-BEA-2026-1-1000-86`, `CNBJ 17` or `17`; None for anything else."""
    term = term.strip().upper()
    try:
        block = parse_block(term)
    except MalformedBlock:
        found = _SERIAL.fullmatch(term)
        if found is None or int(found[2]) > GREATEST_SERIAL:
            return None
        return Wanted(found[1] or "", int(found[2]), int(found[2]) + 1)
    return Wanted(block.registry, block.first, block.next)


def of_registry(wanted: Wanted) -> Q:
    """Return the condition that the origin is the registry that is wanted."""
    return Q(origin__registry_code=wanted.registry) if wanted.registry else Q()


def ranges_with(wanted: Wanted) -> QuerySet[TransactionBlock]:
    """Return the recorded ranges that have some of the serials, by the index `life_of_a_serial`."""
    holds = Func(F("first_no"), F("next_no"), function="int8range", output_field=BigIntegerRangeField())
    serials = Func(Value(wanted.first), Value(wanted.next), function="int8range", output_field=BigIntegerRangeField())
    return TransactionBlock.objects.alias(holds=holds).filter(of_registry(wanted), holds__overlap=serials)


def moves_some_of(wanted: Wanted, transaction: str = "pk") -> Exists:
    """Return the condition that a transaction moves some of the serials."""
    return Exists(ranges_with(wanted).filter(transaction=OuterRef(transaction)))


class _OfTable(admin.SimpleListFilter):
    """Narrows a list by what a table of the code says, with its names; nobody counts a million rows to know what there is."""

    names: tuple[str, ...] = ()
    group = ""

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        """Return what there may be, with its name."""
        return [(name, text(f"{self.group}.{name}")) for name in self.names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of what was chosen; of what there is not, none."""
        chosen = self.value()
        if chosen is None:
            return queryset
        return queryset.filter(**{str(self.parameter_name): chosen}) if chosen in self.names else queryset.none()


class StateFilter(_OfTable):
    """By state."""

    title, parameter_name, group = gettext_lazy("admin.state"), "state", "transaction-state"
    names = tuple(State)


class TypeFilter(_OfTable):
    """By type of transaction."""

    title, parameter_name, group = gettext_lazy("admin.type"), "type", "transaction-type"
    names = tuple(TYPES)
