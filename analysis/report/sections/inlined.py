"""The figures of a study as a page holds them: inlined, numbered, in groups, at their own size."""

import base64
import io
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from PIL import Image

from study.config.errors import StudyError
from study.storage.checksums import verify
from study.storage.folder import Folder

SVG_LIMIT = 150_000  # bytes; the PNG stands in for an SVG that is larger
SVG_BUDGET = 6_000_000  # bytes of all together: with more than 20 figures the limit falls
SCALE = 1.25  # drawn for print at 8 points, read beside 15 px text
PX_PER_INCH = 96
UNITS_PX = {"pt": PX_PER_INCH / 72, "in": PX_PER_INCH, "px": 1.0, "": 1.0}
SENTENCE_ENDS = re.compile(r"(?<=\.) (?=[A-Z0-9])")
GROUPS = {
    "paper": "The paper's figures",
    "scores": "Scores",
    "latents": "Latents",
    "pictures": "Pictures",
}


LEADING = ("headline", "ranking", "higgins-by-beta")
"""Figures that can lead a page, the best first."""


class Inlined(NamedTuple):
    """A figure with its bytes."""

    name: str
    title: str
    caption: str  # its first sentence
    more: str  # the others, without those of figures before it
    source: str  # a data URI
    width: int  # CSS pixels
    height: int
    number: int = 0  # its place in the page, from 1


class Group(NamedTuple):
    """Figures that belong together."""

    name: str
    title: str
    figures: list[Inlined]


class Gallery(NamedTuple):
    """All figures of a study, and those that it could not have."""

    lead: Inlined | None  # the one that comes first
    groups: list[Group]  # the others
    missing: list[tuple[str, str]]  # name, reason

    @property
    def numbers(self) -> dict[str, int]:
        """The number of each figure, by its name."""
        others = [figure for group in self.groups for figure in group.figures]
        shown = [self.lead, *others] if self.lead else others
        return {figure.name: figure.number for figure in shown}


def gallery(study: Folder) -> Gallery:
    """The figures listed in `tables/gallery.json`; without it, whatever SVG lies in `figures/`.

    Raises:
        StudyError: the list is damaged; names the file.
    """
    listed, missing = _listed(study)
    groups: dict[str, list[Inlined]] = {name: [] for name in GROUPS}
    limit = min(SVG_LIMIT, SVG_BUDGET // max(1, len(listed)))
    for entry in listed:
        name = str(entry["name"])
        try:
            source, (width, height) = inline(study, name, limit)
        except FileNotFoundError:
            missing.append((name, "its file is not in figures/"))
            continue
        title, caption = str(entry.get("title") or name), str(entry.get("caption") or "")
        size = round(SCALE * width), round(SCALE * height)
        figure = Inlined(name, title, caption, "", source, *size)
        groups.setdefault(str(entry.get("group") or "paper"), []).append(figure)
    lead = _lead([figure for group in groups.values() for figure in group])
    order = sorted((f for group in groups.values() for f in group), key=lambda f: f is not lead)
    shown = dict(zip((figure.name for figure in order), _numbered(order), strict=True))
    titles = {name: GROUPS.get(name, name.capitalize()) for name in groups}
    return Gallery(
        shown[lead.name] if lead else None,
        [
            Group(name, titles[name], others)
            for name, group in groups.items()
            if (others := [shown[figure.name] for figure in group if figure is not lead])
        ],
        missing,
    )


def _lead(figures: list[Inlined]) -> Inlined | None:
    by_name = {figure.name: figure for figure in figures}
    return next((by_name[name] for name in LEADING if name in by_name), None)


def _numbered(figures: list[Inlined]) -> Iterator[Inlined]:
    """Figures with their numbers; what a caption shares with one before it is said once."""
    before: set[str] = set()
    for number, figure in enumerate(figures, start=1):
        sentences = SENTENCE_ENDS.split(figure.caption)
        first, *others = [one for one in sentences if one not in before] or [""]
        before.update(sentences)
        yield figure._replace(number=number, caption=first, more=" ".join(others))


def inline(study: Folder, name: str, limit: int = SVG_LIMIT) -> tuple[str, tuple[float, float]]:
    """A figure as a data URI, and its width and height in CSS pixels.

    Raises:
        FileNotFoundError: there is neither an SVG nor a PNG of this name.
    """
    figures = study / "figures"
    svg, png = figures.read_all([f"{name}.svg", f"{name}.png"])
    if svg is not None and (png is None or len(svg) <= limit):
        return _uri("svg+xml", svg), svg_size(svg)
    if png is None:
        raise FileNotFoundError(f"{figures}/{name}.svg")
    return _uri("png", png), png_size(png)


def svg_size(content: bytes) -> tuple[float, float]:
    """Width and height that an SVG asks for, in CSS pixels.

    Raises:
        StudyError: it does not say.
    """
    tag = re.search(rb"<svg\b[^>]*>", content)
    sides = []
    for side in (rb"width", rb"height"):
        length = re.search(rb"\b" + side + rb'="([\d.]+)(pt|in|px|)"', tag[0]) if tag else None
        if length is None:
            raise StudyError("an SVG in figures/ has no width and height: draw the figures again")
        sides.append(float(length[1]) * UNITS_PX[length[2].decode()])
    return sides[0], sides[1]


def png_size(content: bytes) -> tuple[float, float]:
    """Width and height of a PNG in CSS pixels, by the resolution that it was drawn at."""
    with Image.open(io.BytesIO(content)) as image:
        scale = PX_PER_INCH / image.info.get("dpi", (PX_PER_INCH,))[0]
        return image.width * scale, image.height * scale


def _listed(study: Folder) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """What there is to show, and what could not be drawn and why."""
    try:
        text = (study / "tables").read("gallery.json")
        verify(text, f"{study}/tables/gallery.json")
        content = json.loads(text)
    except FileNotFoundError:
        names = [name for name in (study / "figures").names() if name.endswith(".svg")]
        stems = [name.removesuffix(".svg") for name in names]
        plain = [{"name": stem, "title": stem.replace("-", " ").capitalize()} for stem in stems]
        return plain, []
    except StudyError as error:
        raise StudyError(f"{error}; repeat study report") from None
    except ValueError as error:
        raise StudyError(
            f"{study}/tables/gallery.json is damaged: {error}; repeat study report"
        ) from None
    missing = [(str(one["name"]), str(one["reason"])) for one in content.get("missing", [])]
    return list(content["figures"]), missing


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
