"""What the explorer has on board, and how it says it."""

import base64
import json
import shutil
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from explored import DEAD, LABEL, PLAIN
from torch import nn

from analysis import open_study
from analysis.latent_effects.alignment import PROPERTIES, Pictures
from analysis.latent_effects.tables import directions
from analysis.latent_effects.wording import described
from analysis.report.explorer.board import N_RUNS, NothingToShow, choose, load
from analysis.report.explorer.decoder import decoder_layers, difference
from analysis.report.explorer.layers import CannotShow, halves
from analysis.report.explorer.page import payload, render
from analysis.report.explorer.sliders import (
    component_sliders,
    knob_sliders,
    latent_sliders,
    readers,
    unaligned_sliders,
)
from analysis.representations.encode import encode
from analysis.representations.traversal import Scale
from analysis.study import Study
from study.cli.main import carry_out
from study.cli.present import explore
from study.config.run import RunConfig
from study.data.shipped.mnist import SHAPE
from study.models import build_model
from study.models.likelihoods import Bernoulli
from study.models.priors import NormalPrior
from study.storage.folder import Folder
from study.storage.tables import write_table

main = partial(carry_out, explore, "analysis.explorer")
SPREAD = np.array([0.7, 0.25, 4.0])
AS_THEY_ARE = Scale(np.zeros(3), np.ones(3), False)


@pytest.fixture(scope="module")
def study(explored_study):
    return explored_study


@pytest.fixture(scope="module")
def content(study):
    return payload(study, choose(study))


@pytest.fixture
def copy(study, tmp_path):
    shutil.copytree(study.folder.location, tmp_path / "small")
    return open_study(tmp_path / "small")


def direction(number, name, effects, vector, slope=np.nan, **more):
    """A row of the table `alignment`; effects are the same for all digits."""
    row = {"direction": number, "property": name, "slope": slope, "leakage": 0.06, "n_digits": 10}
    row |= {"class_change": 0.1, "effect": max(map(abs, effects)), "vector": vector}
    row["digit_effects"] = np.tile(effects, 10)
    slopes = np.array(effects) * [0.7, 0.25, 4.0]
    return {**row, **dict(zip(PROPERTIES, slopes, strict=True)), **more}


SLANT = direction(1, "slant", [0, -0.8, 0.2], [1.0, 0, 0], slope=-0.2)
QUIET = direction(2, "none", [0, 0, 0], [0, 1.0, 0])
THICK = direction(3, "thickness", [0.5, 0, 0.1], [0, 0, 0.5], slope=0.35)
STRONGER = direction(4, "slant", [0, 0.9, 0], [0, 0, 1.0], slope=0.22)


