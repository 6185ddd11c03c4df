"""API errors in the shape and with the HTTP status Stripe documents for each kind."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer other than 2xx.

    `executed` says whether the endpoint had begun its work. Stripe remembers an answer for an idempotency key only
    then; a request refused for its form (missing or unknown parameter, bad key, conflict) may be sent again.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.executed = executed

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {}
        if self.code is not None:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        error["message"] = self.message
        if self.param is not None:
            error["param"] = self.param
        error["type"] = self.kind
        return {"error": error}


def refused(message: str, *, code: str | None = None, param: str | None = None) -> ApiError:
    """The endpoint ran and said no (HTTP 400); remembered for the idempotency key."""
    return ApiError(400, message, code=code, param=param)


def malformed(message: str, *, code: str | None = None, param: str | None = None) -> ApiError:
    """The parameters do not fit (HTTP 400); not remembered for the idempotency key."""
    return ApiError(400, message, code=code, param=param, executed=False)


def missing_object(kind: str, identifier: str, param: str) -> ApiError:
    return ApiError(404, f"No such {kind}: '{identifier}'", code="resource_missing", param=param)
