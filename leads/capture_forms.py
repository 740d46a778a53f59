"""Forms of capture pages: the one that marketing builds with, and the one that visitors fill in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.utils.html import urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from leads import capture, intake
from leads.capture import ASKABLE, LONGEST_CONSENT, Asked, words_for
from leads.capture_gate import TRAP
from leads.facts import FACTS
from leads.models import Campaign, CapturePage, CaptureVersion, InteractionKind, JobFunction, Seniority
from leadsla.accounts.models import Side, Team

_FIRST = (Asked("name", is_required=True), Asked("email", is_required=True), Asked("company_name"), Asked("need"))
_ABOVE = ("name", "slug", "title", "intro")
# What a browser may fill in for its owner (WCAG 2.2, 1.3.5).
_FILLED_IN = {
    "name": "name",
    "email": "email",
    "phone": "tel",
    "title": "organization-title",
    "company_name": "organization",
    "country": "country-name",
    "region": "address-level1",
    "city": "address-level2",
}
_KEYBOARDS = {"email": "email", "phone": "tel"}
_CHOICES = {"seniority": Seniority, "job_function": JobFunction}


@dataclass(frozen=True)
class AskedRow:
    """One row of the builder: a fact, and how it is asked."""

    fact: str
    fact_label: str
    usual_words: str
    is_asked: forms.BoundField
    is_required: forms.BoundField
    place: forms.BoundField
    label: forms.BoundField
    help: forms.BoundField


class CapturePageForm(forms.ModelForm[CapturePage]):
    """A capture page: what it says, what it asks, and what becomes of it."""

    sites = forms.CharField(
        label=_("Your websites"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "https://www.example.com", "spellcheck": "false"}),
        help_text=_("One per line. Only there the form may be embedded, and only there it may go on to."),
    )
    consent_text = forms.CharField(
        label=_("What they agree to"),
        required=False,
        max_length=LONGEST_CONSENT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Stands beside a box to tick. Each submission keeps the words that it agreed to."),
    )
    consent_is_required = forms.BooleanField(label=_("Nothing is taken without it"), required=False)

    class Meta:
        model = CapturePage
        fields: ClassVar = [
            "name",
            "slug",
            "title",
            "intro",
            "button",
            "thanks",
            "redirect_url",
            "sites",
            "source",
            "campaign",
            "team",
            "counts_as",
            "confirms_email",
        ]
        widgets: ClassVar = {
            "intro": forms.Textarea(attrs={"rows": 2}),
            "thanks": forms.Textarea(attrs={"rows": 2}),
            "redirect_url": forms.TextInput(attrs={"inputmode": "url"}),
        }
        help_texts: ClassVar = {
            "name": _("For your own lists; leads carry it as what they filled in."),
            "slug": _("The end of the public address, as “demo”. It stays: links lead to it."),
            "redirect_url": _("A page of yours that follows the thank-you. Leave it empty to show the text only."),
            "confirms_email": _("Double opt-in: a lead is made only once the owner of the address clicked."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version = capture.current(self.instance) if self.instance.pk else None
        self.fields["counts_as"].choices = [  # type: ignore[attr-defined]  # a choice field
            (kind.value, kind.label) for kind in InteractionKind if kind != InteractionKind.IMPORTED
        ]
        team, campaign = self.fields["team"], self.fields["campaign"]
        assert isinstance(team, forms.ModelChoiceField)
        assert isinstance(campaign, forms.ModelChoiceField)
        team.queryset = Team.objects.filter(side=Side.MARKETING, is_active=True)
        team.help_text = _("Leads that nobody owns yet go to it.")
        campaign.queryset = Campaign.objects.order_by("name")
        self.fields["slug"].disabled = version is not None
        if version is not None:
            self.initial["sites"] = "\n".join(self.instance.sites)
            self.initial["consent_text"] = version.consent_text
            self.initial["consent_is_required"] = version.consent_is_required
        self.own = list(self.fields)
        self._add_rows(capture.asked_by(version) if version else list(_FIRST))

    def _add_rows(self, asked: list[Asked]) -> None:
        now = {each.fact: (place, each) for place, each in enumerate(asked, start=1)}
        self._facts = [*now, *(code for code in ASKABLE if code not in now)]
        for code in self._facts:
            place, each = now.get(code, (None, Asked(code)))
            self.fields[f"asked-{code}"] = forms.BooleanField(required=False, initial=code in now)
            self.fields[f"required-{code}"] = forms.BooleanField(required=False, initial=each.is_required)
            self.fields[f"place-{code}"] = forms.IntegerField(
                required=False, initial=place, min_value=1, max_value=99, widget=forms.NumberInput()
            )
            self.fields[f"label-{code}"] = forms.CharField(required=False, initial=each.label, max_length=120)
            self.fields[f"help-{code}"] = forms.CharField(required=False, initial=each.help, max_length=250)

    def first_fields(self) -> list[forms.BoundField]:
        """Return the fields that stand above the table of questions."""
        return [self[name] for name in self.own if name in _ABOVE]

    def further_fields(self) -> list[forms.BoundField]:
        """Return the fields that stand below the table of questions."""
        return [self[name] for name in self.own if name not in _ABOVE]

    def rows(self) -> list[AskedRow]:
        """Return the rows of the table."""
        parts = ("asked", "required", "place", "label", "help")
        return [
            AskedRow(
                code,
                capfirst(str(FACTS[code].label)),
                str(words_for(code)),
                *(self[f"{part}-{code}"] for part in parts),
            )
            for code in self._facts
        ]

    def asked(self) -> list[Asked]:
        """Return what is asked, by place; what has none comes last."""
        found = self.cleaned_data
        chosen = [code for code in self._facts if found.get(f"asked-{code}")]
        chosen.sort(key=lambda code: found.get(f"place-{code}") or 100)
        return [
            Asked(code, found.get(f"label-{code}", ""), found.get(f"help-{code}", ""), bool(found[f"required-{code}"]))
            for code in chosen
        ]

    def clean_sites(self) -> list[str]:
        """Read one website per line.

        Raises:
            ValidationError: a line is none.
        """
        found: list[str] = []
        for line in self.cleaned_data["sites"].split():
            try:
                site = capture.origin(line)
            except (ValueError, UnicodeError):
                site = ""
            if not site:
                raise forms.ValidationError(
                    _("“%(line)s” is no address of a website. Write it as https://www.example.com."),
                    params={"line": line[:80]},
                )
            if site not in found:
                found.append(site)
        return found

    def refuse(self, refused: intake.Refused) -> None:
        """Show at each field why it was refused."""
        for name, why in refused.errors.items():
            self.add_error(name if name in self.fields else None, why)


class VisitorForm(forms.Form):
    """What a version asks of a visitor. Whether it can be taken is decided by `capture`."""

    def __init__(self, *args: Any, version: CaptureVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "f-%s"
        self._codes = []
        for each in capture.asked_by(version):
            self.fields[each.fact] = _field(each)
            self._codes.append(each.fact)
        if version.consent_text:
            self.fields["consent"] = forms.BooleanField(
                label=version.consent_text,
                required=False,
                widget=forms.CheckboxInput(attrs={"required": ""} if version.consent_is_required else {}),
            )

    def questions(self) -> list[forms.BoundField]:
        """Return the fields but for the consent."""
        return [self[code] for code in self._codes]

    def told(self) -> dict[str, str]:
        """Return what was typed, by fact."""
        return {code: self.cleaned_data[code] for code in self._codes}

    def consent_words(self) -> SafeString:
        """Return the consent with links that open beside the form, so that nothing typed is lost."""
        linked = urlize(self.fields["consent"].label or "", autoescape=True)
        return mark_safe(linked.replace("<a href=", '<a target="_blank" rel="noopener" href=').replace("\n", "<br>"))

    def has_agreed(self) -> bool:
        """Tell whether the box of the consent is ticked."""
        return bool(self.cleaned_data.get("consent"))

    def is_of_a_robot(self) -> bool:
        """Tell whether the field that nobody sees was filled in."""
        return bool(self.data.get(TRAP))

    def refuse(self, refused: intake.Refused) -> None:
        """Show at each field why it was refused, in their order."""
        for name, why in refused.errors.items():
            self.add_error(name if name in self.fields else None, why)


def _field(each: Asked) -> forms.CharField | forms.ChoiceField:
    """Return a field that takes what was typed as it is: what is wrong with it is said by `capture`."""
    attrs = {"autocomplete": _FILLED_IN.get(each.fact, "off")}
    if each.is_required:
        attrs["required"] = ""
    label, text = str(each.words), each.help
    if each.fact in _CHOICES:
        choices = [("", _("Please choose")), *_CHOICES[each.fact].choices]
        return forms.ChoiceField(
            label=label, help_text=text, required=False, choices=choices, widget=forms.Select(attrs=attrs)
        )
    if FACTS[each.fact].is_long:
        attrs["rows"] = "4"
        return forms.CharField(label=label, help_text=text, required=False, widget=forms.Textarea(attrs=attrs))
    if each.fact in _KEYBOARDS:
        attrs["inputmode"] = _KEYBOARDS[each.fact]
    return forms.CharField(label=label, help_text=text, required=False, widget=forms.TextInput(attrs=attrs))
