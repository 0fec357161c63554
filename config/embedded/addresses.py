"""Names of the database and its roles, and their addresses on a unix socket."""

from urllib.parse import quote

OWNER, APPLICATION, AUDITOR = "registry_owner", "registry_application", "registry_auditor"
DATABASE = "registry"


def socket_url(role: str, database: str, sockets: str) -> str:
    """Return the libpq address of a database on a unix socket."""
    return f"postgresql://{role}@/{database}?host={quote(sockets, safe='')}"
