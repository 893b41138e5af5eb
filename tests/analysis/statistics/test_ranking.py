import numpy as np
import pandas as pd
import pytest

from analysis.metrics import RANKABLE
from analysis.statistics.elbo import nats_of_labels
from analysis.statistics.ranking import agreement, ica_table, ranking, unranked
from study.storage.folder import Folder
from study.storage.tables import read_table, write_table

NO_PAIRS = pd.DataFrame(columns=["configuration", "value"])


def trials_of(*runs):
    """(run, J, beta, conditioning, seed, neg_elbo)"""
    columns = ["run", "latent_dim", "beta", "conditioning", "seed", "neg_elbo"]
    table = pd.DataFrame(runs, columns=columns).assign(state="done", active_latents=3)
    return table.assign(objective=table["neg_elbo"], neg_elbo_joint=table["neg_elbo"])


def scores_of(values, basis="latent"):
    """values: run -> score -> (value, half width); other scores are 0.5."""
    rows = []
    for run, known in values.items():
        for score in (*RANKABLE[1:], "digit_probe"):
            value, half = known.get(score, (0.5, 0.1))
            seed = int(run.split("-seed")[1])
            row = {
                "run": run,
                "seed": seed,
                "basis": basis,
                "factors": "measured",
                "scope": "all",
                "score": score,
                "value": value,
            }
            row |= {"low": value - half, "high": value + half, "saturated": value >= 0.99}
            row |= dict.fromkeys(
                ("chance", "rotated", "untrained", "pixel_pca", "raw_pixels", "shuffled"), 0.3
            )
            rows.append(row | dict.fromkeys(("oracle", "oracle_rotated"), 0.9))
    return pd.DataFrame(rows)


@pytest.fixture
def planted():
    """Higgins 0.9 at beta 4, 0.88 at 9; 0.6 at 1, which is cheapest; 99 failed."""
    trials = trials_of(
        ("J3-beta1-none-seed0", 3, 1.0, "none", 0, 100.0),
        ("J3-beta4-none-seed0", 3, 4.0, "none", 0, 110.0),
        ("J3-beta9-none-seed0", 3, 9.0, "none", 0, 120.0),
        ("J3-beta99-none-seed0", 3, 99.0, "none", 0, np.nan),
    )
    trials.loc[3, "state"] = "failed"
    scores = scores_of(
        {
            "J3-beta1-none-seed0": {"higgins": (0.6, 0.05), "mig": (0.3, 0.1)},
            "J3-beta4-none-seed0": {"higgins": (0.9, 0.05), "mig": (0.1, 0.1)},
            "J3-beta9-none-seed0": {"higgins": (0.88, 0.05), "mig": (0.2, 0.1)},
        }
    )
    return trials, scores


def test_ln_10_decides_who_is_on_the_front():
    """With labels 99 nats for the image cost 101.3 with the label: more than 100 without."""
    runs = [("J3-beta1-none-seed0", "none", 100.0), ("J3-beta1-label-seed0", "label", 99.0)]
    trials = trials_of(*((run, 3, 1.0, kind, 0, nats) for run, kind, nats in runs))
    scores = scores_of({runs[0][0]: {"higgins": (0.9, 0.01)}, runs[1][0]: {"higgins": (0.8, 0.01)}})
    for classes, front in ((1, [True, True]), (10, [True, False])):
        joint = trials["neg_elbo"] + nats_of_labels(trials["conditioning"], classes)
        ranked = ranking(trials.assign(neg_elbo_joint=joint), scores, NO_PAIRS)
        assert ranked["configuration"].tolist() == ["J3-beta1-none", "J3-beta1-label"]
        assert ranked["pareto"].tolist() == front


def test_the_order_is_that_of_the_means_and_the_unscored_come_last(planted):
    ranked = ranking(*planted, NO_PAIRS)
    names = ["J3-beta4-none", "J3-beta9-none", "J3-beta1-none", "J3-beta99-none"]
    assert ranked["configuration"].tolist() == names
    assert ranked["rank"].tolist()[:3] == [1, 2, 3]
    assert ranked["rank"].isna().tolist() == [False, False, False, True]
    assert ranked["verdict"].tolist() == ["not decided"] * 3 + [""]
    assert ranked["pareto"].tolist() == [True, False, True, False]
    assert ranked["n_scored"].tolist() == [1, 1, 1, 0]
    assert ranked["digit_probe"].tolist()[:3] == [0.5, 0.5, 0.5]
    assert ranked["higgins_untrained"].tolist()[:3] == [0.3, 0.3, 0.3]


def test_configurations_are_compared_with_the_best_of_the_others():
    """0.9, 0.8 and 0.4, the same in every seed but for what seeds share."""
    means = {1: 0.4, 4: 0.9, 9: 0.8}
    runs = [(f"J3-beta{beta}-none-seed{seed}", 3, float(beta), "none", seed, 100.0)
            for beta in means for seed in range(3)]  # fmt: skip
    values = {run[0]: {"higgins": (means[int(run[2])] + run[4] / 100, 0.01)} for run in runs}
    ranked = ranking(trials_of(*runs), scores_of(values), NO_PAIRS)
    assert ranked["difference"].tolist() == pytest.approx([0.1, -0.1, -0.5])
    assert ranked["difference_low"].tolist() == pytest.approx([0, -0.1, -0.5])
    assert ranked["difference_high"].tolist() == pytest.approx([0.1, 0, 0], abs=1e-12)
    assert ranked["verdict"].tolist() == ["among the best", "behind", "behind"]


