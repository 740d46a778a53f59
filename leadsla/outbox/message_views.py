"""The page of messages: what waits, what was laid aside and why, and another try."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages as notes
from django.core.paginator import Paginator
from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from leadsla import clock
from leadsla.accounts.access import Act, may, requires
from leadsla.accounts.requests import SignedInRequest
from leadsla.outbox import messages
from leadsla.outbox.kinds import Announcement, Kind
from leadsla.outbox.models import Message
from leadsla.outbox.tasks import deliver_messages, deliver_webhooks
from leadsla.outbox.waking import wake

PAGE_SIZE = 50
LATE_AFTER = timedelta(minutes=5)  # what has been due for so long tells of workers that do not run
WAITING = Q(sent_at=None, dead_at=None)
STATES = {"dead": Q(dead_at__isnull=False), "waiting": WAITING, "sent": Q(sent_at__isnull=False)}
WORDS = dict([*Kind.choices, *Announcement.choices])


def _counts(*, now: datetime) -> dict[str, Any]:
    waiting = Message.objects.filter(WAITING).aggregate(
        waiting=Count("pk"),
        late=Count("pk", filter=Q(next_attempt_at__lt=now - LATE_AFTER)),
        failing=Count("pk", filter=Q(attempts__gt=0, claimed_at=None)),
        oldest=Min("next_attempt_at"),
    )
    return waiting | {
        "dead": Message.objects.filter(dead_at__isnull=False).count(),
        "sent": Message.objects.filter(sent_at__gte=now - timedelta(days=1)).count(),
    }


def _found(state: str, channel: str) -> QuerySet[Message]:
    found = Message.objects.filter(STATES[state]).select_related("recipient", "endpoint")
    if channel:
        found = found.filter(channel=channel)
    order = {"dead": "-dead_at", "waiting": "next_attempt_at", "sent": "-sent_at"}[state]
    return found.order_by(order, "-pk")


@requires(Act.SEE_MESSAGES)
@require_safe
def message_list(request: SignedInRequest) -> HttpResponse:
    """List messages by state, dead ones first, with why they failed."""
    now = clock.now()
    state = request.GET.get("state", "")
    state = state if state in STATES else "dead"
    channel = request.GET.get("channel", "")
    channel = channel if channel in Message.Channel.values else ""
    page = Paginator(_found(state, channel), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(message, WORDS.get(message.kind, message.kind)) for message in page],
        "counts": _counts(now=now),
        "state": state,
        "filters": [
            {
                "name": "channel",
                "label": _("All channels"),
                "value": channel,
                "choices": [(choice.value, choice.label) for choice in Message.Channel],
            }
        ],
        "kept": [("state", state)],
        # Subjects name leads; an administrator sees those only with a second role.
        "shows_subjects": may(request.user, Act.SEE_LEADS),
        "now": now,
    }
    return render(request, "outbox/messages.html", context)


def _again(request: SignedInRequest, count: int) -> HttpResponse:
    wake(deliver_messages)
    wake(deliver_webhooks)
    if count:
        text = ngettext("%(count)s message will be tried again.", "%(count)s messages will be tried again.", count)
        notes.success(request, text % {"count": count})
    else:
        notes.error(request, _("There was nothing to try again. What goes to a webhook needs it switched on."))
    return redirect("outbox:messages")


@requires(Act.SEE_MESSAGES)
@require_POST
def replay_all(request: SignedInRequest) -> HttpResponse:
    """Try all dead messages again."""
    return _again(request, messages.replay_dead(now=clock.now()))


@requires(Act.SEE_MESSAGES)
@require_POST
def replay_one(request: SignedInRequest, public_id: UUID) -> HttpResponse:
    """Try one dead message again."""
    message = get_object_or_404(Message, public_id=public_id)
    return _again(request, messages.replay_one(message, now=clock.now()))
