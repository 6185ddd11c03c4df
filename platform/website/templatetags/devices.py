"""A filter for the list of sessions."""

from django import template

from website.devices import device_name

register = template.Library()
register.filter("device", device_name)
