"""What an API key must be made for where links are administered."""

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.permissions import key_has
from accounts.rules.keys import Scope


class AdministerToChange(BasePermission):
    """Reading needs the scope `read`, anything else `administer`: signing binds a jurisdiction, and moves no unit."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the key's scopes reach as far as the request's method."""
        return key_has(request, Scope.READ if request.method in SAFE_METHODS else Scope.ADMINISTER)
