"""Addresses of what sales says."""

from django.urls import path

from feedback import views

app_name = "feedback"
urlpatterns = [
    path("<uuid:public_id>/accept/", views.accept, name="accept"),
    path("<uuid:public_id>/reject/", views.reject, name="reject"),
    path("<uuid:public_id>/give-back/", views.give_back, name="give_back"),
    path("<uuid:public_id>/follow-up/", views.follow_up, name="follow_up"),
    path("<uuid:public_id>/outcome/", views.outcome, name="outcome"),
    path("answers/<uuid:public_id>/undo/", views.undo, name="undo"),
    path("answers/<uuid:public_id>/rule/", views.rule, name="rule"),
]
