from pathlib import Path

import pytest
from documented import STUDIES, study_of_the_pages


@pytest.fixture(scope="session")
def documented_results(tmp_path_factory, mnist) -> Path:
    """A working directory with the studies that the pages open: one study under all names."""
    place = tmp_path_factory.mktemp("documented")
    study_of_the_pages(place / "study", mnist)
    (place / "results").mkdir()
    for name in STUDIES:
        (place / "results" / name).symlink_to(place / "study")
    return place
