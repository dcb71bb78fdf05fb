"""A bundle's thresholds made anew for one site, each as far as the site's scans go; the weights saw none of them."""

import math
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from lambda_src.decision import SCORE_DECIMALS
from lambda_src.model.manifest import Calibration, Conformal, Manifest, OodSpec, Reference
from training.adapt import FOLDS, OutOfFold, folds_by_patient
from training.errors import TrainingError
from training.fitting import crossed_sets, rule_of
from training.reference import reference
from training.thresholds import FLAGGED, calibration, conformal, distances, fit_ood, least_alpha, upper_quantile

UNKNOWN = -1
"""Label of a scan without one."""
FEWEST = 20
"""Scans in all: with fewer nothing is said of a site."""
FEWEST_LABELLED = 30
FEWEST_WRONG = 5
"""For a temperature. Where no scan is wrong its likelihood grows without end as it falls: few errors alone hold it."""
SURE_ENOUGH = 0.02
"""Sets are made anew where the scans allow an alpha as small as the bundle's own, or as this: few scans alone must not make them
less sure."""
PER_AXIS = 10
"""Scans for each axis of the embedding, for a covariance."""
_SEED = 0


@dataclass(frozen=True)
class SiteScans:
    """What a bundle's graph gave for N gradable scans: logits float32 [N, classes], embedding float32 [N, D], labels int64 [N]
    (UNKNOWN where there is none), patients [N]."""

    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]
    labels: NDArray[np.int64]
    patients: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which scans have a label, [N]."""
        return np.asarray(self.labels != UNKNOWN)

    @property
    def words(self) -> str:
        """How many there are."""
        return f"{len(self)} scans of {len(np.unique(self.patients))} patients of one site"

    def take(self, chosen: NDArray[np.bool_]) -> "SiteScans":
        """Some of them; `chosen` is [N]."""
        return SiteScans(self.logits[chosen], self.embedding[chosen], self.labels[chosen], self.patients[chosen])


@dataclass(frozen=True)
class Stays:
    """Why temperature, sets and distance stay as they were, in words; None where they are made anew."""

    temperature: str | None
    sets: str | None
    distance: str | None


@dataclass(frozen=True)
class Recalibrated:
    """A site's thresholds, and what they make of its scans.

    `folds` are its labelled scans, None for too few patients; `apart` is of `halves`.
    """

    calibration: Calibration
    conformal: Conformal
    ood: OodSpec
    reference: Reference
    stays: Stays
    folds: OutOfFold | None
    apart: NDArray[np.bool_]


def recalibrate(scans: SiteScans, bundle: Manifest, *, at_most: float) -> Recalibrated:
    """Make anew what the scans suffice for; the rest stays as the bundle has it.

    Args:
        scans: of the site.
        bundle: the manifest whose graph read them.
        at_most: largest share of scans that may be deferred, 0..1, by which alpha is chosen.

    Raises:
        TrainingError: there are fewer than FEWEST scans.
    """
    if len(scans) < FEWEST:
        raise TrainingError(f"{len(scans)} gradable scans are left that trained nothing; a site needs at least {FEWEST}")
    known = scans.take(scans.known)
    folds, apart = folded(known), halves(scans)
    stays = Stays(_temperature_stays(known), _sets_stay(known, folds, bundle.conformal.alpha), _distance_stays(scans, apart))
    tempered, chosen, ood = bundle.calibration, bundle.conformal, bundle.ood
    if stays.temperature is None:
        tempered = calibration(known.logits, known.labels, fitted_on=known.words, cross_fitted=False)
    if folds and stays.sets is None:
        chosen = fit_sets(folds, tempered.temperature, renewed=stays.temperature is None, at_most=at_most)
    else:
        chosen = at_temperature(chosen, bundle.calibration.temperature, tempered.temperature)
    if stays.distance is None:
        ood = fit_ood(scans.embedding[apart], scans.embedding[~apart])
    usual = scans if (~scans.known).sum() < FEWEST else scans.take(~scans.known)  # labelled scans are picked, so many a class
    told = reference(usual.logits, usual.embedding, rule_of(tempered, chosen, ood), fitted_on=usual.words)
    return Recalibrated(tempered, chosen, ood, told, stays, folds, apart)


def folded(known: SiteScans) -> OutOfFold | None:
    """Labelled scans by folds of whole patients, without each of which thresholds can be fitted; None for too few patients."""
    if len(np.unique(known.patients)) < FOLDS:
        return None
    patients = tuple(known.patients.tolist())
    fold = folds_by_patient(patients, known.labels, FOLDS, seed=_SEED)
    return OutOfFold(
        logits=known.logits,
        features=known.embedding,
        labels=known.labels,
        patients=patients,
        sha256=(),  # nothing of a site names its files
        repeat=np.zeros_like(fold),
        fold=fold,
    )


def halves(scans: SiteScans) -> NDArray[np.bool_]:
    """Whether a scan is of the half that the distance is fitted on, [N]; the other half's patients set its threshold."""
    tops = scans.logits.argmax(axis=1)
    return np.asarray(folds_by_patient(tuple(scans.patients.tolist()), tops, 2, seed=_SEED) == 0)


