from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Messages to people, with a row for every attempt to deliver one."""

    name = "notifications"
