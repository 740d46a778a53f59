"""Forms of the contract's pages: parse what was typed, nothing more."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from leadsla.accounts.models import Role, Side, User


class OverrideForm(forms.Form):
    """Why a lead is handed over although it is not qualified."""

    override_reason = forms.CharField(
        label=_("Why hand it over all the same?"),
        max_length=1000,
        min_length=10,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Sales reads this. Overrides are counted apart from the leads that were promised."),
    )


class ReassignForm(forms.Form):
    """Who gets a handoff instead."""

    to = forms.ModelChoiceField(User.objects.none(), label=_("Who gets it?"), to_field_name="public_id")

    def __init__(self, *args: Any, but_not: User | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        of_sales = User.objects.filter(
            is_active=True,
            team__side=Side.SALES,
            team__is_active=True,
            roles__overlap=[Role.SALES_REP, Role.SALES_MANAGER],
        )
        if but_not is not None:
            of_sales = of_sales.exclude(pk=but_not.pk)
        field = self.fields["to"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = of_sales.select_related("team").order_by("team__name", "name")
