"""What the README shows: load, predict, evaluate, train. Every command of ``segue`` is one of these calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from segue.config import Config
from segue.config.builder.register import import_custom
from segue.config.labels import apply_labels
from segue.config.v0 import translate
from segue.errors import CheckpointError, ConfigError, DataError, InputError
from segue.recipes import compose, published_weights
from segue.recipes.compose import looks_like_name

if TYPE_CHECKING:
    import torch

    from segue.doctor import Report
    from segue.inference.depth import DepthPrediction
    from segue.inference.multilabel import MultilabelPrediction
    from segue.inference.predictor import Prediction, Predictor
    from segue.migration import Report as MigrationReport
    from segue.models.complexity import Complexity
    from segue.recipes.catalogue import Entry
    from segue.training import TrainResult

CONFIG_SUFFIXES = (".py", ".yaml", ".yml", ".json")


def read_config(
    config: str | Path | Config | Mapping[str, Any], options: Sequence[str] = (), *, trust: bool = False
) -> Config:
    """A config from a file, the name of a recipe, a mapping, or as it is.

    ``options`` are ``key=value`` texts as after ``--cfg-options``.

    A config of mmseg 0.x becomes one of 1.x (`segue.config.v0`).

    Raises:
        ConfigError: no such file, or what is wrong in it.
    """
    if isinstance(config, Config):
        cfg = config.copy()
    elif isinstance(config, Mapping):
        cfg = Config(config)
    else:
        cfg = open_config(config, trust=trust)
    cfg = translate(cfg, options)
    if cfg.get("custom_imports"):
        from segue.compat import install

        install()  # the user's modules may have been written for mmseg
    import_custom(cfg)
    return cast(Config, apply_labels(cfg))


def open_config(source: str | Path, *, trust: bool = False) -> Config:
    """The config of a file or of a recipe's name, as it is written there.

    Raises:
        ConfigError: neither; or what is wrong in it.
    """
    path = Path(source)
    if path.suffix in CONFIG_SUFFIXES:
        return Config.fromfile(path, trust=trust)
    if looks_like_name(path) and not path.exists():
        return compose(str(path))
    suffixes = ", ".join(CONFIG_SUFFIXES)
    raise ConfigError(f"{path}: a config is a file that ends with {suffixes}, or the name of a recipe")


def load(
    config: str | Path | Config | Mapping[str, Any],
    checkpoint: str | Path | None = None,
    *,
    device: str = "cpu",
    cfg_options: Sequence[str] = (),
) -> Predictor:
    """A model that predicts.

    Args:
        config: a config file or object, or the name of a recipe; or a weights file that Segue wrote, which holds its
            config.
        checkpoint: weights: a path, URL or alias, or ``published`` for those of a recipe. None: as the classes
            initialize them, unless ``config`` is a weights file.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        cfg_options: changes of the config, ``key=value``.

    Raises:
        ConfigError, CheckpointError: what is wrong with either, or that the weights are not this model's.
    """
    from segue.checkpoints import fetch, load_weights, read
    from segue.config.builder.build import build_model
    from segue.inference.predictor import Predictor

    weights = None
    checkpoint = find_weights(config, checkpoint)
    if checkpoint is None and isinstance(config, (str, Path)) and is_weights(config):
        weights = read(fetch(config))
        if weights.config is None:
            raise CheckpointError(
                f"{config}: holds no config; give the config file first and this file second (a model of transformers "
                "gets one by segue weights convert)"
            )
        checkpoint, config = config, Config.fromstring(weights.config, ".py")
    cfg = read_config(config, cfg_options)
    place = usable_device(device)
    model = build_model(cfg)
    if weights is None and checkpoint is not None:
        weights = read(fetch(checkpoint))
    classes: Sequence[str] | None = None
    palette: Sequence[Sequence[int]] | None = None
    if weights is not None:
        report = load_weights(model, weights)
        if report.missing or report.mismatched:
            raise CheckpointError(f"{checkpoint} does not fit the model of the config. {report}")
        classes, palette = weights.classes, weights.palette
    if classes is None or len(classes) != model.num_classes:
        classes, palette = class_names(cfg, model.num_classes)  # type: ignore[arg-type]
    if palette is None or len(palette) != len(classes):
        from segue.datasets.palette import generate_palette

        palette = generate_palette(classes)
    return Predictor(model.to(place), cfg, classes, palette)


def find_weights(config: Any, checkpoint: str | Path | None) -> str | Path | None:
    """The weights meant by ``checkpoint``: the address of a recipe's published ones for the word ``published``."""
    if checkpoint != "published":
        return checkpoint
    name = config.filename if isinstance(config, Config) else str(config)
    found = published_weights(name or "")
    if found is None:
        raise CheckpointError(f"{name or 'the config'}: no weights are published under this name; see segue models")
    return found


