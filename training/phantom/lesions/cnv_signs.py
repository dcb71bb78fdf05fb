"""What goes with choroidal neovascularisation: drusen, fluid, cysts, bright dots, and what has been lost."""

import numpy as np

from training.phantom.curves import chance, log_uniform
from training.phantom.lesions.dme import foveal_cluster, small_cyst
from training.phantom.lesions.drusen import druse
from training.phantom.lesions.model import Atrophy, Cyst, Focus, Mound


def company(rng: np.random.Generator, centre: float) -> tuple[Mound, ...]:
    """Drusen beside the lesion, as most such eyes have."""
    if not chance(rng, 0.5):
        return ()
    level = float(rng.uniform(0.25, 0.6))
    return tuple(
        druse(rng, centre + float(rng.normal(0, 1800.0)), (40.0, 260.0), (22.0, 110.0), level)
        for _ in range(int(rng.integers(1, 9)))
    )


def fluid(rng: np.random.Generator, centre: float, reach: float, probability: float) -> tuple[Mound, ...]:
    """Sub-retinal fluid over the lesion or at its edge."""
    if not chance(rng, probability):
        return ()
    return tuple(
        Mound(
            centre + reach * float(rng.normal(0.0, 0.9)),
            0.0,
            log_uniform(rng, 130.0, 1000.0),
            log_uniform(rng, 16.0, 190.0),
            float(rng.uniform(2.0, 4.0)),
            level=float(rng.uniform(0.03, 0.2)),
            grain=0.05,
        )
        for _ in range(int(rng.integers(1, 4)))
    )


def swelling(rng: np.random.Generator, centre: float, reach: float) -> tuple[Mound, ...]:
    """Swelling above the lesion, or thinning where it has burnt out; often a retina that is uneven all over."""
    height = float(rng.uniform(10.0, 190.0)) if chance(rng, 0.5) else float(rng.uniform(-60.0, 15.0))
    over = Mound(
        centre + float(rng.normal(0, 200.0)),
        0.0,
        reach * float(rng.uniform(0.6, 1.5)) + 200.0,
        height,
        float(rng.uniform(1.5, 3.0)),
    )
    waves = tuple(
        Mound(float(rng.normal(0.0, 2000.0)), 0.0, float(rng.uniform(350.0, 1300.0)), float(rng.uniform(-50.0, 70.0)))
        for _ in range(int(rng.integers(0, 5)))
    )
    return (over, *waves)


def cysts(rng: np.random.Generator, centre: float, reach: float, probability: float) -> tuple[Cyst, ...]:
    """Cysts above the lesion."""
    if not chance(rng, probability):
        return ()
    level = float(rng.uniform(0.03, 0.2))
    cysts = [small_cyst(rng, centre, reach + 150.0, level) for _ in range(int(rng.integers(1, 9)))]
    if chance(rng, 0.45):
        cysts += foveal_cluster(rng, centre + float(rng.normal(0.0, 200.0)), level)
    return tuple(cysts)


def leakage(rng: np.random.Generator, centre: float) -> tuple[tuple[Mound, ...], tuple[Cyst, ...]]:
    """Large cysts in a retina swollen over the lesion: like DME above, unlike it below."""
    middle = centre + float(rng.normal(0.0, 150.0))
    mound = Mound(middle, 0.0, float(rng.uniform(300.0, 1100.0)), float(rng.uniform(80.0, 330.0)), float(rng.uniform(1.7, 3.0)))
    return (mound,), tuple(foveal_cluster(rng, middle, float(rng.uniform(0.03, 0.2))))


def foci(rng: np.random.Generator, centre: float, reach: float, family: str) -> tuple[Focus, ...]:
    """Hyperreflective foci and, in type 3, the vascular knot within the retina."""
    count = int(rng.integers(1, 10)) if chance(rng, 0.55) or family == "intraretinal" else 0
    dots = [
        Focus(
            centre + float(rng.normal(0, reach)),
            float(rng.normal(0, 8.0)),
            float(rng.uniform(7, 24)),
            float(rng.uniform(0.3, 0.97)),
            float(rng.uniform(0.5, 0.95)),
            float(rng.uniform(0, 0.4)),
        )
        for _ in range(count)
    ]
    if family == "intraretinal" or chance(rng, 0.06):  # the vascular knot itself
        dots.append(
            Focus(
                centre,
                0.0,
                float(rng.uniform(35, 90)),
                float(rng.uniform(0.55, 0.9)),
                float(rng.uniform(0.5, 0.8)),
                float(rng.uniform(0.05, 0.35)),
                1.4,
            )
        )
    return tuple(dots)


def atrophy(rng: np.random.Generator, centre: float, reach: float, worn: bool) -> tuple[Atrophy, ...]:
    """Lost photoreceptors over the lesion; where it has burnt out also lost RPE, and light below it."""
    loss = Atrophy(
        centre,
        0.0,
        reach * float(rng.uniform(0.7, 1.3)) + 80.0,
        float(rng.uniform(0.3, 1.0)),
        float(rng.uniform(0.1, 1.0) if worn else rng.uniform(0.0, 0.3)),
        float(rng.uniform(0.0, 0.55)) if worn or chance(rng, 0.3) else 0.0,
        float(rng.uniform(0.0, 0.6)) if worn else 0.0,
    )
    patches = [
        Atrophy(
            centre + float(rng.normal(0, 1.2 * reach)),
            0.0,
            log_uniform(rng, 60.0, 500.0),
            float(rng.uniform(0.3, 1.0)),
            float(rng.uniform(0.2, 0.9)),
            float(rng.uniform(0.1, 0.5)),
            float(rng.uniform(0.0, 0.5)),
        )
        for _ in range(int(rng.integers(1, 4)) if worn or chance(rng, 0.25) else 0)
    ]
    return (loss, *patches, *_moth_eaten(rng, centre, reach, worn))


def _moth_eaten(rng: np.random.Generator, centre: float, reach: float, worn: bool) -> tuple[Atrophy, ...]:
    """An RPE line broken in many places."""
    if not chance(rng, 0.7 if worn else 0.2):
        return ()
    return tuple(
        Atrophy(
            centre + float(rng.normal(0, 0.8 * reach)),
            0.0,
            log_uniform(rng, 25.0, 200.0),
            float(rng.uniform(0.2, 1.0)),
            float(rng.uniform(0.3, 1.0)),
            float(rng.uniform(0.0, 0.12)),
            0.0,
        )
        for _ in range(int(rng.integers(3, 14 if reach < 1200.0 else 26)))
    )
