"""Administer people: users, teams, away times, tokens."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from leadsla.accounts.access import Act
from leadsla.accounts.administration import ByAct
from leadsla.accounts.models import ApiToken, AwayTime, Role, Side, Team, User


class _Roles(forms.MultipleChoiceField):
    """Roles as boxes to tick."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Role.choices, widget=forms.CheckboxSelectMultiple, required=False, label=_("Roles"))


def _check_team(form: forms.ModelForm[User]) -> None:
    """Refuse a rep whom nobody could hand a lead to."""
    team = form.cleaned_data.get("team")
    if Role.SALES_REP in form.cleaned_data.get("roles", ()) and (team is None or team.side != Side.SALES):
        form.add_error("team", _("A sales rep gets leads through a team of sales. Choose one."))


class NewUserForm(AdminUserCreationForm[User]):
    """A new person; without a password they set one by “forgot your password”."""

    roles = _Roles()

    class Meta:
        model = User
        fields = ("email", "name", "timezone", "roles", "team", "manager")

    def clean_email(self) -> str:
        """Store addresses in lower case, as sign-in looks for them."""
        return str(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, Any]:
        """Check that what was chosen fits together."""
        cleaned = super().clean() or self.cleaned_data
        _check_team(self)
        return cleaned


class UserForm(UserChangeForm[User]):
    """A person as an administrator sees them."""

    roles = _Roles()

    class Meta:
        model = User
        fields = "__all__"  # the fieldsets of the page choose

    def clean_email(self) -> str:
        """Store addresses in lower case, as sign-in looks for them."""
        return str(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, Any]:
        """Check that what was chosen fits together."""
        cleaned = super().clean() or self.cleaned_data
        _check_team(self)
        return cleaned


@admin.register(User)
class PeopleAdmin(ByAct[User], UserAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Users, by e-mail."""

    act = Act.MANAGE_PEOPLE
    add_form = NewUserForm
    form = UserForm
    ordering = ("name",)
    list_display = ("name", "email", "roles", "team", "manager", "is_active")
    list_filter = ("is_active", "team")
    search_fields = ("name", "email")
    filter_horizontal: ClassVar[tuple[str, ...]] = ()
    readonly_fields = ("last_login", "created_at", "leaving")
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "timezone")}),
        (_("Work"), {"fields": ("roles", "team", "manager")}),
        (_("Access"), {"fields": ("is_active", "leaving", "wants_email", "wants_shortcuts")}),
        (_("History"), {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "timezone", "usable_password", "password1", "password2")}),
        (_("Work"), {"fields": ("roles", "team", "manager")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Let nobody be deactivated by a tick: what is open with them needs a successor, whom another page asks for."""
        fields = [str(name) for name in super().get_readonly_fields(request, obj)]
        return [*fields, "is_active"] if obj is not None and obj.is_active else fields

    @admin.display(description=_("leaving"))
    def leaving(self, obj: User) -> str:
        """Lead to the page that deactivates a person and asks who takes over."""
        if not obj.is_active:
            return "–"
        url = reverse("sla:deactivate", args=(obj.public_id,))
        return format_html('<a href="{}">{}</a>', url, _("Deactivate, and choose who takes over"))


@admin.register(Team)
class TeamAdmin(ByAct[Team]):
    """Teams of both sides."""

    act = Act.MANAGE_PEOPLE
    list_display = ("name", "side", "timezone", "is_active")
    list_filter = ("side", "is_active")


@admin.register(AwayTime)
class AwayTimeAdmin(ByAct[AwayTime]):
    """Who is away when, and who stands in; changed on the pages of teams, which check it."""

    act = Act.CONFIGURE
    is_read_only = True
    list_display = ("user", "starts_at", "ends_at", "stand_in")


@admin.register(ApiToken)
class ApiTokenAdmin(ByAct[ApiToken]):
    """Which programs act as whom."""

    act = Act.MANAGE_PEOPLE
    is_read_only = True
    list_display = ("name", "user", "key_start", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