def is_weights(config: str | Path) -> bool:
    """Whether what stands for a config is neither a config file nor a recipe's name, and so a file of weights."""
    path = Path(config)
    return path.suffix not in CONFIG_SUFFIXES and (path.exists() or not looks_like_name(path))


def predict(
    config: str | Path | Config | Mapping[str, Any],
    checkpoint: str | Path | None,
    images: Sequence[str | Path],
    out: str | Path,
    *,
    device: str = "cpu",
    batch_size: int = 1,
    tta: bool = False,
    cfg_options: Sequence[str] = (),
) -> list[Prediction | MultilabelPrediction | DepthPrediction]:
    """Segment image files and folders of them; writes ``NAME.png`` (labels; ``CLASS/NAME.png`` where a pixel may have
    several classes; of a depth model thousandths of its unit) and ``NAME_overlay.png`` into ``out``.

    Files of one name from several folders keep their folders below ``out``. Shows a progress bar on a terminal. With
    ``tta`` the views of the config's ``tta_pipeline`` are averaged.

    Raises:
        DataError: a path that is no image, or an image that cannot be read; those before it are written.
    """
    from rich.progress import track

    from segue.inference.predictor import find_images

    files = find_images(images)
    predictor = load(config, checkpoint, device=device, cfg_options=cfg_options)
    names = unique_names(files)
    results = []
    stream = predictor.stream(files, batch_size=batch_size, tta=tta)
    for name, result in zip(names, track(stream, "predicting", total=len(files), transient=True), strict=True):
        try:
            result.save(out, name)
        except OSError as error:
            raise DataError(f"{out}: cannot write there: {error.strerror or error}") from error
        result.image = result.image[:0]  # a thousand pictures need not stay in memory
        results.append(result)
    return results


def evaluate(config: str | Path | Config | Mapping[str, Any], checkpoint: str | Path, **how: Any) -> dict[str, float]:
    """Metrics of the test split (``test_dataloader``, ``test_evaluator``); ``how``: `segue.training.evaluate`."""
    from segue.training import evaluate as run

    return run(read_config(config), find_weights(config, checkpoint) or checkpoint, **how)


def train(config: str | Path | Config | Mapping[str, Any], **how: Any) -> TrainResult:
    """Train as the config says; see ``segue.training.train`` for ``how`` (``work_dir``, ``resume``, ``seed``, ``amp``
    ...).
    """
    from segue.training import train as run

    return run(read_config(config), **how)


