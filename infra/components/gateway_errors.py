"""Errors that API Gateway answers itself, in the same words as the application: RFC 9457 problems."""

import json
from dataclasses import dataclass

from aws_cdk import aws_apigateway as apigateway

TYPE_PREFIX = "urn:oct:problem:"
_TYPES = apigateway.ResponseType


@dataclass(frozen=True)
class GatewayProblem:
    """One problem and the response types of API Gateway that it answers."""

    slug: str
    title: str
    status: int
    detail: str


PROBLEMS: dict[str, tuple[apigateway.ResponseType, GatewayProblem]] = {
    "Unauthorized": (
        _TYPES.UNAUTHORIZED,
        GatewayProblem(
            "unauthorized", "Credentials are missing or not valid", 401, "Send a bearer token with the scope of this route."
        ),
    ),
    "AccessDenied": (
        _TYPES.ACCESS_DENIED,
        GatewayProblem("unauthorized", "Credentials are missing or not valid", 403, "The token lacks the scope of this route."),
    ),
    "ScanTooLarge": (
        _TYPES.REQUEST_TOO_LARGE,
        GatewayProblem(
            "too-large",
            "Too many bytes",
            413,
            "A request may have 4 MB here. For larger scans ask POST /v1/uploads for an upload.",
        ),
    ),
    "Throttled": (_TYPES.THROTTLED, GatewayProblem("rate-limited", "Too many requests", 429, "Wait a moment, then try again.")),
    "Quota": (_TYPES.QUOTA_EXCEEDED, GatewayProblem("rate-limited", "Too many requests", 429, "The quota is used up.")),
    "Filtered": (
        _TYPES.WAF_FILTERED,
        GatewayProblem(
            "rate-limited", "Too many requests", 403, "The firewall let this request not pass: by its rate or its form."
        ),
    ),
    "NoRoute": (_TYPES.MISSING_AUTHENTICATION_TOKEN, GatewayProblem("not-found", "Not found", 404, "There is no such route.")),
    "Late": (
        _TYPES.INTEGRATION_TIMEOUT,
        GatewayProblem("internal", "Internal error", 504, "No answer came in time; please try again."),
    ),
    "ClientError": (
        _TYPES.DEFAULT_4_XX,
        GatewayProblem("bad-request", "The request is wrong", 400, "The request can't be read."),
    ),
    "ServerError": (
        _TYPES.DEFAULT_5_XX,
        GatewayProblem("internal", "Internal error", 500, "Something went wrong on our side. Please try again."),
    ),
}


def body_of(problem: GatewayProblem) -> str:
    """The problem's JSON: constants only, nothing of the request in it."""
    return json.dumps(
        {"type": TYPE_PREFIX + problem.slug, "title": problem.title, "status": problem.status, "detail": problem.detail}
    )


def add_gateway_errors(api: apigateway.RestApi) -> None:
    """Give every error of the gateway its problem body."""
    for name, (kind, problem) in PROBLEMS.items():
        apigateway.GatewayResponse(
            api,
            f"Problem{name}",
            rest_api=api,
            type=kind,
            status_code=str(problem.status),
            response_headers={"Content-Type": "'application/problem+json'"},
            templates={"application/json": body_of(problem), "application/problem+json": body_of(problem)},
        )
