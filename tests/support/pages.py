"""Studies with figures that are known by hand, as they lie on disk, for the tests of pages."""

import itertools

import numpy as np
import pandas as pd
from scored_units import UNITS

from analysis.figures.charts import curves
from analysis.figures.inputs import FigureInputs
from analysis.figures.style import save_figure
from analysis.latent_effects.alignment import PROPERTIES
from analysis.latent_effects.tables import ALIGNMENT
from analysis.scoring.score_study import write_ranking
from analysis.study import Study
from study.config.run import RunConfig
from study.data.shipped.mnist import DATA_HASH
from study.storage.folder import Folder
from study.storage.records import new_record, runs_folder, write_record
from study.storage.study_file import write_study
from study.storage.tables import Tables, build_tables, write_table, write_tables

COMMAND = "study --grid tiny"
CONTROLS = {"chance": 1 / 3, "untrained": 0.5, "pixel_pca": 0.7, "raw_pixels": 0.6}
AXES = ["run", "latent_dim", "beta", "conditioning", "seed"]


def finished(config, neg_elbo=100.0):
    """The record of a run that is done; its KL is 20 nats."""
    terms = {"recon": neg_elbo - 20, "kl": 20.0}
    figures = {
        f"{split}_{name}": value for split in ("train", "test") for name, value in terms.items()
    }
    epochs = [
        {"epoch": n, "active_latents": config.latent_dim, **figures}
        for n in range(1, config.epochs + 1)
    ]
    n = config.latent_dim
    latents = {"latent_kl": [20 / n] * n, "latent_mean_variance": [0.5] * n, "recon_at_mean": 70.0}
    where = {"node": "here", "device": "cpu", "engine": "fp32", "seconds": 12.0}
    return {**new_record(config, "done"), "epochs": epochs, **latents, **where}


def write_runs(folder, records):
    """A study of these records, with study.yaml; no figures."""
    named = {RunConfig(**record["config"]).run_id: record for record in records}
    for run, record in named.items():
        write_record(runs_folder(folder) / run, record)
    write_tables(folder, build_tables(named, Tables()))
    invocation = {
        "grid": "configs/tiny.yaml",
        "set": {"epochs": 3},
        "command": COMMAND,
        "machine": {"node": "here", "processor": "fast", "cores": 2, "gpus": [], "system": "Linux"},
        "versions": {"python": "3.11.7", "torch": "2.14.1"},
        "start": "2026-01-01T10:00:00+00:00",
        "end": "2026-01-01T11:02:03+00:00",
        "engine": {"precision": "bf16"},
    }
    data = {"name": "MNIST", "hash": DATA_HASH}
    said = {"name": folder.name, "runs": list(named), "data": data, "invocations": [invocation]}
    write_study(folder, said)
    return Study(folder)


def write_scores(study, higgins):
    """Scores of some runs, and the ranking: Higgins as given, +- 0.01; all the others 0.25."""
    rows = []
    axes = study.trials.set_index("run")[AXES[1:]]
    for run, unit in itertools.product(higgins, UNITS):
        value = higgins[run] if unit.score in {"higgins", "higgins_few"} else 0.25
        value += 0.5 if (unit.basis, unit.score) == ("ica", "mig") else 0.0
        ends = {"value": value, "low": value - 0.01, "high": value + 0.01}
        said = {"saturated": value >= 0.99, "converged": True, "note": "", "protocol": "{}"}
        row = {"run": run, **axes.loc[run].to_dict(), **unit._asdict(), **ends, **CONTROLS}
        rows.append(
            row
            | said
            | {
                "shuffled": 0.3,
                "rotated": 0.55,
                "oracle": 0.95,
                "oracle_rotated": 0.5,
                "key": f"{run}{unit}",
            }
        )
    udr = pd.DataFrame({"configuration": pd.Series(dtype=str), "value": pd.Series(dtype=float)})
    write_table(study.folder, "scores", pd.DataFrame(rows), None)
    write_table(study.folder, "udr", udr, None)
    study.forget("scores", "udr", "ranking")
    write_ranking(study)


def write_alignment(study, run):
    """Of one run with four latents: slant; the digit; mixed; nothing. And a knob for width."""
    told = [
        ("latent", 1, "slant", 0.21, 0.06, 10, 0.1, (0.1, 0.5, 0.1)),
        ("latent", 2, "digit", np.nan, 0.2, 3, 0.62, (0.4, 0.2, 0.1)),
        ("latent", 3, "mixed", np.nan, 0.55, 7, 0.2, (0.1, 0.2, -0.6)),
        ("latent", 4, "none", np.nan, np.nan, 0, 0.0, (0.0, 0.0, 0.0)),
        ("knob", 3, "width", 0.5, 0.01, 9, 0.1, (0.0, 0.0, 0.4)),
    ]
    axes = study.trials.set_index("run").loc[run, AXES[1:]].to_dict()
    rows = []
    for basis, direction, name, slope, leakage, n_digits, class_change, effects in told:
        moved = dict(zip(PROPERTIES, (0.3, 0.21, -1.5), strict=True))
        rows.append(
            {
                "run": run,
                **axes,
                "basis": basis,
                "direction": direction,
                "property": name,
                "slope": slope,
                "leakage": leakage,
                "excess": leakage,
                "effect": max(map(abs, effects)),
                "picture_change": 0.1,
                "class_change": class_change,
                **moved,
                "n_digits": n_digits,
                "digit_effects": list(effects) * 10,
                "vector": [1.0, 0.0, 0.0, 0.0],
                "key": "key",
            }
        )
    write_table(study.folder, "alignment", pd.DataFrame(rows), ALIGNMENT)


def tiny(beta=1.0, **more):
    return RunConfig(latent_dim=4, beta=beta, hidden=16, epochs=3, **more)


def whole(place):
    """Four configurations, scored, one aligned, one failed and one waiting; claims too."""
    folder = Folder(place)
    configs = [tiny(1.0), tiny(4.0), tiny(1.0, conditioning="label"), tiny(10.0)]
    nats = dict(zip(configs, (100.0, 110.0, 95.0, 130.0), strict=True))
    records = [finished(config, value) for config, value in nats.items()]
    records.append(new_record(tiny(100.0), "failed", "KL is inf <in epoch 2>"))
    records.append(new_record(tiny(2.0), "waiting"))
    study = write_runs(folder, records)
    for figure in curves.STANDARD:
        drawn = figure.draw(figure.make(FigureInputs(study, None)))
        save_figure(drawn, folder, figure.name)
    runs = [config.run_id for config in configs]
    write_scores(study, dict(zip(runs, (0.80, 0.90, 0.65, 0.795), strict=True)))
    write_alignment(study, runs[1])
    claims = pd.DataFrame(
        {
            "id": ["beta-costs", "cond-gain"],
            "clause": ["beta 10 / beta 1", "beta 1"],
            "compared": ["beta 10 and 1", "with and without"],
            "statement": ["larger beta, larger objective", "labels lower the objective"],
            "place": ["4.1, Fig. 4a", "4.3, Fig. 6a"],
            "expected": ["70%", "15%"],
            "observed": ["72%", "5%"],
            "verdict": ["holds", "does not hold"],
            "claim_verdict": ["holds", "does not hold"],
            "epochs": [200, 200],
        }
    )
    folder.write("claims.csv", claims.to_csv(index=False).encode())
    answers = pd.DataFrame({"question": ["Which is best?"] * 2, "answer": ["That one.", "Or so."]})
    folder.write("findings.csv", answers.to_csv(index=False).encode())
    return study