def numbers(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def test_directions_in_words():
    assert described(SLANT) == "\N{MINUS SIGN}0.20 rad a step, leakage 6%, 10 of 10 digits"
    assert described(THICK) == "+0.35 px a step, leakage 6%, 10 of 10 digits"
    wide = direction(1, "width", [0.2, 0, 0.4], [1.0], slope=1.6, leakage=0.35, excess=0.03)
    assert "leakage 35% (3% beyond the floor), " in described(wide)
    assert described(QUIET) == "does not react"
    mixed = direction(1, "mixed", [0.3, 0.1, -0.4], [1.0], leakage=0.385, n_digits=5)
    assert described(mixed) == "mostly width, leakage 38%, 5 of 10 digits"
    digit = direction(1, "digit", [0.3, 0.1, -0.4], [1.0], class_change=0.64)
    assert described(digit) == "64% read as another digit"


def test_latents_stand_by_property_the_strongest_first_and_the_quiet_last():
    rows = latent_sliders(pd.DataFrame([SLANT, QUIET, THICK, STRONGER]), AS_THEY_ARE)["rows"]
    assert [row["name"] for row in rows] == ["z3 thickness", "z4 slant", "z1 slant", "z2"]
    assert [row["latent"] for row in rows] == [2, 3, 0, 1]
    assert [row["reacts"] for row in rows] == [True, True, True, False]
    assert [row["sign"] for row in rows] == [1, 1, -1, 0]
    assert {(row["low"], row["high"]) for row in rows} == {(-5, 5)}


def test_latents_that_were_not_measured_stand_by_their_kl():
    variance = [0.2, 0.005, 0.9]
    latents = pd.DataFrame(
        {"latent": [1, 2, 3], "kl": [0.5, 0.001, 2.0], "mean_variance": variance}
    )
    rows = unaligned_sliders(latents, AS_THEY_ARE)["rows"]
    assert [row["name"] for row in rows] == ["z3", "z1", "z2"]
    assert [row["text"] for row in rows] == ["KL 2.00 nats", "KL 0.50 nats", "KL 0.00 nats"]
    assert [row["reacts"] for row in rows] == [True, True, False]
    without = unaligned_sliders(latents.assign(kl=np.nan), AS_THEY_ARE)["rows"]
    assert [row["text"] for row in without] == ["variance 0.90", "variance 0.20", "variance 0.01"]


def test_latents_of_other_priors_are_read_in_standard_deviations():
    """By hand: a latent of 4 with mean 3 and SD 0.5 is 2 SD up; one SD more moves it by 0.5."""
    scale = Scale(np.array([1.0, 2, 3]), np.array([2.0, 1, 0.5]), True)
    sliders = latent_sliders(pd.DataFrame([SLANT, QUIET, THICK]), scale)
    assert [row["latent"] for row in sliders["rows"]] == [2, 0, 1]
    assert {row["unit"] for row in sliders["rows"]} == {"SD"}
    steps, readers = (numbers(sliders[name], "<f4").reshape(3, 3) for name in ("steps", "readers"))
    np.testing.assert_array_equal(steps[0], [0, 0, 0.5])
    centre = numbers(sliders["centre"], "<f4")
    np.testing.assert_array_equal(readers @ ([3, 2, 4] - centre), [2, 1, 0])
    assert "steps" not in latent_sliders(pd.DataFrame([SLANT]), AS_THEY_ARE)


def place(name, asked, holds=True, shift=(0.0, 0.0, 0.0)):
    """A row of the table `knobs`."""
    row = {"property": name, "asked": asked, "obtained": 0.9 * asked, "obtained_sd": 0.25}
    return {**row, "holds": holds, "shift": np.array(shift)}


def test_a_knob_goes_as_far_as_it_holds():
    rows = [
        place("thickness", 1.4, holds=False),
        place("thickness", 0.7, shift=[2.0, 0, 0]),
        place("thickness", -0.35, shift=[-0.5, 0.5, 0]),
        place("slant", 0.12, shift=[0, 0, 1.0]),
        place("width", 1.9, holds=False),
    ]
    thickness, slant, width = knob_sliders(pd.DataFrame(rows), 3)["rows"]
    assert thickness["asked"] == [-0.35, 0, 0.7]
    shifts = numbers(thickness["shifts"], "<f4").reshape(3, 3)
    np.testing.assert_array_equal(shifts, [[-0.5, 0.5, 0], [0, 0, 0], [2, 0, 0]])
    assert (thickness["low"], thickness["high"]) == (-0.35, 0.7)
    assert thickness["text"] == "on other images +0.70 gives +0.63 \N{PLUS-MINUS SIGN} 0.25 px"
    assert (slant["low"], slant["high"]) == (0, 0.12)
    assert (width["low"], width["high"]) == (0, 0)
    assert width["text"] == "no mixture of latents moves it alone"


def test_a_study_measured_before_there_were_knobs_has_its_latents(copy):
    copy.folder.delete("knobs.parquet")
    run = payload(copy, load(copy, [PLAIN.run_id]))["runs"][0]
    assert "knob" not in run["bases"]
    assert run["bases"]["latent"]["rows"][0]["text"].count("leakage")


def test_readers_undo_steps():
    steps = np.random.default_rng(0).normal(size=(3, 5))
    steps[:, 2] = 0  # a latent in no direction
    np.testing.assert_allclose(readers(steps) @ steps.T, np.eye(3), atol=1e-12)
    assert np.abs(readers(steps)[:, 2]).max() < 1e-12


def test_components_are_read_as_they_were_measured(study, mnist):
    model, _ = study.model(PLAIN.run_id)
    pictures = Pictures(mnist.test_images, mnist.test_labels.astype(np.int64), SPREAD, None)
    want = directions(model, pictures)["ica"]
    rows = [
        direction(i + 1, "mixed", [0.1, 0, 0], step, effect=-float(i))
        for i, step in enumerate(want.steps)
    ]
    sliders = component_sliders(pd.DataFrame(rows[::-1]), want.centre)
    assert sliders["rows"][0]["name"] == "ICA 1 mixed"
    np.testing.assert_allclose(
        numbers(sliders["readers"], "<f4").reshape(want.readers.shape), want.readers, atol=1e-5
    )


def test_weights_keep_eleven_bits(study, content):
    run = content["runs"][0]
    model, _ = study.model(run["run"])
    hidden, output = run["layers"]
    assert (hidden["inputs"], hidden["outputs"], hidden["activation"]) == (6 + 10, 64, "tanh")
    assert (output["inputs"], output["outputs"], output["activation"]) == (64, 784, "sigmoid")
    weight = decoder_layers(model)[1].weight
    stored = numbers(output["weight"], "<f2").reshape(weight.shape)
    np.testing.assert_allclose(stored, weight, rtol=2**-11, atol=2**-24)
    assert run["bytes"] == 2 * (64 * (6 + 10 + 1) + 784 * 65)
    characters = sum(len(layer["weight"]) + len(layer["bias"]) for layer in run["layers"])
    assert characters == pytest.approx(run["bytes"] * 4 / 3, abs=16)


def test_the_difference_is_that_of_the_weights(study, mnist):
    model, _ = study.model(PLAIN.run_id)
    start = encode(model, mnist.test_images[:5], mnist.test_labels[:5]).mean
    hidden, output = decoder_layers(model)
    assert difference(model, [hidden, output], start) < 1e-5
    bias = output.bias.copy()
    bias[300] += 100  # that pixel is white now, wherever one looks
    assert difference(model, [hidden, output._replace(bias=bias)], start) > 0.3


class Drawn(nn.Module):
    """A model of three latents whose decoder is given; it draws 28 x 28 pixels."""

    latent_dim, n_classes, decoder_classes = 3, 0, 0
    data_shape, likelihood = SHAPE, Bernoulli()

    def __init__(self, decoder):
        super().__init__()
        self.decoder, self.prior = decoder, NormalPrior(3)

    def decode(self, latent, label=None):
        return self.decoder(latent).flatten(1)


class Wavy(nn.Sequential):
    def forward(self, latent):
        return super().forward(latent.sin())


def seeded(*layers):
    for layer in layers:
        for parameter in layer.parameters():
            nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(3))
    return layers


