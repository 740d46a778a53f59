"""Forms of the acts on a handoff within sales: parse what was typed, nothing more."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class PassOnForm(forms.Form):
    """What the account executive should know."""

    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What you talked about, who decides, what comes next. It travels with the pack."),
    )
