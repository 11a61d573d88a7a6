"""The figures of the paper, to be shown beside those of an experiment.

They are of a commercial assistant with 10.9 million rows. Source: Anand, Tan, Minakova: Influence
Scores at Scale for Efficient Language Data Sampling. EMNLP 2023 (arXiv 2311.16298).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_OVERALL = (
    ("random", 0.52, 0.0604, 0.0556, 0.0526, 0.0498, -0.117),
    ("stratified", 0.52, 0.0523, 0.0514, 0.0487, 0.0492, -0.1014),
    ("vog-class", 0.52, 0.0548, 0.0508, 0.0520, 0.0440, -0.1053),
    ("vog-dataset", 0.52, 0.0294, 0.0365, 0.0318, 0.0334, -0.0565),
    ("vog-class", 0.46, 0.0362, 0.0377, 0.0363, 0.0339, -0.0787),
    ("vog-dataset", 0.46, 0.0152, 0.0220, 0.0172, 0.0209, -0.0325),
    ("vog-dataset", 0.14, 0.0053, 0.0102, 0.0053, 0.0097, -0.0386),
)

_BY_DOMAIN = (
    ("Music", "<0 / 1%", "-4 / -3%", "4 / 5%", "-3 / -1%", "4 / 5%"),
    ("Knowledge", "27 / <0%", "12 / 16%", "4 / 6%", "12 / 16%", "4 / 6%"),
    ("Video", "43 / -1%", "-1 / 9%", "2 / 4%", "1 / 7%", "1 / 4%"),
    ("Shopping", "18 / -5%", "-11 / -3%", "4 / 6%", "-8 / -1%", "4 / 5%"),
    ("Notifications", "-37 / -7%", "-2 / 22%", "2 / 2%", "2 / <0%", "2 / 1%"),
    ("Home Automation", "-29 / 2%", "-6 / -16%", "1 / 4%", "-3 / -8%", "1 / 3%"),
    ("Health & Fitness", "84 / -6%", "4 / 29%", "3 / -%", "6 / 35%", "5 / -%"),
)

_COMPOSITION = (
    ("Music", "18%", "11%", 1.5, 14.8, -0.35, -0.34, 0.10, 1.27),
    ("Home Automation", "12%", "11%", 2.3, 8.5, -0.31, -0.45, -0.24, 0.69),
    ("Knowledge", "11%", "15%", 0.1, 14.5, -0.28, -0.12, 0.11, 0.83),
    ("Notifications", "7%", "14%", 2.1, 10.2, -0.27, -0.44, -0.29, 0.54),
    ("Video", "6%", "25%", 1.6, 13.8, -0.39, 0.08, 0.86, 2.00),
    ("Shopping", "5%", "7%", 2.5, 12.9, -0.30, -0.13, 0.15, 0.93),
    ("Health & Fitness", "<1%", "96%", 2.3, 6.1, -0.22, 1.17, 1.52, 1.63),
)


def overall() -> pd.DataFrame:
    """Return relative changes of error rates: technique, fraction, four rates, σ of DCER."""
    import pandas as pd

    names = ("technique", "fraction", "dcer", "f_semer", "icer", "irer", "dcer_sigma")
    return pd.DataFrame(_OVERALL, columns=names)


def by_domain() -> pd.DataFrame:
    """Return the changes by domain as they are printed, dataset norm / class norm.

    `share` is that of the domain's share of the training rows.
    """
    import pandas as pd

    names = ("domain", "share", "dcer", "f_semer", "icer", "irer")
    return pd.DataFrame(_BY_DOMAIN, columns=names)


def composition() -> pd.DataFrame:
    """Return what the domains are made of, those that are printed.

    `share` is that of all rows, `synthetic` that of the synthetic ones in the domain, both as they
    are printed; entropies are in bits, and the last four columns are of VoG.
    """
    import pandas as pd

    names = (
        *("domain", "share", "synthetic", "intent_entropy", "trail_entropy"),
        *("median_class", "median_dataset", "mean_dataset", "std_dataset"),
    )
    return pd.DataFrame(_COMPOSITION, columns=names)
