"""Who leads are: companies, leads, their identities, duplicates and merges."""

from __future__ import annotations

import uuid
from typing import ClassVar

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from leads.models.sources import Campaign, Source
from leads.querysets import LeadQuerySet
from leadsla.accounts.models import Team


class Company(models.Model):
    """A company that leads work for; found by its domain, else by its folded name."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=200)
    name_key = models.CharField(max_length=200, db_index=True, editable=False)
    domain = models.CharField(_("domain"), max_length=253, unique=True, null=True, blank=True)
    industry = models.CharField(_("industry"), max_length=120, blank=True)
    employees = models.PositiveIntegerField(_("people"), null=True, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    relation = models.CharField(
        _("relation"),
        max_length=12,
        blank=True,
        choices=(("customer", _("Customer")), ("partner", _("Partner")), ("competitor", _("Competitor"))),
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("account owner"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="accounts",
        help_text=_("The sales person who looks after this company."),
    )

    class Meta:
        ordering = ("name_key",)
        verbose_name = _("company")
        verbose_name_plural = _("companies")
        constraints = (
            models.UniqueConstraint(
                fields=("name_key",), condition=Q(domain=None), name="one_company_per_name_without_domain"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Stage(models.TextChoices):
    """Where a lead stands; `leads.stages.move` is the only writer."""

    INQUIRY = "inquiry", _("Inquiry")
    NURTURING = "nurturing", _("Nurturing")
    QUALIFIED = "qualified", _("Qualified")
    HANDED_OVER = "handed_over", _("Handed over")
    ACCEPTED = "accepted", _("Accepted")
    OPPORTUNITY = "opportunity", _("Opportunity")
    CUSTOMER = "customer", _("Customer")
    LOST = "lost", _("Lost")
    DISQUALIFIED = "disqualified", _("Disqualified")


class Door(models.TextChoices):
    """The two ways of being qualified."""

    ASKED = "asked", _("Asked to be contacted")
    NURTURED = "nurtured", _("Nurtured")


class Temperature(models.TextChoices):
    """Chooses among targets."""

    HOT = "hot", _("hot")
    WARM = "warm", _("warm")
    COOL = "cool", _("cool")


class Seniority(models.TextChoices):
    """How high somebody stands."""

    C_LEVEL = "c_level", _("C-level")
    VP = "vp", _("Vice president")
    DIRECTOR = "director", _("Director, head of")
    MANAGER = "manager", _("Manager")
    STAFF = "staff", _("Staff")
    STUDENT = "student", _("Student")


class JobFunction(models.TextChoices):
    """What somebody works on."""

    MANAGEMENT = "management", _("General management")
    OPERATIONS = "operations", _("Operations, production")
    PURCHASING = "purchasing", _("Purchasing")
    ENGINEERING = "engineering", _("Engineering, maintenance")
    IT = "it", _("IT")
    FINANCE = "finance", _("Finance")
    MARKETING = "marketing", _("Marketing")
    SALES = "sales", _("Sales")
    HR = "hr", _("Human resources")
    OTHER = "other", _("Other")


class EmailKind(models.TextChoices):
    """Whether an address is a company's or a free provider's."""

    BUSINESS = "business", _("Business e-mail")
    FREE = "free", _("Free-mail")


class Origin(models.TextChoices):
    """Whether a row tells of the running portal or of an imported past."""

    LIVE = "live", _("Live")
    IMPORT = "import", _("Imported")


STAGE_NEEDS_SINCE = pgtrigger.Trigger(
    name="stage_needs_since",
    when=pgtrigger.Before,
    operation=pgtrigger.UpdateOf("stage"),
    condition=pgtrigger.Q(old__stage__df=pgtrigger.F("new__stage"))
    & pgtrigger.Q(old__stage_since=pgtrigger.F("new__stage_since")),
    func="RAISE EXCEPTION 'stage of lead % changed without stage_since', NEW.id;",
)


@pghistory.track(
    pghistory.InsertEvent("created"),
    pghistory.UpdateEvent(
        "changed",
        condition=pghistory.AnyChange(
            "stage",
            "owner",
            "team",
            "email",
            "phone",
            "name",
            "company",
            "recycled_until",
            "blocked_at",
            "merged_into",
        ),
    ),
    fields=[
        "stage",
        "stage_since",
        "owner",
        "team",
        "email",
        "phone",
        "name",
        "company",
        "recycled_until",
        "blocked_at",
        "merged_into",
    ],
    model_name="LeadEvent",
    obj_field=pghistory.ObjForeignKey(related_name="history", related_query_name="history"),
)
class Lead(models.Model):
    """A person at a company who may buy. One person is one lead for ever; merged, never copied."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.LIVE, editable=False)

    # Who they are. Empty text means unknown.
    name = models.CharField(_("name"), max_length=200, blank=True)
    name_key = models.CharField(max_length=200, editable=False, blank=True)
    email = models.CharField(_("e-mail"), max_length=254, blank=True)
    email_kind = models.CharField(max_length=8, choices=EmailKind, blank=True, editable=False)
    phone = models.CharField(_("phone"), max_length=32, blank=True, help_text=_("With country code: +49 7131 …"))
    title = models.CharField(_("job title"), max_length=160, blank=True)
    seniority = models.CharField(_("seniority"), max_length=10, choices=Seniority, blank=True)
    job_function = models.CharField(_("function"), max_length=12, choices=JobFunction, blank=True)
    company = models.ForeignKey(
        Company, verbose_name=_("company"), on_delete=models.PROTECT, null=True, blank=True, related_name="leads"
    )
    company_name = models.CharField(_("company"), max_length=200, blank=True)
    industry = models.CharField(_("industry"), max_length=120, blank=True)
    employees = models.PositiveIntegerField(_("people at the company"), null=True, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True, help_text=_("Two letters, as DE or US."))
    region = models.CharField(_("region"), max_length=80, blank=True)
    city = models.CharField(_("city"), max_length=120, blank=True)
    language = models.CharField(_("language"), max_length=8, blank=True)
    timezone = models.CharField(_("time zone"), max_length=64, blank=True)

    # What they said. Each is a criterion of the definition.
    need = models.TextField(_("need, in their words"), max_length=4000, blank=True)
    decision_maker = models.CharField(_("decision maker"), max_length=250, blank=True)
    authority = models.CharField(_("buying authority"), max_length=250, blank=True)
    budget = models.CharField(_("budget or range"), max_length=160, blank=True)
    timeframe = models.CharField(_("time frame"), max_length=160, blank=True)
    note = models.TextField(_("note of marketing to sales"), max_length=4000, blank=True)
    own = models.JSONField(default=dict, blank=True, editable=False)  # own fields, under the field's id
    fact_sources = models.JSONField(default=dict, blank=True, editable=False)  # field → {via, at, by}

    # Where they came from. First is never overwritten.
    captured_at = models.DateTimeField(_("first contact"), null=True)
    captured_is_date = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(editable=False)
    first_source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    last_source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    first_campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    last_campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    # Whose they are.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("marketer"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="leads",
    )
    team = models.ForeignKey(
        Team, verbose_name=_("team"), on_delete=models.PROTECT, null=True, blank=True, related_name="leads"
    )

    # Where they stand.
    stage = models.CharField(_("stage"), max_length=12, choices=Stage, default=Stage.INQUIRY, editable=False)
    stage_since = models.DateTimeField(editable=False)
    qualified_at = models.DateTimeField(null=True, editable=False)
    qualified_until = models.DateTimeField(null=True, editable=False)
    qualified_by = models.ForeignKey(
        "leads.Definition", on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    door = models.CharField(max_length=8, choices=Door, blank=True, editable=False)
    temperature = models.CharField(_("temperature"), max_length=4, choices=Temperature, blank=True, editable=False)
    recycled_until = models.DateTimeField(_("recycled until"), null=True, blank=True, editable=False)
    recycled_because = models.CharField(max_length=120, blank=True, editable=False)
    cycle = models.PositiveSmallIntegerField(default=1, editable=False)
    previous_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )  # the rep who had it before it was recycled
    disqualified_because = models.CharField(max_length=120, blank=True, editable=False)
    blocked_at = models.DateTimeField(null=True, editable=False)  # never judged nor handed over again
    suppressed_at = models.DateTimeField(null=True, editable=False)  # asked not to be contacted, or no consent
    unsubscribed_at = models.DateTimeField(null=True, editable=False)
    excluded_because = models.CharField(max_length=20, blank=True, editable=False)  # competitor, own domain, test
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="merged"
    )

    # Score by the model that counts; null when excluded or not scored yet.
    score = models.DecimalField(max_digits=6, decimal_places=1, null=True, editable=False)
    fit = models.DecimalField(max_digits=6, decimal_places=1, null=True, editable=False)
    intent = models.DecimalField(max_digits=6, decimal_places=1, null=True, editable=False)
    engagement = models.DecimalField(max_digits=6, decimal_places=1, null=True, editable=False)
    negative = models.DecimalField(max_digits=6, decimal_places=1, null=True, editable=False)
    counted_interactions = models.PositiveIntegerField(default=0, editable=False)
    grade = models.CharField(max_length=2, blank=True, editable=False)
    score_model = models.ForeignKey(
        "leads.ScoreModel", on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    scored_at = models.DateTimeField(null=True, editable=False)
    engagement_since = models.DateTimeField(null=True, editable=False)

    # The automatic handover of `sla` backs off by these.
    handover_not_before = models.DateTimeField(null=True, editable=False)
    handover_failures = models.PositiveSmallIntegerField(default=0, editable=False)
    handover_error = models.TextField(blank=True, editable=False)

    objects: ClassVar[LeadQuerySet] = LeadQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("-created_at", "-pk")
        verbose_name = _("lead")
        verbose_name_plural = _("leads")
        triggers = (STAGE_NEEDS_SINCE,)
        constraints = (
            models.CheckConstraint(
                condition=~Q(stage=Stage.QUALIFIED) | Q(qualified_at__isnull=False), name="qualified_lead_has_moment"
            ),
            models.CheckConstraint(
                condition=Q(grade="") | Q(grade__regex=r"^[A-D][1-4]$"), name="grade_is_letter_and_digit"
            ),
            models.CheckConstraint(condition=Q(score=None) | Q(score__gte=0), name="score_is_not_negative"),
            models.CheckConstraint(
                condition=Q(merged_into=None) | ~Q(merged_into=F("pk")), name="lead_is_not_merged_into_itself"
            ),
        )
        indexes = (
            models.Index(fields=("stage", "-score", "-id"), name="lead_by_stage"),
            models.Index(fields=("owner", "stage", "-score"), name="lead_by_owner"),
            models.Index(fields=("team", "stage", "-score"), name="lead_by_team"),
            models.Index(fields=("company",), name="lead_by_company"),
            models.Index(fields=("name_key",), name="lead_by_name"),
            models.Index(fields=("-created_at", "-id"), name="lead_by_creation"),
            models.Index(
                fields=("qualified_at",),
                condition=Q(stage=Stage.QUALIFIED, merged_into=None),
                name="lead_to_hand_over",
            ),
            models.Index(
                fields=("recycled_until",), condition=Q(recycled_until__isnull=False), name="lead_recycled_until"
            ),
            GinIndex(fields=("own",), name="lead_own_fields"),
        )

    def __str__(self) -> str:
        return self.name or self.email or str(self.public_id)


class Identity(models.Model):
    """One way to recognise a lead again."""

    class Kind(models.TextChoices):
        EMAIL = "email", _("E-mail")
        EXTERNAL = "external", _("Id in another system")
        PHONE = "phone", _("Phone")

    kind = models.CharField(max_length=8, choices=Kind)
    system = models.CharField(max_length=60, blank=True)  # which system gave the id; empty for e-mail and phone
    value = models.CharField(max_length=254)  # normalised
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="identities")

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "system", "value"), condition=~Q(kind="phone"), name="one_lead_per_identity"
            ),
            models.UniqueConstraint(
                fields=("lead", "value"), condition=Q(kind="phone"), name="one_phone_per_lead_and_number"
            ),
            models.CheckConstraint(
                condition=Q(kind="external") ^ Q(system=""), name="external_identity_names_its_system"
            ),
        )
        indexes = (models.Index(fields=("value",), condition=Q(kind="phone"), name="identity_by_phone"),)

    def __str__(self) -> str:
        return f"{self.system or self.kind}:{self.value}"


