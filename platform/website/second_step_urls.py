"""The package's addresses of the second step whose pages are ours."""

from django.urls import path

from website.views import second_step

urlpatterns = [
    path("totp/activate/", second_step.activate_app, name="mfa_activate_totp"),
    path("totp/deactivate/", second_step.deactivate_app, name="mfa_deactivate_totp"),
    path("webauthn/add/", second_step.add_passkey, name="mfa_add_webauthn"),
    path("webauthn/keys/<int:pk>/remove/", second_step.remove_passkey, name="mfa_remove_webauthn"),
    path("recovery-codes/generate/", second_step.new_backup_codes, name="mfa_generate_recovery_codes"),
]
