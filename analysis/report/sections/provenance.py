"""What was run, how far it came, and where: from study.yaml, the trials and the run records."""

import shlex
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pandas as pd

from analysis.report.tables import text
from analysis.statistics.wording import count
from analysis.study import Study, named
from study.data.shipped.mnist import DATA_HASH
from study.data.shipped.mnist_sources import SHA256
from study.storage.axes import axis_in_words, other_axes
from study.storage.records import read_record, runs_folder
from study.storage.study_file import read_study
from study.storage.tables import has_table

STATES = ("done", "failed", "begun", "waiting")
HOW = {
    "hidden": "hidden units",
    "batch_size": "batch",
    "optimiser": "optimiser",
    "learning_rate": "learning rate",
    "train_images": "training images",
}


class Notice(NamedTuple):
    """What the study lacks, and the command that helps ("" where none does)."""

    text: str
    command: str


class Unfinished(NamedTuple):
    """A run that is not done."""

    run: str
    state: str
    epochs: str  # "3 of 20"
    reason: str


class Invocation(NamedTuple):
    """One invocation of the study's command."""

    start: str
    took: str
    command: str
    machine: str
    engine: str


class Provenance(NamedTuple):
    """Where the figures come from."""

    invocations: list[Invocation]
    versions: dict[str, str]  # of the last invocation
    data: dict[str, str]  # the original files and their SHA-256
    data_name: str


def counts(trials: pd.DataFrame) -> dict[str, int]:
    """Runs by state: done, failed, begun, waiting."""
    return {state: int((trials["state"] == state).sum()) for state in STATES}


def what_was_run(trials: pd.DataFrame, study_file: Mapping[str, Any]) -> dict[str, str]:
    """Grid, axes, seeds, epochs, how the runs were trained, and the command.

    Args:
        trials: a study's runs.
        study_file: its study.yaml.
    """
    last = (study_file.get("invocations") or [{}])[-1]
    facts = {}
    if grid := last.get("grid"):
        changed = ", ".join(f"{key} = {value}" for key, value in (last.get("set") or {}).items())
        name = PurePosixPath(str(grid).replace("\\", "/")).name
        facts["grid"] = f"{name}, with {changed}" if changed else name
    done = trials[trials["state"] == "done"]
    how = {column: axis_in_words(column) for column in other_axes(trials)}
    how = HOW | {column: words for column, words in how.items() if column not in HOW}
    facts |= {
        "latents J": _values(trials["latent_dim"]),
        "β": _values(trials["beta"]),
        "labels": _kinds(trials),
        "seeds": _values(trials["seed"]),
        "epochs": _values(done["epochs"]) if len(done) else "no run is done",
        **{label: _values(trials[key]) for key, label in how.items() if key in trials},
    }
    return facts | ({"command": str(last["command"])} if last.get("command") else {})


def unfinished(study: Study) -> list[Unfinished]:
    """The runs that are not done, the failed first, with the reason."""
    reasons = {"waiting": "not started", "begun": "not finished", "failed": "no reason recorded"}
    rows = []
    for row in study.trials[study.trials["state"] != "done"].to_dict("records"):
        record = read_record(runs_folder(study.folder) / row["run"])
        epochs = f" of {record['config']['epochs']}" if record else ""
        reason = text(row["error"]) or reasons[row["state"]]
        rows.append(Unfinished(row["run"], row["state"], f"{row['epochs']}{epochs}", reason))
    return sorted(rows, key=lambda one: one.state != "failed")


def notices(study: Study, study_file: Mapping[str, Any]) -> list[Notice]:
    """What a reader must know before anything else; empty for a study that is whole."""
    number, invocations = counts(study.trials), study_file.get("invocations") or [{}]
    train, lacking = str(invocations[-1].get("command", "")), []
    if not number["done"]:
        lacking.append(Notice("No run is finished yet: there is nothing to compare.", train))
    if left := number["begun"] + number["waiting"]:
        ended = " The last command has not ended, or was killed."
        if invocations[-1].get("end"):
            ended = ""
        again = "The same command continues."
        lacking.append(Notice(f"Not finished: {count(left, 'run')}.{ended} {again}", train))
    if failed := number["failed"]:
        again = "The same command tries again."
        lacking.append(
            Notice(f"Failed: {count(failed, 'run')}, see Unfinished runs. {again}", train)
        )
    return lacking + _scoring_notices(study)


