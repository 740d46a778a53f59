"""Configure the reasons that sales can give."""

from __future__ import annotations

from django.contrib import admin

from feedback.models import Reason
from leadsla.accounts.administration import ByAct


@admin.register(Reason)
class ReasonAdmin(ByAct[Reason]):
    """Reasons with their consequence; retire one by taking it out of use."""

    list_display = ("label", "when", "consequence", "recycle_days", "asks", "counts", "is_active")
    list_filter = ("is_active", "consequence", "counts")
    ordering = ("position",)
