"""A week of a large study in small time: what one driver and its head node have to do for it.

12,600 runs are those of Locatello et al. (2019). A run here trains nothing: it writes the record
of 200 epochs and reports some of them. Ray, its workers, Tune, the study log, the records and the
tables are the real ones. From two numbers of reports follow the costs of a run and of a report.

python tests/support/week.py 12600 64
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import ray
from rich.console import Console
from studies import descendants

from study.config.run import RunConfig
from study.data.verified_files import data_dir
from study.execution import runner, study_log
from study.execution.cluster import Resources
from study.execution.scheduler import Invocation
from study.execution.stages import Stages
from study.storage.folder import Folder

EPOCHS = 200
SOME_RUNS, FEW, MANY = 1_000, 1, 11  # reports of each run
WEEK_S = 7 * 24 * 3600.0
CLOCK_HZ = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """Of one simulated study, in seconds; those of the processor but for the first."""

    wall: float
    driver: float
    ray: float  # the other processes of Ray's head node
    tables: float  # of the driver's: to write them, as often as it did
    last_tables: float  # once, at the end


def simulate(n_runs: int, n_workers: int, n_reports: int) -> Cost:
    """Work off a study of runs that only report."""
    runs = [
        RunConfig(beta=1.0 + k % 36, seed=k // 36, epochs=EPOCHS, compile=False, precision="fp32")
        for k in range(n_runs)
    ]
    writing: list[float] = []
    write = study_log.write_study_tables

    def timed_write(*given):
        began = time.process_time()
        write(*given)
        writing.append(time.process_time() - began)

    ray.init(num_cpus=n_workers, include_dashboard=False, log_to_driver=False)
    study_log.write_study_tables = timed_write
    runner.trainable = lambda config: _reports_only(config, n_reports)
    with tempfile.TemporaryDirectory() as place, Path(os.devnull).open("w") as nowhere:
        study = Folder(Path(place) / "week")
        before, began = time.process_time(), time.monotonic()
        with Stages(Console(file=nowhere), study) as stages:
            invocation = Invocation(study, {}, Resources(), stages, data_dir(None))
            outcome = runner.run_grid(runs, invocation)
        wall, driver = time.monotonic() - began, time.process_time() - before
    if outcome.errors or outcome.interrupted:
        raise RuntimeError(f"{len(outcome.errors)} runs failed: {[*outcome.errors.values()][:1]}")
    others = sum(
        _processor_s(child)
        for child, command in descendants(os.getpid()).items()
        if "raylet" in command or "gcs_server" in command
    )
    ray.shutdown()
    study_log.write_study_tables = write
    return Cost(wall, driver, others, sum(writing), writing[-1])


def _reports_only(config, n_reports):
    """What stands in for `trainable`; a worker that imports torch takes ten times the memory."""
    from ray import tune

    from study.config.run import RunConfig
    from study.storage.folder import Folder
    from study.storage.records import new_record, runs_folder, write_record

    task = config["task"]
    for values in task["members"]:
        run = RunConfig(**values)
        figures = {
            f"{split}_{term}": 100.0 + run.seed / 7 + run.beta / 9
            for split in ("train", "test")
            for term in ("recon", "kl")
        }
        record = new_record(run, "done")
        record["epochs"] = [
            {"epoch": k + 1, "active_latents": 10, **figures} for k in range(run.epochs)
        ]
        record["latent_kl"] = record["latent_mean_variance"] = [1.0] * run.latent_dim
        record |= {"recon_at_mean": 100.0, "node": "simulated", "device": "cpu", "seconds": 1.0}
        report = {"run": run.run_id, "state": "begun", "objective": 100.0, "error": None}
        report |= {"figures": record["epochs"][-1], "warnings": []}
        for epoch in range(n_reports):
            tune.report({"runs": [{**report, "epoch": epoch + 1}]})
        write_record(runs_folder(Folder(task["study"])) / run.run_id, record)
        tune.report({"runs": [{**report, "state": "done", "epoch": run.epochs}]})


def _processor_s(process: int) -> float:
    stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / CLOCK_HZ


if __name__ == "__main__":
    n_runs, n_workers = map(int, sys.argv[1:])
    few, many = (simulate(SOME_RUNS, n_workers, n) for n in (FEW, MANY))
    of_report = (many.driver - few.driver) / SOME_RUNS / (MANY - FEW)
    print(f"{of_report * 1e3:.2f} ms of the driver's processor a report", flush=True)
    whole = simulate(n_runs, n_workers, FEW)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    of_run = (whole.driver - whole.tables) / n_runs - FEW * of_report
    print(f"{of_run * 1e3:.1f} ms of the driver's processor a run of {n_runs}; {few}, {whole}")
    print(f"{whole.ray / n_runs * 1e3:.1f} ms of Ray's other processes a run")
    print(f"{memory:.0f} MB of the driver; its tables take {whole.last_tables:.1f} s to write")
    busy = n_runs * (of_run + EPOCHS * of_report)
    print(
        f"{n_runs} runs of {EPOCHS} epochs on {n_workers} workers: {busy / 3600:.1f} h of the"
        f" driver's processor, {busy / WEEK_S:.1%} of a week and at most 2% for tables; it is full"
        f" at runs of {busy / n_runs * n_workers:.0f} s"
    )
