"""Whether the caller accepts what a route gives (RFC 9110, section 12.5.1)."""

from collections.abc import Iterator

from fastapi import Request

from lambda_src.errors import NotAcceptable

_GIVEN = frozenset({"application/json", "application/problem+json", "application/*", "*/*"})
FHIR_JSON = "application/fhir+json"


def require_json_accepted(request: Request) -> None:
    """Let only callers pass who take JSON.

    Raises:
        NotAcceptable: the Accept header names other types alone.
    """
    header = ", ".join(request.headers.getlist("accept"))
    wanted = set(_wanted(header))
    if not header.strip() or wanted & _GIVEN:
        return
    fhir = " FHIR comes with the clinical interface and is not given yet." if FHIR_JSON in wanted else ""
    raise NotAcceptable(f"The answer is application/json; the Accept header must allow it.{fhir}", limit="application/json")


def _wanted(header: str) -> Iterator[str]:
    for entry in header.split(","):
        media_type, *parameters = (part.strip().lower() for part in entry.split(";"))
        if media_type and not any(_is_zero(parameter) for parameter in parameters):
            yield media_type


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and not value.strip().strip("0.")
