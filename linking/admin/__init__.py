"""The administration of links: read by the staff of their two sides, acted upon by operations that ask whose side one is of."""

from linking.admin import agreements, instruments, links

__all__ = ["agreements", "instruments", "links"]
