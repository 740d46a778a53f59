"""Addresses of what sales says."""

from django.urls import path

from feedback import import_views, views

app_name = "feedback"
urlpatterns = [
    path("<uuid:public_id>/accept/", views.accept, name="accept"),
    path("<uuid:public_id>/reject/", views.reject, name="reject"),
    path("<uuid:public_id>/give-back/", views.give_back, name="give_back"),
    path("<uuid:public_id>/follow-up/", views.follow_up, name="follow_up"),
    path("<uuid:public_id>/outcome/", views.outcome, name="outcome"),
    path("answers/<uuid:public_id>/undo/", views.undo, name="undo"),
    path("answers/<uuid:public_id>/rule/", views.rule, name="rule"),
    path("imports/", import_views.imports_list, name="imports"),
    path("imports/new/", import_views.import_new, name="import_new"),
    path("imports/<uuid:public_id>/", import_views.import_detail, name="import_detail"),
    path("imports/<uuid:public_id>/columns/", import_views.import_columns, name="import_columns"),
    path("imports/<uuid:public_id>/run/", import_views.import_run, name="import_run"),
    path("imports/<uuid:public_id>/cancel/", import_views.import_cancel, name="import_cancel"),
    path("imports/<uuid:public_id>/errors.csv", import_views.import_errors, name="import_errors"),
]
