"""An account's statement as one table, for a file: how it was made, opening balances, movements, totals, and that it is whole.

The first column says what a row is; a file that does not end with `end` was cut off on its way.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain

from accounts.models import Account
from accounts.texts import text
from registry.exports import Cell, csv_chunks, file_chunks, xlsx_file
from registry.models import Recognition, Series
from registry.statements import every_movement_of, in_one_snapshot, totals_of

COLUMNS = (
    "row",
    "completed_at",
    "transaction",
    "type",
    "type_text",
    "direction",
    "other_account",
    "registry",
    "unit_type",
    "vintage",
    "project",
    "period",
    "recognition",
    "applicable_period",
    "block",
    "quantity_in",
    "quantity_out",
    "balance",
    "reason",
    "client_reference",
)


def file_name(account: Account, start: datetime, end: datetime, extension: str, *, exercise: bool) -> str:
    """Return the name of the file: account and period, and EXERCISE before all where it is one."""
    period = f"{start.astimezone(UTC):%Y%m%dT%H%M%SZ}-{end.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f"{'EXERCISE-' if exercise else ''}statement-{account.identifier}-{period}.{extension}"


def file_of(form: str, account: Account, rows: Iterable[tuple[Cell, ...]]) -> Iterator[bytes]:
    """Return a file of the rows in chunks: `csv` as they are read, `xlsx` from a file on disk that is whole first."""
    if form == "csv":
        return csv_chunks(chain([COLUMNS], rows))
    return file_chunks(xlsx_file(rows, account.identifier, COLUMNS))


def statement_rows(account: Account, start: datetime, end: datetime, *, exercise: bool) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows below the columns, all of one snapshot of the ledger. Units of 1 t CO2e; times are UTC."""
    with in_one_snapshot():
        totals = totals_of(account, start, end)
        yield _row("account", reason=account.identifier)
        if exercise:
            yield _row("mode", reason=text("mode.exercise"))
        if account.jurisdiction.caveat:
            yield _row("caveat", reason=text(account.jurisdiction.caveat))
        for total in totals:
            yield _row("opening", at=start, product=_product(total.series, total.recognition), balance=total.opening)
        lines = 0
        for moved in every_movement_of(account, start, end):
            lines += 1
            yield _row(
                "movement",
                at=moved.place.at,
                transaction=str(moved.place.transaction_id),
                type_code=moved.type,
                direction="in" if moved.enters else "out",
                other=moved.other_account,
                product=_product(moved.series, moved.recognition),
                block=moved.block,
                entered=moved.entered,
                left=moved.left,
                balance=moved.balance,
                reason=moved.reason,
                reference=moved.client_reference,
            )
        for total in totals:
            yield _row(
                "closing",
                end,
                product=_product(total.series, total.recognition),
                entered=total.entered,
                left=total.left,
                balance=total.closing,
            )
        yield _row(
            "total",
            end,
            entered=sum(total.entered for total in totals),
            left=sum(total.left for total in totals),
            balance=sum(total.closing for total in totals),
        )
        yield _row("end", reason=str(lines))


def _product(series: Series, recognition: Recognition) -> tuple[Cell, ...]:
    return (
        series.origin.registry_code,
        series.unit_type.code,
        series.vintage,
        series.project,
        series.period,
        f"{recognition.rate_numerator}/{recognition.rate_denominator}",
        recognition.applicable_period,
    )


def _row(
    row: str,
    at: datetime | None = None,
    *,
    transaction: str = "",
    type_code: str = "",
    direction: str = "",
    other: str | None = None,
    product: tuple[Cell, ...] = (None,) * 7,
    block: str = "",
    entered: int | None = None,
    left: int | None = None,
    balance: int | None = None,
    reason: str = "",
    reference: str = "",
) -> tuple[Cell, ...]:
    when = "" if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    type_text = text(f"transaction-type.{type_code}") if type_code else ""
    return (
        *(row, when, transaction, type_code, type_text, direction, other),
        *product,
        *(block, entered, left, balance, reason, reference),
    )
