"""Addresses of the app's own pages."""

from django.urls import URLPattern

app_name = "feedback"
urlpatterns: list[URLPattern] = []
