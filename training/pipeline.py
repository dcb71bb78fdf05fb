"""The training from end to end: draw, pretrain, fine-tune, adapt to real scans, calibrate, export, write and score the bundle."""

import dataclasses
import hashlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from lambda_src.model.manifest import CLASSES, Training
from training.adapt import adapt, mean_weights, read_labelled
from training.both import contrast_beside
from training.bundle_writer import Contents, write_bundle
from training.checkpoint import StopSignal, load_checkpoint, save_atomically, seed_for
from training.data import generator_digest
from training.distributed import barrier, is_main
from training.drawing import Draws, draw, draw_pairs, phantom_seeds
from training.environment import Places
from training.errors import TrainingError
from training.evaluate import evaluate, report
from training.export import export, require_parity
from training.finetune import finetune, phantom_sources, steps_for
from training.fitting import Fitted, fit
from training.gate import gate_metrics
from training.localiser import Localiser, teach
from training.loop import Schedule
from training.network import Network, build_encoder, freeze, prefer_urgent
from training.quantise import INT8_FILE, agreement, quantise
from training.recipe import Recipe
from training.simclr import pretrain
from training.unlabelled import read_unlabelled
from training.weights import SOURCE

PARITY_SCANS = 100
RESULT_FILE = "training.json"


def train(recipe: Recipe, where: Places, stop: StopSignal, *, command: str) -> None:
    """Train and write a bundle.

    Raises:
        TrainingError: the data, the disk or the loss is at fault.
        Terminated: SIGTERM came.
    """
    code = revision()
    torch.manual_seed(seed_for(recipe.seed, "weights"))
    real = read_labelled(where.labelled, recipe.size) if where.labelled else None
    unlabelled = read_unlabelled(where.unlabelled, recipe.size) if where.unlabelled else None
    draws = draw(recipe, where.cache)
    network = Network(build_encoder(recipe.encoder, recipe.init), len(CLASSES), dropout=recipe.dropout)
    if where.start:
        load_weights(network, where.start)
    if recipe.init == "imagenet":
        freeze(network.encoder, recipe.frozen)
    losses = {"pretrain": _pretrain(network, recipe, where, stop)}
    losses["finetune"] = finetuned(network, draws, recipe, where, stop)
    if where.average:
        average_with(network, where.average)
        if (path := where.checkpoint("averaged")) and is_main():
            save_atomically(path, {"average": network.state_dict()})
    if unlabelled:
        path = where.checkpoint("beside")
        losses["beside"] = contrast_beside(network, unlabelled.pixels, draws, recipe, checkpoint=path, stop=stop)
    if real is None:
        prefer_urgent(network, recipe.urgent_factor)
    out_of_fold = adapt(network, real, draws, recipe, where, stop) if real else None
    network.encoder.dense()
    path, seeds = where.checkpoint("localiser"), phantom_seeds(recipe)
    localiser = teach(network, draws.phantoms, seeds, recipe, cache=where.cache, checkpoint=path, stop=stop)
    if is_main():
        fitted = fit(network, draws, recipe, out_of_fold=out_of_fold)
        training = Training(
            data={"phantoms": recipe.phantoms, "pairs": recipe.pretrain_pairs, "generator": generator_digest()},
            real_images_sha256=sorted({*(real.sha256 if real else ()), *(unlabelled.sha256 if unlabelled else ())}),
            revision=code,
            command=command,
            seed=recipe.seed,
            recipe={**dataclasses.asdict(recipe), "weights_source": weights_source(recipe, where)},
        )
        _finish(network, localiser, draws, fitted, training, recipe, where, losses)
    barrier()


def load_weights(network: Network, start: Path) -> None:
    """Fill the network with an earlier training's averaged weights, in place.

    Raises:
        TrainingError: the file is no checkpoint of the classifier stage.
    """
    network.load_state_dict(_weights_of(start))


def _weights_of(path: Path) -> dict[str, Tensor]:
    state = load_checkpoint(path)
    if state is None or "average" not in state or "head.weight" not in state["average"]:
        raise TrainingError(f"{path} is no finetune.pt of an earlier training")
    weights: dict[str, Tensor] = state["average"]
    return weights


def average_with(network: Network, path: Path) -> None:
    """The mean of these weights and an earlier training's of the same beginnings (Wortsman et al. 2022, "Model soups")."""
    network.load_state_dict(mean_weights([_weights_of(path), network.state_dict()]))


