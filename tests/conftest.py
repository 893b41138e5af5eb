import pytest
import torch

from study.data import Mnist, load_mnist


@pytest.fixture(scope="session")
def mnist() -> Mnist:
    """The real data, from the user's cache; fetched once where it is not there yet."""
    return load_mnist()


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """As in a worker: threads of several processes that share few cores wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small_study(tmp_path_factory, mnist):
    """A trained, aligned and ranked study of two models; tests that change it take a copy."""
    from explored import trained_study

    return trained_study(tmp_path_factory.mktemp("explored") / "small", mnist)
