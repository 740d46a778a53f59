"""Addresses of notices."""

from django.urls import path

from leadsla.outbox import views

app_name = "outbox"
urlpatterns = [
    path("", views.notices, name="notices"),
    path("read/", views.read_all, name="read_all"),
    path("preferences/", views.preferences, name="preferences"),
]
