"""Forms of the score model: parse what was typed; `score_models` says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _t

from leads.condition_form import ConditionForm
from leads.models import InteractionKind, ScoreModel, ScoreRule
from leads.score_models import RuleFacts, Settings
from leads.score_words import points as in_words

# Made by the portal itself, or done by marketing: no sign of a lead's interest.
_OWN_ACTS = {InteractionKind.IMPORTED, InteractionKind.MARKETING_TOUCH}


def _points(label: Any, **more: Any) -> forms.DecimalField:
    return forms.DecimalField(label=label, max_digits=8, widget=forms.NumberInput(attrs={"step": "0.1"}), **more)


class _Refusable(forms.Form):
    def refuse(self, errors: Mapping[str, str]) -> None:
        """Put each refusal beside its field; what belongs to none stands above."""
        for name, text in errors.items():
            self.add_error(name if name in self.fields else None, text)


class FactsRuleForm(_Refusable):
    """A rule on facts, without its condition, which has rows of its own."""

    label = forms.CharField(label=_t("Name"), max_length=120, help_text=_t("As it stands in the lines of a score."))
    group = forms.ChoiceField(label=_t("Group"), choices=ScoreRule.Group.choices)
    points = _points(_t("Points"), help_text=_t("Below 0 takes away."))

    def told(self, rows: ConditionForm | None) -> RuleFacts:
        """Return what was typed, with the condition of the rows."""
        return RuleFacts(**self.cleaned_data, condition=rows.condition if rows is not None else None)


class DeedsRuleForm(FactsRuleForm):
    """A rule on what leads did."""

    kinds = forms.MultipleChoiceField(
        label=_t("The lead did one of these"),
        choices=[(kind.value, kind.label) for kind in InteractionKind if kind not in _OWN_ACTS],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _t("Choose at least one thing that the lead did.")},
    )
    limit = forms.IntegerField(
        label=_t("Counts at most"),
        required=False,
        help_text=_t("How many of them count; the newest do. Empty: all."),
    )
    limit_per = forms.ChoiceField(
        label=_t("Limit per"), required=False, choices=[("", _t("no limit")), *ScoreRule.Per.choices]
    )
    half_life_days = forms.IntegerField(
        label=_t("Half-life in days"),
        required=False,
        help_text=_t("After so many days half of the points are left. Empty: they do not fade."),
    )
    cap = _points(
        _t("In all at most"),
        required=False,
        help_text=_t("The most points that this rule gives or takes. Empty: no cap."),
    )

    field_order = ("label", "group", "kinds", "points", "limit", "limit_per", "half_life_days", "cap")


def rule_form(data: Any, *, rule: ScoreRule | None, on_deeds: bool) -> FactsRuleForm:
    """Return the form of a rule on facts or on what leads did, filled from the rule if there is one."""
    form = DeedsRuleForm if on_deeds else FactsRuleForm
    start = ScoreRule.Group.ENGAGEMENT if on_deeds else ScoreRule.Group.FIT
    if rule is None:
        return form(data, initial={"group": start})
    initial = {name: getattr(rule, name) for name in form.base_fields}
    for name in {"points", "cap"} & set(initial):
        initial[name] = None if initial[name] is None else initial[name].normalize().__format__("f")
    return form(data, initial=initial)


class _Grades(forms.CharField):
    """Three numbers in a line, the highest first."""

    def clean(self, value: Any) -> Any:
        """Read the numbers.

        Raises:
            ValidationError: one of them is none.
        """
        text = super().clean(value)
        try:
            numbers = [Decimal(one) for one in re.split(r"[;,\s]+", text) if one]
        except InvalidOperation:
            raise forms.ValidationError(_("Give three numbers, the highest first, as 55, 40, 20.")) from None
        if not all(number.is_finite() and abs(number) < 10**6 for number in numbers):
            raise forms.ValidationError(_("Give three numbers, the highest first, as 55, 40, 20."))
        return numbers


class SettingsForm(_Refusable):
    """Name, caps and grades of a draft."""

    name = forms.CharField(label=_t("Name"), max_length=120)
    why = forms.CharField(
        label=_t("Why it is changed"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_t("Both sides read it in the history."),
    )
    fit_cap = _points(_t("Fit gives at most"))
    intent_cap = _points(_t("Intent gives at most"))
    engagement_cap = _points(_t("Engagement gives at most"))
    fit_grades = _Grades(
        label=_t("Grades A, B, C begin at"),
        max_length=60,
        help_text=_t("Points of fit, the highest first; D is the rest."),
    )
    engagement_grades = _Grades(
        label=_t("Grades 1, 2, 3 begin at"),
        max_length=60,
        help_text=_t("Points of intent and engagement, the highest first; 4 is the rest."),
    )

    def told(self) -> Settings:
        """Return what was typed."""
        return Settings(**self.cleaned_data)


def settings_form(data: Any, *, model: ScoreModel) -> SettingsForm:
    """Return the form filled from a model."""
    caps = {
        name: getattr(model, name).normalize().__format__("f") for name in ("fit_cap", "intent_cap", "engagement_cap")
    }
    grades = {
        name: ", ".join(in_words(one) for one in getattr(model, name)) for name in ("fit_grades", "engagement_grades")
    }
    return SettingsForm(data, initial={"name": model.name, "why": model.why, **caps, **grades})
