"""A filter for the list of sessions."""

from django import template

from accounts.agents import device_name

register = template.Library()
register.filter("device", device_name)
