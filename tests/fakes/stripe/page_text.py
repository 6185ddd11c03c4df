"""The words of the hosted page, English and Spanish."""

from __future__ import annotations

ENGLISH = {
    "title": "Simulated payment",
    "ribbon": "Simulated payment page - no real money",
    "ribbon_more": "Nothing you do here charges anyone. Never type a real card number.",
    "order": "What you are paying for",
    "quantity": "Quantity",
    "total": "Total",
    "email": "E-mail",
    "card_number": "Card number",
    "expiry": "Expires (MM / YY)",
    "cvc": "Security code",
    "name": "Name on card",
    "pay": "Pay {amount}",
    "outcomes": "Or choose how the payment goes",
    "pay_success": "Pay with a card that works",
    "pay_declined": "Try a card that is declined",
    "pay_and_leave": "Pay, but never return to the shop",
    "pay_then_dispute": "Pay, and dispute it afterwards",
    "pay_by_bank": "Pay from a bank account (settles later)",
    "cancel": "Cancel and go back",
    "left": "Paid, and you did not go back",
    "left_more": "The shop hears of this payment only through its webhook. You can close this page.",
    "complete": "This has been paid",
    "complete_more": "There is nothing left to do on this page.",
    "expired": "This payment page has expired",
    "expired_more": "Nothing was charged. Go back to the shop and start the payment again.",
    "unknown": "There is no such payment page",
    "unknown_more": "The address is wrong, or the simulator was started anew since.",
    "return": "Return to the shop",
    "unknown_card": "This simulator takes only test card numbers. Use 4242 4242 4242 4242.",
    "card_declined": "Your card was declined. Try another card.",
    "expired_card": "Your card has expired. Try another card.",
    "incorrect_cvc": "The card's security code is incorrect.",
    "processing_error": "The card could not be processed. Try again.",
}

SPANISH = {
    "title": "Pago simulado",
    "ribbon": "Página de pago simulada - sin dinero real",
    "ribbon_more": "Nada de lo que haga aquí le cobra a nadie. Nunca escriba un número de tarjeta real.",
    "order": "Lo que está pagando",
    "quantity": "Cantidad",
    "total": "Total",
    "email": "Correo electrónico",
    "card_number": "Número de tarjeta",
    "expiry": "Vence (MM / AA)",
    "cvc": "Código de seguridad",
    "name": "Nombre en la tarjeta",
    "pay": "Pagar {amount}",
    "outcomes": "O elija cómo termina el pago",
    "pay_success": "Pagar con una tarjeta que funciona",
    "pay_declined": "Probar una tarjeta que es rechazada",
    "pay_and_leave": "Pagar, pero no volver al sitio",
    "pay_then_dispute": "Pagar, y disputarlo después",
    "pay_by_bank": "Pagar desde una cuenta bancaria (se liquida después)",
    "cancel": "Cancelar y volver",
    "left": "Pagado, y usted no volvió",
    "left_more": "El sitio se entera de este pago solo por su webhook. Puede cerrar esta página.",
    "complete": "Esto ya está pagado",
    "complete_more": "No queda nada por hacer en esta página.",
    "expired": "Esta página de pago ha vencido",
    "expired_more": "No se cobró nada. Vuelva al sitio y empiece el pago de nuevo.",
    "unknown": "Esta página de pago no existe",
    "unknown_more": "La dirección es incorrecta, o el simulador se reinició desde entonces.",
    "return": "Volver al sitio",
    "unknown_card": "Este simulador solo acepta números de tarjeta de prueba. Use 4242 4242 4242 4242.",
    "card_declined": "Su tarjeta fue rechazada. Pruebe con otra tarjeta.",
    "expired_card": "Su tarjeta ha vencido. Pruebe con otra tarjeta.",
    "incorrect_cvc": "El código de seguridad de la tarjeta es incorrecto.",
    "processing_error": "No se pudo procesar la tarjeta. Inténtelo de nuevo.",
}


def words_for(locale: str | None, accept_language: str) -> tuple[str, dict[str, str]]:
    """Language code and words: the session's locale, else (unset or `auto`) what the browser prefers, else English."""
    wanted = locale if locale not in (None, "auto") else accept_language
    spanish = (wanted or "").strip().lower().startswith("es")
    return ("es", SPANISH) if spanish else ("en", ENGLISH)
