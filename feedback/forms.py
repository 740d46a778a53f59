"""What sales types in, turned into values; whether it may be so is decided by `decisions` and `outcomes`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from feedback.imports import TARGETS
from feedback.models import FollowUp, OutcomeReport, Reason
from feedback.refusals import Refused
from leads.forms import MatchForm
from leadsla.currencies import CODES, COMMON

SPECIAL = (Reason.Asks.FIELD, Reason.Asks.CRITERION, Reason.Asks.TEAM, Reason.Asks.LEAD, Reason.Asks.DATE)
MOMENT = "%Y-%m-%dT%H:%M"


class DomainForm(forms.Form):
    """A form that also shows what the domain refuses."""

    def refuse(self, refusal: Refused) -> None:
        """Put each refusal beside its field; what belongs to none stands above."""
        for field, words in refusal.errors.items():
            self.add_error(field if field in self.fields else None, words)


def _moment_field(label: Any, **more: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT)
    return forms.DateTimeField(label=label, required=False, widget=widget, **more)


class RuleForm(DomainForm):
    """A reason and what it asks for. Each kind of thing asked for has a field of its own; only the reason's counts."""

    reason = forms.ModelChoiceField(
        Reason.objects.filter(is_active=True),
        to_field_name="code",
        label=_("Reason"),
        error_messages={
            "required": _("Choose a reason."),
            "invalid_choice": _("There is no such reason. Choose one of the list."),
        },
    )
    asked = forms.CharField(label=_("What the reason asks for"), required=False)
    asked_text = forms.CharField(required=False)
    asked_field = forms.CharField(required=False)
    asked_criterion = forms.CharField(required=False)
    asked_team = forms.CharField(required=False)
    asked_lead = forms.CharField(required=False)
    asked_date = forms.CharField(required=False)

    def what_was_asked(self) -> dict[str, str]:
        """Return the answer to what the chosen reason asks for."""
        reason: Reason = self.cleaned_data["reason"]
        kind = reason.asks if reason.asks in SPECIAL else "text"
        return {reason.asks: self.cleaned_data[f"asked_{kind}"]}


class ReasonForm(RuleForm):
    """Rejecting or giving back."""

    quality = forms.IntegerField(label=_("Quality"), required=False)
    remark = forms.CharField(label=_("Remark"), required=False)


class FollowUpForm(DomainForm):
    """One attempt: how, how it went, what comes next."""

    channel = forms.ChoiceField(label=_("How"), choices=FollowUp.Channel, initial=FollowUp.Channel.CALL)
    result = forms.ChoiceField(
        label=_("How it went"), choices=FollowUp.Result, error_messages={"required": _("Say how it went.")}
    )
    occurred_at = _moment_field(_("When"), help_text=_("Empty means just now."))
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea)
    next_step = forms.CharField(label=_("Next step"), required=False)
    next_step_at = _moment_field(_("On"))
    quality = forms.IntegerField(label=_("Quality of this lead"), required=False)
    key = forms.UUIDField(required=False)  # of this form, so that a double click logs once
    accept_too = forms.BooleanField(label=_("Accept it as well"), required=False)


class OutcomeForm(DomainForm):
    """What became of a lead."""

    kind = forms.ChoiceField(
        label=_("Outcome"), choices=OutcomeReport.Kind, error_messages={"required": _("Say what became of it.")}
    )
    occurred_at = _moment_field(_("When"), help_text=_("Empty means just now."))
    amount = forms.DecimalField(
        label=_("Amount"), required=False, error_messages={"invalid": _("Give a number, as 12500 or 12500.50.")}
    )
    currency = forms.ChoiceField(
        label=_("Currency"),
        required=False,
        choices=[(code, code) for code in (*COMMON, *sorted(CODES - set(COMMON)))],
        error_messages={"invalid_choice": _("Give the currency's three letters, as EUR, USD or BRL.")},
    )
    key = forms.UUIDField(required=False)  # of this form, so that a double click reports once
    lost_because = forms.CharField(label=_("Why lost"), required=False)
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea)

    def clean(self) -> dict[str, Any]:
        """Leave the amount out where the outcome has none: without JavaScript its field is sent all the same."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("kind") in {OutcomeReport.Kind.MEETING, OutcomeReport.Kind.LOST}:
            cleaned["amount"] = None
        return cleaned


class ColumnsForm(MatchForm):
    """What each column of a file of outcomes holds."""

    targets = (("", _("keep as it is")), *TARGETS.items())

    # Not kept: a mark found in one column need not hold for the column that is matched next.
    decimal_mark = forms.ChoiceField(
        label=_("Before the cents stands"),
        choices=(("", _("as the file shows it")), (".", _("a point: 1,234.56")), (",", _("a comma: 1.234,56"))),
        required=False,
    )
