"""The value of what a search seeks, for trained models on images that trained nothing.

Every trial is judged by the same images, settings and seeds, so that values can be compared; the
scores are those of the table `scores`, on the latents themselves.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from analysis.factors.image_set import ImageSet, image_set, measured_by, sample_of
from analysis.metrics import METRICS, UDR, Metric
from analysis.representations.encode import Encoded, bounds, encode
from analysis.scoring.evaluation import BOUNDS_SETTINGS, Unit, unit_values
from analysis.scoring.targets import measure_pair
from analysis.statistics.elbo import nats_of_labels
from analysis.statistics.front import TEST, front, history, importance, search_of
from analysis.statistics.objectives import BOUNDS
from analysis.statistics.objectives import DIRECTIONS as DIRECTIONS
from analysis.study import Study
from study.config.errors import UsageError
from study.config.run import RunConfig
from study.config.search import n_held_out
from study.data import data_facts, describe_data, load_data
from study.data.verified_files import data_dir
from study.losses import figures
from study.models import Vae
from study.storage.tables import has_table, read_table, write_table

Trained = list[tuple[RunConfig, Vae]]  # runs that differ in their seed alone

OF_CODES = {metric.name: metric for metric in METRICS if metric.target != "run"}


def check_objectives(names: list[str], data: str, data_folder: Path | None = None) -> None:
    """Refuse what a data set does not tell, before any trial.

    Args:
        names: keys of DIRECTIONS.
        data: the data set's name.
        data_folder: its cache; read where nothing measures the pictures.

    Raises:
        UsageError: a name needs labels or factors that there are not.
    """
    of = {metric: OF_CODES[metric].target for metric in names if metric in OF_CODES}
    n_classes = describe_data(data)[0].n_classes
    for name, target in of.items():
        if target == "classes" and n_classes < 2:
            raise UsageError(
                f"objective {name} reads labels, and data {data} has {n_classes} classes"
            )
        unmeasured = target == "factors" and data_facts([data])["measure"] == "nothing"
        if unmeasured and load_data(data, data_folder).train_factors is None:
            raise UsageError(
                f"objective {name} compares codes with factors, and none are known for the"
                f" training images of {data}: use neg_elbo, elbo, iwae or udr"
            )


def held_out(trained: Trained, names: list[str], data_folder: Path | None = None) -> list[float]:
    """Values on the held-out part of the training set; see `values`.

    Raises:
        DataError: the data is not to be had.
    """
    return values(trained, names, _held_out(_data_of(trained), data_folder, _needs_factors(names)))


def on_test_set(trained: Trained, names: list[str], data_folder: Path | None = None) -> list[float]:
    """The same on the test set, for the final table alone.

    Raises:
        DataError: the data is not to be had.
    """
    return values(trained, names, _test_set(_data_of(trained), data_folder, _needs_factors(names)))


def values(trained: Trained, names: list[str], images: ImageSet) -> list[float]:
    """The value of each objective: mean over seeds, or over pairs of seeds for "udr".

    Args:
        trained: models, with their configurations.
        names: keys of DIRECTIONS.
        images: with their classes, and with factors where a name needs them.

    Raises:
        ValueError: codes that no score accepts; see analysis.metrics.
    """
    encoded = [encode(model, images.images, images.sample.labels) for _, model in trained]
    rows = [
        _of_one(config, model, codes, names, images)
        for (config, model), codes in zip(trained, encoded, strict=True)
    ]
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    if UDR.name in names:
        means[UDR.name] = _agreement(encoded)
    return [means[name] for name in names]


def write_front(study: Study, data_folder: Path | None) -> None:
    """Write the tables of a search: `front`, and `tables/` history and importance.

    Raises:
        DataError: the test set, on which the front is measured, is not to be had.
    """
    search = search_of(study.folder)
    table = front(study.search, search)
    columns = [name + TEST for name in search.objectives]
    known = {}
    if has_table(study.folder, "front"):  # what was measured before
        before = read_table(study.folder, "front")
        if set(columns) <= set(before):
            known = dict(zip(before["run"], before[columns].to_numpy().tolist(), strict=True))
    measured = []
    for runs in table["run"]:
        if runs not in known:
            models = [study.model(run)[::-1] for run in runs.split()]
            known[runs] = on_test_set(models, search.objectives, data_folder)
        measured.append(known[runs])
    table[columns] = np.array(measured, dtype=np.float64).reshape(len(table), len(columns))
    write_table(study.folder, "front", table, None)
    study.forget("front")
    tables = {
        "search-history": history(study.search, search.objectives),
        "search-importance": importance(study.search, search),
    }
    for name, rows in tables.items():
        (study.folder / "tables").write(f"{name}.csv", rows.to_csv(index=False).encode())


def _of_one(
    config: RunConfig, model: Vae, encoded: Encoded, names: list[str], images: ImageSet
) -> dict[str, float]:
    recon, kl = float(encoded.recon.mean()), float(encoded.kl.mean())
    row = {"recon": recon, **figures({"recon": recon, "kl": kl}, config.beta)}
    nats = float(nats_of_labels(config.conditioning, model.n_classes))
    row["neg_elbo"] += nats
    if set(names) & set(BOUNDS):
        both = bounds(model, images.images, images.sample.labels, **BOUNDS_SETTINGS)
        row |= {name: float(getattr(both, name).mean()) - nats for name in BOUNDS}
    units = [_unit(OF_CODES[name], images) for name in names if name in OF_CODES]
    for one in unit_values(encoded.mean, images.sample, units):
        # a model without active latents is the worst of all, not a failed trial
        row[one.score] = OF_CODES[one.score].bounds[0] if one.note else one.value
    return row


def _unit(metric: Metric, images: ImageSet) -> Unit:
    """The row that judges a trial: over all images, on the latents themselves."""
    place = (images.factors, "all") if metric.target == "factors" else ("", "")
    return Unit("latent", *place, metric.name)


def _agreement(encoded: list[Encoded]) -> float:
    """UDR, averaged over pairs of runs."""
    pairs = [(a, b) for place, b in enumerate(encoded) for a in encoded[:place]]
    return float(np.mean([measure_pair(a.mean, b.mean).score for a, b in pairs]))


def _needs_factors(names: list[str]) -> bool:
    return any(OF_CODES[name].target == "factors" for name in names if name in OF_CODES)


def _data_of(trained: Trained) -> str:
    """The data set that runs were trained on."""
    return trained[0][0].data


@lru_cache(maxsize=2)  # a worker judges many trials
def _held_out(name: str, data_folder: Path | None, factors: bool) -> ImageSet:
    data = load_data(name, data_folder)
    first = len(data.train_images) - n_held_out(len(data.train_images))
    images, labels = data.train_images[first:], data.train_labels[first:]
    known = data.train_factors.iloc[first:] if data.train_factors is not None else None
    if factors and known is None:
        known = measured_by(data.measure, images, data_dir(data_folder))
    if factors and known is None:
        raise ValueError(
            f"no factors are known for the training images of {name}, which evaluate the trials"
        )
    return ImageSet.of(images, sample_of(labels, known if factors else None))


@lru_cache(maxsize=2)
def _test_set(name: str, data_folder: Path | None, factors: bool) -> ImageSet:
    data = load_data(name, data_folder)
    if factors:
        return image_set(data, data_dir(data_folder))
    return ImageSet.of(data.test_images, sample_of(data.test_labels, None))