def unmeasured(study_file: Mapping[str, Any]) -> bool:
    """Whether nothing measures the pictures of a study's data, so far as its study.yaml says."""
    return bool((study_file.get("data") or {}).get("measure") == "nothing")


def provenance(study_file: Mapping[str, Any]) -> Provenance:
    """Invocations, versions and data, as study.yaml has them."""
    invocations = study_file.get("invocations") or []
    data = study_file.get("data") or {}
    known = data.get("hash") == DATA_HASH
    versions = invocations[-1].get("versions") or {} if invocations else {}
    return Provenance(
        [_invocation(one) for one in invocations],
        {name: str(value) for name, value in versions.items()},
        SHA256 if known else {},
        f"{data.get('name', 'unknown')}, {data.get('hash', 'no hash')}",
    )


def _scoring_notices(study: Study) -> list[Notice]:
    """What scoring has still to do, where it can."""
    begun, ranked, moved = (
        has_table(study.folder, name) for name in ("scores", "ranking", "alignment")
    )
    done = study.trials.query("state == 'done'")["run"]
    missing = done[~done.isin(study.scores["run"])] if ranked else done
    unmoved = done[~done.isin(study.alignment["run"])] if moved else done
    lost = [run for run in missing if not study.has_weights(run)]
    # Where no weights are left it would find nothing to score.
    command = f"study score {shlex.quote(str(study.folder))}"
    score = "" if 0 < len(missing) == len(lost) else command
    lacking = []
    if len(missing) and begun and not ranked:
        lacking.append(Notice("Scoring has not ended: no ranking, ICA or alignment.", score))
    elif len(missing) and len(missing) == len(done):
        lacking.append(Notice("Nothing is scored: no ranking, ICA, controls or alignment.", score))
    elif len(missing):
        lacking.append(Notice(f"Finished but not scored: {count(len(missing), 'run')}.", score))
    elif len(unmoved) and not unmeasured(read_study(study.folder)):
        whose = count(len(unmoved), "run")
        lacking.append(Notice(f"What the latents of {whose} move is not measured yet.", score))
    if lost:
        where = (
            f"Not in this folder: the weights of {named(lost)}. Score on the machine that has them."
        )
        lacking.append(Notice(where, ""))
    return lacking


def _invocation(one: Mapping[str, Any]) -> Invocation:
    machine, engine = one.get("machine") or {}, one.get("engine") or {}
    gpus = machine.get("gpus") or []
    parts = [machine.get("node"), machine.get("processor"), f"{machine.get('cores')} cores"]
    parts += [*gpus, machine.get("system")] if gpus else ["no GPU", machine.get("system")]
    start, end = one.get("start"), one.get("end")
    took = "has not ended"
    if start and end:
        spent = datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))
        took = str(timedelta(seconds=round(spent.total_seconds())))  # 1:02:03
    return Invocation(
        str(start or "").replace("T", " ").replace("+00:00", " UTC"),
        took,
        str(one.get("command", "")),
        ", ".join(str(part) for part in parts if part) if machine else "",
        str(engine.get("precision", "")),
    )


def _kinds(trials: pd.DataFrame) -> str:
    words = {"none": "without", "label": "with", "prior": "in the prior"}
    return " and ".join(word for kind, word in words.items() if kind in set(trials["conditioning"]))


def _values(column: pd.Series) -> str:
    values = sorted(column.dropna().unique())
    return ", ".join(f"{value:g}" if isinstance(value, float) else f"{value}" for value in values)
