"""Keep the reasons why clocks may stand; read who gets leads, which its own pages change."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from leadsla.accounts.administration import ByAct
from sla.models import Capacity, PauseReason, RoutingRule


@admin.register(Capacity)
class CapacityAdmin(ByAct[Capacity]):
    """How much each rep gets; changed on the pages of teams, which check it."""

    is_read_only = True
    list_display = ("user", "weight", "open_at_most")


@admin.register(RoutingRule)
class RoutingRuleAdmin(ByAct[RoutingRule]):
    """Which team gets which leads; the first that holds decides. Changed on the page of routing, which checks it."""

    is_read_only = True
    list_display = ("position", "name", "team", "is_active")
    ordering = ("position",)


@admin.register(PauseReason)
class PauseReasonAdmin(ByAct[PauseReason]):
    """Why a clock may stand, and for how long at most; what is no longer used is retired."""

    list_display = ("position", "label", "side", "longest_working_days", "is_active")
    list_display_links = ("label",)
    list_filter = ("side", "is_active")
    ordering = ("position",)
    prepopulated_fields: ClassVar = {"code": ("label",)}
