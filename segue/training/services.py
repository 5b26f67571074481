"""Trackers of a run that are services: each writes with the service's own package, imported when the run begins."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segue.training.trackers import Tracker, as_number, as_text, as_values, numbers


class WandbVisBackend(Tracker):
    """Weights & Biases."""

    package = "wandb"

    def __init__(
        self,
        save_dir: str,
        init_kwargs: Mapping[str, Any] | None = None,
        define_metric_cfg: Mapping[str, str] | Sequence[Mapping[str, Any]] | None = None,
        commit: bool | None = True,
        log_code_name: str | None = None,
        watch_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(save_dir)
        self._arguments, self._commit, self._code = dict(init_kwargs or {}), commit, log_code_name
        self._metrics, self._watch = define_metric_cfg or {}, dict(watch_kwargs or {})

    def _start(self) -> Any:
        wandb = self._package()
        run = wandb.init(**{"dir": self._save_dir, **self._arguments})
        given = self._metrics
        rows = [{"name": k, "summary": v} for k, v in given.items()] if isinstance(given, Mapping) else given
        for row in rows:
            run.define_metric(**row)
        return run

    def add_config(self, config: Any, **kwargs: Any) -> None:
        """The config's values; the project's code where ``log_code_name`` is given."""
        self.experiment.config.update(as_values(config), allow_val_change=True)
        if self._code is not None:
            self.experiment.log_code(name=self._code)

    def add_graph(self, model: Any, data_batch: Any, **kwargs: Any) -> None:
        """Watch the gradients."""
        self.experiment.watch(model, **self._watch)

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """A picture."""
        self.experiment.log({name: self._package().Image(image)}, commit=self._commit)

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """A number."""
        self.add_scalars({name: value}, step)

    def add_scalars(
        self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        """Numbers of one step, together."""
        self.experiment.log({**numbers(scalar_dict), "step": step}, commit=self._commit)

    def close(self) -> None:
        """Finish the run."""
        if self._made is not None:
            self._made.finish()


class MLflowVisBackend(Tracker):
    """MLflow."""

    package = "mlflow"

    def __init__(
        self,
        save_dir: str,
        exp_name: str | None = None,
        run_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        tracking_uri: str | None = None,
        artifact_suffix: Sequence[str] = (".json", ".log", ".py", "yaml"),
        tracked_config_keys: Sequence[str] | None = None,
        artifact_location: str | None = None,
    ) -> None:
        super().__init__(save_dir)
        self._names, self._tags, self._params = (exp_name or "Default", run_name), dict(tags or {}), dict(params or {})
        self._uri = tracking_uri or (Path(save_dir).resolve() / "mlruns").as_uri()
        self._suffixes, self._keys, self._location = tuple(artifact_suffix), tracked_config_keys, artifact_location

    def _start(self) -> Any:
        mlflow = self._package()
        if self._uri.startswith("file:") or "://" not in self._uri:
            # a folder of files, as in the reference; MLflow 3 of 2026 keeps them, but wants to be told that it is meant
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        mlflow.set_tracking_uri(self._uri)
        experiment, run = self._names
        if mlflow.get_experiment_by_name(experiment) is None:
            mlflow.create_experiment(experiment, artifact_location=self._location)
        mlflow.set_experiment(experiment)
        if mlflow.active_run() is None:
            mlflow.start_run(run_name=run)
        mlflow.set_tags(self._tags)
        mlflow.log_params(self._params)
        return mlflow

    def add_config(self, config: Any, **kwargs: Any) -> None:
        """The config as a file, and the keys of ``tracked_config_keys`` as parameters."""
        self.experiment.log_text(as_text(config), "config.py")
        values = as_values(config)
        if self._keys is not None:
            self.experiment.log_params({key: values.get(key) for key in self._keys})

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """A picture."""
        self.experiment.log_image(image, f"{name}_{step}.png")

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """A number."""
        self.add_scalars({name: value}, step)

    def add_scalars(
        self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        """Numbers of one step, together."""
        self.experiment.log_metrics(numbers(scalar_dict), step=step)

    def close(self) -> None:
        """Send the files of the folder, and finish the run."""
        if self._made is not None:
            for path in sorted(Path(self._save_dir).rglob("*")):
                if path.is_file() and path.name.endswith(self._suffixes) and "mlruns" not in path.parts:
                    self._made.log_artifact(str(path))
            self._made.end_run()


class ClearMLVisBackend(Tracker):
    """ClearML."""

    package = "clearml"

    def __init__(
        self,
        save_dir: str | None = None,
        init_kwargs: Mapping[str, Any] | None = None,
        artifact_suffix: Sequence[str] = (".py", "pth"),
    ) -> None:
        super().__init__(save_dir or ".")
        self._arguments, self._suffixes = dict(init_kwargs or {}), tuple(artifact_suffix)

    def _start(self) -> Any:
        return self._package().Task.init(**self._arguments)

    def add_config(self, config: Any, **kwargs: Any) -> None:
        """The config's values."""
        self.experiment.connect_configuration(as_values(config))

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """A picture."""
        self.experiment.get_logger().report_image(name, name, iteration=step, image=image)

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """A number."""
        number = as_number(value)
        if number is not None:
            self.experiment.get_logger().report_scalar(name, name, value=number, iteration=step)

    def close(self) -> None:
        """Send the files of the folder, and finish."""
        if self._made is not None:
            for path in sorted(Path(self._save_dir).rglob("*")):
                if path.is_file() and path.name.endswith(self._suffixes):
                    self._made.upload_artifact(path.name, artifact_object=str(path))
            self._made.close()


