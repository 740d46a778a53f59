"""Forms of the release plans: which leads, how many a day, and by when they are answered."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads import lists
from leads.models import Stage
from leads.querysets import LeadQuerySet
from leadsla.accounts.models import Side, Team
from sla.team_forms import RefusableForm


class ListForm(forms.Form):
    """Which leads a plan is made of."""

    source = forms.ChoiceField(label=_("Last source"), required=False)
    campaign = forms.ChoiceField(label=_("Last campaign"), required=False)
    text = forms.CharField(label=_("Name, e-mail or company"), required=False, max_length=200)
    unqualified = forms.BooleanField(label=_("also those that are not qualified"), required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        choices = {
            "source": lists.source_choices(chosen=data.get("source", "")),
            "campaign": lists.campaign_choices(chosen=data.get("campaign", "")),
        }
        for name, rows in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", _("all")), *rows]

    def of(self, leads: LeadQuerySet, *, may_override: bool) -> LeadQuerySet:
        """Return the leads that were asked for, best first; after the form was checked."""
        told = self.cleaned_data
        stages = [Stage.QUALIFIED]
        if told.get("unqualified") and may_override:
            stages += [Stage.INQUIRY, Stage.NURTURING]
        found = leads.filter(Q(stage__in=stages))
        if told.get("source"):
            found = found.filter(last_source__code=told["source"])
        if told.get("campaign"):
            found = found.filter(last_campaign__code=told["campaign"])
        if told.get("text"):
            found = lists.written_in(found, told["text"])
        return found


class PlanForm(RefusableForm):
    """How a list is released."""

    name = forms.CharField(label=_("Name of the list"), max_length=120, help_text=_("As “Hannover fair, booth”."))
    team = forms.ModelChoiceField(
        Team.objects.filter(is_active=True, side=Side.SALES),
        label=_("Team"),
        required=False,
        to_field_name="public_id",
        empty_label=_("as the routing rules say"),
    )
    per_rep_and_day = forms.IntegerField(
        label=_("Leads per rep and working day"), min_value=1, max_value=1000, initial=5
    )
    starts_on = forms.DateField(
        label=_("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), required=False
    )
    decide_working_days = forms.IntegerField(
        label=_("Working days to decide"), required=False, min_value=1, max_value=260, help_text=_("Empty: as agreed.")
    )
    follow_up_working_days = forms.IntegerField(
        label=_("Working days for the first follow-up"),
        required=False,
        min_value=1,
        max_value=260,
        help_text=_("Empty: as agreed."),
    )
    override_reason = forms.CharField(
        label=_("Why leads that are not qualified go, too"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Sales reads this. Such leads are counted apart."),
    )

    def __init__(self, data: Any = None, *, may_override: bool, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        if not may_override:
            del self.fields["override_reason"]
