"""Addresses that have no language."""

from django.urls import path

from files.views import download
from website.views import heartbeat, home, webhooks

urlpatterns = [
    path("api/course/heartbeat", heartbeat.heartbeat, name="heartbeat"),
    path("api/payments/stripe/webhook", webhooks.stripe, name="stripe_webhook"),
    path("files/<str:token>", download, name="file"),
    path("robots.txt", home.robots, name="robots"),
]
