"""What marketing knows: places leads come from, companies, leads, interactions, score models, definitions, imports."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from leads.querysets import DefinitionQuerySet, LeadQuerySet
from leadsla.accounts.models import Side, Team

# --- where leads come from -------------------------------------------------------------------------------------------


class Channel(models.Model):
    """A kind of place where leads come from."""

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("Inbound")
        OUTBOUND = "outbound", _("Outbound")
        REFERRAL = "referral", _("Referral")

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    direction = models.CharField(_("direction"), max_length=10, choices=Direction)
    side = models.CharField(_("whose"), max_length=10, choices=Side)

    class Meta:
        ordering = ("name",)
        verbose_name = _("channel")
        verbose_name_plural = _("channels")

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    """One place where leads come from, as sources are named in reports."""

    code = models.SlugField(max_length=80, unique=True, allow_unicode=True)
    name = models.CharField(_("name"), max_length=120)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="sources", verbose_name=_("channel"))
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("source")
        verbose_name_plural = _("sources")

    def __str__(self) -> str:
        return self.name


class Campaign(models.Model):
    """A marketing effort with its brief for sales."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    code = models.CharField(_("code"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=160)
    source = models.ForeignKey(
        Source, verbose_name=_("source"), on_delete=models.PROTECT, null=True, blank=True, related_name="campaigns"
    )
    team = models.ForeignKey(
        Team, verbose_name=_("team"), on_delete=models.PROTECT, null=True, blank=True, related_name="campaigns"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="campaigns",
    )
    audience = models.TextField(_("audience"), blank=True)
    message = models.TextField(_("message"), blank=True, help_text=_("What the audience was told, in one sentence."))
    question = models.TextField(_("question to ask"), blank=True)
    expected_leads = models.PositiveIntegerField(_("expected leads"), null=True, blank=True)
    starts_on = models.DateField(_("from"), null=True, blank=True)
    ends_on = models.DateField(_("until"), null=True, blank=True)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")

    def __str__(self) -> str:
        return self.name


