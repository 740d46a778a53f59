"""Django's administration by role: each model names the act that opens it, and nothing is deleted there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib.admin import AdminSite, ModelAdmin, TabularInline
from django.contrib.auth.views import redirect_to_login
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from leadsla.accounts.access import Act, may
from leadsla.accounts.models import Role, Side, Team, User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Row = TypeVar("Row", bound=Model)
Parent = TypeVar("Parent", bound=Model)


@dataclass(frozen=True)
class Step:
    """One thing that a new portal needs before leads can be handed over, and where it is done."""

    words: StrOrPromise
    url: str
    is_done: bool


def first_steps() -> list[Step]:
    """Return the steps by which a new portal gets going; nothing once all are done."""
    people = User.objects.filter(is_active=True)
    steps = [
        Step(
            _("Add a team of marketing and a team of sales"),
            reverse("admin:accounts_team_add"),
            set(Team.objects.filter(is_active=True).values_list("side", flat=True)) == set(Side.values),
        ),
        Step(
            _("Add a marketer: marketers bring leads in and hand them over"),
            reverse("admin:accounts_user_add"),
            people.filter(roles__overlap=[Role.MARKETER, Role.MARKETING_MANAGER]).exists(),
        ),
        Step(
            _("Add sales reps to the sales team: leads go to them in turn"),
            reverse("admin:accounts_user_add"),
            people.filter(roles__contains=[Role.SALES_REP], team__side=Side.SALES).exists(),
        ),
        Step(
            _("Add a manager of each side: they are told what is late, and agree on the promises"),
            reverse("admin:accounts_user_add"),
            all(
                people.filter(roles__contains=[role]).exists() for role in (Role.MARKETING_MANAGER, Role.SALES_MANAGER)
            ),
        ),
        Step(
            _("Add operations: they keep sources, campaigns, reasons and routing"),
            reverse("admin:accounts_user_add"),
            people.filter(roles__contains=[Role.OPERATIONS]).exists(),
        ),
    ]
    return [] if all(step.is_done for step in steps) else steps


class Site(AdminSite):
    """The administration, for administrators and operations; people sign in at the portal's own door."""

    site_header = _("LeadSLA administration")
    site_title = _("LeadSLA")
    index_title = _("People and configuration")

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """List what belongs to the portal; tables of its libraries are not for people, whatever they may do."""
        found = super().get_app_list(request, app_label)
        for app in found:
            app["models"] = [one for one in app["models"] if isinstance(self._registry[one["model"]], ActRules)]
        return [app for app in found if app["models"]]

    def has_permission(self, request: HttpRequest) -> bool:
        """Let administrators and operations in."""
        return may(request.user, Act.MANAGE_PEOPLE) or may(request.user, Act.CONFIGURE)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Lead out to a page of the portal; for an administrator the front door leads back in here."""
        return super().each_context(request) | {"site_url": reverse("accounts:profile")}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show what there is; on a new portal first what its administrator does next."""
        steps = first_steps() if may(request.user, Act.MANAGE_PEOPLE) else []
        return super().index(request, (extra_context or {}) | {"steps": steps})

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