def check(
    target: str | Path,
    *,
    json: str | Path | None = None,
    html: str | Path | None = None,
    apply: bool | str | Path = False,
    workers: int | None = None,
    num_classes: int | None = None,
    images: str | None = None,
    masks: str | None = None,
    cfg_options: Sequence[str] = (),
    trust: bool = False,
) -> Report:
    """Look for mistakes in the images and masks of a config or a folder, and print what mends them.

    Args:
        target: a config file, or a folder with images and masks.
        json, html: files to write the findings to.
        apply: write the proposed settings to a new config: True for ``NAME_checked.py`` beside the config (for a
            folder, ``FOLDER_data.py`` here), or its path.
        workers: files read at once; by default one per core.
        num_classes, images, masks: of a folder, where its names do not tell.
        cfg_options, trust: of a config; see `read_config`.

    Raises:
        ConfigError, DataError, InputError: the config or the folder cannot be read at all.
    """
    from rich.console import Console

    from segue.doctor import check_config, check_folder
    from segue.doctor.apply import apply as write_config
    from segue.doctor.page import write_page
    from segue.doctor.show import show, write_json

    console = Console()
    config: Path | None = None
    if Path(target).is_dir():
        report = check_folder(
            target, num_classes=num_classes, images=images, masks=masks, workers=workers, console=console
        )
    else:
        config = Path(target)
        given = [f"--{name}" for name, value in (("images", images), ("masks", masks)) if value]
        if num_classes is not None or given:
            raise InputError(f"{', '.join(given) or '--num-classes'}: only for a folder; a config says so itself")
        cfg = read_config(config, cfg_options, trust=trust)
        report = check_config(cfg, name=str(config), workers=workers, console=console)
    show(report, console)
    if json is not None:
        write_json(json, report)
    if html is not None:
        console.print(f"Page: {write_page(html, report)}", highlight=False, soft_wrap=True)
    if apply:
        written = write_config(report, config, None if apply is True else apply)
        console.print(f"Config: {written}", highlight=False, soft_wrap=True)
    return report


def migrate(
    folder: str | Path,
    *,
    html: str | Path | None = "segue-migration.html",
    patch: str | Path | None = None,
    json: str | Path | None = None,
    **how: Any,
) -> MigrationReport:
    """Try a project built on mmseg, print what runs, and write a page, the edits as a patch, and perhaps JSON.

    Args:
        folder: the project's; it is only read.
        html: the page; None writes none.
        patch: the edits; by default beside the page, with ``.patch`` for ``.html``.
        json: the report as JSON.
        how: see `segue.migration.migrate` (``checkpoint``, ``config``, ``only``, ``code``, ``time_limit`` ...).

    Raises:
        InputError: the folder or the checkpoint is not there, or a file cannot be written.
    """
    from rich.console import Console

    from segue.migration import migrate as run
    from segue.migration.page import write_page
    from segue.migration.show import show, write, write_json

    console = Console()
    report = run(folder, **how)
    show(report, console)
    if patch is None and html is not None:
        patch = Path(html).with_suffix(".patch")
    if patch is not None and report.patch:
        console.print(f"Edits: {write(patch, report.patch)}", highlight=False, soft_wrap=True)
    if json is not None:
        write_json(json, report)
    if html is not None:
        page = write_page(html, report, str(patch or ""))
        console.print(f"Page: {page}", highlight=False, soft_wrap=True)
    return report


def pack(
    target: str | Path,
    out: str | Path,
    *,
    splits: Sequence[str] = ("train",),
    workers: int | None = None,
    cfg_options: Sequence[str] = (),
    trust: bool = False,
) -> list[str]:
    """Decode the images and label maps of a config or a folder into a pack, and print the settings that use it.

    Args:
        target: a config file, or a folder with images and masks.
        out: folder of the pack; of one pack per data root where a config has several.
        splits: of a config.
        workers: processes; by default one per core.
        cfg_options, trust: of a config; see `read_config`.

    Returns:
        The settings, ``key=value`` as after ``--cfg-options``; for a folder, that of its dataset.

    Raises:
        ConfigError, DataError, InputError: what cannot be packed, and why.
    """
    from rich.console import Console

    from segue.convert.pack import pack_config, pack_folder

    console = Console()
    if Path(target).is_dir():
        made = pack_folder(target, out, workers, console)
        settings = [f"pack={entry.folder}" for entry in made]
        advice = "Read it by this argument of the dataset, whose data_root is the folder:"
    else:
        made = pack_config(read_config(target, cfg_options, trust=trust), out, splits, workers, console)
        settings = [f"{key}.pack={entry.folder}" for entry in made for key in entry.keys]
        advice = "Read it by these settings, in the config or after --cfg-options:"
    console.print("\n  ".join([advice, *settings]), highlight=False, soft_wrap=True)
    return settings


