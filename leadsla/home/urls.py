"""Addresses of the pages that join the apps."""

from django.urls import path

from leadsla.home import lead, my_leads, sales_feedback, score_models, search, views
from leadsla.home.acceptance import acceptance
from leadsla.home.commitment import commitment
from leadsla.home.handoffs import handoffs
from leadsla.home.missing import missing_list
from leadsla.home.pack import pack
from leadsla.home.queue import queue
from leadsla.home.scoreboard import board

app_name = "home"
urlpatterns = [
    path("", views.start, name="start"),
    path("queue/", queue, name="queue"),
    path("handoff/<uuid:public_id>/", pack, name="pack"),
    path("healthz", views.health, name="health"),
    path("my-leads/", my_leads.my_leads, name="my_leads"),
    path("missing/", missing_list, name="missing"),
    path("lead/<uuid:public_id>/", lead.lead, name="lead"),
    path("lead/<uuid:public_id>/interaction/", lead.add_interaction, name="add_interaction"),
    path("sales-feedback/", sales_feedback.sales_feedback, name="sales_feedback"),
    path("sales-feedback/seen/", sales_feedback.seen, name="sales_feedback_seen"),
    path("scoreboard/", board, name="scoreboard"),
    path("scoreboard/commitment/<uuid:public_id>/", commitment, name="commitment"),
    path("handoffs/", handoffs, name="handoffs"),
    path("acceptance/", acceptance, name="acceptance"),
    path("leads/score/<int:version>/compare/", score_models.compare, name="score_compare"),
    path("leads/score/<int:version>/effect/", score_models.effect, name="score_effect"),
    path("leads/score/<int:version>/publish/", score_models.publish, name="score_publish"),
    path("search/", search.search, name="search"),
    path("styleguide/", views.styleguide, name="styleguide"),
]
