"""The figures of a link's page that are added up elsewhere: issuers' books, operators' use quotas, final statements of ends."""

from typing import Any

from accounts.texts import text
from linking import admin_queries
from linking.books import issuer_books
from linking.models import Link
from linking.statement_queries import final_statements
from linking.statement_text import FIGURES, final_statement_text


def figures_shown(link: Link, *, readable: frozenset[str] | None) -> dict[str, Any]:
    """Return what the page prints. `readable`: the jurisdictions whose accounts the reader may read, None for all."""
    uses, more = admin_queries.use_quotas_of(link, readable)
    return {
        "books": [_books(side.code) for side in (link.first, link.second)],
        "uses": [
            {
                "obligation": row.obligation,
                "node": row.node,
                "limit": text("link.no-limit") if row.limit is None else f"{row.limit:,}",
                "reserved": f"{row.reserved:,}",
                "used": f"{row.used:,}",
                "left": "–" if row.limit is None else f"{max(0, row.limit - row.reserved - row.used):,}",
            }
            for row in uses
        ],
        "more_uses": more,
        "statements": [_statement(found) for found in final_statements(link)],
        "statement_figures": [text(f"final-statement.{name}") for name in FIGURES],
    }


def _books(issuer: str) -> dict[str, Any]:
    books = issuer_books(issuer)
    # What the units at home and abroad are, each unit in one row; their sum is what was issued.
    rows = [
        (text("link.books-home"), books.home.held + books.home.margin),
        (text("link.books-retired"), books.home.retired),
    ]
    for place in books.abroad:
        rows.append((text("link.books-abroad", host=place.jurisdiction), place.held + place.margin))
        rows.append((text("link.books-retired-abroad", host=place.jurisdiction), place.retired))
    return {
        "issuer": issuer,
        "rows": [(name, f"{units:,}") for name, units in rows],
        "sum": f"{sum(units for _, units in rows):,}",
        "issued": f"{books.issued:,}",
        "balance": books.balance,
    }


def _statement(found: Any) -> dict[str, Any]:
    return {
        "name": f"{found['corridor']['origin']} -> {found['corridor']['destination']}",
        "as_of": found["as_of"][:16].replace("T", " "),
        "totals": [
            (f"{row['origin']} -> {row['destination']}", [f"{row['total'][name]:,}" for name in FIGURES])
            for row in found["directions"]
        ],
        "imbalance": f"{found['imbalance']['total']:,}",
        "text": final_statement_text(found),
    }
