"""How a score was computed, kept beside it."""

from importlib.metadata import version

Protocol = dict[str, object]  # JSON values only


def protocol(score: str, *libraries: str, **settings: object) -> Protocol:
    """The settings of a score and the versions of the libraries that its value hangs on.

    No preset is named: defaults follow Locatello et al. 2019, but any of them can be overridden.
    """
    versions = {name: version(name) for name in ("numpy", *libraries)}
    return {"score": score, **settings, "versions": versions}
