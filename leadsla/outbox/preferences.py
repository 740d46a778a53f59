"""Which kinds of notices a person wants, and over which channel. In the portal and by e-mail unless they say no."""

from __future__ import annotations

from collections.abc import Container

from django.db import transaction

from leadsla.accounts.models import User
from leadsla.outbox.kinds import Kind
from leadsla.outbox.models import Message, Preference

CHANNELS = (Message.Channel.IN_APP, Message.Channel.EMAIL)


def wanted(user: User, kind: str) -> list[str]:
    """Return the channels over which a person wants a kind; the master switch for e-mail is not looked at here."""
    refused = set(Preference.objects.filter(user=user, kind=kind, is_wanted=False).values_list("channel", flat=True))
    return [channel.value for channel in CHANNELS if channel not in refused]


def table(user: User) -> list[tuple[Kind, list[tuple[Message.Channel, bool]]]]:
    """Return each kind with its channels and whether the person wants it there."""
    rows = Preference.objects.filter(user=user, is_wanted=False).values_list("kind", "channel")
    refused = set(rows)
    return [(kind, [(channel, (kind.value, channel.value) not in refused) for channel in CHANNELS]) for kind in Kind]


@transaction.atomic
def choose(user: User, *, chosen: Container[tuple[str, str]]) -> None:
    """Keep what a person wants.

    Args:
        user: whose.
        chosen: (kind, channel) pairs that are wanted; all others are not.
    """
    rows = [
        Preference(user=user, kind=kind, channel=channel, is_wanted=(kind.value, channel.value) in chosen)
        for kind in Kind
        for channel in CHANNELS
    ]
    Preference.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["user", "kind", "channel"], update_fields=["is_wanted"]
    )
