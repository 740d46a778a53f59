"""Forms of webhooks. What is right is decided by `endpoints`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from leadsla.outbox import endpoints, targets
from leadsla.outbox.models import WebhookEndpoint


class WebhookForm(forms.Form):
    """An endpoint: its name, its address, what it is told."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What receives it, as “CRM”."))
    url = forms.CharField(
        label=_("Address"),
        max_length=targets.LONGEST,
        help_text=_("Events are posted there. It begins with https:// and is on the public Internet."),
        widget=forms.TextInput(attrs={"inputmode": "url", "placeholder": "https://example.com/hooks/leadsla"}),
    )
    kinds = forms.MultipleChoiceField(
        label=_("It is told when"),
        choices=[(kind.value, kind.label) for kind in endpoints.CHOOSABLE],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        error_messages={"required": _("Choose at least one event.")},
    )

    @classmethod
    def of(cls, endpoint: WebhookEndpoint, data: Any = None) -> WebhookForm:
        """Return the form of an endpoint that exists."""
        return cls(data, initial={"name": endpoint.name, "url": endpoint.url, "kinds": endpoint.kinds})

    def clean_url(self) -> str:
        """Refuse the address together with whatever else is wrong."""
        try:
            targets.parse(self.cleaned_data["url"])
        except targets.TargetRefused as refusal:
            raise forms.ValidationError(str(refusal)) from None
        return str(self.cleaned_data["url"])

    def refuse(self, refusal: endpoints.Refused) -> None:
        """Show at each field why it was refused."""
        for field, error in refusal.errors.items():
            self.add_error(field, error)
