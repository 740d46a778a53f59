"""Addresses of the API, version 1."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from feedback.api import AnsweringViewSet, FollowUpViewSet, OutcomeViewSet
from leadsla.home.api import Docs, Leads, Schema
from sla.api import AcceptanceViewSet, ComplianceViewSet

router = SimpleRouter(use_regex_path=False)
router.register("leads", Leads, basename="api-leads")
router.register("handoffs", AnsweringViewSet, basename="api-handoffs")
router.register("follow-ups", FollowUpViewSet, basename="api-follow-ups")
router.register("outcomes", OutcomeViewSet, basename="api-outcomes")
router.register("compliance", ComplianceViewSet, basename="api-compliance")
router.register("acceptance", AcceptanceViewSet, basename="api-acceptance")

urlpatterns = [
    *router.urls,
    path("schema/", Schema.as_view(), name="api-schema"),
    path("docs/", Docs.as_view(), name="api-docs"),
]
