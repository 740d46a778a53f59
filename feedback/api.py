"""Answer handoffs, log follow-ups and report outcomes over the API; by handoff, or by the lead's id elsewhere."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from feedback import decisions, outcomes
from feedback.models import Answer, FollowUp, OutcomeReport, Reason
from feedback.refusals import Refused
from leadsla import clock
from leadsla.accounts.access import Act
from leadsla.accounts.models import ApiToken
from leadsla.accounts.requests import acting
from sla.api import HandoffOutput, HandoffViewSet
from sla.models import Handoff


class Conflict(APIException):
    """Somebody else was first."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class AcceptInput(serializers.Serializer[Any]):
    """Accepting; the quality may be told now or at the first conversation."""

    quality = serializers.IntegerField(min_value=1, max_value=5, required=False, allow_null=True, default=None)


class RejectInput(serializers.Serializer[Any]):
    """Rejecting, with all that the reason asks for."""

    reason = serializers.SlugRelatedField(slug_field="code", queryset=Reason.objects.filter(is_active=True))
    quality = serializers.IntegerField(min_value=1, max_value=5)
    asked = serializers.DictField(
        required=False, default=dict, help_text=gettext_lazy("What the reason asks for, as {“text”: …} or {“date”: …}.")
    )
    remark = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")


class AnswerOutput(serializers.ModelSerializer[Answer]):
    """An answer as a program reads it."""

    id = serializers.UUIDField(source="public_id")
    handoff = serializers.SlugRelatedField(slug_field="public_id", read_only=True)
    reason = serializers.SlugRelatedField(slug_field="code", read_only=True)

    class Meta:
        model = Answer
        fields = ("id", "handoff", "kind", "decision", "reason", "asked", "remark", "quality", "occurred_at")


