import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from analysis.study import Study
from study.data import Dataset
from study.data.shipped.mnist import load_mnist

SUPPORT = Path(__file__).parent / "support"


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    """The real data, from the user's cache; fetched once where it is not there yet."""
    return load_mnist()


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study that `pages.whole` writes, for pages that only read it."""
    from pages import whole

    return whole(tmp_path_factory.mktemp("pages") / "tiny")


@pytest.fixture(scope="session")
def explored_study(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> Study:
    """The study that `explored.trained_study` trains; tests that change it take a copy."""
    from explored import trained_study

    return trained_study(tmp_path_factory.mktemp("explored") / "small", mnist)


@pytest.fixture(scope="module")
def ray() -> Iterator[ModuleType]:
    """A Ray of a module's own, whose workers can import what tests share."""
    import ray

    from study.execution.cluster import connect

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(SUPPORT), prepend=os.pathsep)
        connect("local")
        yield ray
        ray.shutdown()


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    """A failed test's command would go on, and slow the tests after it down."""
    yield
    from command_line import end_what_was_started

    end_what_was_started()


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """As in a worker: threads of several processes that share few cores wait for each other."""
    torch.set_num_threads(1)
