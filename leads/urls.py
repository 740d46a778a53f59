"""Addresses of the app's own pages."""

from django.urls import path

from leads import condition_views, duplicate_views, hook_views, import_views, score_views, views

app_name = "leads"
urlpatterns = [
    path("new/", views.new, name="new"),
    path("new/alike/", views.alike, name="alike"),
    path("<uuid:public_id>/edit/", views.edit, name="edit"),
    path("<uuid:public_id>/criterion/<slug:code>/", views.answer_criterion, name="answer_criterion"),
    path("duplicates/", duplicate_views.duplicates, name="duplicates"),
    path("duplicates/<uuid:one>/<uuid:other>/", duplicate_views.decide, name="decide_duplicate"),
    path("<uuid:public_id>/compare/", duplicate_views.compare, name="compare"),
    path("<uuid:public_id>/unmerge/", duplicate_views.unmerge, name="unmerge"),
    path("score/", score_views.score_model, name="score_model"),
    path("score/rescan/", score_views.score_rescan, name="score_rescan"),
    path("score/<int:version>/", score_views.score_model, name="score_version"),
    path("score/<int:version>/draft/", score_views.score_draft, name="score_draft"),
    path("score/<int:version>/discard/", score_views.score_discard, name="score_discard"),
    path("score/<int:version>/settings/", score_views.score_settings, name="score_settings"),
    path("score/<int:version>/rules/new/", score_views.score_rule, name="score_rule_new"),
    path("score/<int:version>/rules/<slug:code>/edit/", score_views.score_rule, name="score_rule"),
    path("score/<int:version>/rules/<slug:code>/remove/", score_views.score_rule_remove, name="score_rule_remove"),
    path("score/<int:version>/rules/<slug:code>/move/", score_views.score_rule_move, name="score_rule_move"),
    path("conditions/rows/", condition_views.condition_rows, name="condition_rows"),
    path("conditions/count/", condition_views.condition_count, name="condition_count"),
    path("imports/", import_views.imports_list, name="imports"),
    path("imports/new/", import_views.import_new, name="import_new"),
    path("imports/<uuid:public_id>/", import_views.import_detail, name="import_detail"),
    path("imports/<uuid:public_id>/columns/", import_views.import_columns, name="import_columns"),
    path("imports/<uuid:public_id>/run/", import_views.import_run, name="import_run"),
    path("imports/<uuid:public_id>/cancel/", import_views.import_cancel, name="import_cancel"),
    path("imports/<uuid:public_id>/errors.csv", import_views.import_errors, name="import_errors"),
    path("in/<uuid:public_id>/", hook_views.deliver, name="deliver"),
    path("webhooks/", hook_views.hook_list, name="hooks"),
    path("webhooks/new/", hook_views.hook_edit, name="hook_new"),
    path("webhooks/<uuid:public_id>/", hook_views.hook_detail, name="hook"),
    path("webhooks/<uuid:public_id>/edit/", hook_views.hook_edit, name="hook_edit"),
    path("webhooks/<uuid:public_id>/matching/", hook_views.hook_matching, name="hook_matching"),
    path("webhooks/<uuid:public_id>/switch/", hook_views.hook_switch, name="hook_switch"),
    path("webhooks/deliveries/<uuid:public_id>/again/", hook_views.delivery_again, name="delivery_again"),
]
