"""Every address of CertaOS."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from admin_site.site import console

handler400 = "website.views.errors.bad_request"
handler403 = "website.views.errors.permission_denied"
handler404 = "website.views.errors.page_not_found"
handler500 = "website.views.errors.server_error"

urlpatterns = [
    path("console/", console.urls),
    path("", include("website.plain_urls")),
    *i18n_patterns(
        path("accounts/2fa/", include("website.second_step_urls")),
        path("accounts/", include("allauth.urls")),
        path("", include("website.urls")),
        prefix_default_language=False,
    ),
]
