"""Differences between studies that are known by hand."""

import numpy as np
import pandas as pd
import pytest
from pages import tiny
from scipy.stats import ttest_rel

from analysis.statistics.paired import differences, match, values_of
from study.storage.axes import DEFAULTS
from study.storage.tables import column_of


def runs(configs, costs=None, **more):
    """Finished trials of these configurations; their costs in nats."""
    rows = []
    for place, config in enumerate(configs):
        axes = {"run": config.run_id, "seed": config.seed}
        axes |= {column_of(key): value for key, value in config.identity().items()}
        rows.append({**axes, "epochs": config.epochs, "recon": (costs or [100.0] * 99)[place]})
    return pd.DataFrame(rows).assign(**more)


def compared(one, other):
    none = pd.DataFrame()
    found = differences(values_of(one, none), values_of(other, none), match(one, other).pairs)
    return found.set_index("name")


def test_a_difference_and_its_interval_by_hand():
    """Differences of 1, 2 and 3: mean 2, and t(0.975, 2) = 4.303 standard errors of 1 / sqrt(3)."""
    one = runs([tiny(seed=s) for s in (0, 1, 2)], [100.0, 110.0, 120.0])
    other = runs([tiny(seed=s, learning_rate=0.02) for s in (0, 1, 2)], [101.0, 112.0, 123.0])
    row = compared(one, other).loc["recon"]
    assert (row["mean_a"], row["mean_b"], row["difference"]) == (110.0, 112.0, 2.0)
    half = 4.302653 / 3**0.5
    assert (row["low"], row["high"]) == pytest.approx((2 - half, 2 + half), abs=1e-5)
    assert row["n_seeds"] == 3
    assert row["reason"] == ""


def test_its_interval_is_that_of_a_paired_t_test():
    rng = np.random.default_rng(0)
    before, after = rng.normal(100, 5, 6), rng.normal(103, 5, 6)
    one = runs([tiny(seed=s) for s in range(6)], list(before))
    other = runs([tiny(seed=s, batch_size=50) for s in range(6)], list(after))
    row = compared(one, other).loc["recon"]
    want = ttest_rel(after, before).confidence_interval()
    assert (row["low"], row["high"]) == pytest.approx((want.low, want.high))


def test_the_order_of_the_studies_flips_the_signs():
    one = runs([tiny(seed=s) for s in (0, 1)], [100.0, 104.0])
    other = runs([tiny(seed=s, learning_rate=0.02) for s in (0, 1)], [101.0, 108.0])
    there, back = compared(one, other).loc["recon"], compared(other, one).loc["recon"]
    assert there["difference"] == -back["difference"]
    assert (there["low"], there["high"]) == (-back["high"], -back["low"])
    assert (there["mean_a"], there["mean_b"]) == (back["mean_b"], back["mean_a"])


def test_a_study_does_not_differ_from_itself():
    one = runs([tiny(seed=s) for s in (0, 1)], [100.0, 104.0])
    found = match(one, one)
    assert found.apart == {}
    assert len(found.pairs) == 1
    row = compared(one, one).loc["recon"]
    assert (row["difference"], row["low"], row["high"]) == (0, 0, 0)


def test_keys_that_differ_are_left_out_of_the_match_and_told():
    one = runs([tiny(beta) for beta in (1.0, 4.0, 10.0)])
    other = runs([tiny(beta, learning_rate=0.02) for beta in (4.0, 10.0, 20.0)])
    found = match(one, other)
    assert found.apart["learning_rate"] == ("0.01", "0.02")
    assert found.apart["beta"] == ("1, 4, 10", "4, 10, 20")
    assert set(found.apart) == {"learning_rate", "beta"}
    assert match(one, runs([tiny(seed=3)])).apart["seed"] == ("0", "3")
    assert [a.split("-")[1] for a, _ in found.pairs] == ["beta4", "beta10"]
    assert all("lr" in b or "learning_rate" in b for _, b in found.pairs)


def test_other_code_of_the_same_name_is_another_configuration():
    one = runs([tiny()], network="nets:Mine@aaaaaaaa")
    other = runs([tiny()], network="nets:Mine@bbbbbbbb")
    assert match(one, other).apart["network"] == ("nets:Mine@aaaaaaaa", "nets:Mine@bbbbbbbb")
    both = pd.concat([one, other])
    assert len(match(one, both).pairs) == 1


def test_what_cannot_be_compared_says_why():
    def reasons(first, second):
        found = compared(first, second)
        assert found["difference"].isna().all() or "no interval" in found["reason"].iloc[0]
        return found.loc["recon", "reason"]

    one = runs([tiny()])
    assert "one seed in common" in reasons(one, runs([tiny(learning_rate=0.02)]))
    assert reasons(one, runs([tiny(seed=1)])) == "no seed in common"
    assert "different images" in reasons(one, one.assign(data="fashion"))
    assert "likelihoods" in reasons(one, one.assign(likelihood="gaussian"))


def test_scores_of_different_protocols_are_not_subtracted():
    one = runs([tiny(seed=s) for s in (0, 1)])

    def scored(n, version):
        rows = {"run": one["run"], "basis": "latent", "factors": "measured", "scope": "all"}
        protocol = f'{{"n_pairs": {n}, "versions": {{"numpy": "{version}"}}}}'
        table = pd.DataFrame(rows).assign(score="mig", value=[0.2, 0.3], protocol=protocol)
        return values_of(one, table)

    pairs = match(one, one).pairs
    assert set(differences(scored(64, "2.4"), scored(64, "2.5"), pairs)["reason"]) == {""}
    found = differences(scored(64, "2.4"), scored(3, "2.4"), pairs).set_index("name")
    assert found.loc["mig", "reason"] == "scored by different protocols: n_pairs"
    assert np.isnan(found.loc["mig", "difference"])


def test_every_key_of_a_configuration_can_tell_studies_apart():
    one = runs([tiny()])
    for key in DEFAULTS:
        assert key in match(one, one.assign(**{key: "another"})).apart