def weights_source(recipe: Recipe, where: Places) -> str:
    """Where the first weights came from."""
    parts = [SOURCE if recipe.init == "imagenet" else "random"]
    for verb, path in (("went on from", where.start), ("averaged with", where.average)):
        if path is not None:
            parts.append(f"{verb} an earlier training, finetune.pt sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}")
    return "; ".join(parts)


def _pretrain(network: Network, recipe: Recipe, where: Places, stop: StopSignal) -> list[float]:
    if not recipe.pretrain_pairs:
        return []
    pairs = draw_pairs(recipe, where.cache)
    return pretrain(network.encoder, pairs, recipe, checkpoint=where.checkpoint("pretrain"), stop=stop)


def finetuned(network: Network, draws: Draws, recipe: Recipe, where: Places, stop: StopSignal) -> list[float]:
    """Train the classifier on phantoms in place; none of it for 0 epochs, which leave the weights of `--start`.

    Raises:
        TrainingError: 0 epochs and no start.
    """
    if not recipe.epochs:
        if where.start is None:
            raise TrainingError(
                "epochs = 0 leaves the classifier untrained; give --start, whose weights are then taken as they are"
            )
        return []
    sources = phantom_sources(draws, recipe)
    steps = steps_for(len(draws.phantoms), recipe.epochs, sources[0].batch)
    schedule = Schedule(steps, recipe.rate, recipe.weight_decay, ema=recipe.ema)
    path = where.checkpoint("finetune")
    return finetune(network, sources, recipe, schedule, checkpoint=path, stop=stop)


def _finish(
    network: Network,
    localiser: Localiser,
    draws: Draws,
    fitted: Fitted,
    training: Training,
    recipe: Recipe,
    where: Places,
    losses: dict[str, list[float]],
) -> None:
    where.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "model.onnx"
        export(network, fitted.axes, localiser, recipe.size, graph)
        parity = require_parity(network, graph, draws.held_out.pixels[:PARITY_SCANS])
        small = Path(folder) / INT8_FILE
        quantise(graph, draws.phantoms.pixels, small)
        int8 = {"bytes": small.stat().st_size, "agreement_on_phantoms": agreement(graph, small, draws.held_out.pixels)}
        metrics = {**fitted.metrics, "onnx_parity": parity, "int8": int8}
        contents = Contents(
            name=recipe.name,
            version=recipe.version,
            size=recipe.size,
            precision="fp32",
            calibration=fitted.calibration,
            conformal=fitted.conformal,
            ood=fitted.ood,
            reference=fitted.reference,
            training=training,
            metrics=metrics,
        )
        manifest = write_bundle(
            where.out, graph, contents, others={INT8_FILE: small}, score=lambda work: _scored(work, where, recipe)
        )
    tqdm.write(f"bundle {manifest.name} {manifest.version} in {where.out}, model.onnx {manifest.model.bytes / 1e6:.1f} MB")
    for name, value in manifest.metrics["gate"].items():
        tqdm.write(f"metric={name.replace(' ', '_')} value={value:.6f}")
    result: dict[str, Any] = {"command": training.command, "revision": training.revision, "seed": recipe.seed}
    result |= {"recipe": dataclasses.asdict(recipe), "losses": losses, "model_sha256": manifest.model.sha256}
    result |= {"metrics": manifest.metrics, "errors": fitted.errors}
    folder_of_results = where.results or where.checkpoints or where.out.parent
    folder_of_results.mkdir(parents=True, exist_ok=True)
    (folder_of_results / RESULT_FILE).write_text(json.dumps(result, indent=1) + "\n")


def _scored(work: Path, where: Places, recipe: Recipe) -> dict[str, Any]:
    """Figures on scans that were trained on by nothing, if there are any."""
    if where.evaluate is None:
        return {}
    result = evaluate(work, where.evaluate)
    tqdm.write(report(result))
    kept = ("scans", "patients", "top_class_accuracy", "recall", "answered", "accuracy_answered", "coverage", "confusion")
    evaluation = {"looked_at": recipe.looked_at, **{name: result[name] for name in kept}}
    return {"evaluation": evaluation, "gate": gate_metrics(result)}


def revision() -> str:
    """The git revision, with a mark where the tree differs from it; what the job was told where there is no git."""
    told = os.environ.get("OCT_REVISION")
    if told:
        return told
    folder = Path(__file__).parent
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"
