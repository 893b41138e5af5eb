"""The live page's server: on this machine alone, and it reads the results folder alone."""

import mimetypes
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import plotly
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from analysis.report.watch.reader import Reader
from study.config.errors import StudyError
from study.storage.folder import Folder

HOST = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
FOLDERS = ("", "figures", "tables")  # whose files are served
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
KINDS = {".html", ".svg", ".png", ".pdf", ".csv", ".json", ".md", ".yaml", ".npz", ".parquet"}
# plotly writes styles; it needs no eval for lines. What a study's own pages may do is said in them.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FILE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline';"
    " img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
    " allow-scripts allow-downloads allow-popups"  # of an origin of its own, not of this server's
)
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def application(study: Folder) -> Starlette:
    """The page, the facts that it asks for, and the study's pages and figures."""
    reader, turn = Reader(study), threading.Lock()

    def facts(version: int) -> str:
        with turn:
            reader.refresh()
            return reader.since(version)

    async def state(request: Request) -> Response:
        after = request.query_params.get("after", "")
        try:
            text = await run_in_threadpool(facts, int(after) if after.isdecimal() else 0)
        except (OSError, StudyError) as error:  # a store that is away, a file that is damaged
            return Response(str(error), 503, HEADERS, "text/plain")
        return Response(text, 200, {**HEADERS, "Cache-Control": "no-store"}, "application/json")

    async def of_study(request: Request) -> Response:
        return await run_in_threadpool(_file, study, request.path_params["path"])

    routes = [
        Route("/", _sends(PAGE / "index.html")),
        *(Route(f"/{name}", _sends(PAGE / name)) for name in ("watch.css", "watch.js")),
        Route("/plotly.js", _sends(PLOTLY)),
        Route("/state", state),
        Route("/study/{path:path}", of_study),
    ]
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    return Starlette(routes=routes, middleware=[trusted])


@contextmanager
def served(study: Folder, port: int) -> Iterator[str]:
    """Serves a study on 127.0.0.1, in a thread, until the context ends; gives the page's address.

    Args:
        study: its folder.
        port: where this one is taken, the system chooses another.
    """
    config = uvicorn.Config(
        application(study),
        log_config=None,
        log_level="critical",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server, door = uvicorn.Server(config), _listen(port)
    thread = threading.Thread(target=server.run, args=([door],), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{door.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()
        door.close()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError:  # taken, as by another study that is watched
        return socket.create_server((HOST, 0))


def _sends(file: Path) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that sends a file of ours; the browser asks each time whether it has changed."""
    headers = {**HEADERS, "Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"}

    async def send(_: Request) -> Response:
        return FileResponse(file, headers=headers)

    return send


def _file(study: Folder, path: str) -> Response:
    """A file of the study, if it is one that is served: of `FOLDERS` and `KINDS`, and within it."""
    place, _, name = path.rpartition("/")
    folder = study / place if place else study
    known = place in FOLDERS and PurePosixPath(name).suffix in KINDS
    if not (known and name in folder.stamps() and _within(study, folder, name)):
        raise HTTPException(404)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {**HEADERS, "Content-Security-Policy": FILE_POLICY, "Cache-Control": "no-cache"}
    return Response(folder.read(name), 200, headers, kind)


def _within(study: Folder, folder: Folder, name: str) -> bool:
    """Whether a file lies in the study's folder, also where it is a link to another place."""
    if not study.is_local:
        return True
    return Path(folder.location, name).resolve().is_relative_to(Path(study.location).resolve())
