"""One segmentor in training and evaluation, as Lightning sees it.

The whole run is one Lightning epoch of ``loop.max_iters`` batches, so the batch index is the iteration. Everything
random in an iteration is seeded from (seed, iteration, process): a resumed run repeats the uninterrupted one without
stored generators.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from segue.errors import DataError
from segue.inference.segment import first_views, predicts_depth, seen_in
from segue.training.chores.validation_loss import ValidationLoss
from segue.training.compute.denominator import StepMean
from segue.training.data import Batch, Loader
from segue.training.failures.not_finite import all_finite
from segue.training.failures.report import step_error
from segue.training.optimizers import build_optimizer
from segue.training.recipe import Evaluation, Recipe
from segue.training.refined import refiner
from segue.training.schedule import Schedule
from segue.training.step import losses_of
from segue.training.streams import seed_step
from segue.types import SegSample

#: fp16's loss scaling skips a step whose gradients overflow; this many in a row are no longer an accident.
FP16_PATIENCE = 20


class SegmentationTask(LightningModule):
    """Trains and evaluates ``model``.

    Args:
        model: the segmentor.
        evaluation: how it is evaluated.
        recipe: how it is trained; None where it is only evaluated.
    """

    def __init__(self, model: nn.Module, evaluation: Evaluation, recipe: Recipe | None = None) -> None:
        super().__init__()
        self.model = model
        self.evaluation = evaluation
        self._recipe = recipe
        self.schedule: Schedule | None = None
        #: Values of the last iteration, detached, on the device: the losses by name, ``loss``, ``grad_norm``.
        self.values: dict[str, Tensor] = {}
        self.predicted: list[tuple[SegSample, Tensor]] = []  # of the last batch of a validation, for hooks
        self.losses = ValidationLoss() if recipe is not None else None
        if recipe is not None:
            self.mean = StepMean(recipe.wrapper, recipe.loop.max_iters)
        #: Of the last evaluation.
        self.metrics: dict[str, float] = {}
        self.notes: dict[str, Any] = {}
        self._bad = 0
        self._batch: Any = None  # of the running step, to do it again if it fails
        self._looked: tuple[Tensor, torch.cuda.Event | None, list[Any]] = torch.ones(()), None, []
        self._gradients: dict[str, Tensor] = {}
        self._schedule_state: dict[str, int] | None = None

    @property
    def trains(self) -> bool:
        """Whether the model is trained, and not only measured."""
        return self._recipe is not None

    @property
    def recipe(self) -> Recipe:
        """How the model is trained."""
        assert self._recipe is not None, "this task only evaluates"
        return self._recipe

    def setup(self, stage: str) -> None:
        """All processes take the seed of the first: without a given one, each has drawn its own."""
        if self._recipe is not None:
            self._recipe.seed = self.notes["seed"] = self.trainer.strategy.broadcast(self._recipe.seed)

    # training

    def train_dataloader(self) -> Loader:
        """This process's batches."""
        return self.recipe.train_loader(self.trainer.global_rank, self.trainer.world_size)

    def val_dataloader(self) -> Any:
        """This process's validation batches; none without a validation set."""
        make = self.recipe.val_loader
        return make(self.trainer.global_rank, self.trainer.world_size) if make else []

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimizer, with the rates of iteration 0."""
        loop = self.recipe.loop
        rules = self.recipe.rules
        optimizer = build_optimizer(self.model, self.recipe.wrapper, lr_scale=self.recipe.lr_scale, rules=rules)
        self.schedule = Schedule(optimizer, rules, loop.epoch_length if loop.by_epoch else 0, self.model)
        return optimizer

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Leave it where it is: the preprocessor moves the images, and labels follow when they are stacked."""
        return batch

    def on_train_start(self) -> None:
        """Gradients of an unfinished accumulation continue where they were saved."""
        self.model.train()
        for name, parameter in self.model.named_parameters():
            if name in self._gradients:
                parameter.grad = self._gradients[name].to(parameter.device)
        self._gradients = {}

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the iteration's learning rates and random numbers, and how far a model's annealing has come."""
        assert self.schedule is not None
        self.schedule.advance(batch_idx)
        anneal: Any = getattr(self.model, "anneal", None)
        if anneal is not None:
            anneal(batch_idx, self.recipe.loop.max_iters)
        seed_step(self.recipe.seed, batch_idx, self.global_rank)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The total loss: the sum of the values whose name contains ``loss``."""
        total, values, samples = losses_of(self.model, batch)
        self._batch = batch
        self._look(total.detach(), samples)
        others = {name: value.detach() for name, value in values.items() if name != "loss"}
        self.values = {"loss": total.detach(), **others}
        scaled: Tensor = total * self.mean.factor(batch_idx, samples)
        return scaled

    def looked_at(self, loss: Tensor) -> None:
        """Before the backward pass of a loop of the user's own: note a loss that no step of this task has computed."""
        self._batch = None
        self._look(loss.detach().sum(), [])
        self.values.setdefault("loss", loss.detach())

    def _look(self, total: Tensor, samples: list[Any]) -> None:
        # On a GPU the answer is fetched while the backward pass is queued, so that the check costs no waiting.
        finite = torch.isfinite(total)
        event = None
        if total.is_cuda:
            finite = torch.empty((), dtype=torch.bool, pin_memory=True).copy_(finite, non_blocking=True)
            make: Callable[[], torch.cuda.Event] = torch.cuda.Event  # which torch leaves without types
            event = make()
            event.record()
        self._looked = finite, event, samples

    def on_after_backward(self) -> None:
        """Stop before the optimizer steps with a loss or gradients that are no numbers."""
        finite, event, samples = self._looked
        if event is not None:
            event.synchronize()
        scaled = getattr(self.trainer.precision_plugin, "scaler", None) is not None
        what = "" if bool(finite) else "loss"
        if not what and not scaled:  # fp16's scaler looks at the gradients itself, and leaves out such a step
            what = (
                "" if bool(all_finite([p.grad for p in self.model.parameters() if p.grad is not None])) else "gradient"
            )
        if not what:
            self._bad = 0
            return
        self._bad += 1
        if scaled and self._bad < FP16_PATIENCE:
            return
        raise step_error(self, self._batch, samples, what)

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        """``clip_grad``, over all parameters together."""
        self.mean.finish(optimizer, self.trainer)
        given = dict(self.recipe.wrapper.clip_grad or {})
        if not given:
            return
        kind = given.pop("type", "norm")
        parameters = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if kind == "value":
            nn.utils.clip_grad_value_(parameters, **given)
        else:
            self.values["grad_norm"] = nn.utils.clip_grad_norm_(parameters, **given).detach()

    @property
    def iteration(self) -> int:
        """The iteration that runs or has just finished, counted from 1; 0 before the first."""
        return self.trainer.fit_loop.batch_idx + 1

    # evaluation

    def on_validation_start(self) -> None:
        """All processes measure the model that is saved: batch statistics that are not synchronized are process 0's."""
        if self.trainer.world_size > 1:
            for buffer in self.model.buffers():
                torch.distributed.broadcast(buffer, src=0)

    def on_validation_epoch_start(self) -> None:
        """Forget the last evaluation."""
        for metric in self.evaluation.metrics:
            metric.reset()
        if self.losses:
            self.losses.reset()
        if self.evaluation.card is not None:
            self.evaluation.card.begin(self.iteration if self.trains else None)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Label maps of the original size enter the metrics, or depths."""
        with torch.autocast(self.device.type, enabled=self.evaluation.mixed and self.device.type != "mps"):
            seen = seen_in(self.model, batch, refiner(self.evaluation.crf, batch["data_samples"]))
        predicted, samples = [one.labels for one in seen], first_views(batch["data_samples"])
        self.predicted = list(zip(samples, predicted, strict=True))
        depths, card = predicts_depth(self.model), self.evaluation.card
        for at, (labels, sample, counted) in enumerate(zip(predicted, samples, batch["counted"], strict=True)):
            if not counted:
                continue
            truth = sample.gt_depth_map if depths else sample.gt_sem_seg
            if truth is not None and truth.shape != labels.shape:
                raise DataError(
                    f"{sample.meta.get('img_path', '?')}: the prediction is {tuple(labels.shape)}, the label "
                    f"{tuple(truth.shape)}; {'LoadDepthAnnotation' if depths else 'LoadAnnotations'} comes after "
                    "Resize in a test pipeline"
                )
            for metric in self.evaluation.metrics:
                metric.update(labels, None if truth is None else truth.to(labels.device), sample.meta)
            if self.losses is not None and not depths:
                self.losses.add(self.model, seen[at], truth)
            if card is not None:
                card.update(self.model, seen[at], sample, batch, at)

    def on_validation_epoch_end(self) -> None:
        """Merge the processes' counts and compute the metrics."""
        self.metrics = {}
        for metric in self.evaluation.metrics:
            if self.trainer.world_size > 1:
                state = metric.state()
                merge = self.trainer.strategy.reduce
                metric.load({k: merge(v.to(self.device), reduce_op="sum") for k, v in state.items()})
            self.metrics |= {k: float(v) for k, v in metric.compute().items()}
        if self.losses is not None and self.metrics:  # after the metrics, of which the first is the best by default
            self.metrics = {**self.metrics, **self.losses.value(self.trainer), **self.metrics}
        self.log_dict({f"val/{name}": value for name, value in self.metrics.items()})
        if self.schedule is not None and self.schedule.watches and self.trainer.state.fn == "fit":
            self.schedule.judge(self.iteration, self.logged())

    def logged(self) -> dict[str, float]:
        """What a hook may watch: the last iteration's losses, the mean over processes, and the metrics, which win."""
        mean = self.trainer.strategy.reduce
        values = self.values if self.trainer.world_size == 1 else {k: mean(v) for k, v in self.values.items()}
        return {**{name: float(value) for name, value in values.items()}, **self.metrics}

    def test_dataloader(self) -> Loader:
        """This process's test batches."""
        make = self.evaluation.loader
        assert make is not None
        return make(self.trainer.global_rank, self.trainer.world_size)

    def on_test_epoch_start(self) -> None:
        """As in validation."""
        self.on_validation_epoch_start()

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """As in validation."""
        self.validation_step(batch, batch_idx)

    def on_test_epoch_end(self) -> None:
        """As in validation."""
        self.on_validation_epoch_end()

    # checkpoints

    def deployable(self) -> dict[str, Tensor]:
        """The weights to use: the averaged ones if weights are averaged, with the segmentor's own keys."""
        average = self._recipe.averaging if self._recipe else None
        return average.deployable(self.model) if average else dict(self.model.state_dict())

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the segmentor's own keys, the averaged weights as the weights, and what resuming needs besides."""
        assert self.schedule is not None
        trained = {k.removeprefix("model."): v for k, v in checkpoint["state_dict"].items()}
        checkpoint["state_dict"] = trained
        if self.recipe.averaging:
            average = self.recipe.averaging.averaged()
            checkpoint["state_dict"] = {k: average.get(k, v) for k, v in trained.items()}
            checkpoint["trained_state_dict"] = {k: v for k, v in trained.items() if k in average}
        checkpoint["schedule"] = self.schedule.state_dict()
        if self.trainer.fit_loop._should_accumulate():
            named = self.model.named_parameters()
            checkpoint["gradients"] = {k: p.grad for k, p in named if p.grad is not None}
            checkpoint["gradient_pixels"] = self.mean.pixels
        checkpoint["meta"] = {**self.notes, "iter": self.iteration}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Undo `on_save_checkpoint`."""
        state = dict(checkpoint["state_dict"])
        trained = checkpoint.get("trained_state_dict")
        if trained is not None:
            if self.recipe.averaging:
                self.recipe.averaging.average = {k: state[k] for k in trained}
            state |= trained
        checkpoint["state_dict"] = {f"model.{k}": v for k, v in state.items()}
        self._gradients = dict(checkpoint.get("gradients") or {})
        self.mean.pixels = float(checkpoint.get("gradient_pixels") or 0)
        self._schedule_state = checkpoint["schedule"]

    def on_fit_start(self) -> None:
        """Continue the schedule; the optimizer exists by now."""
        if self._schedule_state is not None and self.schedule is not None:
            self.schedule.load_state_dict(self._schedule_state)