class CampaignCost(models.Model):
    """What a campaign cost in one month."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="costs")
    source = models.ForeignKey(
        Source, verbose_name=_("source"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )  # None: not split, it counts for the campaign's source
    month = models.DateField(_("month"), help_text=_("The first day of the month."))
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2, validators=[MinValueValidator(0)])
    currency = models.CharField(_("currency"), max_length=3)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("campaign", "month"), condition=Q(source=None), name="one_cost_per_campaign_and_month"
            ),
            models.UniqueConstraint(
                fields=("campaign", "month", "source"), name="one_cost_per_campaign_month_and_source"
            ),
        )
        verbose_name = _("campaign cost")
        verbose_name_plural = _("campaign costs")

    def __str__(self) -> str:
        return f"{self.campaign}, {self.month:%Y-%m}: {self.amount} {self.currency}"


# --- who they are ----------------------------------------------------------------------------------------------------


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


# --- what they did ---------------------------------------------------------------------------------------------------


class InteractionKind(models.TextChoices):
    """What a lead did, or what was done with it."""

    PAGE_VIEW = "page_view", _("Looked at a page")
    PRICING_VIEW = "pricing_view", _("Looked at prices")
    CAREERS_VIEW = "careers_view", _("Looked at the careers page")
    DOWNLOAD = "download", _("Downloaded")
    ANALYST_REPORT = "analyst_report", _("Downloaded an analyst report")
    SYNDICATED = "syndicated", _("Downloaded from a partner's site")
    FORM_SUBMIT = "form_submit", _("Filled in a form")
    DEMO_REQUEST = "demo_request", _("Asked for a demo")
    CONTACT_REQUEST = "contact_request", _("Asked to be contacted")
    PRICING_REQUEST = "pricing_request", _("Asked for a quote")
    TRIAL_START = "trial_start", _("Started a trial")
    WEBINAR_REGISTER = "webinar_register", _("Registered for a webinar")
    WEBINAR_ATTEND = "webinar_attend", _("Attended a webinar")
    WEBINAR_ON_DEMAND = "webinar_on_demand", _("Watched a webinar recording")
    EVENT_ATTEND = "event_attend", _("Attended an event")
    BOOTH_VISIT = "booth_visit", _("Visited the booth")
    NEWSLETTER_SIGNUP = "newsletter_signup", _("Signed up for the newsletter")
    EMAIL_CLICK = "email_click", _("Clicked in an e-mail")
    EMAIL_REPLY = "email_reply", _("Replied to an e-mail")
    EMAIL_BOUNCE = "email_bounce", _("E-mail bounced")
    UNSUBSCRIBE = "unsubscribe", _("Unsubscribed")
    CHAT = "chat", _("Chatted")
    CALL_IN = "call_in", _("Called")
    MEETING_BOOKED = "meeting_booked", _("Booked a meeting")
    SURVEY_ANSWER = "survey_answer", _("Answered a survey")
    SOCIAL_ENGAGE = "social_engage", _("Reacted on social media")
    MARKETING_TOUCH = "marketing_touch", _("Contacted by marketing")
    IMPORTED = "imported", _("Imported")
    OTHER = "other", _("Other")


ASKED_KINDS = (
    InteractionKind.DEMO_REQUEST,
    InteractionKind.CONTACT_REQUEST,
    InteractionKind.PRICING_REQUEST,
)


class Interaction(models.Model):
    """One thing that a lead did, or that was done with it. Append-only; no row refers to it by foreign key."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="interactions")
    kind = models.CharField(max_length=20, choices=InteractionKind)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    is_date = models.BooleanField(default=False)  # only the day is known
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, null=True, related_name="+")
    detail = models.CharField(max_length=500, blank=True)
    data = models.JSONField(default=dict, blank=True)
    key = models.CharField(max_length=190)  # tells a repeated delivery from a second interaction
    via = models.CharField(max_length=40, blank=True)  # form, api, import …
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("-occurred_at", "-pk")
        verbose_name = _("interaction")
        verbose_name_plural = _("interactions")
        constraints = (
            models.UniqueConstraint(fields=("lead", "key", "occurred_at"), name="one_interaction_per_delivery"),
        )
        indexes = (
            models.Index(fields=("lead", "kind", "occurred_at"), name="interaction_by_lead"),
            models.Index(fields=("recorded_at",), condition=Q(kind__in=ASKED_KINDS), name="interaction_that_asks"),
        )

    def __str__(self) -> str:
        return f"{self.kind} at {self.occurred_at:%Y-%m-%d %H:%M}"


# --- score -----------------------------------------------------------------------------------------------------------


