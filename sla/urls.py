"""Addresses of the contract's pages and of the acts on handoffs."""

from django.urls import path
from django.views.generic import RedirectView

from sla import calendar_views, editor_views, planner_views, views

app_name = "sla"
urlpatterns = [
    path("agreement/", views.agreement, name="agreement"),
    path("", RedirectView.as_view(pattern_name="sla:agreement")),
    path("agreement/<uuid:public_id>/", views.agreement, name="agreement_version"),
    path("agreement/<uuid:public_id>/edit/", editor_views.edit, name="edit_draft"),
    path("agreement/<uuid:public_id>/edit/about/", editor_views.about, name="edit_about"),
    path("agreement/<uuid:public_id>/edit/scope/", editor_views.scope, name="edit_scope"),
    path("agreement/<uuid:public_id>/edit/promise/<slug:measure>/", editor_views.promise, name="edit_promise"),
    path(
        "agreement/<uuid:public_id>/edit/escalation/<slug:temperature>/",
        editor_views.escalation,
        name="edit_escalation",
    ),
    path("agreement/<uuid:public_id>/edit/definition/", editor_views.definition, name="edit_definition"),
    path("agreement/<uuid:public_id>/edit/rules/", editor_views.rules, name="edit_rules"),
    path("calendars/", calendar_views.calendar_list, name="calendars"),
    path("calendars/new/", calendar_views.calendar_new, name="calendar_new"),
    path("calendars/new/preview/", calendar_views.calendar_preview, name="calendar_new_preview"),
    path("calendars/regions/", calendar_views.calendar_regions, name="calendar_regions"),
    path("calendars/<uuid:public_id>/", calendar_views.calendar_detail, name="calendar"),
    path("calendars/<uuid:public_id>/edit/", calendar_views.calendar_edit, name="calendar_edit"),
    path("calendars/<uuid:public_id>/preview/", calendar_views.calendar_preview, name="calendar_preview"),
    path("calendars/<uuid:public_id>/remove/", calendar_views.calendar_remove, name="calendar_remove"),
    path("hand-over/<uuid:public_id>/", views.hand_over, name="hand_over"),
    path("handoffs/<uuid:public_id>/send-again/", views.send_again, name="send_again"),
    path("handoffs/<uuid:public_id>/withdraw/", views.withdraw, name="withdraw"),
    path("handoffs/<uuid:public_id>/reassign/", views.reassign, name="reassign"),
    path("handoffs/<uuid:public_id>/claim/", views.claim, name="claim"),
    path("claim-next/", views.claim_next, name="claim_next"),
    path("planner/", planner_views.first, name="planning"),
    path("agreement/<uuid:public_id>/planner/", planner_views.planner, name="planner"),
    path("agreement/<uuid:public_id>/planner/assumptions/", planner_views.assume, name="assumptions"),
    path("agreement/<uuid:public_id>/planner/take/", planner_views.take, name="planner_take"),
    path("agreement/<uuid:public_id>/planner/ask/", planner_views.ask, name="what_if_ask"),
    path("what-if/<uuid:public_id>/", planner_views.what_if_detail, name="what_if"),
    path("what-if/<uuid:public_id>/cancel/", planner_views.what_if_cancel, name="what_if_cancel"),
]
