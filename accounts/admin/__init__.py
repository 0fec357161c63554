"""The administration of people, accounts and jurisdictions. What an operation changes is changed by that operation here too.

Everybody who signs in may look at what their roles let them read; nobody edits a row that an operation keeps.
"""

from django.contrib import admin

from accounts.admin import accounts, jurisdictions, representatives, users

__all__ = ["accounts", "jurisdictions", "representatives", "users"]

# "View site" leads to what there is to see beside the administration.
admin.site.site_url = "/api/docs/"