class NeptuneVisBackend(Tracker):
    """Neptune."""

    package = "neptune"

    def __init__(self, save_dir: str | None = None, init_kwargs: Mapping[str, Any] | None = None) -> None:
        super().__init__(save_dir or ".")
        self._arguments = dict(init_kwargs or {"mode": "offline"})

    def _start(self) -> Any:
        return self._package().init_run(**self._arguments)

    def add_config(self, config: Any, **kwargs: Any) -> None:
        """The config as text."""
        self.experiment["config"] = as_text(config)

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """A picture; values from 0 to 1 are expected there."""
        made = self._package("neptune.types").File.as_image(image.astype(np.float32) / 255)
        self.experiment["images"].append(made, name=name, step=step)

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """A number."""
        number = as_number(value)
        if number is not None:
            self.experiment[name].append(number, step=step)

    def close(self) -> None:
        """Finish the run."""
        if self._made is not None:
            self._made.stop()


class DVCLiveVisBackend(Tracker):
    """DVCLive."""

    package = "dvclive"

    def __init__(
        self,
        save_dir: str,
        artifact_suffix: Sequence[str] = (".json", ".py", "yaml"),
        init_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(save_dir)
        self._arguments = {"dir": save_dir, "save_dvc_exp": False, **(init_kwargs or {})}
        self._suffixes = tuple(artifact_suffix)

    def _start(self) -> Any:
        return self._package().Live(**self._arguments)

    def add_config(self, config: Any, **kwargs: Any) -> None:
        """The config's values as parameters."""
        self.experiment.log_params(as_values(config))

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """A picture."""
        self.experiment.step = step
        self.experiment.log_image(f"{name}.png", image)

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """A number."""
        self.add_scalars({name: value}, step)

    def add_scalars(
        self, scalar_dict: Mapping[str, Any], step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        """Numbers of one step, together."""
        self.experiment.step = step
        for name, number in numbers(scalar_dict).items():
            self.experiment.log_metric(name, number)

    def close(self) -> None:
        """Note the files of the folder, and finish."""
        if self._made is not None:
            for path in sorted(Path(self._save_dir).rglob("*")):
                if path.is_file() and path.name.endswith(self._suffixes):
                    self._made.log_artifact(str(path))
            self._made.end()


class AimVisBackend(Tracker):
    """Aim."""

    package = "aim"

    def __init__(self, save_dir: str | None = None, init_kwargs: Mapping[str, Any] | None = None) -> None:
        super().__init__(save_dir or ".")
        self._arguments = dict(init_kwargs or {})

    def _start(self) -> Any:
        return self._package().Run(**{"repo": self._save_dir, **self._arguments})

    def add_config(self, config: Any, **kwargs: Any) -> None:
        """The config's values."""
        self.experiment["hparams"] = as_values(config)

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """A picture."""
        self.experiment.track(self._package().Image(image), name=name, step=step)

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """A number."""
        number = as_number(value)
        if number is not None:
            self.experiment.track(number, name=name, step=step)

    def close(self) -> None:
        """Finish the run."""
        if self._made is not None:
            self._made.close()
