import pytest

from study.data import Mnist, load_mnist


@pytest.fixture(scope="session")
def mnist() -> Mnist:
    """The real data, from the user's cache; fetched once where it is not there yet."""
    return load_mnist()
