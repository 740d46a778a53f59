"""Addresses of the contract's pages and of the acts on handoffs."""

from django.urls import path
from django.views.generic import RedirectView

from sla import calendar_views, views

app_name = "sla"
urlpatterns = [
    path("agreement/", views.agreement, name="agreement"),
    path("", RedirectView.as_view(pattern_name="sla:agreement")),
    path("agreement/<uuid:public_id>/", views.agreement, name="agreement_version"),
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
]
