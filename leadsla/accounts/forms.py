"""Forms of a person's own page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from leadsla.accounts.models import ApiToken, User


class ProfileForm(forms.ModelForm[User]):
    """What a person may change of themselves."""

    class Meta:
        model = User
        fields = ("name", "timezone", "wants_email", "wants_shortcuts")


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What it is for, as “website form”."))
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        choices=ApiToken.Scope.choices,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    days = forms.IntegerField(label=_("Days until it expires"), min_value=1, max_value=3650, initial=365)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "token_%s"  # it stands on one page with the profile, which has a name too
