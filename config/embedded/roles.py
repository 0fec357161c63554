"""Makes the database and its roles: owner (migrations), application (the service), auditor (reads)."""

from urllib.parse import quote

import psycopg
from psycopg import sql

OWNER, APPLICATION, AUDITOR = "registry_owner", "registry_application", "registry_auditor"
DATABASE = "registry"


def socket_url(role: str, database: str, sockets: str) -> str:
    """Return the libpq address of a database on a unix socket."""
    return f"postgresql://{role}@/{database}?host={quote(sockets, safe='')}"


def prepare_embedded(sockets: str) -> None:
    """Make what is missing of roles and database in an embedded server, whose superuser is `postgres`.

    The owner is no superuser, so that what the tests show of the owner holds in a real deployment too.
    """
    attributes = {OWNER: "LOGIN CREATEDB CREATEROLE", APPLICATION: "LOGIN", AUDITOR: "LOGIN"}
    with psycopg.connect(socket_url("postgres", "postgres", sockets), autocommit=True) as connection:
        present = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role, given in attributes.items():
            if role not in present:
                connection.execute(sql.SQL("CREATE ROLE {} " + given).format(sql.Identifier(role)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            statement = sql.SQL("CREATE DATABASE {} OWNER {} STRATEGY FILE_COPY")
            connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))
