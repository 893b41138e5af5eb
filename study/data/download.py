"""A file fetched over HTTP: it resumes, it is verified, and it appears whole or not at all.

pooch and torchvision's own download neither resume nor, without more code, time out.
"""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from study.config.errors import reason
from study.data.dataset import DataError

TIMEOUT_S = 10.0  # without a byte
TRIES = 4  # of a connection that breaks off; each goes on where the last one stopped
PAUSE_S = 1.0  # before the second try; twice as long before each that follows
PIECE = 2**18  # bytes

Progress = Callable[[str, int, int | None], None]  # file, bytes that are here, bytes of all


def no_progress(file: str, here: int, whole: int | None) -> None:
    """For those who do not look."""


def download(urls: Sequence[str], path: Path, md5: str, progress: Progress = no_progress) -> None:
    """Fetch a file from the first place that gives the original.

    What an earlier call began, as `NAME.part`, is gone on with. Called under a lock.

    Args:
        urls: places that have it.
        path: where to.
        md5: of the original.
        progress: is told after each piece.

    Raises:
        DataError: no place gave it; one line of what each said.
    """
    part, failures = path.with_name(f"{path.name}.part"), []
    for url in urls:
        try:
            _get(url, part, progress)
        except (OSError, http.client.HTTPException, ValueError) as error:
            failures.append(f"{url}: {reason(error)}")
            continue
        seen = md5_of(part)
        if seen == md5:
            part.replace(path)
            return
        part.unlink()
        failures.append(f"{url}: returned another file, MD5 {seen}, expected {md5}")
    raise DataError(f"cannot fetch {path.name}: {'; '.join(failures)}")


def md5_of(path: Path) -> str:
    """The checksum that torchvision gives of its files; no safeguard against forgery."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest()


def _get(url: str, part: Path, progress: Progress) -> None:
    for attempt in range(TRIES):
        before = _size(part)
        try:
            return _go_on(url, part, progress)
        except urllib.error.HTTPError as error:
            refused = error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
            if not (refused and part.exists()):
                raise
            part.unlink()  # what is here is no beginning of it
        except OSError:
            # A place that gives nothing is left at once: the next one may work.
            if attempt == TRIES - 1 or _size(part) <= before:
                raise
            time.sleep(PAUSE_S * 2**attempt)
    raise OSError(f"the connection was lost {TRIES} times")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _go_on(url: str, part: Path, progress: Progress) -> None:
    """Fetch what is missing of a file; from the beginning where the server gives no ranges."""
    here = _size(part)
    headers = {"User-Agent": "vae-study", **({"Range": f"bytes={here}-"} if here else {})}
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            here = 0
        length = answer.headers.get("Content-Length")
        whole = here + int(length) if length else None
        with part.open("ab" if here else "wb") as file:
            while piece := answer.read1(PIECE):
                file.write(piece)
                here += len(piece)
                progress(part.stem, here, whole)
            file.flush()
            os.fsync(file.fileno())
    if whole is not None and here < whole:
        raise OSError(f"the connection was lost after {here:,} of {whole:,} bytes")
