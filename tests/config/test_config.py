"""Config and ConfigDict as objects. Oracle where the reference has the feature: mmengine 0.10.7."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import pytest

from segue.config import Config, ConfigDict
from segue.config.dump import literal
from segue.errors import ConfigError


def test_conversion_at_every_depth() -> None:
    cfg = Config({"a": ({"b": 1}, [{"c": ({"k": 1},)}]), "s": {1}})
    assert cfg.a[0].b == 1 and cfg.a[1][0].c[0].k == 1 and cfg.s == {1}
    assert type(cfg.a) is tuple and type(cfg.a[1]) is list
    cfg.new = {"x": [{"y": 2}]}
    assert cfg["new"].x[0].y == 2


def test_access() -> None:
    cfg = Config({"x": 1, "m": {"a": {"y": 1}}})
    assert "x" in cfg and len(cfg) == 2 and list(cfg) == ["x", "m"]
    assert cfg.get("q", 4) == 4 and cfg.pop("q") is None and not hasattr(cfg, "q")
    assert cfg.m.pop("q") is None and cfg.m.setdefault("d", {"e": 1}).e == 1
    with pytest.raises(AttributeError, match="'ConfigDict' object has no attribute 'q'"):
        _ = cfg.q
    with pytest.raises(AttributeError, match="'ConfigDict' object has no attribute 'q'"):
        del cfg.m.q
    with pytest.raises(KeyError, match="q"):
        _ = cfg["q"]
    del cfg.x
    cfg["z"] = 1
    del cfg["z"]
    assert list(cfg.keys()) == ["m"] and len(cfg.values()) == 1 and dict(cfg.items()) == {"m": cfg.m}
    assert repr(Config({"a": 1})) == "Config (path: None): {'a': 1}"


def test_update_is_recursive() -> None:
    node = ConfigDict(a={"x": 1, "y": {"z": 1}})
    node.update(a={"y": {"k": 2}})
    assert node == {"a": {"x": 1, "y": {"z": 1, "k": 2}}}
    assert node | {"a": {"x": 2}} == {"a": {"x": 2, "y": {"z": 1, "k": 2}}} and node.a.x == 1
    node |= {"b": 1}
    assert node.b == 1


def test_copies() -> None:
    cfg = Config({"m": {"a": [1]}})
    assert cfg.copy().m is cfg.m and copy.deepcopy(cfg).m is not cfg.m
    other = copy.deepcopy(cfg)
    other.m.a.append(2)
    assert cfg.m.a == [1] and cfg != other and cfg == Config({"m": {"a": [1]}})


def test_what_cannot_be_a_config() -> None:
    with pytest.raises(TypeError, match="a Config is made from a dict, not list"):
        Config([1])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="the name 'filename' is reserved"):
        Config({"filename": 1})


VALUES = {
    "s": 'it\'s "x"\n{{ fileBasename }} {{$A:b}}',
    "t": (1,),
    "e": [(), [], {}, set(), {1, 2}],
    "f": [1e-8, float("inf"), -0.0, 1e300],
    "d": {1: {"a-b": 2}, "class": 3, "x": None},
    "long": [{"type": "LoadAnnotations", "reduce_zero_label": True, "number": i} for i in range(4)],
    "numbers": [i / 7 for i in range(60)],
    "nested": ((1, 2), [3, (4, [5])]),
    "number_like": ["1e-3", "1", "true", "null", "~", "1.5", "2020-01-01", "é", ""],
}


@pytest.mark.parametrize("extension", [".py", ".yaml"])
def test_dump_reads_back(extension: str, tmp_path: Path) -> None:
    values = dict(VALUES) if extension == ".py" else {**VALUES, "e": [(), [], {}]}
    path = tmp_path / f"out{extension}"
    assert Config(values).dump(path) is None
    again = Config.fromfile(
        path, use_predefined_variables=extension == ".py", use_environment_variables=extension == ".py"
    )
    assert literal(again.to_dict()) == literal(values)  # types count, the order of keys does not


def test_dump_formats(tmp_path: Path) -> None:
    cfg = Config({"b": (1, 2), "a": {1: 2}, "n": math.inf})
    assert cfg.dump() == cfg.pretty_text == "a = {1: 2}\nb = (1, 2)\nn = float('inf')\n"
    cfg.dump(tmp_path / "o.json")
    assert Config.fromfile(tmp_path / "o.json").to_dict() == {"b": [1, 2], "a": {"1": 2}, "n": math.inf}
    assert Config.fromfile(tmp_path / "o.json").dump().startswith('{\n  "b"')
    with pytest.raises(ConfigError, match="a config can be written as"):
        cfg.dump(tmp_path / "o.toml")
    odd = Config({"a-b": 1})
    with pytest.raises(ConfigError, match="'a-b' cannot be a variable"):
        odd.dump(tmp_path / "o.py")
    assert odd.pretty_text == "a-b: 1\n"


def test_layout() -> None:
    cfg = Config.fromstring(
        "p = [dict(type='LoadImageFromFile'), dict(type='RandomResize', "
        "scale=(2048, 1024), keep_ratio=True, ratio_range=(0.5, 2.0))]",
        ".py",
    )
    assert cfg.pretty_text == (
        "p = [\n"
        "    dict(type='LoadImageFromFile'),\n"
        "    dict(\n"
        "        keep_ratio=True,\n"
        "        ratio_range=(0.5, 2.0),\n"
        "        scale=(2048, 1024),\n"
        "        type='RandomResize',\n"
        "    ),\n"
        "]\n"
    )


def test_diff(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = 2")
    (tmp_path / "b.py").write_text("_base_ = 'a.py'\ny = 3")
    assert Config.diff(tmp_path / "a.py", Config.fromfile(tmp_path / "b.py")).splitlines()[3:] == [
        " x = 1",
        "-y = 2",
        "+y = 3",
    ]