class ScoreModel(models.Model):
    """A version of the score: rules, caps and the line. Published versions never change."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        RETIRED = "retired", _("Retired")

    version = models.PositiveIntegerField(unique=True)
    name = models.CharField(_("name"), max_length=120)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    fit_cap = models.DecimalField(max_digits=5, decimal_places=1, default=70)
    intent_cap = models.DecimalField(max_digits=5, decimal_places=1, default=100)
    engagement_cap = models.DecimalField(max_digits=5, decimal_places=1, default=60)
    fit_grades = ArrayField(models.DecimalField(max_digits=5, decimal_places=1), size=3, default=list)  # A, B, C from
    engagement_grades = ArrayField(
        models.DecimalField(max_digits=5, decimal_places=1), size=3, default=list
    )  # 1, 2, 3 from, of intent + engagement
    based_on = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, editable=False, related_name="+")
    why = models.TextField(_("why it is changed"), max_length=500, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta:
        ordering = ("-version",)
        verbose_name = _("score model")
        verbose_name_plural = _("score models")
        constraints = (
            models.UniqueConstraint(
                fields=("status",), condition=Q(status="published"), name="one_published_score_model"
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(published_at__isnull=False), name="published_score_model_has_moment"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"


class ScoreRule(models.Model):
    """One line of a score: points for a fact or for interactions."""

    class Group(models.TextChoices):
        FIT = "fit", _("Fit")
        INTENT = "intent", _("Intent")
        ENGAGEMENT = "engagement", _("Engagement")
        NEGATIVE = "negative", _("Against")

    class Per(models.TextChoices):
        DAY = "day", _("a day")
        WEEK = "week", _("a week")
        MONTH = "month", _("a month")
        EVER = "ever", _("ever")

    model = models.ForeignKey(ScoreModel, on_delete=models.CASCADE, related_name="rules")
    code = models.SlugField(max_length=60)
    label = models.CharField(_("label"), max_length=120)
    group = models.CharField(_("group"), max_length=10, choices=Group)
    position = models.PositiveSmallIntegerField(default=0)
    condition = models.JSONField(null=True, blank=True)  # a rule on facts, in the condition language
    kinds = ArrayField(models.CharField(max_length=20, choices=InteractionKind), default=list, blank=True)
    points = models.DecimalField(
        _("points"), max_digits=5, decimal_places=1, validators=[MinValueValidator(-200), MaxValueValidator(200)]
    )
    cap = models.DecimalField(_("at most"), max_digits=5, decimal_places=1, null=True, blank=True)
    limit = models.PositiveSmallIntegerField(_("counts at most"), null=True, blank=True)
    limit_per = models.CharField(_("times"), max_length=5, choices=Per, blank=True)
    half_life_days = models.PositiveSmallIntegerField(_("half-life in days"), null=True, blank=True)

    class Meta:
        ordering = ("position", "pk")
        verbose_name = _("score rule")
        verbose_name_plural = _("score rules")
        constraints = (
            models.UniqueConstraint(fields=("model", "code"), name="one_rule_per_code_and_model"),
            models.CheckConstraint(
                condition=Q(condition__isnull=False) ^ ~Q(kinds=[]), name="rule_is_on_facts_or_on_interactions"
            ),
            models.CheckConstraint(condition=Q(limit=None) ^ ~Q(limit_per=""), name="rule_limit_names_its_bucket"),
            models.CheckConstraint(
                condition=Q(half_life_days=None) | Q(half_life_days__gte=1), name="rule_half_life_is_positive"
            ),
        )

    def __str__(self) -> str:
        return self.label


# --- qualified -------------------------------------------------------------------------------------------------------


class Definition(models.Model):
    """A signed, versioned meaning of "qualified" for leads of its scope. The first in order that holds applies."""

    version = models.PositiveIntegerField(unique=True)
    name = models.CharField(_("name"), max_length=120)
    scope = models.JSONField(null=True, blank=True)  # condition; null holds for every lead
    position = models.PositiveSmallIntegerField(default=0)
    in_force_from = models.DateTimeField(null=True)
    in_force_until = models.DateTimeField(null=True)
    score_model = models.ForeignKey(ScoreModel, on_delete=models.PROTECT, related_name="definitions")
    threshold = models.DecimalField(_("score of at least"), max_digits=6, decimal_places=1, default=100)
    intent_at_least = models.DecimalField(max_digits=6, decimal_places=1, default=20)
    interactions_at_least = models.PositiveSmallIntegerField(default=2)
    valid_days = models.PositiveSmallIntegerField(_("stays qualified for days"), default=30)
    asked_within_days = models.PositiveSmallIntegerField(_("a request counts for days"), default=30)
    created_at = models.DateTimeField()

    objects: ClassVar[DefinitionQuerySet] = DefinitionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ("position", "-version")
        verbose_name = _("definition of qualified")
        verbose_name_plural = _("definitions of qualified")
        constraints = (
            models.CheckConstraint(
                condition=Q(in_force_until=None) | Q(in_force_until__gt=F("in_force_from")),
                name="definition_ends_after_it_begins",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"


class Criterion(models.Model):
    """One clause of a definition; required by a door, or only recorded."""

    definition = models.ForeignKey(Definition, on_delete=models.CASCADE, related_name="criteria")
    code = models.SlugField(max_length=60)
    label = models.CharField(_("label"), max_length=120)
    position = models.PositiveSmallIntegerField(default=0)
    condition = models.JSONField(null=True, blank=True)  # null: only a person can say
    field = models.CharField(max_length=40, blank=True)  # the lead's field that answers it, to open when missing
    question = models.CharField(max_length=250, blank=True)  # what to ask when it is open
    required_by_asked = models.BooleanField(default=False)
    required_by_nurtured = models.BooleanField(default=False)

    class Meta:
        ordering = ("position", "pk")
        verbose_name = _("criterion")
        verbose_name_plural = _("criteria")
        constraints = (
            models.UniqueConstraint(fields=("definition", "code"), name="one_criterion_per_code_and_definition"),
        )

    def __str__(self) -> str:
        return self.label


class Verdict(models.TextChoices):
    """How a criterion stands for a lead."""

    MET = "met", _("met")
    NOT_MET = "not_met", _("not met")
    UNKNOWN = "unknown", _("unknown")


class CriterionAnswer(models.Model):
    """What a person says of a criterion of a lead; it counts before the criterion's condition."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="criterion_answers")
    code = models.SlugField(max_length=60)
    verdict = models.CharField(max_length=8, choices=Verdict)
    evidence = models.TextField(max_length=2000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    answered_at = models.DateTimeField()

    class Meta:
        verbose_name = _("answer to a criterion")
        verbose_name_plural = _("answers to criteria")
        constraints = (models.UniqueConstraint(fields=("lead", "code"), name="one_answer_per_lead_and_criterion"),)

    def __str__(self) -> str:
        return f"{self.code}: {self.verdict}"


# --- imports ---------------------------------------------------------------------------------------------------------


class Import(models.Model):
    """One file of leads (or outcomes) on its way in: uploaded, mapped, run, with what became of each row."""

    class Kind(models.TextChoices):
        LEADS = "leads", _("Leads")
        OUTCOMES = "outcomes", _("Outcomes")

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("Waiting for its columns to be matched")
        READY = "ready", _("Ready to run")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Stopped")
        CANCELLED = "cancelled", _("Cancelled")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.LEADS)
    file = models.FileField(upload_to="imports/%Y/%m/")
    file_name = models.CharField(max_length=250)
    system = models.CharField(_("system it comes from"), max_length=60)
    timezone = models.CharField(_("time zone of its dates"), max_length=64)
    encoding = models.CharField(max_length=40)
    delimiter = models.CharField(max_length=1)
    date_format = models.CharField(max_length=20, blank=True)  # ymd, dmy, mdy; blank while unknown
    decimal_mark = models.CharField(max_length=1, default=".")
    columns = models.JSONField(default=list)  # headers as in the file
    mapping = models.JSONField(default=dict)  # column → field
    is_history = models.BooleanField(default=False)  # a past that is imported: no handover, outside compliance
    overwrites = models.BooleanField(default=False)  # replaces what is known; else it only fills what is empty
    status = models.CharField(max_length=10, choices=Status, default=Status.UPLOADED)
    problem = models.TextField(blank=True)
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    rows_created = models.PositiveIntegerField(default=0)
    rows_updated = models.PositiveIntegerField(default=0)
    rows_unchanged = models.PositiveIntegerField(default=0)
    rows_failed = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)  # last sign of life of the worker that runs it
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        verbose_name = _("import")
        verbose_name_plural = _("imports")

    def __str__(self) -> str:
        return self.file_name


