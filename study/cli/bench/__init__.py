"""`study bench`: how fast this machine trains, side by side with how it is usually done."""

import json

import click

from study.cli.options import CONTEXT, Command, new_console, yaml_names
from study.config.errors import StudyError


@click.command("bench", cls=Command, context_settings=CONTEXT)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu")
@click.option(
    "--grid",
    default="full",
    metavar="NAME",
    shell_complete=yaml_names(search=False),
    help="The grid that --device cuda trains in packs.",
)
@click.option(
    "--epochs", type=click.IntRange(1), default=2, help="Epochs of that grid (default: 2)."
)
def bench(as_json: bool, device: str, grid: str, epochs: int) -> int:
    """Measure how fast this machine trains.

    Compares this package's training loop with the usual ones. Every loop trains the same model
    (J = 10, batch size 100) on random images. The loops take turns in short bursts, so that changes
    of the machine's speed affect all of them. Times and ratios are medians over the turns.
    """
    import torch

    from study.cli.bench.measure import packs_on_gpu, show, steps_on_cpu
    from study.cli.bench.parts import costs, show_costs

    torch.set_num_threads(1)
    if device == "cuda" and not torch.cuda.is_available():
        raise StudyError("no CUDA device was found on this machine")
    on_gpu = device == "cuda"
    times = packs_on_gpu(grid, epochs) if on_gpu else {**steps_on_cpu(), "parts": costs()}
    if as_json:
        print(json.dumps(times, indent=2))
    else:
        show(times, new_console())
        if not on_gpu:
            show_costs(times["parts"], new_console())
    return 0
