"""Forms of campaigns, costs, tracking rules, asks and sources: parse what was typed; the domain decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads import asks, campaigns, tracking_rules
from leads.models import Campaign, Source
from leadsla.accounts.models import Role, Side, Team, User
from leadsla.currencies import CODES, COMMON


class _RefusableForm(forms.Form):
    """A form that also shows what the domain refuses."""

    def refuse(self, errors: Mapping[str, str]) -> None:
        """Put each refusal beside its field; what belongs to none stands above."""
        for name, text in errors.items():
            self.add_error(name if name in self.fields else None, text)


def _long(rows: int = 3) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


def _day(label: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget)


def _source(label: Any, *, empty: Any, help_text: Any = "", of: Source | None = None) -> forms.ModelChoiceField[Source]:
    """Offer the sources that are in use, and the one that stands there."""
    found = Source.objects.filter(Q(is_active=True) | Q(pk=of.pk if of else None))
    return forms.ModelChoiceField(
        found, label=label, required=False, to_field_name="code", empty_label=empty, help_text=help_text
    )


def _campaign(label: Any, *, empty: Any, of: Campaign | None = None) -> forms.ModelChoiceField[Campaign]:
    found = Campaign.objects.filter(Q(is_active=True) | Q(pk=of.pk if of else None))
    return forms.ModelChoiceField(found, label=label, required=False, to_field_name="code", empty_label=empty)


class CampaignForm(_RefusableForm):
    """A campaign with its brief for sales."""

    name = forms.CharField(label=_("Name"), max_length=120)
    code = forms.CharField(
        label=_("Code"),
        max_length=80,
        required=False,
        help_text=_("Files, forms and other systems name the campaign by it. Empty: made from the name. It stays."),
    )
    team = forms.ModelChoiceField(
        Team.objects.filter(side=Side.MARKETING, is_active=True),
        label=_("Team"),
        required=False,
        to_field_name="public_id",
        empty_label=_("none: all of marketing edits it"),
    )
    owner = forms.ModelChoiceField(
        User.objects.filter(is_active=True, roles__overlap=[Role.MARKETER, Role.MARKETING_MANAGER]),
        label=_("Owner"),
        required=False,
        to_field_name="public_id",
        empty_label=_("nobody"),
    )
    starts_on = _day(_("From"))
    ends_on = _day(_("Until"))
    audience = forms.CharField(
        label=_("Audience"),
        required=False,
        max_length=campaigns.LONGEST_TEXT,
        widget=_long(2),
        help_text=_("Who it speaks to, as “heads of maintenance at plants of 200 people and more”."),
    )
    message = forms.CharField(
        label=_("Message"),
        required=False,
        max_length=campaigns.LONGEST_TEXT,
        widget=_long(2),
        help_text=_("What the audience is told. Sales reads it in the handoff pack."),
    )
    question = forms.CharField(
        label=_("Question to ask"),
        required=False,
        max_length=campaigns.LONGEST_TEXT,
        widget=_long(2),
        help_text=_("Sales asks it in the first call."),
    )
    expected_leads = forms.IntegerField(
        label=_("Expected leads"), required=False, min_value=0, max_value=campaigns.MOST_LEADS
    )

    field_order = ("name", "code", "source", "team", "owner", "starts_on", "ends_on", "audience", "message", "question")

    def __init__(self, data: Any = None, *, campaign: Campaign | None, by: User) -> None:
        initial: dict[str, Any] = {"team": by.team.public_id if by.team else None, "owner": by.public_id}
        if campaign is not None:
            initial = {name: getattr(campaign, name) for name in ("name", "code", *campaigns.BRIEF)}
            initial |= {
                "source": campaign.source.code if campaign.source else None,
                "team": campaign.team.public_id if campaign.team else None,
                "owner": campaign.owner.public_id if campaign.owner else None,
            }
        super().__init__(data, initial=initial)
        self.fields["source"] = _source(_("Source"), empty=_("none"), of=campaign.source if campaign else None)
        self.order_fields(self.field_order)
        if campaign is not None:
            self.fields["code"].disabled = True
            self.fields["code"].help_text = _("It stays: files, forms and other systems name the campaign by it.")


class CostForm(_RefusableForm):
    """What a campaign cost in one month."""

    month = forms.DateField(
        label=_("Month"),
        input_formats=["%Y-%m", "%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "month"}, format="%Y-%m"),
        error_messages={"invalid": _("Write the month as 2026-03.")},
    )
    amount = forms.DecimalField(
        label=_("Amount"),
        max_digits=14,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={"invalid": _("Give a number, as 12500 or 12500.50.")},
    )
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=[(code, code) for code in (*COMMON, *sorted(CODES - set(COMMON)))],
        error_messages={"invalid_choice": _("Give the currency's three letters, as EUR, USD or BRL.")},
    )

    def __init__(self, data: Any = None, *, campaign: Campaign, currency: str) -> None:
        super().__init__(data, initial={"currency": currency})
        words = _("not split") if campaign.source is None else campaign.source.name
        self.fields["source"] = _source(_("Source"), empty=words)


class UtmRuleForm(_RefusableForm):
    """Which parameters stand for which source and campaign."""

    utm_source = forms.CharField(
        label="utm_source", max_length=120, required=False, help_text=_("* stands for anything, as linked*.")
    )
    utm_medium = forms.CharField(label="utm_medium", max_length=120, required=False)
    utm_campaign = forms.CharField(label="utm_campaign", max_length=120, required=False)
    utm_content = forms.CharField(label="utm_content", max_length=120, required=False)

    def __init__(
        self,
        data: Any = None,
        *,
        patterns: Mapping[str, str] | None = None,
        source: Source | None = None,
        campaign: Campaign | None = None,
    ) -> None:
        places = {"source": source.code if source else None, "campaign": campaign.code if campaign else None}
        super().__init__(data, initial={**(patterns or {}), **places})
        self.fields["source"] = _source(_("Source"), empty=_("as it says itself"), of=source)
        self.fields["campaign"] = _campaign(_("Campaign"), empty=_("as it says itself"), of=campaign)

    def patterns(self) -> dict[str, str]:
        """Return the patterns by parameter."""
        return {name: self.cleaned_data[name] for name in tracking_rules.PARAMETERS}


class AddressForm(_RefusableForm):
    """An address to try the rules on."""

    address = forms.CharField(
        label=_("Address"),
        max_length=tracking_rules.LONGEST_ADDRESS,
        widget=forms.TextInput(attrs={"placeholder": "https://example.com/?utm_source=…", "spellcheck": "false"}),
    )


class AskForm(_RefusableForm):
    """What sales asks marketing for."""

    text = forms.CharField(
        label=_("What do you need from marketing?"),
        max_length=asks.LONGEST,
        widget=_long(),
        error_messages={"required": _("Say what you need.")},
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["campaign"] = _campaign(_("About which campaign?"), empty=_("none in particular"))


class AnswerForm(_RefusableForm):
    """What marketing answers."""

    answer = forms.CharField(
        label=_("Answer"),
        max_length=asks.LONGEST,
        widget=_long(),
        error_messages={"required": _("Write the answer.")},
    )
