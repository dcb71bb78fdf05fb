"""A bundle's thresholds made anew for one site, each as far as the site's scans go; the weights saw none of them."""

import math
from dataclasses import dataclass
from functools import partial
from itertools import count

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from lambda_src.decision import Rule
from lambda_src.model.manifest import Calibration, Conformal, Manifest, OodSpec, Reference
from training.adapt import FOLDS, OutOfFold, folds_by_patient
from training.errors import TrainingError
from training.fitting import crossed_sets, deferral, rule_of, several
from training.reference import reference
from training.thresholds import FLAGGED, calibration, conformal, flags, least_alpha, upper_quantile, with_threshold

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
LEAST_SURE = 0.05
"""Alpha goes no higher, or than the bundle's own, however many scans are deferred: a site must not buy answers with errors."""
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
class Ungradable:
    """How many scans with a label, and without one, the quality checks left out."""

    labelled: int = 0
    unlabelled: int = 0


@dataclass(frozen=True)
class Stays:
    """Why temperature, sets and the distance's threshold stay as they were, in words; None where they are made anew."""

    temperature: str | None
    sets: str | None
    distance: str | None


@dataclass(frozen=True)
class Recalibrated:
    """A site's thresholds, and what they make of its scans.

    Attributes:
        folds: its labelled scans, None for too few patients.
        deferred: share of these whose sets hold several classes (`most_deferred`), None where sets stay.
        at_most: share that was asked for.
    """

    calibration: Calibration
    conformal: Conformal
    ood: OodSpec
    reference: Reference
    stays: Stays
    folds: OutOfFold | None
    deferred: float | None
    at_most: float


def recalibrate(scans: SiteScans, bundle: Manifest, *, at_most: float, ungradable: Ungradable = Ungradable()) -> Recalibrated:
    """Make anew what the scans suffice for; the rest stays as the bundle has it.

    Of the distance, the threshold alone is made anew: a site has too few scans for a covariance whose tail holds.

    Args:
        scans: of the site.
        bundle: the manifest whose graph read them.
        at_most: share of scans that may be deferred, 0..1, by which alpha is chosen; more are where only a larger alpha than the
            bundle's own and LEAST_SURE would do.
        ungradable: scans of the site that are not among `scans`.

    Raises:
        TrainingError: there are fewer than FEWEST scans.
    """
    if len(scans) < FEWEST:
        raise TrainingError(f"{len(scans)} gradable scans are left that trained nothing; a site needs at least {FEWEST}")
    known = scans.take(scans.known)
    folds, sure = folded(known), bundle.conformal.alpha
    stays = Stays(_temperature_stays(known), _sets_stay(known, folds, sure), _distance_stays(scans))
    tempered, chosen, ood, deferred = bundle.calibration, bundle.conformal, bundle.ood, None
    if stays.temperature is None:
        tempered = calibration(known.logits, known.labels, fitted_on=known.words, cross_fitted=False)
    if folds and stays.sets is None:
        kept, up_to = tempered.temperature if stays.temperature else None, max(sure, LEAST_SURE)
        of = partial(most_deferred, folds, tempered.temperature, kept)
        alpha = least_alpha(of, at_most, up_to=up_to)
        chosen, deferred = conformal(known.logits, known.labels, tempered.temperature, alpha=alpha), of(alpha)
    else:
        chosen = at_temperature(chosen, bundle.calibration.temperature, tempered.temperature)
    if stays.distance is None:
        ood = with_threshold(ood, scans.embedding)
    told = usual(scans, rule_of(tempered, chosen, ood), ungradable)
    return Recalibrated(tempered, chosen, ood, told, stays, folds, deferred, at_most)


def usual(scans: SiteScans, rule: Rule, ungradable: Ungradable) -> Reference:
    """What a rule makes of the unlabelled scans, or of all where these are few: labelled scans are picked, so many a class."""
    few = int((~scans.known).sum()) < FEWEST
    chosen = scans if few else scans.take(~scans.known)
    unfit = ungradable.unlabelled + (ungradable.labelled if few else 0)
    fitted_on = f"{chosen.words}, and {unfit} that are ungradable" if unfit else chosen.words
    return reference(chosen.logits, chosen.embedding, rule, fitted_on=fitted_on, ungradable=unfit)


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


def _distance_stays(scans: SiteScans) -> str | None:
    patients = len(np.unique(scans.patients))
    if patients < FOLDS:
        return f"stays: scans of {patients} patients, {FOLDS} are needed"
    return None if len(scans) >= fewest(FLAGGED) else f"stays: {len(scans)} scans, {fewest(FLAGGED)} are needed"


def most_deferred(folds: OutOfFold, temperature: float, kept: float | None, alpha: float) -> float:
    """Share of scans whose sets hold several classes: fitted without their fold, or on all scans, whichever is more.

    `kept` is the temperature of every fold, None to fit it.
    """
    out_of_fold = several(crossed_sets(folds, alpha=alpha, kept=kept)[0])
    return max(deferral(folds.logits, folds.labels, temperature, alpha), out_of_fold)


def at_temperature(fitted: Conformal, old: float, new: float) -> Conformal:
    """Thresholds for probabilities at another temperature.

    1 - p <= t says that a class's log odds are at least logit(1 - t); between two classes these are the difference of the logits
    over the temperature, so that the same scans are deferred.
    """
    if old == new:
        return fitted
    moved = {name: round(float(expit(logit(value) * old / new)), 6) for name, value in fitted.thresholds.items()}
    return fitted.model_copy(update={"thresholds": moved})


def crossed_flags(scans: SiteScans, ood: OodSpec) -> NDArray[np.bool_]:
    """`flags` [N] by thresholds that are fitted without the patients of a scan's fold."""
    tops = scans.logits.argmax(axis=1)
    fold = folds_by_patient(tuple(scans.patients.tolist()), tops, FOLDS, seed=_SEED)
    flagged = np.zeros(len(scans), bool)
    for number in np.unique(fold):
        held = fold == number
        flagged[held] = flags(scans.embedding[held], with_threshold(ood, scans.embedding[~held]))
    return flagged