class DuplicateProposal(models.Model):
    """Two leads that may be one person; a person decides."""

    class Resolution(models.TextChoices):
        OPEN = "open", _("Open")
        MERGED = "merged", _("Merged")
        DIFFERENT = "different", _("Different people")

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="duplicate_proposals")
    other = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="+")
    why = models.CharField(max_length=120)
    proposed_at = models.DateTimeField()
    resolution = models.CharField(max_length=10, choices=Resolution, default=Resolution.OPEN)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("duplicate proposal")
        verbose_name_plural = _("duplicate proposals")
        constraints = (
            models.UniqueConstraint(fields=("lead", "other"), name="one_proposal_per_pair"),
            models.CheckConstraint(condition=~Q(lead=F("other")), name="proposal_names_two_leads"),
        )

    def __str__(self) -> str:
        return f"{self.lead} = {self.other}? ({self.why})"


class Merge(models.Model):
    """One merge with every row that it moved, so that it can be undone exactly."""

    kept = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="merges_kept")
    gone = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="merges_gone")
    moved = models.JSONField(default=dict)  # "app.model.field" → ids
    kept_before = models.JSONField(default=dict)  # columns of the kept lead that the merge changed
    gone_before = models.JSONField(default=dict)
    merged_at = models.DateTimeField()
    merged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")

    def __str__(self) -> str:
        return f"{self.gone_id} → {self.kept_id}"
