"""Forms of inbound webhooks: parse what was typed, nothing more."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from leads.columns import TARGETS
from leads.hook_formats import Delivered
from leads.hooks import LARGEST
from leads.models import Campaign, Hook, InteractionKind
from leadsla.accounts.models import Side, Team

SHORTEST_SECRET = 16


class HookForm(forms.ModelForm[Hook]):
    """What sends to an address, and what its leads count as."""

    secret = forms.CharField(
        label=_("Key"),
        required=False,
        max_length=120,
        min_length=SHORTEST_SECRET,
        strip=True,
        help_text=_("Shared with the sender. Leave it empty to have one made."),
    )

    class Meta:
        model = Hook
        fields: ClassVar = ["name", "kind", "secret", "source", "campaign", "team", "counts_as"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Made by the portal itself or written by marketing: nothing that another system delivers.
        hidden = {InteractionKind.IMPORTED}
        self.fields["counts_as"].choices = [  # type: ignore[attr-defined]  # a choice field
            (kind.value, kind.label) for kind in InteractionKind if kind not in hidden
        ]
        team, campaign = self.fields["team"], self.fields["campaign"]
        assert isinstance(team, forms.ModelChoiceField)
        assert isinstance(campaign, forms.ModelChoiceField)
        team.queryset = Team.objects.filter(side=Side.MARKETING, is_active=True)
        team.help_text = _("Leads that nobody owns yet go to it.")
        campaign.queryset = Campaign.objects.order_by("name")
        if self.instance.pk:
            self.fields["kind"].disabled = True
            self.fields["secret"].help_text = _("Leave it empty to keep the key as it is.")
            self.initial["secret"] = ""


class SampleForm(forms.Form):
    """A delivery to match the parts of."""

    sample = forms.CharField(
        label=_("A delivery, as JSON"),
        max_length=LARGEST,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )

    def clean_sample(self) -> Any:
        """Read the JSON.

        Raises:
            ValidationError: it is none.
        """
        try:
            body = json.loads(self.cleaned_data["sample"])
        except (ValueError, RecursionError):
            raise forms.ValidationError(_("This is not JSON. Paste the body of one delivery.")) from None
        if not isinstance(body, dict):
            raise forms.ValidationError(_("A delivery is a JSON object: it begins with { and ends with }."))
        return body


class MatchingForm(forms.Form):
    """What the parts of a delivery hold."""

    def __init__(self, *args: Any, delivered: Delivered, codes: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("kept beside, as it comes")), *((each.code, each.label) for each in TARGETS.values())]
        self._paths = {f"part-{place}": part.path for place, part in enumerate(delivered.parts)}
        self.texts = {f"part-{place}": part for place, part in enumerate(delivered.parts)}
        for name, path in self._paths.items():
            self.fields[name] = forms.ChoiceField(
                label=self.texts[name].label, choices=choices, required=False, initial=codes.get(path, "")
            )

    def clean(self) -> dict[str, Any]:
        """Refuse two parts that hold the same."""
        chosen: dict[str, str] = {}
        for name, code in list(self.cleaned_data.items()):
            if code and code in chosen:
                other = self.fields[chosen[code]].label
                self.add_error(name, _("“%(other)s” is that already.") % {"other": other})
            elif code:
                chosen[code] = name
        return self.cleaned_data

    def mapping(self) -> dict[str, str]:
        """Return path → code; an empty code where a part is no fact."""
        return {path: self.cleaned_data[name] for name, path in self._paths.items()}

    def rows(self) -> list[tuple[forms.BoundField, str]]:
        """Return each field with its value in the sample."""
        return [(self[name], part.text) for name, part in self.texts.items()]