def test_deeper_decoders_and_rectified_ones_are_shown():
    layers = seeded(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 784))
    shown = decoder_layers(Drawn(nn.Sequential(*layers)))
    assert [layer.activation for layer in shown] == ["relu", "relu", "sigmoid"]
    np.testing.assert_array_equal(shown[1].weight, layers[2].weight.detach().numpy())


def transposed(*shape, **how):
    """A chain with one transposed convolution, from a map of `shape` to 28 x 28 pixels."""
    channels, height, width = shape
    dense, convolution = (
        nn.Linear(3, channels * height * width),
        nn.ConvTranspose2d(channels, 1, **how),
    )
    return nn.Sequential(*seeded(dense, nn.ReLU(), nn.Unflatten(1, shape), convolution))


@pytest.mark.parametrize(
    "decoder",
    [
        transposed(5, 14, 14, kernel_size=4, stride=2, padding=1),
        transposed(2, 13, 14, kernel_size=3, stride=2, padding=(0, 1), output_padding=1),
        transposed(3, 26, 28, kernel_size=(3, 1), bias=False),
    ],
    ids=["twice", "odd", "narrow"],
)
def test_transposed_convolutions_are_shown(decoder):
    hidden, convolution = decoder_layers(Drawn(decoder))
    assert (hidden.activation, convolution.activation) == ("relu", "sigmoid")
    assert convolution.convolution.outputs == (1, 28, 28)


