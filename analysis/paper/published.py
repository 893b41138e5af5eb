"""The paper's claims as data: what each says, what is compared, and within which bounds.

Bounds were set before the runs they judge were looked at.
"""

from typing import NamedTuple

from analysis.paper.checks import (
    INF,
    Check,
    aligned,
    below,
    cost,
    digits,
    figure,
    gain_beyond_ten,
    gap,
    kl_share,
    less,
    ratio,
    rises,
    still,
)

BETAS = (1, 3, 5, 10, 20)


class Claim(NamedTuple):
    """What the paper says."""

    id: str
    place: str
    statement: str
    compared: str  # what is compared, and why the bounds are as they are
    checks: list[Check]


CLAIMS = [
    Claim(
        "J-saturates",
        "4.1, Figure 3a",
        "The objective improves little for J above 10.",
        "Test objective at beta 1: the better of J = 20 and 200 against J = 10, as a share of it."
        " Little: at most 5%.",
        [Check("gain", gain_beyond_ten, -INF, 0.05)],
    ),
    Claim(
        "no-overfit",
        "4.1, Figure 3a",
        "Train and test curves stay close, up to J = 200.",
        "Test over train objective in the last epoch, beta 1, every J. Close: at most 3% apart.",
        [Check(f"J = {j}", gap(j), -0.03, 0.03) for j in (3, 5, 10, 20, 200)],
    ),
    Claim(
        "J-kl-share",
        "4.1, Figure 3b",
        "The KL fraction is about 6% at J = 3, rising to about 25% at J = 200.",
        "Test KL fraction at beta 1, within 2 and 3 points, and rising from J to J.",
        [
            Check("J = 3", kl_share(3, 1), 0.04, 0.08),
            Check("J = 200", kl_share(200, 1), 0.22, 0.28),
            *rises({f"J = {j}": kl_share(j, 1) for j in (3, 5, 10, 20, 200)}),
        ],
    ),
    Claim(
        "beta-costs",
        "4.2, Figure 4a",
        "The larger beta, the larger the objective; beta = 10 is almost 70% above beta = 1.",
        "Test objective at J = 10 without labels: rising, and the ratio of beta 10 to 1 within 1.60"
        " to 1.75.",
        [
            Check("beta 10 / beta 1", ratio(cost(10, 10), cost(10, 1)), 1.60, 1.75),
            *rises({f"beta {beta}": cost(10, beta) for beta in BETAS}, digits=1),
        ],
    ),
    Claim(
        "beta-kl-share",
        "4.2, Figure 4b",
        "The KL fraction falls as beta grows, except that beta = 10 breaks the order; at 10 it is"
        " below 3 and 5.",
        "Differences of the test KL fraction at J = 10 without labels.",
        [
            Check(f"beta {a} over {b}", less(kl_share(10, a), kl_share(10, b)), 0, INF)
            for a, b in ((1, 3), (3, 5), (3, 10), (5, 10), (20, 10))
        ],
    ),
    Claim(
        "beta-unused",
        "4.2, Figure 1b",
        "At beta = 10, without labels, about four of ten latents do not react to traversal.",
        "Latents whose picture changes by less than 0.04 a pixel over [-5, 5]; three to five.",
        [Check("latents", still(10, False), 3, 5, 1)],
    ),
    Claim(
        "beta-blur",
        "4.2, Figure 5",
        "Reconstructions blur as beta grows, and cannot be recognised at beta = 20.",
        "Blur, 1 - variance of the Laplacian over that of the originals, rises from beta to beta"
        " (J = 10, no labels); at beta 20 a reader tells at most half of the digits.",
        [
            *rises({f"beta {b}": figure("blur", 10, b) for b in BETAS}),
            Check("read at beta 20", figure("readable", 10, 20), -INF, 0.5),
        ],
    ),
    Claim(
        "cond-gain",
        "4.3, Figure 6a",
        "Labels lower the objective by about 15% in every case; at beta = 5 from 160 to 140.",
        "Test objective at J = 10 with labels against without, as a share: 10% to 20%; at beta 5"
        " within 5 nats of the paper's.",
        [
            *(
                Check(f"beta {b}", below(cost(10, b, True), cost(10, b)), 0.10, 0.20)
                for b in (1, 3, 5, 10)
            ),
            Check("beta 5, no labels", cost(10, 5), 155, 165, 1),
            Check("beta 5, labels", cost(10, 5, True), 135, 145, 1),
        ],
    ),
    Claim(
        "cond-kl-share",
        "4.3, Figure 6b",
        "With labels the KL fraction rises from 15% to over 20% for beta 1, 3, 5, then drops"
        " sharply at 10, below that of beta = 1.",
        "Test KL fraction at J = 10 with labels; beta 1 within 3 points of 15%.",
        [
            Check("beta 1", kl_share(10, 1, True), 0.12, 0.18),
            *rises({f"beta {b}": kl_share(10, b, True) for b in (1, 3, 5)}),
            Check("beta 5", kl_share(10, 5, True), 0.20, INF),
            Check("beta 1 over 10", less(kl_share(10, 1, True), kl_share(10, 10, True)), 0, INF),
        ],
    ),
    Claim(
        "kl-share-halves",
        "4.4, Figure 7b",
        "At beta = 10 labels cut the KL fraction from about 20% to almost 10%.",
        "Test KL fraction at J = 10: 17% to 23% without, 8% to 13% with labels.",
        [
            Check("no labels", kl_share(10, 10), 0.17, 0.23),
            Check("labels", kl_share(10, 10, True), 0.08, 0.13),
        ],
    ),
    Claim(
        "cond-unused",
        "4.3, Figure 1c",
        "With labels and beta = 10, seven of ten latents do not react to traversal.",
        "As beta-unused; six to eight.",
        [Check("latents", still(10, True), 6, 8, 1)],
    ),
    Claim(
        "three-factors",
        "4.3, Figure 1c",
        "With labels and beta = 10, three latents align with line weight, tilt and width.",
        "Properties that some latent is named after by the rules of analysis.alignment: all three.",
        [Check("properties", aligned, 3, 3, 1)],
    ),
    Claim(
        "all-digits",
        "4.3, Figure 8",
        "These three alignments hold for every digit.",
        "Digits in which the best aligned latent of each property moves it most, and the same way;"
        " the fewest over the three properties.",
        [Check("digits", digits, 10, 10, 1)],
    ),
]