class AnsweringViewSet(HandoffViewSet):
    """Handoffs that can also be accepted and rejected."""

    required_acts: ClassVar[dict[str, Act]] = HandoffViewSet.required_acts | {"POST": Act.ANSWER_HANDOFFS}
    required_scopes: ClassVar[dict[str, str]] = HandoffViewSet.required_scopes | {"POST": ApiToken.Scope.HANDOFFS_WRITE}

    def _answerable(self) -> Handoff:
        handoff: Handoff = self.get_object()
        if not Handoff.objects.answerable_by(self.request.user).filter(pk=handoff.pk).exists():
            raise NotFound
        return handoff

    def _answer(self, given: decisions.Given) -> Response:
        if given.answer is None:
            raise Conflict(str(given.first))
        return Response(AnswerOutput(given.answer).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=AcceptInput, responses={201: AnswerOutput})
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, id: str) -> Response:  # noqa: A002  # the word of the address
        """Accept a handoff. 409 says who was first."""
        handoff = self._answerable()
        given = AcceptInput(data=request.data)
        given.is_valid(raise_exception=True)
        quality = given.validated_data["quality"]
        try:
            return self._answer(
                decisions.accept(handoff, by=acting(request), now=clock.now(), via="api", quality=quality)
            )
        except Refused as refused:
            raise ValidationError(refused.errors) from refused

    @extend_schema(request=RejectInput, responses={201: AnswerOutput})
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, id: str) -> Response:  # noqa: A002  # the word of the address
        """Reject a handoff with a reason and what the reason asks for. 409 says who was first."""
        handoff = self._answerable()
        given = RejectInput(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            return self._answer(
                decisions.reject(handoff, by=acting(request), now=clock.now(), via="api", **given.validated_data)
            )
        except Refused as refused:
            raise ValidationError(refused.errors) from refused


class ByHandoffOrLead(serializers.Serializer[Any]):
    """Names a handoff by its id, or by the id of its lead in another system."""

    handoff = serializers.UUIDField(required=False, help_text=gettext_lazy("The handoff's id …"))
    lead_system = serializers.CharField(
        max_length=60, required=False, help_text=gettext_lazy("… or the system that knows the lead …")
    )
    lead_external_id = serializers.CharField(max_length=190, required=False, help_text=gettext_lazy("… by this id."))
    system = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    external_id = serializers.CharField(
        max_length=190,
        required=False,
        allow_blank=True,
        default="",
        help_text=gettext_lazy("The id of this report in the system that sends it; the same id again is the same one."),
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Insist on one of both ways, and on a system beside an id."""
        if not attrs.get("handoff") and not (attrs.get("lead_system") and attrs.get("lead_external_id")):
            raise serializers.ValidationError(
                {"handoff": _("Name the handoff, or the lead by lead_system and lead_external_id.")}
            )
        if attrs["external_id"] and not attrs["system"]:
            raise serializers.ValidationError({"system": _("Say which system the external id belongs to.")})
        return attrs


class FollowUpInput(ByHandoffOrLead):
    """One attempt to reach a lead, and how it went."""

    channel = serializers.ChoiceField(choices=FollowUp.Channel.choices)
    result = serializers.ChoiceField(choices=FollowUp.Result.choices)
    occurred_at = serializers.DateTimeField(required=False)
    note = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
    next_step = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    next_step_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class OutcomeInput(ByHandoffOrLead):
    """One result: meeting, opportunity, won or lost."""

    kind = serializers.ChoiceField(choices=OutcomeReport.Kind.choices)
    occurred_at = serializers.DateTimeField(required=False)
    amount = serializers.DecimalField(
        max_digits=14, decimal_places=2, min_value=0, required=False, allow_null=True, default=None
    )
    currency = serializers.CharField(max_length=3, required=False, allow_blank=True, default="")
    lost_because = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    note = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")


class FollowUpOutput(serializers.ModelSerializer[FollowUp]):
    """A follow-up as a program reads it."""

    id = serializers.UUIDField(source="public_id")
    handoff = serializers.SlugRelatedField(slug_field="public_id", read_only=True)

    class Meta:
        model = FollowUp
        fields = ("id", "handoff", "channel", "result", "occurred_at", "counts", "next_step", "next_step_at")


class OutcomeOutput(serializers.ModelSerializer[OutcomeReport]):
    """An outcome as a program reads it."""

    id = serializers.UUIDField(source="public_id")
    handoff = HandoffOutput(read_only=True)

    class Meta:
        model = OutcomeReport
        fields = ("id", "handoff", "kind", "amount", "currency", "occurred_at", "flag")


class _Reporting(GenericViewSet[Any]):
    """Finds the handoff that a report is about."""

    required_acts: ClassVar[dict[str, Act]] = {"POST": Act.ANSWER_HANDOFFS}
    required_scopes: ClassVar[dict[str, str]] = {"POST": ApiToken.Scope.HANDOFFS_WRITE}

    def _handoff(self, values: dict[str, Any]) -> Handoff:
        mine = Handoff.objects.answerable_by(self.request.user)
        public_id = values.pop("handoff", None)
        system, external_id = values.pop("lead_system", ""), values.pop("lead_external_id", "")
        if public_id:
            found = mine.filter(public_id=public_id).first()
        else:
            of_lead = mine.filter(lead__identities__system=system, lead__identities__value=external_id)
            found = of_lead.order_by("-handed_over_at", "-pk").first()
        if found is None:
            raise ValidationError({"handoff": _("There is no such handoff among those that you may answer.")})
        return found


class FollowUpViewSet(_Reporting):
    """Log follow-ups."""

    serializer_class = FollowUpInput

    @extend_schema(request=FollowUpInput, responses={201: FollowUpOutput})
    def create(self, request: Request) -> Response:
        """Log an attempt; the same external id again changes nothing.

        It counts at its stated time when it is told within two working hours, or with a sales manager's token.
        """
        given = FollowUpInput(data=request.data)
        given.is_valid(raise_exception=True)
        values, now = dict(given.validated_data), clock.now()
        handoff = self._handoff(values)
        values.setdefault("occurred_at", now)
        try:
            made = outcomes.log_follow_up(handoff, by=acting(request), now=now, **values)
        except Refused as refused:
            raise ValidationError(refused.errors) from refused
        return Response(FollowUpOutput(made).data, status=status.HTTP_201_CREATED)


class OutcomeViewSet(_Reporting):
    """Report outcomes."""

    serializer_class = OutcomeInput

    @extend_schema(request=OutcomeInput, responses={201: OutcomeOutput})
    def create(self, request: Request) -> Response:
        """Report a result; the same external id again changes nothing."""
        given = OutcomeInput(data=request.data)
        given.is_valid(raise_exception=True)
        values, now = dict(given.validated_data), clock.now()
        handoff = self._handoff(values)
        values.setdefault("occurred_at", now)
        try:
            made = outcomes.report(handoff, by=acting(request), now=now, **values)
        except Refused as refused:
            raise ValidationError(refused.errors) from refused
        return Response(OutcomeOutput(made).data, status=status.HTTP_201_CREATED)