def run_script(script: str | Path, arguments: Sequence[str] = (), *, force: bool = False) -> int:
    """Run a Python file in which ``mmseg``, ``mmengine`` and ``mmcv`` are importable; returns its exit status.

    Args:
        script: the file.
        arguments: what it finds in ``sys.argv`` after its own name.
        force: shadow installed packages of these names.

    Raises:
        InputError: there is no such file.
    """
    import runpy
    import sys

    from segue.compat import install

    if not Path(script).is_file():
        raise InputError(f"{script}: no such file")
    install(force=force)
    before = sys.argv, list(sys.path)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(Path(script).resolve().parent))
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    finally:
        sys.argv, sys.path[:] = before[0], before[1]
    return 0


def usable_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        InputError: there is none here.
    """
    import torch

    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch reports a missing device as either
        raise InputError(f"device {name!r} is not usable here: {str(error).splitlines()[0]}") from error
    return device


def class_names(cfg: Config, num_classes: int) -> tuple[Sequence[str], Sequence[Sequence[int]] | None]:
    """Names and colors from the config's datasets, without looking at files; ``class_0`` ... where it has none."""
    from segue.config.builder.find import UnknownNameError, find
    from segue.datasets.metainfo import resolve_metainfo

    for split in ("test", "val", "train"):
        node = cfg.get(f"{split}_dataloader") or {}
        node = node.get("dataset") or {}
        while isinstance(node.get("dataset"), Mapping):  # RepeatDataset and its kin
            node = node["dataset"]
        if isinstance(node.get("classes"), (list, tuple)) and len(node["classes"]) == num_classes:
            return tuple(node["classes"]), node.get("palette")
        try:
            declared = getattr(find("datasets", str(node.get("type"))), "METAINFO", {})
        except UnknownNameError:
            continue
        info = resolve_metainfo(str(node.get("type")), declared, node.get("metainfo"))
        if info.classes and len(info.classes) == num_classes:
            return info.classes, info.palette
    return tuple(f"class_{i}" for i in range(num_classes)), None


def unique_names(files: Sequence[Path]) -> list[str]:
    """The stem of each file; with as many parent folders as it takes to tell files of one stem apart."""
    stems = [file.stem for file in files]
    if len(set(stems)) == len(stems):
        return stems
    names = ["/".join((*file.parts[-2:-1], file.stem)) for file in files]
    if len(set(names)) == len(names):
        return names
    return [f"{i:06d}_{stem}" for i, stem in enumerate(stems)]


def models(pattern: str = "*", data: str | None = None) -> list[Entry]:
    """The recipes of the reference whose names match a pattern such as ``ocrnet*``, trained or tested on a dataset.

    Raises:
        ConfigError: no recipe has this dataset.
    """
    from segue.recipes.catalogue import select

    return list(select(pattern, data))


def model_size(config: str | Path | Config | Mapping[str, Any]) -> Complexity:
    """Parameters and operations of a config's model for one image of its training crop; no values are computed.

    Raises:
        ConfigError: the model cannot be built.
    """
    import torch

    from segue.config.builder.build import build_model
    from segue.models.complexity import measure

    cfg = read_config(config)
    size = tuple(cfg.get("crop_size") or (512, 512))
    try:
        with torch.device("meta"):
            model = build_model(cfg)
    except (NotImplementedError, RuntimeError):  # a constructor that needs values
        model = build_model(cfg).to("meta")
    return measure(model, size, len(cfg.model.data_preprocessor.get("mean", (0, 0, 0))))
