"""People: users, teams, roles, away times, tokens. Knows nothing of leads or handoffs."""

from __future__ import annotations

import uuid
import zoneinfo
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Side(models.TextChoices):
    """The two parties of every agreement."""

    MARKETING = "marketing", _("Marketing")
    SALES = "sales", _("Sales")


class Role(models.TextChoices):
    """What a person may do; one person can have several."""

    MARKETER = "marketer", _("Marketer")
    SALES_REP = "sales_rep", _("Sales rep")
    MARKETING_MANAGER = "marketing_manager", _("Marketing manager")
    SALES_MANAGER = "sales_manager", _("Sales manager")
    OPERATIONS = "operations", _("Operations")
    ADMINISTRATOR = "administrator", _("Administrator")


def is_timezone(value: str) -> None:
    """Refuse what is not an IANA time zone name.

    Raises:
        ValidationError: with an example of a right name.
    """
    if value not in zoneinfo.available_timezones():
        raise ValidationError(
            _("“%(value)s” is not a time zone. Use a name like Europe/Berlin."), params={"value": value}
        )


class Team(models.Model):
    """People of one side who share a queue, a zone and a manager's attention."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120, unique=True)
    side = models.CharField(_("side"), max_length=10, choices=Side)
    timezone = models.CharField(_("time zone"), max_length=64, default="Europe/Berlin", validators=[is_timezone])
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ("side", "name")
        verbose_name = _("team")
        verbose_name_plural = _("teams")

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Make users that are known by their e-mail."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user; without a password they cannot sign in.

        Args:
            email: address; stored in lower case.
            password: clear text, or None.
            **fields: further columns of `User`.

        Returns:
            The saved user.
        """
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an administrator who may use Django's admin; the command `createsuperuser` calls this."""
        fields.setdefault("name", email.split("@", maxsplit=1)[0])
        fields.setdefault("roles", [Role.ADMINISTRATOR])
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        """Find a user by e-mail, whatever its case."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail, or one known from an import only (inactive)."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("e-mail"), max_length=254)
    name = models.CharField(_("name"), max_length=160)
    timezone = models.CharField(_("time zone"), max_length=64, default="Europe/Berlin", validators=[is_timezone])
    roles = ArrayField(models.CharField(max_length=20, choices=Role), verbose_name=_("roles"), default=list, blank=True)
    team = models.ForeignKey(
        Team, verbose_name=_("team"), on_delete=models.PROTECT, null=True, blank=True, related_name="members"
    )
    manager = models.ForeignKey(
        "self", verbose_name=_("manager"), on_delete=models.SET_NULL, null=True, blank=True, related_name="reports"
    )
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may open the administration"), default=False)
    wants_email = models.BooleanField(_("notices by e-mail"), default=True)
    wants_shortcuts = models.BooleanField(_("single-key shortcuts"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ("name", "pk")
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = (
            models.UniqueConstraint(Lower("email"), name="one_user_per_email"),
            models.CheckConstraint(
                condition=Q(roles__contained_by=[role.value for role in Role]), name="user_roles_are_known"
            ),
            models.CheckConstraint(condition=~Q(manager=F("pk")), name="user_is_not_their_own_manager"),
        )

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """Return the name as the person writes it."""
        return self.name

    def get_short_name(self) -> str:
        """Return the first word of the name."""
        return self.name.split(" ", maxsplit=1)[0]

    def has_role(self, *roles: Role) -> bool:
        """Tell whether the person has one of the roles."""
        return any(role.value in self.roles for role in roles)


class ExternalPerson(models.Model):
    """How another system calls a user; imports and connected CRMs find people by it."""

    system = models.CharField(_("system"), max_length=60)
    value = models.CharField(_("id there"), max_length=190)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="external_ids")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("system", "value"), name="one_user_per_external_id"),)
        verbose_name = _("external person")
        verbose_name_plural = _("external persons")

    def __str__(self) -> str:
        return f"{self.system}:{self.value}"


class AwayTime(models.Model):
    """A time in which a person gets no new leads; clocks do not stop for it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="away_times")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    stand_in = models.ForeignKey(
        User, verbose_name=_("stand-in"), on_delete=models.SET_NULL, null=True, blank=True, related_name="stands_in"
    )

    class Meta:
        ordering = ("starts_at",)
        verbose_name = _("away time")
        verbose_name_plural = _("away times")
        constraints = (models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="away_time_ends_later"),)

    def __str__(self) -> str:
        return f"{self.user}: {self.starts_at:%Y-%m-%d}–{self.ends_at:%Y-%m-%d}"


class ApiToken(models.Model):
    """A key for a program that acts as a person, within scopes. Only its hash is stored."""

    class Scope(models.TextChoices):
        """What a program may do with it."""

        LEADS_READ = "leads:read", _("Read leads")
        LEADS_WRITE = "leads:write", _("Create leads and interactions")
        HANDOFFS_READ = "handoffs:read", _("Read handoffs")
        HANDOFFS_WRITE = "handoffs:write", _("Accept, reject, follow up, report outcomes")
        COMPLIANCE_READ = "compliance:read", _("Read compliance and acceptance")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=80)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    key_start = models.CharField(max_length=12, editable=False)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope), verbose_name=_("scopes"))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"{self.name} ({self.key_start}…)"
