"""The explorer's server: the page, its models and the API, for this machine alone."""

from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from .. import __version__
from .files import media_type, static_files
from .library import Library
from .routes import api
from .security import Guard

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


def create_app(library: Library, hosts: frozenset[str] = LOOPBACK) -> FastAPI:
    """An ASGI application. ``hosts``: names under which it answers (the tests add theirs)."""
    app = FastAPI(
        title="carrousel explore",
        version=__version__,
        description="Send a sequence, get every gate and state of the network that reads it.",
        docs_url=None,  # FastAPI's page of documentation loads its scripts from another site
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.add_middleware(Guard, hosts=hosts)
    _explain_errors(app)
    app.include_router(api(library))
    _serve_files(app)
    return app


def _serve_files(app: FastAPI) -> None:
    files = static_files()

    @app.get("/{path:path}", include_in_schema=False)
    async def file(path: str) -> Response:  # not in a thread: there is nothing to wait for
        path = path or "index.html"
        if path not in files:
            raise HTTPException(404, f"there is no page {path[:80]!r}")
        return Response(files[path], media_type=media_type(path))


def _explain_errors(app: FastAPI) -> None:
    """Every error is JSON with one sentence: ``{"error": "..."}``."""

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return _error(422, "; ".join(_sentence(one) for one in error.errors()[:3]))

    @app.exception_handler(ValueError)
    async def wrong(_: Request, error: ValueError) -> Response:
        return _error(422, str(error))

    @app.exception_handler(HTTPException)
    async def known(_: Request, error: HTTPException) -> Response:
        return _error(error.status_code, str(error.detail))

    @app.exception_handler(405)
    async def method(request: Request, _: Any) -> Response:
        return _error(405, f"{request.method} is not possible here")


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"] if part != "body")
    return f"{where}: {error['msg']}" if where else str(error["msg"])


def _error(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status_code=status)
