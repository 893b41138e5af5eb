"""How a score was computed, kept beside it."""

from importlib.metadata import version

Protocol = dict[str, object]  # JSON values only


def protocol(score: str, *libraries: str, **settings: object) -> Protocol:
    """The settings of a score and the versions of the libraries that its value hangs on."""
    versions = {name: version(name) for name in ("numpy", *libraries)}
    return {"score": score, "preset": "locatello2019", **settings, "versions": versions}
