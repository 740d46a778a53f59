"""Configure who gets leads."""

from __future__ import annotations

from django.contrib import admin

from leadsla.accounts.administration import ByAct
from sla.models import Capacity, RoutingRule


@admin.register(Capacity)
class CapacityAdmin(ByAct[Capacity]):
    """How much each rep gets."""

    list_display = ("user", "weight", "open_at_most")


@admin.register(RoutingRule)
class RoutingRuleAdmin(ByAct[RoutingRule]):
    """Which team gets which leads; the first that holds decides."""

    list_display = ("position", "name", "team", "is_active")
    ordering = ("position",)
