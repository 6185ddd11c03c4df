"""How the public site draws Django forms: an error summary on top, then one accessible block per field."""

from typing import Any

from django import forms
from django.forms.renderers import DjangoTemplates
from django.template import loader


class WebsiteRenderer(DjangoTemplates):
    """Draws forms and fields with the site's components and leaves the widgets to Django."""

    form_template_name = "website/components/form.html"
    field_template_name = "website/components/field.html"

    def get_template(self, template_name: str) -> Any:
        if template_name.startswith("website/"):
            return loader.get_template(template_name)
        return super().get_template(template_name)


class WebsiteForm(forms.Form):
    """A form that `{{ form }}` draws in the site's style."""

    default_renderer = WebsiteRenderer


class WebsiteModelForm(forms.ModelForm):
    """A model form that `{{ form }}` draws in the site's style."""

    default_renderer = WebsiteRenderer