def fewest(alpha: float) -> int:
    """Scans from which on `upper_quantile` is finite."""
    return next(number for number in count(1) if math.isfinite(upper_quantile(np.zeros(number), alpha)))


def _temperature_stays(known: SiteScans) -> str | None:
    wrong = int((known.logits.argmax(axis=1) != known.labels).sum())
    if len(known) < FEWEST_LABELLED:
        return f"stays: {len(known)} labelled scans, {FEWEST_LABELLED} are needed"
    if len(np.unique(known.labels)) < 2:
        return "stays: all labelled scans are of one class"
    return None if wrong >= FEWEST_WRONG else f"stays: {wrong} labelled scans are read wrongly, {FEWEST_WRONG} are needed"


def _sets_stay(known: SiteScans, folds: OutOfFold | None, alpha: float) -> str | None:
    if folds is None:
        return f"stay: labelled scans of {len(np.unique(known.patients))} patients, {FOLDS} are needed"
    if len(np.unique(known.labels)) < 2:
        return "stay: all labelled scans are of one class"
    sure, without_a_fold = max(alpha, SURE_ENOUGH), len(known) - int(np.bincount(folds.fold).max())
    if without_a_fold >= fewest(sure):
        return None
    return f"stay: {without_a_fold} labelled scans without one fold of {FOLDS}, {fewest(sure)} are needed at alpha {sure:g}"


def _distance_stays(scans: SiteScans, apart: NDArray[np.bool_]) -> str | None:
    patients = len(np.unique(scans.patients))
    if patients < FOLDS:
        return f"stays: scans of {patients} patients, {FOLDS} are needed"
    least, smaller = max(fewest(FLAGGED), PER_AXIS * scans.embedding.shape[1]), int(min(apart.sum(), (~apart).sum()))
    return None if smaller >= least else f"stays: {smaller} scans in the smaller half of the patients, {least} are needed"


def fit_sets(folds: OutOfFold, temperature: float, *, renewed: bool, at_most: float) -> Conformal:
    """Sets at the least alpha that defers no more than a share `at_most` out of fold; `renewed` is whether the temperature is."""
    kept = None if renewed else temperature

    def deferred(alpha: float) -> float:
        members, _ = crossed_sets(folds, alpha=alpha, kept=kept)
        return float((members.sum(axis=1) > 1).mean())

    return conformal(folds.logits, folds.labels, temperature, alpha=least_alpha(deferred, at_most))


def at_temperature(fitted: Conformal, old: float, new: float) -> Conformal:
    """Thresholds for probabilities at another temperature.

    1 - p <= t says that a class's log odds are at least logit(1 - t); between two classes these are the difference of the logits
    over the temperature, so that the same scans are deferred.
    """
    if old == new:
        return fitted
    moved = {name: round(float(expit(logit(value) * old / new)), 6) for name, value in fitted.thresholds.items()}
    return fitted.model_copy(update={"thresholds": moved})


def flags(embedding: NDArray[np.float32], ood: OodSpec) -> NDArray[np.bool_]:
    """Which embeddings [N, D] serving would call out of distribution, [N]."""
    far = distances(embedding, np.asarray(ood.mean, np.float64), np.asarray(ood.precision, np.float64))
    return np.asarray(np.round(far, SCORE_DECIMALS) > ood.threshold)


def crossed_flags(scans: SiteScans) -> NDArray[np.bool_]:
    """`flags` [N] by distances that are fitted, threshold and all, without the patients of a scan's fold."""
    tops = scans.logits.argmax(axis=1)
    fold = folds_by_patient(tuple(scans.patients.tolist()), tops, FOLDS, seed=_SEED)
    flagged = np.zeros(len(scans), bool)
    for number in np.unique(fold):
        held = fold == number
        rest = scans.take(~held)
        apart = halves(rest)
        flagged[held] = flags(scans.embedding[held], fit_ood(rest.embedding[apart], rest.embedding[~apart]))
    return flagged
