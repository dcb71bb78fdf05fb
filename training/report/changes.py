"""The page of a robustness run: the shares, and every scan that is answered otherwise once it is perturbed."""

from collections.abc import Mapping, Sequence
from typing import Any

from lambda_src.finding import Finding
from training.evaluate import load
from training.perturbations import PERTURBATIONS
from training.report.errors import thumbnail
from training.report.page import card, cards, document, paragraph, section, table
from training.robustness import Changed, perturbed


def changes_page(result: Mapping[str, Any], changed: Sequence[Changed]) -> str:
    """The page, HTML; it holds pictures of scans, so it belongs outside the repository."""
    model = result["model"]
    below = f"{result['scans']} scans of {result['patients']} patients. Intervals are of 95 % and resample patients."
    words = (
        "Share of the scans whose top class changes, whose answer (outcome or label) changes, and that are answered both times "
        "with different labels."
    )
    shown = [section(name.replace("_", " "), _cards(changed, name)) for name in result["changed"]]
    return document(
        f"{model['name']} {model['version']}: changes that should change nothing",
        below,
        section("How many answers change", paragraph(words), table("change", result["changed"])),
        *shown,
    )


def _cards(changed: Sequence[Changed], name: str) -> str:
    own = [item for item in changed if item.perturbation == name]
    return cards([_card(item) for item in own]) if own else paragraph("None.")


def _card(item: Changed) -> str:
    after = perturbed(item.file, PERTURBATIONS[item.perturbation])
    pictures = [
        (thumbnail(load(item.file), item.before), "as it is"),
        (thumbnail(after, item.after), item.perturbation),
    ]
    lines = [f"before: {_said(item.before)}", f"after: {_said(item.after)}", item.file.path.name, item.file.sha256[:16]]
    return card(pictures, f"labelled {item.file.label}", lines, None)


def _said(finding: Finding) -> str:
    return f"{finding.outcome.replace('_', ' ')}, {finding.top_class} {finding.probabilities[finding.top_class]:.3f}"
