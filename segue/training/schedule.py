"""Learning-rate schedules that mmseg configs name, equal to mmengine's value by value.

A config lists *rules* (``LinearLR`` for the warmup, then ``PolyLR`` ...). Every rule is active while its clock, the
number of finished iterations or epochs, is inside ``[begin, end)``; there it turns the *current* rate of each parameter
group into the next one. Rules therefore compose: what one leaves behind, the next starts from. That recursion is
the definition, so it is also the implementation: `Schedule` keeps two counters and applies the rules once per tick.

A rule may be for some parameters only (``parts``, which mmengine does not have): these have groups of their own, by
`segue.training.optimization.apart`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer

from segue.errors import ConfigError, Problem, nearest
from segue.training.optimization.apart import places_of
from segue.training.plateau import ReduceOnPlateauLR, Watch
from segue.training.rules import RULES, Rule
from segue.training.translate import lookup, settings, type_name

LR_ONLY = ("OneCycleLR", "PolyLRRatio")  # of which mmengine has no class for the momentum
KINDS: dict[str, type[Rule]] = {**RULES, "ReduceOnPlateauLR": ReduceOnPlateauLR}
NAMES: dict[str, tuple[type[Rule], str | None]] = {
    **{name: (rule, "lr") for name, rule in KINDS.items()},
    **{f"{name[:-2]}Momentum": (rule, "momentum") for name, rule in KINDS.items() if name not in LR_ONLY},
    **{f"{name[:-2]}ParamScheduler": (rule, None) for name, rule in KINDS.items() if name.endswith("LR")},
}


def build_rules(
    nodes: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None, *, max_iters: int, max_epochs: int, epoch_length: int
) -> list[Rule]:
    """The rules of ``param_scheduler``; a missing ``end`` is the end of training."""
    nodes = [nodes] if isinstance(nodes, Mapping) else list(nodes or [])
    rules: list[Rule] = []
    problems: list[Problem] = []
    for index, node in enumerate(nodes):
        key = f"param_scheduler.{index}"
        try:
            name = type_name(node, key)
            cls, value = lookup(NAMES, name, key, "learning-rate schedule")
            if value is None and not node.get("param_name"):
                raise ConfigError(Problem(key, f"{name} needs the argument 'param_name'"))
            if value is not None and "param_name" in node:
                message = (
                    f"{name} sets {value}; {name.removesuffix('LR').removesuffix('Momentum')}ParamScheduler takes it"
                )
                raise ConfigError(Problem(f"{key}.param_name", message))
            node = node if value is None else {**node, "param_name": value}
            full = {"end": max_epochs if node.get("by_epoch", True) else max_iters, **node}
            rule = settings(cls, full, key)
        except ConfigError as error:
            problems += error.problems
            continue
        if rule.convert_to_iter_based and not rule.by_epoch:
            problems.append(Problem(key, "convert_to_iter_based=True needs by_epoch=True"))
        rules.append(rule.per_iteration(epoch_length) if rule.convert_to_iter_based else rule)
    if problems:
        raise ConfigError(problems)
    return rules


class Schedule:
    """Applies rules to the parameter groups of an optimizer, tick by tick.

    The rates live in the optimizer (and in its saved state), so the schedule's own state is two counters.

    Args:
        optimizer: its groups' ``lr`` is set at once to the rate of the first iteration.
        rules: in the order of the config; each reads what the previous one wrote.
        epoch_length: iterations per epoch; 0 if epochs never end (iteration-based training).
        model: whose parameters have the names that rules with ``parts`` ask for; None: there are no such rules.
    """

    def __init__(
        self, optimizer: Optimizer, rules: Sequence[Rule], epoch_length: int = 0, model: nn.Module | None = None
    ) -> None:
        self.optimizer = optimizer
        self.rules = list(rules)
        self.epoch_length = epoch_length
        self.iteration = 0
        self.epoch = 0
        #: of each rule: the groups that it acts on, and their rates before training
        self.places = [places_of(optimizer, rule, model) for rule in self.rules]
        self.base: list[list[float]] = [[] for _ in self.rules]
        self.watches = {i: Watch(rule) for i, rule in enumerate(self.rules) if isinstance(rule, ReduceOnPlateauLR)}
        for index, rule in enumerate(self.rules):
            initial = f"initial_{rule.param_name}"
            for group in self._groups(index):
                group.setdefault(initial, value_of(group, rule.param_name, index))
                group[initial] = rule.start(group[initial])
                self.base[index].append(group[initial])
            self._apply(index, 0)
            watched = rule.min_value if isinstance(rule, ReduceOnPlateauLR) else 0.0
            if isinstance(watched, Sequence) and len(watched) != len(self.places[index]):
                message = f"{len(watched)} values for {len(self.places[index])} parameter groups"
                raise ConfigError(Problem(f"param_scheduler.{index}.min_value", message))

    def advance(self, iteration: int) -> None:
        """Set the rates of training iteration ``iteration`` (counted from 0)."""
        while self.iteration < iteration:
            self.iteration += 1
            self._tick(by_epoch=False, clock=self.iteration)
            if self.epoch_length and self.iteration % self.epoch_length == 0:
                self.epoch += 1
                self._tick(by_epoch=True, clock=self.epoch)

    def _tick(self, *, by_epoch: bool, clock: int) -> None:
        for index, rule in enumerate(self.rules):
            if rule.by_epoch == by_epoch:
                self._apply(index, clock)

    def _apply(self, index: int, clock: int) -> None:
        rule = self.rules[index]
        if not rule.begin <= clock < rule.end:
            return
        for group, base in zip(self._groups(index), self.base[index], strict=True):
            set_value(group, rule.param_name, rule.step(clock - rule.begin, value_of(group, rule.param_name), base))

    def _groups(self, index: int) -> list[dict[str, Any]]:
        # a loaded state replaces the dicts, so that places are kept and not these
        return [self.optimizer.param_groups[place] for place in self.places[index]]

    def judge(self, iteration: int, logged: Mapping[str, float]) -> None:
        """After a validation: rules that watch a value look at it.

        Args:
            iteration: how many iterations are done.
            logged: metrics and losses by name.

        Raises:
            ConfigError: what a rule watches is not among them.
        """
        self.advance(iteration)
        for index, watch in self.watches.items():
            rule = watch.rule
            if not rule.begin <= (self.epoch if rule.by_epoch else self.iteration) < rule.end:
                continue
            value = logged.get(rule.monitor)
            if value is None:
                message = f"there is no {rule.monitor!r} after a validation{nearest(rule.monitor, list(logged))}"
                raise ConfigError(Problem(f"param_scheduler.{index}.monitor", message))
            if watch.due(value):
                for place, group in enumerate(self._groups(index)):
                    set_value(group, rule.param_name, rule.lowered(value_of(group, rule.param_name), place))

    def state_dict(self) -> dict[str, Any]:
        """The two counters and what was watched; the rates are in the optimizer's state."""
        watched = {"watched": [watch.state() for watch in self.watches.values()]} if self.watches else {}
        return {"iteration": self.iteration, "epoch": self.epoch, **watched}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from saved counters; the optimizer's state must have been restored too."""
        self.iteration, self.epoch = int(state["iteration"]), int(state["epoch"])
        for watch, kept in zip(self.watches.values(), state.get("watched") or (), strict=False):
            watch.restore(kept)


def value_of(group: Mapping[str, Any], name: str, index: int = 0) -> float:
    """A parameter group's ``lr``, ``momentum`` ...; the momentum of Adam and its kin is the first of ``betas``.

    Raises:
        ConfigError: the optimizer has none; ``index`` is the rule that asks.
    """
    if name in group and isinstance(group[name], (int, float)) and not isinstance(group[name], bool):
        return float(group[name])
    if name == "momentum" and "betas" in group:
        return float(group["betas"][0])
    known = [key for key, value in group.items() if isinstance(value, float)]
    message = f"the optimizer has no number {name!r} to change{nearest(name, known)}"
    raise ConfigError(Problem(f"param_scheduler.{index}", message))


def set_value(group: dict[str, Any], name: str, value: float) -> None:
    """Undo `value_of`."""
    if name == "momentum" and name not in group:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group[name] = value
