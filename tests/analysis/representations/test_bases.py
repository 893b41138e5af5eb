import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import PCA

from analysis.representations.bases import latent, pca
from analysis.representations.ica import fit as ica


def sources(n=4000, seed=0):
    """Four independent ones of unit variance: uniform, Laplace, exponential, two-humped."""
    rng = np.random.default_rng(seed)
    drawn = [rng.uniform(size=n), rng.laplace(size=n), rng.exponential(size=n), rng.normal(size=n)]
    drawn[3] = np.sign(drawn[3]) + 0.1 * drawn[3]
    stacked = np.column_stack(drawn)
    return (stacked - stacked.mean(axis=0)) / stacked.std(axis=0)


# columns of unequal length, so that the variances order the components: 9, 4, 1 and 0.25
MIXING = np.linalg.qr(np.random.default_rng(5).normal(size=(4, 4)))[0] @ np.diag([3, 2, 1, 0.5])
MIXING += 0.2 * np.random.default_rng(6).normal(size=(4, 4))


@pytest.fixture
def codes():
    return sources() @ MIXING.T + [1, -2, 0, 3]


def restored(basis):
    """The codes that a basis is of, by its own definition."""
    return basis.mean + basis.codes @ basis.mixing.T


def matched(one, other):
    """Mean absolute correlation of the columns, matched as well as can be."""
    n = one.shape[1]
    correlation = abs(np.corrcoef(one, other, rowvar=False)[:n, n:])
    return correlation[linear_sum_assignment(-correlation)].mean()


def test_ica_finds_planted_sources_where_pca_does_not(codes):
    basis = ica(codes)
    assert basis.converged
    assert matched(basis.codes, sources()) > 0.98
    mixed = sources() @ np.linalg.qr(np.ones((4, 4)) + np.eye(4))[0].T  # white: PCA sees no axes
    assert matched(ica(mixed).codes, sources()) > 0.98
    assert matched(pca(mixed).codes, sources()) < 0.9


def test_ica_directions_are_those_that_mixed(codes):
    directions = MIXING / np.linalg.norm(MIXING, axis=0)
    cosine = abs(ica(codes).mixing.T @ directions)
    assert np.allclose(np.sort(cosine, axis=1)[:, -1], 1, atol=0.01)


def test_pca_agrees_with_scikit_learn(codes):
    theirs, ours = PCA().fit(codes), pca(codes)
    np.testing.assert_allclose(ours.codes.var(axis=0, ddof=1), theirs.explained_variance_)
    np.testing.assert_allclose(abs(ours.mixing.T), abs(theirs.components_), atol=1e-9)


def test_same_components_order_and_sign_from_any_seed(codes):
    first = ica(codes, seed=0)
    for seed in range(1, 6):
        np.testing.assert_allclose(ica(codes, seed=seed).mixing, first.mixing, atol=0.02)
    again = ica(codes, seed=0)
    np.testing.assert_array_equal(again.codes, first.codes)


@pytest.mark.parametrize("make", [ica, pca])
def test_order_is_by_variance_and_the_largest_entry_is_positive(make, codes):
    basis = make(codes)
    assert (np.diff(basis.codes.var(axis=0)) < 0).all()
    assert (abs(basis.mixing).max(axis=0) == basis.mixing.max(axis=0)).all()
    np.testing.assert_allclose(np.linalg.norm(basis.mixing, axis=0), 1)


@pytest.mark.parametrize("make", [ica, pca])
def test_components_are_uncorrelated_and_their_variances_add_up(make, codes):
    components = make(codes).codes
    np.testing.assert_allclose(np.corrcoef(components, rowvar=False), np.eye(4), atol=1e-6)
    assert components.var(axis=0).sum() == pytest.approx(codes.var(axis=0).sum())


@pytest.mark.parametrize("make", [latent, pca, ica])
def test_components_lead_back_to_the_codes(make, codes):
    basis = make(codes)
    np.testing.assert_allclose(restored(basis), codes, atol=1e-9)
    components = (codes - basis.mean) @ basis.unmixing.T
    np.testing.assert_allclose(components, basis.codes, atol=1e-9)
    np.testing.assert_allclose(basis.unmixing @ basis.mixing, np.eye(4), atol=1e-9)


def test_latent_basis_is_the_codes_themselves(codes):
    np.testing.assert_array_equal(latent(codes).codes, codes)


@pytest.mark.parametrize("make", [pca, ica])
def test_dead_latents_take_no_part(make, codes):
    dead = 0.05 * np.random.default_rng(1).normal(size=(len(codes), 3)) + 7  # variance 0.0025
    among = np.column_stack([dead[:, 0], codes[:, :2], dead[:, 1], codes[:, 2:], dead[:, 2]])
    basis, alone = make(among), make(codes)
    assert basis.active.tolist() == [1, 2, 4, 5]
    np.testing.assert_allclose(basis.codes, alone.codes, atol=1e-6)
    assert not basis.mixing[[0, 3, 6]].any()
    assert not basis.unmixing[:, [0, 3, 6]].any()
    assert not np.ptp(restored(basis)[:, [0, 3, 6]], axis=0).any()


@pytest.mark.parametrize("make", [pca, ica])
def test_no_active_latent_makes_no_component(make):
    basis = make(np.full((50, 3), 2.0))
    assert basis.codes.shape == (50, 0)
    assert basis.converged
    np.testing.assert_array_equal(restored(basis), np.full((50, 3), 2.0))


@pytest.mark.parametrize("make", [pca, ica])
def test_a_single_active_latent_is_its_own_component(make):
    codes = np.zeros((50, 3))
    codes[:, 1] = np.linspace(-1, 5, 50)
    basis = make(codes)
    assert basis.converged
    np.testing.assert_allclose(basis.codes[:, 0], codes[:, 1] - 2)
    np.testing.assert_allclose(basis.mixing[:, 0], [0, 1, 0])


@pytest.mark.parametrize("make", [pca, ica])
def test_latents_that_copy_each_other_make_fewer_components(make, codes):
    copied = np.column_stack([codes, codes[:, 0] - 2 * codes[:, 1]])
    basis = make(copied)
    assert basis.codes.shape[1] == 4
    np.testing.assert_allclose(restored(basis), copied, atol=1e-6)


def test_two_hundred_latents():
    rng = np.random.default_rng(0)
    planted = rng.laplace(size=(3000, 20)) * np.linspace(3, 1, 20)
    codes = np.zeros((3000, 200))
    codes[:, ::10] = planted @ np.linalg.qr(rng.normal(size=(20, 20)))[0]
    codes += 0.01 * rng.normal(size=codes.shape)
    basis = ica(codes)
    assert basis.codes.shape == (3000, 20)
    assert matched(basis.codes, planted) > 0.98


def test_giving_up_is_reported_and_does_not_warn(codes):
    assert ica(codes).n_iterations < 100
    basis = ica(codes, max_iter=1)
    assert not basis.converged
    assert basis.n_iterations == 1
    np.testing.assert_allclose(restored(basis), codes, atol=1e-9)


def test_refuses_what_is_no_table_of_numbers():
    with pytest.raises(ValueError, match="two samples or more, got \\(5,\\)"):
        ica(np.zeros(5))
    with pytest.raises(ValueError, match="latents \\[1\\] are NaN or infinite"):
        pca([[0.0, np.nan], [1.0, 2.0]])
