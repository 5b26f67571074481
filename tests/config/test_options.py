"""``--cfg-options``. Oracle of every value: mmengine 0.10.7's DictAction and merge_from_dict."""

from __future__ import annotations

from typing import Any

import pytest

from segue.config import Config, merge_options, parse_options
from segue.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("+1", 1),
        ("01", 1),
        ("1_000", 1000),
        ("-3", -3),
        ("1e-3", 0.001),
        ("inf", float("inf")),
        ("0x10", "0x10"),
        ("true", True),
        ("False", False),
        ("None", None),
        ("none", "none"),
        ("", ""),
        ("hello world", "helloworld"),
        ("x=y", "x=y"),
        ("'1'", 1),
        ("1,2", [1, 2]),
        ("1,", [1]),
        (",1", ["", 1]),
        ("[1]", [1]),
        ("(1)", (1,)),
        ("(1,)", (1,)),
        ("()", ()),
        ("[]", []),
        ("[1,,2]", [1, "", 2]),
        ("[(1,2),(3,4)]", [(1, 2), (3, 4)]),
        ("(1, [2, (3,)])", (1, [2, (3,)])),
        ("['a','b']", ["a", "b"]),
        ("[true,None,1.5,x]", [True, None, 1.5, "x"]),
        ("dict(b=1)", "dict(b=1)"),
        ("{b}", "{b}"),
        ("x{1,2}", "x{1,2}"),
        ("a,(1,2)", ["a", (1, 2)]),
    ],
)
def test_values(text: str, value: Any) -> None:
    found = parse_options([f"a={text}"])["a"]
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{0:0,255:1}", {0: 0, 255: 1}),
        ("{b:1}", {"b": 1}),
        ("{'a': [1, 2], 'b': {c: None}}", {"a": [1, 2], "b": {"c": None}}),
        ("[{a:1},{b:(1,2)}]", [{"a": 1}, {"b": (1, 2)}]),
        ("{}", {}),
    ],
)
def test_dicts(text: str, value: Any) -> None:
    """mmengine has none: it would be a list of texts."""
    assert parse_options([f"a={text}"])["a"] == value


def test_a_label_map() -> None:
    cfg = Config({"val_dataloader": {"dataset": {"type": "FolderDataset"}}})
    merge_options(cfg, ["val_dataloader.dataset.label_map={0:0,255:1}"])
    assert cfg.val_dataloader.dataset.label_map == {0: 0, 255: 1}


def test_last_wins_and_all_faults_are_told() -> None:
    assert parse_options(["a=1", "b=2", "a=3"]) == {"a": 3, "b": 2}
    with pytest.raises(ConfigError) as caught:
        parse_options(["a", "b=(1,2", "c=(1,2),(3,4)", "d=" + "[" * 500 + "]" * 500])
    told = str(caught.value)
    assert "4 problems" in told
    assert "--cfg-options: a: an option is written key=value" in told
    assert "(1,2),(3,4) is more than one bracketed value; write [(1,2),(3,4)] for a list of them" in told
    assert "the brackets of (1,2 do not match" in told
    assert "nested more than 100 deep" in told


TEXT = """
model = dict(depth=18, heads=[dict(n=1), dict(n=2)], init=None, t=(1, 2))
l = [1, 2, 3]
pipeline = [[dict(a=1)]]
crop_size = 3
optim_wrapper = dict(optimizer=dict(lr=1))
"""


def changed(*options: str) -> dict:
    cfg = Config.fromstring(TEXT, ".py")
    merge_options(cfg, options)
    return cfg.to_dict()


def test_dotted_keys() -> None:
    assert changed("model.depth=50")["model"]["depth"] == 50
    assert changed("model.heads.1.n=5", "model.heads.0.m=6")["model"]["heads"] == [{"n": 1, "m": 6}, {"n": 5}]
    assert changed("model.heads.0._delete_=True")["model"]["heads"][0] == {"n": 1, "_delete_": True}
    assert changed("pipeline.0.0.a=2")["pipeline"] == [[{"a": 2}]]
    assert changed("model._delete_=True", "model.c=3")["model"] == {"c": 3}
    assert changed("new.0.x=1")["new"] == {"0": {"x": 1}}
    assert changed("l=[9]")["l"] == [9]
    assert changed("crop_size=4")["crop_size"] == 4


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("model.heads.2.n=1", "model.heads.2: index 2 exceeds the length of the list: the last index is 1"),
        ("model.heads.-1.n=1", "model.heads is a list of 2: address its elements by 0, 1 ..."),
        ("model.heads.x.n=1", "model.heads is a list of 2"),
        ("l.1=9", "l.1: only keys of dict elements can be set by index; give the whole list l"),
        ("l.1.x=9", "l.1: a dict cannot be merged into a int"),
        ("model.t.0=9", "model.t: a dict cannot be merged into a tuple (the base has (1, 2), set at"),
        ("model.init.x=1", "a dict cannot be merged into None"),
        ("optim_wraper.optimizer.lr=1", "the config has no 'optim_wraper'; did you mean 'optim_wrapper.optimizer.lr'?"),
    ],
)
def test_keys_that_lead_nowhere(option: str, message: str) -> None:
    cfg = Config.fromstring(TEXT, ".py")
    before = cfg.to_dict()
    with pytest.raises(ConfigError) as caught:
        merge_options(cfg, ["model.depth=1", option])
    assert message in str(caught.value)
    assert str(caught.value).startswith("--cfg-options: ")
    assert cfg.to_dict() == before


def test_order_of_whole_and_part() -> None:
    with pytest.raises(ConfigError, match=r"m\.b: m was given the value 1 before"):
        changed("m=1", "m.b=2")
    assert changed("m.b=2", "m=1")["m"] == 1


def test_every_bad_key_is_told() -> None:
    with pytest.raises(ConfigError, match="2 problems"):
        changed("l.7=1", "model.t.0=1", "crop_size=4")


def test_origins_of_options() -> None:
    cfg = Config.fromstring(TEXT, ".py")
    merge_options(cfg, ["model.heads.1.n=[1,2]", "x.y=1"])
    assert str(cfg.origin("model.heads.1.n")) == "--cfg-options"
    assert str(cfg.origin("model.heads.1.n.0")) == "--cfg-options"
    assert str(cfg.origin("x.y")) == "--cfg-options"
    assert str(cfg.origin("model.heads.0.n")) == "<string>:2"