class ImportRow(models.Model):
    """One line of a file: as it came, and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        CREATED = "created", _("New")
        UPDATED = "updated", _("Updated")
        UNCHANGED = "unchanged", _("Unchanged")
        FAILED = "failed", _("Not imported")

    run = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField()  # in the file, from 1, where the record starts
    cells = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    problem = models.TextField(blank=True)
    lead = models.ForeignKey(Lead, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("line",)
        constraints = (models.UniqueConstraint(fields=("run", "line"), name="one_row_per_line"),)
        indexes = (models.Index(fields=("run", "line"), condition=Q(state="waiting"), name="import_row_waiting"),)
        verbose_name = _("import row")
        verbose_name_plural = _("import rows")

    def __str__(self) -> str:
        return f"line {self.line}: {self.state}"


class ImportMapping(models.Model):
    """How the columns of a system's files were matched last time, found again by the set of headers."""

    headers_hash = models.CharField(max_length=64)
    kind = models.CharField(max_length=8, choices=Import.Kind)
    mapping: Any = models.JSONField()
    system = models.CharField(max_length=60)
    timezone = models.CharField(max_length=64)
    date_format = models.CharField(max_length=20, blank=True)
    used_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("headers_hash", "kind"), name="one_mapping_per_headers_and_kind"),
        )
        verbose_name = _("remembered mapping")
        verbose_name_plural = _("remembered mappings")

    def __str__(self) -> str:
        return f"{self.system} ({self.kind})"


