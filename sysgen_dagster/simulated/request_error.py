"""The error that answers a request, with a body as vLLM writes it."""

from typing import Any

_TYPES = {
    400: "BadRequestError",
    404: "NotFoundError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}


class RequestError(Exception):
    """What is wrong with a request, or with the server that it was sent to."""

    def __init__(self, message: str, *, status: int = 400, param: str | None = None) -> None:
        """Keep what the body says.

        Args:
            message: What is wrong.
            status: The HTTP status, one of 400, 404, 429, 500 and 503.
            param: The field of the request that is at fault.
        """
        super().__init__(message)
        self.status = status
        self.param = param

    def body(self) -> dict[str, Any]:
        """The JSON that the client gets."""
        error = {"message": str(self), "type": _TYPES[self.status], "param": self.param}
        return {"error": error | {"code": self.status}}
