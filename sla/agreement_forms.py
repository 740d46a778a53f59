"""Forms of the contract's pages: a comment, a deputy. Parse what was typed, nothing more."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _t

from leadsla.accounts.models import Side, User
from sla import signatories
from sla.difference import Part


class CommentForm(forms.Form):
    """Something said about a version, or about one of its clauses."""

    measure = forms.ChoiceField(label=_t("About"), required=False)
    text = forms.CharField(label=_t("What do you think?"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, clauses: list[Part], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["measure"]
        assert isinstance(field, forms.ChoiceField)
        numbered = [(part.key, f"{part.number} · {part.text}") for part in clauses if part.number]
        field.choices = [("", _t("The whole version")), *numbered]


class DeputyForm(forms.Form):
    """Who may sign instead, from when to when."""

    side = forms.ChoiceField(label=_t("For"), choices=())
    deputy = forms.ModelChoiceField(
        User.objects.none(), label=_t("Who may sign"), to_field_name="public_id", empty_label=_t("Choose a person")
    )
    starts_on = forms.DateField(label=_t("From"), widget=forms.DateInput(attrs={"type": "date"}))
    ends_on = forms.DateField(label=_t("Until and including"), widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sides = [side for side in Side if signatories.leads_side(by, side)]
        side, deputy = self.fields["side"], self.fields["deputy"]
        assert isinstance(side, forms.ChoiceField)
        assert isinstance(deputy, forms.ModelChoiceField)
        side.choices = [(each.value, each.label) for each in sides]
        if len(sides) == 1:
            side.widget, side.initial = forms.HiddenInput(), sides[0].value
        people = {user.pk for each in sides for user in signatories.deputies_for(each)}
        deputy.queryset = User.objects.filter(pk__in=people).order_by("name", "pk")

    def refuse(self, errors: dict[str, str]) -> None:
        """Show why the domain refused, at the field that it names."""
        for name, text in errors.items():
            self.add_error(name if name in self.fields else None, text)
