"""Addresses of the pages that join the apps."""

from django.urls import path

from leadsla.home import views

app_name = "home"
urlpatterns = [
    path("", views.start, name="start"),
    path("healthz", views.health, name="health"),
    path("styleguide/", views.styleguide, name="styleguide"),
]
