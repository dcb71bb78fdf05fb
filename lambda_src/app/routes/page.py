"""The page for a reader, the samples that it offers, and the documentation: static files, no other host needed."""

from functools import partial
from pathlib import Path

from fastapi import APIRouter, Request, Response

from lambda_src.app.services import services_of
from lambda_src.classifier import GOLDEN_FOLDER
from lambda_src.errors import NotFound

PAGE_FOLDER = Path(__file__).parents[1] / "page"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_REVALIDATE = {"Cache-Control": "no-cache"}


def _static(name: str) -> Response:
    path = PAGE_FOLDER / name
    return Response(path.read_bytes(), headers=_REVALIDATE, media_type=MEDIA_TYPES[path.suffix])


def page_router() -> APIRouter:
    """Routes of the page. Every file is named here: what is not, can't be asked for."""
    router = APIRouter(include_in_schema=False)
    routes = {"/": "index.html", "/docs": "docs.html"} | {f"/{path.name}": path.name for path in sorted(PAGE_FOLDER.iterdir())}
    for route, name in routes.items():
        router.add_api_route(route, partial(_static, name), methods=["GET", "HEAD"])
    router.add_api_route("/samples/{name}", sample)
    return router


def sample(request: Request, name: str) -> Response:
    """A drawn scan of the bundle, `NAME.png`."""
    bundle = services_of(request).classifier().bundle
    stem, _, suffix = name.rpartition(".")
    if suffix != "png" or stem not in bundle.manifest.golden.names:
        raise NotFound("There is no sample of this name.")
    data = (bundle.folder / GOLDEN_FOLDER / name).read_bytes()
    return Response(data, headers=_REVALIDATE, media_type="image/png")
