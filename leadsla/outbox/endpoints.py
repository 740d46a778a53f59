"""Endpoints of webhooks: make, change, switch on and off, renew the secret, try out, remove."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from leadsla.accounts.models import Role, User
from leadsla.outbox import messages, retrying, signing, targets
from leadsla.outbox.kinds import Announcement, Kind
from leadsla.outbox.models import Message, WebhookEndpoint

OLD_SECRET_LASTS = timedelta(hours=24)
CHOOSABLE = tuple(kind for kind in Announcement if kind != Announcement.TEST)


class Refused(Exception):  # noqa: N818  # it reads as what happened
    """What was asked for cannot be; `errors` says by field why."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


def standing() -> QuerySet[WebhookEndpoint]:
    """Return the endpoints that were not removed."""
    return WebhookEndpoint.objects.filter(removed_at=None)


def _check(*, name: str, url: str, kinds: Collection[str]) -> None:
    errors = {}
    if not name.strip():
        errors["name"] = _("Give it a name, as “CRM”.")
    try:
        targets.parse(url)
    except targets.TargetRefused as refusal:
        errors["url"] = str(refusal)
    if not kinds:
        errors["kinds"] = _("Choose at least one event.")
    elif unknown := sorted(set(kinds) - set(CHOOSABLE)):
        errors["kinds"] = _("There is no event “%(kind)s”.") % {"kind": unknown[0]}
    if errors:
        raise Refused(errors)


def create(*, name: str, url: str, kinds: Collection[str], by: User, now: datetime) -> WebhookEndpoint:
    """Make an endpoint, switched on, with a new secret.

    Args:
        name: what it is for.
        url: where events go; public and over HTTPS unless a setting allows more.
        kinds: codes of `Announcement` that it wants.
        by: who makes it, and is told when it fails for good.
        now: the moment.

    Raises:
        Refused: with a sentence per field.
    """
    _check(name=name, url=url, kinds=kinds)
    return WebhookEndpoint.objects.create(
        name=name.strip(), url=url, kinds=_sorted(kinds), secret=signing.new_secret(), created_by=by, created_at=now
    )


def change(endpoint: WebhookEndpoint, *, name: str, url: str, kinds: Collection[str]) -> None:
    """Change what an endpoint is; what waits for it goes to the new address.

    Raises:
        Refused: with a sentence per field.
    """
    _check(name=name, url=url, kinds=kinds)
    endpoint.name, endpoint.url, endpoint.kinds = name.strip(), url, _sorted(kinds)
    endpoint.save(update_fields=["name", "url", "kinds"])


def _sorted(kinds: Collection[str]) -> list[str]:
    return [kind.value for kind in CHOOSABLE if kind in kinds]


# --- secrets


def renew_secret(endpoint: WebhookEndpoint, *, now: datetime) -> str:
    """Give an endpoint a new secret; for a day, what is sent is signed with the old one as well. Returns the new."""
    endpoint.old_secret, endpoint.old_secret_until = endpoint.secret, now + OLD_SECRET_LASTS
    endpoint.secret = signing.new_secret()
    endpoint.save(update_fields=["secret", "old_secret", "old_secret_until"])
    return endpoint.secret


def secrets_of(endpoint: WebhookEndpoint, *, now: datetime) -> list[str]:
    """Return the secrets that are valid, the newest first."""
    until = endpoint.old_secret_until
    return [endpoint.secret, endpoint.old_secret] if until is not None and now < until else [endpoint.secret]


# --- on and off


@transaction.atomic
def switch_off(endpoint: WebhookEndpoint, *, because: str, now: datetime, tells: bool = False) -> bool:
    """Send nothing more to an endpoint; what waits for it is laid aside and can be replayed.

    Args:
        endpoint: which.
        because: why, in words.
        now: the moment.
        tells: whether whoever made it is told, because it was not them.

    Returns:
        False when it was off already.
    """
    because = because[:500]
    if (
        WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at=None).update(
            disabled_at=now, disabled_because=because
        )
        != 1
    ):
        return False
    endpoint.disabled_at, endpoint.disabled_because = now, because
    retrying.lay_aside(endpoint.messages.all(), error=_("The webhook was switched off: %s") % because, now=now)
    if tells:
        for person in _keepers(endpoint):
            messages.write(
                event=f"webhook:{endpoint.pk}:off:{now.timestamp():.0f}",
                kind=Kind.INTEGRATIONS,
                recipient=person,
                subject=_("The webhook “%(name)s” was switched off") % {"name": endpoint.name},
                body=_("%(because)s Nothing is sent to it any more. Put it right and switch it on again.")
                % {"because": because},
                url=reverse("outbox:webhook", args=(endpoint.public_id,)),
                now=now,
            )
    return True


def _keepers(endpoint: WebhookEndpoint) -> list[User]:
    """Return who looks after an endpoint: who made it, else all administrators."""
    maker = endpoint.created_by
    if maker is not None and maker.is_active and maker.has_role(Role.ADMINISTRATOR):
        return [maker]
    return list(User.objects.filter(is_active=True, roles__contains=[Role.ADMINISTRATOR]).order_by("pk"))


def switch_on(endpoint: WebhookEndpoint) -> bool:
    """Send to an endpoint again; what was laid aside waits for a replay. False when it is on or removed."""
    off = WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at__isnull=False, removed_at=None)
    return off.update(disabled_at=None, disabled_because="", failing_since=None) == 1


@transaction.atomic
def remove(endpoint: WebhookEndpoint, *, now: datetime) -> bool:
    """Take an endpoint away; what was sent to it stays on record. False when it is gone already."""
    switch_off(endpoint, because=_("Removed."), now=now)
    gone = WebhookEndpoint.objects.filter(pk=endpoint.pk, removed_at=None)
    return gone.update(removed_at=now, secret="", old_secret="", old_secret_until=None) == 1


# --- how it fares


def failed(endpoint: WebhookEndpoint, *, now: datetime) -> timedelta:
    """Note that an endpoint failed; returns for how long it has, without a success in between."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk, failing_since=None).update(failing_since=now)
    endpoint.refresh_from_db(fields=["failing_since"])
    return now - (endpoint.failing_since or now)


def recovered(endpoint: WebhookEndpoint, *, now: datetime) -> None:
    """Note that an endpoint answers; when it did not before, what was put off is due at once."""
    if WebhookEndpoint.objects.filter(pk=endpoint.pk, failing_since__isnull=False).update(failing_since=None) == 1:
        put_off = endpoint.messages.filter(sent_at=None, dead_at=None, claimed_at=None, attempts__gt=0)
        put_off.update(next_attempt_at=now)


# --- by hand


def try_out(endpoint: WebhookEndpoint, *, by: User, now: datetime) -> bool:
    """Put a test event into the outbox for one endpoint; False when it is switched off."""
    if not endpoint.is_active:
        return False
    event = f"webhook:{endpoint.pk}:test:{now.timestamp():.6f}"
    data = {"words": "A test from LeadSLA.", "by": by.public_id}
    return messages.tell([endpoint], event=event, kind=Announcement.TEST, data=data, now=now) == 1


def replay(endpoint: WebhookEndpoint, *, now: datetime) -> int:
    """Try all dead messages of an endpoint again; returns how many, none while it is off."""
    return retrying.replay(messages.dead().filter(endpoint=endpoint), now=now)


def send_again(message: Message, *, now: datetime) -> bool:
    """Send one message to its endpoint again, delivered or dead, with the same id; False when it waits or is off."""
    active = Message.objects.filter(pk=message.pk, endpoint__disabled_at=None)
    return retrying.replay(active, now=now) == 1
