"""Look at messages, and give dead ones another try."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from leadsla import clock
from leadsla.accounts.administration import ByAct
from leadsla.outbox import messages
from leadsla.outbox.models import Message


@admin.register(Message)
class MessageAdmin(ByAct[Message]):
    """Messages out: waiting, sent, dead."""

    is_read_only = True
    list_display = ("created_at", "channel", "address", "subject", "attempts", "sent_at", "dead_at")
    list_filter = ("channel", ("dead_at", admin.EmptyFieldListFilter), ("sent_at", admin.EmptyFieldListFilter))
    search_fields = ("address", "subject")
    actions = ("replay",)

    @admin.action(description=_("Try all dead messages again"))
    def replay(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Give dead messages another series of attempts."""
        count = messages.replay_dead(now=clock.now())
        self.message_user(request, _("%(count)s messages will be tried again.") % {"count": count})
