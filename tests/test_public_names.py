"""What people call: the public names, and the arguments of the verbs. A change here is a change for every user."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import segue

NAMES = """__version__ api model models check evaluate load migrate pack predict predict_scene pull push score train
Config register Predictor Prediction"""


def read_table(text: str) -> dict[str, str]:
    """``name(arguments)``, which may go on in lines that are indented."""
    lines = text.replace("\n    ", " ").strip().splitlines()
    return {line.partition("(")[0]: line.partition("(")[2].removesuffix(")") for line in lines}


#: name -> its arguments with their defaults
VERBS = read_table("""
load(config, checkpoint=None, *, device='cpu', precision='fp32', compiled=False, engine='torch', windows='constant',
    cfg_options=(), trust=False)
predict(config, checkpoint, images, out, *, device='cpu', batch_size=1, tta=False, recursive=False, crf=None,
    save=('labels', 'overlay'), legend=False, background=False, least_area=1, frames=None, precision='fp32',
    compiled=False, engine='torch', windows='constant', cfg_options=(), trust=False)
train(config, *, model=None, time=None, work_dir=None, resume=None, seed=None, fold=None, folds=None, seeds=None,
    amp=False, log=None, effective_batch=None, machine=None, callbacks=(), cfg_options=(), trust=False,
    dry_run=False, report=True)
model(name, *, classes, in_channels=3, crop_size=None, pretrained=True)
evaluate(config, checkpoint, *, work_dir=None, out=None, tta=False, crf=None, shard=None, show_dir=None, show=False,
    wait_time=2.0, machine=None, cfg_options=(), trust=False, report=False)
check(target, *, json=None, html=None, apply=False, workers=None, num_classes=None, images=None, masks=None,
    mask_format=None, image_suffix=None, mask_suffix=None, splits=(), shard=None, shares=None, model=None,
    cfg_options=(), trust=False)
migrate(folder, *, checkpoint=None, config=None, only=(), code=True, trust=False, time_limit=60.0, jobs=None,
    html='segue-migration.html', patch=None, json=None)
push(model, repo, *, config=None, metrics=None, licence=None, private=False, message='', folder=None,
    cfg_options=(), trust=False)
pull(name, out)
pack(target, out, *, splits=None, workers=None, cfg_options=(), trust=False)
models(pattern='*', data=None, *, commercial=False)
""")
#: The same of what the verbs give back.
METHODS = read_table("""
Predictor.predict(images, *, batch_size=1, tta=False, rgb=None, crf=None, keep_logits=True, recursive=False,
    frames=None)
Predictor.stream(images, *, batch_size=1, tta=False, rgb=None, crf=None, keep_logits=True, recursive=False,
    frames=None)
Prediction.save(folder, name=None)
Prediction.overlay(alpha=0.5, *, legend=False, background=False)
Prediction.shares()
Config.fromfile(filename, *, use_predefined_variables=True, use_environment_variables=True, trust=False)
Config.dump(file=None)
Config.merge_from_dict(options, allow_list_keys=True)
""")


def arguments(function: Callable[..., Any]) -> str:
    """The arguments without annotations."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values() if p.name != "self"]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))[1:-1]


def test_public_names() -> None:
    assert sorted(segue.__all__) == sorted(NAMES.split())
    assert all(getattr(segue, name) is not None for name in segue.__all__)


@pytest.mark.parametrize("name", VERBS)
def test_verbs(name: str) -> None:
    """Real arguments, each annotated, with a docstring: an editor completes them."""
    function = getattr(segue.api, name)
    assert arguments(function) == VERBS[name]
    for parameter in inspect.signature(function).parameters.values():
        assert parameter.kind is not parameter.VAR_KEYWORD, f"segue.{name}: **{parameter.name}"
        assert parameter.annotation is not parameter.empty, f"segue.{name}: {parameter.name}"
    assert inspect.getdoc(function)
    assert name == "models" or getattr(segue, name) is function


def test_models_is_a_room_that_is_called() -> None:
    assert arguments(type(segue.models).__call__) == VERBS["models"]
    assert [entry.name for entry in segue.models("ocrnet_hr18s_4xb2-40k*")] == [
        "ocrnet_hr18s_4xb2-40k_cityscapes-512x1024"
    ]


@pytest.mark.parametrize("name", METHODS)
def test_methods(name: str) -> None:
    kind, _, method = name.partition(".")
    assert arguments(getattr(getattr(segue, kind), method)) == METHODS[name]
