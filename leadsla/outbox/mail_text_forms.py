"""The form of what stands around the portal's words in mails. What is right is decided by `mail_texts`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from leadsla.outbox import mail_texts


class MailTextForm(forms.Form):
    """What stands before and after."""

    before = forms.CharField(
        label=_("Before"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "For example “Hello {first_name},”. {name} and {first_name} become those of whoever gets the mail."
        ),
    )
    after = forms.CharField(
        label=_("After"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("For example whom to ask, or what your company has to say in each mail."),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse texts that cannot be used."""
        said: dict[str, Any] = super().clean() or {}
        try:
            mail_texts.check(before=said.get("before", ""), after=said.get("after", ""))
        except mail_texts.Refused as refusal:
            for field, why in refusal.errors.items():
                self.add_error(field, why)
        return said
