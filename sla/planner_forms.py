"""What a planner types in: a question to the past, what plans start from, a promise for the draft. Parses, no more."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.http import QueryDict
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from leads.models import Definition, Temperature
from leadsla.display import number
from sla.history import Basis, Input
from sla.models import Commitment
from sla.what_if import ANSWERED, Question

HUNDRED = Decimal(100)
LONGEST_MINUTES = 60 * 24 * 30
MOST_LEADS = 100_000
HIGHEST_SCORE = 9_999


def _too_low(least: int) -> dict[str, Any]:
    return {
        "min_value": _("Give a number of at least %(least)d.") % {"least": least},
        "invalid": _("This is no number. Give one, as 110."),
    }


class Ticks(forms.CheckboxSelectMultiple):
    """Boxes to tick whose group has an id, so that an error can lead to it."""

    def id_for_label(self, id_: str, index: str | None = None) -> str:
        """Return the id of the group, or of one box."""
        return id_ if index is None else f"{id_}_{index}"


class WhatIfForm(forms.Form):
    """What would be different; what is left as it is changes nothing."""

    threshold = forms.DecimalField(
        label=_("Score of at least"),
        required=False,
        min_value=0,
        max_value=HIGHEST_SCORE,
        decimal_places=1,
        error_messages=_too_low(0),
    )
    criteria = forms.MultipleChoiceField(
        label=_("Required criteria"),
        required=False,
        widget=Ticks,
        error_messages={"invalid_choice": _("“%(value)s” is no criterion of this definition. Choose from the list.")},
    )
    for_asked = forms.BooleanField(label=_("also of leads that asked to be contacted"), required=False)
    measure = forms.ChoiceField(
        label=_("Answer"),
        required=False,
        choices=[(code, Commitment.Measure(code).label) for code in ANSWERED],
        error_messages={"invalid_choice": _("“%(value)s” is no answer that has a time. Choose from the list.")},
    )
    temperature = forms.ChoiceField(
        label=_("of which leads"),
        required=False,
        choices=[("", _("all leads")), *Temperature.choices],
        error_messages={"invalid_choice": _("“%(value)s” is no temperature. Choose from the list.")},
    )
    minutes = forms.IntegerField(
        label=_("within minutes of working time"),
        required=False,
        min_value=1,
        max_value=LONGEST_MINUTES,
        error_messages=_too_low(1),
    )
    per_period = forms.IntegerField(
        label=_("Sales takes at most, a period"),
        required=False,
        min_value=1,
        max_value=MOST_LEADS,
        error_messages=_too_low(1),
    )
    per_day = forms.IntegerField(
        label=_("… and a day"), required=False, min_value=1, max_value=MOST_LEADS, error_messages=_too_low(1)
    )

    def __init__(
        self, data: QueryDict | None = None, *, definition: Definition, standing: Definition | None = None
    ) -> None:
        """Offer what a definition asks for.

        Args:
            data: what was asked; nothing of it: what the definition asks for, beside the standing one.
            definition: of the agreement or the draft.
            standing: the one in force, which the past is compared with; the same where nothing else holds.
        """
        standing = standing or definition
        now, then = list(standing.criteria.all()), list(definition.criteria.all())
        self.now_required = tuple(each.code for each in now if each.required_by_nurtured)
        self.now_threshold = standing.threshold
        self.then_required = tuple(each.code for each in then if each.required_by_nurtured)
        self.then_threshold = definition.threshold
        asked = data is not None and any(name in data for name in ("asked", *self.base_fields))
        if asked and data is not None and "asked" not in data:
            # An address that names a line only leaves the rest as it is.
            data = data.copy()
            data.setdefault("threshold", f"{self.then_threshold.normalize():f}")
            if "criteria" not in data:
                data.setlist("criteria", list(self.then_required))
        super().__init__(
            data if asked else None,
            auto_id="plan_%s",  # a draft's own form stands beside it
            initial={
                "threshold": f"{self.then_threshold.normalize():f}",
                "criteria": list(self.then_required),
                "measure": ANSWERED[0],
            },
        )
        field = self.fields["criteria"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = list({each.code: each.label for each in (*then, *now)}.items())

    def question(self) -> Question:
        """Return what would be different from what holds: as it was asked, else as a draft says it."""
        if not self.is_bound:
            return self._question(self.then_threshold, self.then_required, {})
        told = self.cleaned_data
        return self._question(told["threshold"], tuple(told["criteria"]), told)

    def _question(self, threshold: Decimal | None, chosen: tuple[str, ...], told: Mapping[str, Any]) -> Question:
        is_timed = told.get("minutes") is not None
        required = tuple(code for code in chosen if code not in self.now_required)
        return Question(
            threshold=None if threshold == self.now_threshold else threshold,
            required=required,
            dropped=tuple(code for code in self.now_required if code not in chosen),
            for_asked=bool(required) and told.get("for_asked", False),
            measure=(told["measure"] or ANSWERED[0]) if is_timed else "",
            temperature=told["temperature"] if is_timed else "",
            minutes=told.get("minutes"),
            per_period=told.get("per_period"),
            per_day=told.get("per_day"),
        )

    @property
    def told(self) -> list[tuple[str, str]]:
        """Return what was asked as a form sends it, to ask the same again."""
        told = [("asked", "1")]
        for name in self.fields:
            value = self[name].value()
            told += [(name, str(each)) for each in (value if isinstance(value, list) else [value]) if each]
        return told

    @property
    def has_more(self) -> bool:
        """Tell whether more than the line was asked, so that the rest of the form stands open."""
        if not self.is_bound:
            return False
        if any(name in self.errors for name in self.fields if name != "threshold"):
            return True
        return not self.errors and self.question() != Question(threshold=self.question().threshold)


class AssumptionsForm(forms.Form):
    """What plans start from; each figure comes filled in, from own history where there is one."""

    revenue_goal = forms.DecimalField(
        label=_("New revenue a period, the goal"),
        required=False,
        min_value=0,
        max_digits=14,
        decimal_places=2,
        error_messages=_too_low(0),
    )
    currency = forms.CharField(
        label=_("Currency"),
        max_length=3,
        validators=[RegexValidator(r"^[A-Z]{3}$", _("Give three letters, as EUR."))],
        help_text=_("Deals in other currencies are left out of the average."),
    )
    marketing_share = forms.DecimalField(
        label=_("Of it from marketing’s leads, in per cent"),
        min_value=0,
        max_value=100,
        decimal_places=1,
        error_messages=_too_low(0),
    )
    average_deal = forms.DecimalField(
        label=_("Average deal"),
        required=False,
        min_value=Decimal("0.01"),
        max_digits=14,
        decimal_places=2,
        error_messages={"min_value": _("Give an amount above 0."), "invalid": _("This is no number. Give one.")},
    )
    customer_rate = forms.DecimalField(
        label=_("Leads that become customers, in per cent"),
        required=False,
        min_value=0,
        max_value=100,
        decimal_places=2,
        error_messages=_too_low(0),
    )
    customer_days = forms.IntegerField(
        label=_("… within days of the handover"),
        required=False,
        min_value=1,
        max_value=3650,
        error_messages=_too_low(1),
    )
    hourly_cost = forms.DecimalField(
        label=_("Cost of an hour of sales"), min_value=0, max_digits=8, decimal_places=2, error_messages=_too_low(0)
    )
    minutes_per_rejected = forms.IntegerField(
        label=_("Minutes for a rejected lead"), min_value=0, max_value=10_000, error_messages=_too_low(0)
    )
    minutes_per_accepted = forms.IntegerField(
        label=_("Minutes for an accepted lead"), min_value=0, max_value=10_000, error_messages=_too_low(0)
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, basis: Basis) -> None:
        assumed = basis.assumed
        self.basis = basis
        super().__init__(
            data,
            initial={
                "revenue_goal": assumed.revenue_goal,
                "currency": assumed.currency,
                "marketing_share": _plain(Decimal(assumed.marketing_share) * HUNDRED, 1),
                "average_deal": _plain(basis.average_deal.value, 2),
                "customer_rate": _per_cent(basis.customer_rate.value),
                "customer_days": basis.days,
                "hourly_cost": assumed.hourly_cost,
                "minutes_per_rejected": assumed.minutes_per_rejected,
                "minutes_per_accepted": assumed.minutes_per_accepted,
            },
        )
        self.fields["average_deal"].help_text = self._from_history(
            basis.average_deal, _plain(basis.average_deal.own, 2), _g("won deals of the last 12 months")
        )
        self.fields["customer_rate"].help_text = self._from_history(
            basis.customer_rate, _per_cent(basis.customer_rate.own), _g("handed over leads")
        )
        self.fields["customer_days"].help_text = self._from_history(
            basis.customer_days, _plain(basis.customer_days.own, 0), _g("won deals; 3 in 4 close within them")
        )
        for name in ("minutes_per_rejected", "minutes_per_accepted"):
            self.fields[name].help_text = _g("The portal does not track time; take it from your own records.")

    def clean_currency(self) -> str:
        """Write it in capitals."""
        return str(self.cleaned_data["currency"])

    def columns(self) -> dict[str, Any]:
        """Return what to write; a figure that is empty or that of own history goes on following it."""
        told = self.cleaned_data
        is_same_money = told["currency"] == self.basis.assumed.currency
        own_deal = _plain(self.basis.average_deal.own, 2) if is_same_money else None
        own_rate = _per_cent(self.basis.customer_rate.own)
        is_own_days = told["customer_days"] in {None, self.basis.customer_days.own}
        is_own_rate = told["customer_rate"] in {None, own_rate}
        if not is_own_days and told["customer_rate"] == _per_cent(self.basis.customer_rate.value):
            is_own_rate = not self.basis.customer_rate.is_typed  # the own rate of other days is another one
        return {
            "revenue_goal": told["revenue_goal"],
            "currency": told["currency"],
            "marketing_share": told["marketing_share"] / HUNDRED,
            "average_deal": None if told["average_deal"] in {None, own_deal} else told["average_deal"],
            "customer_rate": None if is_own_rate else told["customer_rate"] / HUNDRED,
            "customer_days": None if is_own_days else told["customer_days"],
            "hourly_cost": told["hourly_cost"],
            "minutes_per_rejected": told["minutes_per_rejected"],
            "minutes_per_accepted": told["minutes_per_accepted"],
        }

    @staticmethod
    def _from_history(figure: Input, written: Decimal | None, of: str) -> str:
        if written is None:
            return _g("Own history has no figure yet.")
        words = {"figure": number(written, max(0, -int(written.as_tuple().exponent))), "cases": figure.cases, "of": of}
        return _g("Own history: %(figure)s, from %(cases)d %(of)s. Empty it to follow own history.") % words


def _plain(value: Decimal | None, places: int) -> Decimal | None:
    return None if value is None else value.quantize(Decimal(1).scaleb(-places))


def _per_cent(share: Decimal | None) -> Decimal | None:
    return None if share is None else _plain(share * HUNDRED, 2)


class TakeForm(forms.Form):
    """A promise that goes into the draft; what the draft does not take is said by `sla.drafting`."""

    measure = forms.ChoiceField(choices=Commitment.Measure.choices)
    at_least = forms.DecimalField(max_digits=8, decimal_places=4)
    at_most = forms.DecimalField(required=False, max_digits=8, decimal_places=4)
    note = forms.CharField(required=False, max_length=250)