@pytest.mark.parametrize(
    ("decoder", "why"),
    [
        (nn.Sequential(nn.Linear(3, 784), nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 1, 1),
                       nn.Flatten()), "has a Conv2d"),
        (nn.Sequential(nn.Linear(3, 196), nn.Unflatten(1, (4, 7, 7)),
                       nn.ConvTranspose2d(4, 4, 4, 4, groups=2), nn.Flatten()), "ConvTranspose2d"),
        (nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 784)), "an activation other"),
        (nn.Sequential(nn.Linear(3, 4), nn.AvgPool1d(2), nn.Linear(2, 784)), "no chain: a layer"),
        (Wavy(nn.Linear(3, 784)), "no chain of layers"),
        (nn.Sequential(nn.Upsample(784), nn.Flatten()), "no layers"),
    ],
)  # fmt: skip
def test_a_decoder_that_the_page_cannot_execute_is_named(decoder, why):
    seeded(decoder)
    with pytest.raises(CannotShow, match=why):
        decoder_layers(Drawn(decoder))


def test_weights_beyond_half_precision_are_not_shown():
    (layer,) = decoder_layers(Drawn(nn.Sequential(*seeded(nn.Linear(3, 784)))))
    with pytest.raises(CannotShow, match="range of 16 bits"):
        halves([layer._replace(bias=layer.bias + 7e4)])


def test_a_run_that_cannot_be_shown_is_left_out_and_named(study, monkeypatch):
    def model(self, run, true=Study.model):
        vae, config = true(self, run)
        if run == LABEL.run_id:
            vae.decoder.extra = nn.Conv2d(1, 1, 3)
        return vae, config

    monkeypatch.setattr(Study, "model", model)
    board = choose(study)
    assert [one.run for one in board.runs] == [PLAIN.run_id]
    assert f"Left out: {LABEL.run_id}: its decoder has a Conv2d" in render(payload(study, board))
    with pytest.raises(NothingToShow, match=f"{LABEL.run_id}: its decoder has a Conv2d"):
        load(study, [LABEL.run_id])


def test_the_page_holds_the_runs_and_says_how_they_are_stored(study, content):
    assert [run["run"] for run in content["runs"]] == [LABEL.run_id, PLAIN.run_id]
    assert content["runs"][0]["menu"] == "J = 6, β = 2, labels, seed 0 (rank 1)"
    assert sorted(content["labels"]) == content["labels"] == [d for d in range(10) for _ in "ab"]
    rows = content["runs"][0]["bases"]["latent"]["rows"]
    assert [row["latent"] for row in rows if not row["reacts"]] == [DEAD]
    page = render(content)
    worst = max(run["difference"] for run in content["runs"])
    assert 0 < worst < 2e-3
    assert f"largest pixel difference from PyTorch measured: {worst:.1g}" in page
    assert "2 decoders on board, 0.10 MB each, stored in 16 bits" in page
    assert "http://" not in page
    assert "https://" not in page


def test_nothing_in_a_name_ends_the_script(content):
    page = render({**content, "study": "</script><b>"})
    assert "<b>" not in page
    assert json.loads(page.split('id="payload">')[1].split("</script>")[0])["study"] == (
        "</script><b>"
    )


def trials(**axes):
    table = pd.DataFrame(axes).assign(state="done", hidden=500)
    seed = "-seed" + table["seed"].astype(str)
    beta = table["beta"].map("{:g}".format)
    table["run"] = "J" + table["latent_dim"].astype(str) + "-beta" + beta
    table["run"] += "-" + table["conditioning"] + seed
    return table


def unread(tmp_path, monkeypatch, table, ranked=()):
    """A study of a table alone, as if all weights were there."""
    study = Study(Folder(tmp_path))
    study.__dict__["trials"] = table
    sizes = table.set_index("run")[["latent_dim", "hidden"]].to_dict("index")
    monkeypatch.setattr(Study, "has_weights", lambda self, run: True)
    configs = {run: RunConfig(**size) for run, size in sizes.items()}
    monkeypatch.setattr(Study, "model", lambda self, run: (build_model(configs[run], SHAPE), None))
    if ranked:
        order = pd.DataFrame({"rank": range(1, len(ranked) + 1), "configuration": list(ranked)})
        write_table(study.folder, "ranking", order, None)
    return study


