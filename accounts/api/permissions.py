"""What a request's API key must be made for. What its user may do is the operations' business."""

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import ApiKey
from accounts.rules.keys import Scope


def key_has(request: Request, scope: Scope) -> bool:
    """Return whether the request was authenticated by a key with the scope."""
    return isinstance(request.auth, ApiKey) and scope in request.auth.scopes


class KeyScope(BasePermission):
    """Reading needs the scope `read`, anything else `transact`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the key's scopes reach as far as the request's method."""
        return key_has(request, Scope.READ if request.method in SAFE_METHODS else Scope.TRANSACT)


class AdministerScope(BasePermission):
    """Administering needs the scope `administer`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the key was made for administering."""
        return key_has(request, Scope.ADMINISTER)
