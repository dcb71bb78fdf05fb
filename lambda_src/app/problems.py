"""Every error as RFC 9457 `application/problem+json`, those of the framework included."""

import json
from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from lambda_src.errors import (
    BadRequest,
    InternalError,
    MethodNotAllowed,
    NotFound,
    OctError,
    Unauthorized,
    problem,
    status_of,
)

PROBLEM_JSON = "application/problem+json"


def problem_response(error: OctError, headers: Mapping[str, str] | None = None) -> Response:
    """The response that tells an error."""
    content = json.dumps(problem(error), ensure_ascii=False)
    return Response(content, status_of(error), headers=dict(headers or {}), media_type=PROBLEM_JSON)


def install_problem_handlers(app: FastAPI) -> None:
    """Make the application answer all its errors as problems."""
    app.add_exception_handler(OctError, _on_domain_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)


async def _on_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, OctError)  # noqa: S101  registered for this type alone
    request.state.outcome = error.slug
    return problem_response(error)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for this type alone
    translated = _translated(error, request.method)
    request.state.outcome = translated.slug
    return problem_response(translated, error.headers)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for this type alone
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    request.state.outcome = BadRequest.slug
    return problem_response(BadRequest(f"{name}: {first['msg']}."))


def _translated(error: HTTPException, method: str) -> OctError:
    match error.status_code:
        case 404:
            return NotFound("There is nothing here. GET /docs lists the routes.")
        case 405:
            allowed = (error.headers or {}).get("Allow", "another method")
            return MethodNotAllowed(f"{method} is not possible here; the route takes {allowed}.")
        case 401:
            return Unauthorized("Credentials are missing or not valid.")
        case status if status < 500:
            return BadRequest("The request can't be read.")
        case _:
            return InternalError()
