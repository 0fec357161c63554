"""Reads the SQL that a migration installs, so that auditors read SQL and not strings in Python."""

from pathlib import Path

SQL = Path(__file__).parent / "migrations" / "sql"


def sql(name: str) -> str:
    """Return the text of one file of registry/migrations/sql."""
    return (SQL / name).read_text(encoding="utf-8")
