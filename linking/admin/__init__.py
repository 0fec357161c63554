"""The administration of links."""
