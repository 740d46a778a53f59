"""Forms of clocks: parse what was typed, nothing more."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from sla import pauses
from sla.models import Clock, PauseReason


class PauseForm(forms.Form):
    """Why a clock stands, and until when."""

    reason = forms.ModelChoiceField(PauseReason.objects.none(), label=_("Why?"), to_field_name="code")
    until = forms.DateTimeField(
        label=_("Until"),
        error_messages={"required": _("Say until when: a pause needs an end. The clock goes on by itself then.")},
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        help_text=_("The clock goes on by itself then. You may let it go on before."),
    )
    note = forms.CharField(
        label=_("Note"), required=False, max_length=250, help_text=_("The other side reads it, too.")
    )

    def __init__(self, *args: Any, clock: Clock, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reason"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = pauses.reasons_for(clock)


class WaiveForm(forms.Form):
    """Why a clock does not count."""

    why = forms.CharField(
        label=_("Why does it not count?"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The other side reads it; waived clocks stand beside the rate."),
    )
