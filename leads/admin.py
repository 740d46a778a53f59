"""Configure where leads come from and how companies stand to us."""

from __future__ import annotations

from django.contrib import admin

from leads.models import Campaign, CampaignCost, Channel, Company, Source
from leadsla.accounts.administration import ByAct, InlineByAct


class CampaignCostInline(InlineByAct[CampaignCost, Campaign]):
    """Costs by month, in the campaign."""

    model = CampaignCost


@admin.register(Channel)
class ChannelAdmin(ByAct[Channel]):
    """Kinds of places."""

    list_display = ("name", "code", "direction", "side")


@admin.register(Source)
class SourceAdmin(ByAct[Source]):
    """Places leads come from."""

    list_display = ("name", "code", "channel", "is_active")
    list_filter = ("channel", "is_active")
    search_fields = ("name", "code")


@admin.register(Campaign)
class CampaignAdmin(ByAct[Campaign]):
    """Campaigns with their brief for sales."""

    list_display = ("name", "code", "starts_on", "ends_on", "is_active")
    search_fields = ("name", "code")
    inlines = (CampaignCostInline,)


@admin.register(Company)
class CompanyAdmin(ByAct[Company]):
    """Companies: whose account they are, and whether they are customer, partner or competitor."""

    list_display = ("name", "domain", "relation", "owner", "country")
    list_filter = ("relation",)
    search_fields = ("name", "domain")
    exclude = ("name_key",)
