"""Django's administration by role: each model names the act that opens it, and nothing is deleted there."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from django.contrib.admin import AdminSite, ModelAdmin, TabularInline
from django.contrib.auth.views import redirect_to_login
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from leadsla.accounts.access import Act, may

Row = TypeVar("Row", bound=Model)
Parent = TypeVar("Parent", bound=Model)


class Site(AdminSite):
    """The administration, for administrators and operations; people sign in at the portal's own door."""

    site_header = _("LeadSLA administration")
    site_title = _("LeadSLA")
    index_title = _("People and configuration")

    def has_permission(self, request: HttpRequest) -> bool:
        """Let administrators and operations in."""
        return may(request.user, Act.MANAGE_PEOPLE) or may(request.user, Act.CONFIGURE)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Lead out to a page of the portal; for an administrator the front door leads back in here."""
        return super().each_context(request) | {"site_url": reverse("accounts:profile")}

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send people without a session to the sign-in page, and those without the role to a 403."""
        if request.user.is_authenticated:
            return HttpResponse(_("Your role does not open the administration."), status=403)
        return redirect_to_login(request.GET.get("next", request.path))


class ActRules:
    """Permission rules of a model's pages or of an inline. Rows are retired, never deleted."""

    act: ClassVar[Act] = Act.CONFIGURE
    is_read_only: ClassVar[bool] = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the app to people who may do the act."""
        return may(request.user, self.act)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let people read who may do the act."""
        return may(request.user, self.act)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let people add who may do the act."""
        return not self.is_read_only and may(request.user, self.act)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let people change who may do the act."""
        return not self.is_read_only and may(request.user, self.act)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: history refers to it."""
        return False


class ByAct(ActRules, ModelAdmin[Row]):
    """A model's pages for people who may do `act`."""


class InlineByAct(ActRules, TabularInline[Row, Parent]):
    """Rows of a parent's page for people who may do `act`."""

    extra = 0
