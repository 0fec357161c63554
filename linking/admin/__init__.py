"""The administration of links: read by the staff of their two sides, acted upon by operations that ask whose side one is of."""

from linking.admin import agreements, instruments, links, notices, theft_cases

__all__ = ["agreements", "instruments", "links", "notices", "theft_cases"]