def test_few_pairs_on_redrawn_images_within_the_class_rank_where_they_are_there(planted):
    """There beta 1 is best, with the published score on measured factors beta 4 is."""
    trials, scores = planted
    published = ranking(trials, scores, NO_PAIRS)
    assert set(published["ranked_by"]) == {"Higgins on measured factors"}
    assert published["configuration"].iloc[0] == "J3-beta4-none"
    few = scores[scores["score"] == "higgins"].assign(
        score="higgins_few", factors="intervention", scope="within", rotated=0.5
    )
    few["value"] = few["run"].map({run: 1 - n / 10 for n, run in enumerate(trials["run"])})
    ranked = ranking(trials, pd.concat([scores, few]), NO_PAIRS)
    assert ranked["configuration"].iloc[0] == "J3-beta1-none"
    assert ranked["score"].tolist()[:3] == pytest.approx([1, 0.9, 0.8])
    assert ranked["score_rotated"].tolist()[:3] == [0.5, 0.5, 0.5]
    assert ranked["higgins"].tolist()[:3] == [0.6, 0.9, 0.88]
    words = "Higgins (3 pairs) on redrawn images, within the class"
    assert ranked["ranked_by"].iloc[0] == words


def test_no_interval_goes_beyond_what_a_score_can_be():
    runs = [(f"J3-beta{beta}-none-seed{seed}", 3, float(beta), "none", seed, 100.0)
            for beta in (1, 4) for seed in range(2)]  # fmt: skip
    wide = dict(zip((run[0] for run in runs), (0.2, 0.9, 0.8, 0.1), strict=True))
    ranked = ranking(trials_of(*runs), scores_of({run: {"higgins": (value, 0.01)}
                     for run, value in wide.items()}), NO_PAIRS)  # fmt: skip
    assert ranked["higgins_low"].tolist() == [0, 0]
    assert ranked["higgins_high"].tolist() == [1, 1]
    assert ranked["difference_low"].tolist() == [-1, -1]
    assert ranked["difference_high"].tolist() == [1, 1]


def test_seeds_are_averaged_and_their_spread_widens_the_interval():
    runs = [(f"J3-beta1-none-seed{seed}", 3, 1.0, "none", seed, 100.0 + seed) for seed in range(3)]
    scores = scores_of({run[0]: {"higgins": (0.5 + 0.1 * run[4], 0.01)} for run in runs})
    pairs = pd.DataFrame({"configuration": ["J3-beta1-none"] * 3, "value": [0.2, 0.3, 0.4]})
    row = ranking(trials_of(*runs), scores, pairs).iloc[0]
    assert row["higgins"] == pytest.approx(0.6)
    assert row["higgins_high"] - row["higgins_low"] > 0.15
    assert (row["neg_elbo"], row["n_scored"]) == (101, 3)
    assert row["udr"] == pytest.approx(0.3)


def test_agreement_of_orders_by_hand(planted):
    table = agreement(ranking(*planted, NO_PAIRS)).set_index("score")
    assert table.loc["higgins", "higgins"] == pytest.approx(1)
    # Higgins: 4 > 9 > 1, MIG: 1 > 9 > 4, ELBO: 1 > 4 > 9
    assert table.loc["higgins", "mig"] == pytest.approx(-1)
    assert table.loc["higgins", "elbo"] == pytest.approx(-1 / 3)
    assert np.isnan(table.loc["higgins", "sap"])  # all equal
    assert np.isnan(table.loc["higgins", "udr"])  # none


def test_ica_table_sets_before_beside_after(planted):
    _, scores = planted
    before = scores.assign(conditioning="none", latent_dim=3, beta=1.0, converged=True)
    after = before.assign(basis="ica", converged=False)
    after[["value", "low", "high"]] += 0.3
    table = ica_table(pd.concat([before, after])).query("score == 'higgins'")
    assert len(table) == 3
    assert np.allclose(table["change"], 0.3)
    assert table["separated"].all()
    assert (table["converged"] == 0).all()
    assert table["pca"].isna().all()


def test_half_an_active_latent_is_a_mean_over_seeds(tmp_path):
    """27 active latents with one seed and 26 with another."""
    ranked = pd.DataFrame({"configuration": ["J200-beta1-none"], "active_latents": [26.5]})
    write_table(Folder(tmp_path), "ranking", ranked, None)
    pd.testing.assert_frame_equal(read_table(Folder(tmp_path), "ranking"), ranked)


def test_scores_without_factors_rank_nothing_and_say_why(planted):
    """What there is of a configuration stands all the same; of one factor MIG would, too."""
    trials, scores = planted
    assert unranked(scores) == ""
    assert unranked(scores.iloc[:0]) == ""
    without = scores[scores["score"] == "digit_probe"].assign(factors="", scope="")
    ranked = ranking(trials, without, NO_PAIRS)
    assert ranked["rank"].isna().all()
    assert ranked["neg_elbo_joint"].tolist()[:3] == [100.0, 110.0, 120.0]
    assert ranked["digit_probe"].tolist()[:3] == [0.5] * 3
    assert "neither known nor measured" in unranked(without)
    assert ica_table(without).empty
    assert {"score", "latent", "ica", "change"} <= set(ica_table(without))
    one = scores[~scores["score"].isin(["higgins", "factor_vae"])]
    assert "one factor" in unranked(one)