def shown(study):
    return [one.run for one in choose(study).runs]


def test_the_papers_four_are_on_board_and_the_top_of_the_ranking(tmp_path, monkeypatch):
    beta = [1.0, 10, 1, 10, 3, 4, 5, 6, 7]
    given = ["none", "none", "label", "label", *["none"] * 5]
    table = trials(latent_dim=10, beta=beta, conditioning=given, seed=0)
    ranked = [f"J10-beta{one}-none" for one in (5, 10, 6, 3, 4, 7, 1)]
    study = unread(tmp_path, monkeypatch, table, [*ranked, "J10-beta10-label"])
    assert shown(study) == [
        "J10-beta5-none-seed0",
        "J10-beta10-none-seed0",
        "J10-beta6-none-seed0",
        "J10-beta1-none-seed0",
        "J10-beta10-label-seed0",
        "J10-beta1-label-seed0",  # not ranked
    ]


def test_the_one_with_the_most_knobs_that_turn_is_shown_first(tmp_path, monkeypatch):
    table = trials(latent_dim=10, beta=[3.0, 4, 5], conditioning="none", seed=0)
    study = unread(tmp_path, monkeypatch, table, [f"J10-beta{beta}-none" for beta in (3, 4, 5)])
    turning = {3: ["width"], 4: ["thickness", "slant"], 5: ["thickness", "slant"]}
    rows = [
        {"run": f"J10-beta{beta}-none-seed0", "key": "", "property": name, "asked": asked}
        | {"holds": asked == 0 or name in turning[beta]}
        for beta in turning
        for name in ("thickness", "slant", "width")
        for asked in (-0.5, 0.0, 0.5)
    ]
    write_table(study.folder, "knobs", pd.DataFrame(rows), None)
    assert [run[4:9] for run in shown(study)] == ["beta4", "beta3", "beta5"]


def test_one_run_a_configuration_the_lowest_seed(tmp_path, monkeypatch):
    table = trials(latent_dim=[3] * 3, beta=1.0, conditioning="none", seed=[2, 1, 3])
    assert shown(unread(tmp_path, monkeypatch, table)) == ["J3-beta1-none-seed1"]


def test_large_decoders_are_fewer_but_one(tmp_path, monkeypatch):
    table = trials(latent_dim=range(3, 12), beta=1.0, conditioning="none", seed=0)
    assert len(shown(unread(tmp_path, monkeypatch, table))) == N_RUNS
    assert len(shown(unread(tmp_path, monkeypatch, table.assign(hidden=1500)))) == 2
    assert len(shown(unread(tmp_path, monkeypatch, table.assign(hidden=9000)))) == 1


def test_a_study_without_weights_has_no_explorer(copy, capsys):
    for run in (PLAIN, LABEL):
        shutil.rmtree(f"{copy.folder}/runs/{run.run_id}")
    with pytest.raises(NothingToShow, match="holds the weights of no finished run; those of "):
        choose(copy)
    assert main([str(copy.folder)]) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("analysis.explorer: ")
    assert complaint.count("\n") == 1


def test_a_study_that_was_not_measured_has_unnamed_latents(copy):
    copy.folder.delete("alignment.parquet")
    bases = payload(copy, load(copy, [PLAIN.run_id]))["runs"][0]["bases"]
    assert list(bases) == ["latent"]
    kl = [float(row["text"].split()[1]) for row in bases["latent"]["rows"]]
    assert kl == sorted(kl, reverse=True)


def test_the_command_line(copy, capsys):
    assert main([str(copy.folder), "--runs", PLAIN.run_id]) == 0
    assert capsys.readouterr().out == f"{copy.folder}/explorer.html\n"
    page = copy.folder.read("explorer.html").decode()
    assert PLAIN.run_id in page
    assert LABEL.run_id not in page
    mistyped = PLAIN.run_id.replace("none", "nome")
    assert main([str(copy.folder), "--runs", mistyped]) == 1
    assert f"has no run {mistyped!r} (did you mean" in capsys.readouterr().err
    assert main([f"{copy.folder}/nowhere"]) == 1
    assert "no study at" in capsys.readouterr().err