# --- inbound webhooks ------------------------------------------------------------------------------------------------


class Hook(models.Model):
    """An address at which another system delivers leads, and how its deliveries are read."""

    class Kind(models.TextChoices):
        GOOGLE_ADS = "google_ads", _("Google Ads lead form")
        TYPEFORM = "typeform", _("Typeform")
        META = "meta", _("Meta lead ads")
        JSON = "json", _("Any other system that sends JSON")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120, unique=True)
    kind = models.CharField(_("what sends to it"), max_length=10, choices=Kind)
    secret = models.CharField(max_length=120)  # proves the sender; how, is the matter of the kind
    source = models.ForeignKey(
        Source, verbose_name=_("source"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    team = models.ForeignKey(
        Team, verbose_name=_("team that gets them"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    counts_as = models.CharField(
        _("counts as"), max_length=20, choices=InteractionKind, default=InteractionKind.FORM_SUBMIT
    )
    mapping = models.JSONField(default=dict)  # part of the delivery → what it holds (a code of `columns.TARGETS`)
    sample = models.JSONField(null=True)  # a delivery to match the parts of
    is_active = models.BooleanField(_("takes deliveries"), default=True)
    refused_unsigned = models.PositiveIntegerField(default=0)  # deliveries without the right secret; not kept
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)
        verbose_name = _("inbound webhook")
        verbose_name_plural = _("inbound webhooks")

    def __str__(self) -> str:
        return self.name


class HookDelivery(models.Model):
    """One delivery as it came, and what became of it. The same one again is recognised by its key."""

    class Outcome(models.TextChoices):
        CREATED = "created", _("New lead")
        UPDATED = "updated", _("Known lead")
        TEST = "test", _("Test, not taken")
        REFUSED = "refused", _("Refused")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    hook = models.ForeignKey(Hook, on_delete=models.CASCADE, related_name="deliveries")
    key = models.CharField(max_length=190)
    body = models.JSONField()
    received_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)  # how often it was delivered
    outcome = models.CharField(max_length=8, choices=Outcome)
    problem = models.TextField(blank=True)
    lead = models.ForeignKey(Lead, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("-received_at", "-pk")
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = (models.UniqueConstraint(fields=("hook", "key"), name="one_delivery_per_key"),)
        indexes = (models.Index(fields=("hook", "-received_at"), name="hook_deliveries"),)

    def __str__(self) -> str:
        return f"{self.hook}: {self.outcome}"


# --- capture pages ---------------------------------------------------------------------------------------------------


class CapturePage(models.Model):
    """A form of ours that visitors fill in, at an address of its own or inside another website."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.SlugField(_("address"), max_length=60, unique=True)  # stays: links and snippets lead to it
    name = models.CharField(_("name"), max_length=120, unique=True)
    title = models.CharField(_("heading"), max_length=150)
    intro = models.TextField(_("text above the fields"), max_length=2000, blank=True)
    button = models.CharField(_("words on the button"), max_length=60, default="Send")
    thanks = models.TextField(
        _("thank-you text"), max_length=2000, default="Thank you. We have your message and will come back to you."
    )
    redirect_url = models.CharField(_("go on to"), max_length=500, blank=True)
    sites = ArrayField(models.CharField(max_length=200), verbose_name=_("your websites"), default=list, blank=True)
    source = models.ForeignKey(
        Source, verbose_name=_("source"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    team = models.ForeignKey(
        Team, verbose_name=_("team that gets them"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    counts_as = models.CharField(
        _("counts as"), max_length=20, choices=InteractionKind, default=InteractionKind.FORM_SUBMIT
    )
    confirms_email = models.BooleanField(_("ask for a click in an e-mail first"), default=False)
    is_active = models.BooleanField(_("takes submissions"), default=True)
    robots_caught = models.PositiveIntegerField(default=0)  # what robots sent; not kept
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)
        verbose_name = _("capture page")
        verbose_name_plural = _("capture pages")

    def __str__(self) -> str:
        return self.name


class CaptureVersion(models.Model):
    """What a capture page asks and the consent it asks for, at a time. It never changes: submissions refer to it."""

    page = models.ForeignKey(CapturePage, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    asked = models.JSONField()  # [{"fact", "label", "help", "is_required"}, …] in the order of the page
    consent_text = models.TextField(blank=True)  # "" asks for none
    consent_is_required = models.BooleanField(default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-number",)
        verbose_name = _("version of a capture page")
        verbose_name_plural = _("versions of capture pages")
        constraints = (models.UniqueConstraint(fields=("page", "number"), name="one_capture_version_per_number"),)

    def __str__(self) -> str:
        return f"{self.page} {self.number}"


class CaptureSubmission(models.Model):
    """One submission and what became of it. What was typed stands at the lead; here only until it is confirmed."""

    class Outcome(models.TextChoices):
        CREATED = "created", _("New lead")
        UPDATED = "updated", _("Known lead")
        WAITING = "waiting", _("Waits for the click in the e-mail")
        EXPIRED = "expired", _("Never confirmed")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    page = models.ForeignKey(CapturePage, on_delete=models.CASCADE, related_name="submissions")
    version = models.ForeignKey(CaptureVersion, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=64)  # the same form with the same words, sent twice, is one submission
    facts = models.JSONField(default=dict)
    has_agreed = models.BooleanField(default=False)
    received_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, choices=Outcome)
    lead = models.ForeignKey(Lead, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ("-received_at", "-pk")
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        constraints = (
            models.UniqueConstraint(fields=("page", "key"), name="one_capture_submission_per_key"),
            models.CheckConstraint(
                condition=Q(outcome="waiting") | Q(facts={}), name="capture_facts_only_while_waiting"
            ),
        )
        indexes = (
            models.Index(fields=("page", "-received_at"), name="capture_submissions"),
            models.Index(fields=("received_at",), condition=Q(outcome="waiting"), name="capture_waiting"),
        )

    def __str__(self) -> str:
        return f"{self.page}: {self.outcome}"


# --- scoring everybody again -----------------------------------------------------------------------------------------


class ScoreRescan(models.Model):
    """One run over all leads after a score model was published: how far it is, or what it changed."""

    model = models.ForeignKey(ScoreModel, on_delete=models.CASCADE, related_name="rescans")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)  # last sign of life of the worker that runs it
    finished_at = models.DateTimeField(null=True)
    done = models.PositiveBigIntegerField(default=0)  # of the range of ids
    total = models.PositiveBigIntegerField(default=0)
    written = models.PositiveIntegerField(default=0)  # leads whose score changed
    qualified = models.PositiveIntegerField(default=0)  # leads that went through a door by it

    class Meta:
        ordering = ("-asked_at", "-pk")
        verbose_name = _("rescan")
        verbose_name_plural = _("rescans")
        constraints = (
            models.CheckConstraint(
                condition=Q(finished_at=None) | Q(begun_at__isnull=False), name="finished_rescan_has_begun"
            ),
        )

    def __str__(self) -> str:
        return f"{self.model}, {self.asked_at:%Y-%m-%d %H:%M}"


# --- asking a lead ---------------------------------------------------------------------------------------------------


class Asking(models.Model):
    """A personal link at which one lead is asked for what is missing. Of its key only the hash is kept."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="askings")
    key_hash = models.CharField(max_length=64, unique=True)
    questions = models.JSONField()  # list of key, fact or "", criterion or "", label, text: `asking.Question`
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True)  # the portal sent it; else the marketer does
    opened_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)  # for the first time
    answers = models.JSONField(default=dict)  # key of the question → as it was given here, so that it can be corrected
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-asked_at", "-pk")
        verbose_name = _("link that asks a lead")
        verbose_name_plural = _("links that ask leads")
        constraints = (
            models.CheckConstraint(condition=Q(expires_at__gt=F("asked_at")), name="asking_expires_after_it_began"),
        )

    def __str__(self) -> str:
        return f"{self.lead}, {self.asked_at:%Y-%m-%d}"


# --- campaigns: history of costs, briefs, tracking rules, asks of sales ----------------------------------------------


class CampaignCostChange(models.Model):
    """What was entered or corrected about a cost, in words."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="cost_changes")
    words = models.CharField(max_length=400)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("-at", "-pk")
        verbose_name = _("change of a cost")
        verbose_name_plural = _("changes of costs")

    def __str__(self) -> str:
        return self.words


class CampaignBrief(models.Model):
    """The brief for sales as it read at a time. The newest version is the campaign's own text."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="briefs")
    number = models.PositiveIntegerField()
    audience = models.TextField(blank=True)
    message = models.TextField(blank=True)
    question = models.TextField(blank=True)
    expected_leads = models.PositiveIntegerField(null=True)
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("-number",)
        verbose_name = _("version of a brief")
        verbose_name_plural = _("versions of briefs")
        constraints = (models.UniqueConstraint(fields=("campaign", "number"), name="one_brief_per_number"),)

    def __str__(self) -> str:
        return f"{self.campaign} {self.number}"


class UtmRule(models.Model):
    """Which source and campaign an arrival with these `utm_` parameters comes from. The first that holds counts."""

    position = models.IntegerField(default=0)
    utm_source = models.CharField("utm_source", max_length=120, blank=True)
    utm_medium = models.CharField("utm_medium", max_length=120, blank=True)
    utm_campaign = models.CharField("utm_campaign", max_length=120, blank=True)
    utm_content = models.CharField("utm_content", max_length=120, blank=True)
    source = models.ForeignKey(
        Source, verbose_name=_("source"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, null=True, blank=True, related_name="utm_rules"
    )
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ("position", "pk")
        verbose_name = _("tracking rule")
        verbose_name_plural = _("tracking rules")
        constraints = (
            models.CheckConstraint(
                condition=~Q(utm_source="", utm_medium="", utm_campaign="", utm_content=""),
                name="utm_rule_asks_for_something",
            ),
            models.CheckConstraint(condition=~Q(source=None, campaign=None), name="utm_rule_says_something"),
        )

    def __str__(self) -> str:
        return f"{self.position}: {self.source or ''} {self.campaign or ''}"


class Ask(models.Model):
    """What sales asks marketing for, and the answer."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    text = models.TextField()
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, null=True, blank=True, related_name="asks")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="asks")
    asked_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-asked_at", "-pk")
        verbose_name = _("ask of sales")
        verbose_name_plural = _("asks of sales")
        constraints = (
            models.CheckConstraint(
                condition=Q(answered_at=None, answer="") | (Q(answered_at__isnull=False) & ~Q(answer="")),
                name="answered_ask_has_an_answer",
            ),
        )
        indexes = (models.Index(fields=("asked_at",), condition=Q(answered_at=None), name="ask_open"),)

    def __str__(self) -> str:
        return self.text[:80]
