"""Makes the database and its roles: owner (migrations), application (the service), auditor (reads)."""

import secrets
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config.embedded.addresses import APPLICATION, AUDITOR, DATABASE, OWNER, socket_url
from config.embedded.failures import Exit, LaunchFailure


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


def prepare_external(owner_url: str, application_url: str) -> str:
    """Return the address of the application's role in a database of the user's, made if possible.

    `application_url` is the address found before or given, "" when there is none.
    Raises: LaunchFailure (DATABASE_REFUSED), with the SQL to ask a database administrator for.
    """
    try:
        with psycopg.connect(owner_url, autocommit=True, connect_timeout=10) as connection:
            if not application_url:
                application_url = _make_application(connection, owner_url)
        psycopg.connect(application_url, connect_timeout=10).close()
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise LaunchFailure(Exit.DATABASE_REFUSED, f"The database cannot be used ({reason}).") from None
    return application_url


def _make_application(connection: psycopg.Connection[tuple[object, ...]], owner_url: str) -> str:
    """Make the application's login role with a new password; an existing one may serve another deployment."""
    password = secrets.token_urlsafe(24)
    role, secret = sql.Identifier(APPLICATION), sql.Literal(password)
    try:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, secret))
    except (psycopg.errors.DuplicateObject, psycopg.errors.InsufficientPrivilege):
        raise LaunchFailure(
            Exit.DATABASE_REFUSED,
            f"The owner in DATABASE_URL cannot make the role {APPLICATION}: ask the database administrator "
            f"for `CREATE ROLE {APPLICATION} LOGIN PASSWORD '...'` (ALTER ROLE if it exists) and give its "
            "address in DATABASE_APPLICATION_URL.",
        ) from None
    parts = urlsplit(owner_url)
    _, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{APPLICATION}:{quote(password, safe='')}@{place}"))
