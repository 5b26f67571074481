"""Files with bases: order, templates, formats, new-style configs, external packages, trusted execution."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest

from segue.config import Config
from segue.config.language.trusted import TrustedConfigWarning
from segue.errors import ConfigError

from .tree_files import write

BASE = """
    x = 1
    m = dict(a=dict(y=1, z=2), l=[dict(p=1), dict(q=2)])
    n = None
    _u = 3
"""


def load(folder: Path, name: str = "child.py") -> dict:
    return Config.fromfile(folder / name).to_dict()


def test_base_forms(tmp_path: Path) -> None:
    """Oracle: mmengine 0.10.7 run on the same files."""
    (tmp_path / "sub").mkdir()
    write(tmp_path, base=BASE, other="k = (1, 2)", child="_base_ = 'base.py'\nm = dict(a=dict(y=5), b=7)\nz = 1")
    assert load(tmp_path) == {
        "x": 1,
        "m": {"a": {"y": 5, "z": 2}, "l": [{"p": 1}, {"q": 2}], "b": 7},
        "n": None,
        "_u": 3,
        "z": 1,
    }
    assert list(load(tmp_path)) == ["x", "m", "n", "_u", "z"]
    write(tmp_path / "sub", child=f"a = 1\n_base_ = ['../base.py', '{tmp_path}/other.py']\n_base_ = 'ignored.py'")
    assert list(load(tmp_path / "sub")) == ["x", "m", "n", "_u", "k", "a"]
    write(tmp_path, child="_base_ = [f'./{n}.py' for n in ('base', 'other')]\na = 1")
    assert load(tmp_path)["k"] == (1, 2)


def test_faults_of_bases(tmp_path: Path) -> None:
    write(tmp_path, base=BASE, same="q = 1\nx = 1", child="_base_ = [\n    'base.py',\n    'missing.py',\n]")
    with pytest.raises(
        ConfigError, match=r"child\.py:3: the base 'missing\.py' does not exist \(looked for '.*missing"
    ):
        load(tmp_path)
    write(tmp_path, child="_base_ = ['base.py', 'same.py']")
    with pytest.raises(ConfigError, match=r"x: two bases set it \(.*base\.py:1 and .*same\.py:2\); only one"):
        load(tmp_path)
    write(tmp_path, child="_base_ = 'base.py'\nm = dict(\n    a=x)")
    with pytest.raises(
        ConfigError, match=r"child\.py:3: 'x' is defined in the base, not in this file; write _base_\.x"
    ):
        load(tmp_path)
    write(tmp_path, child="_base_ = 'base.py'\na = _base_.m.aa")
    with pytest.raises(ConfigError, match=r"the base has no _base_\.m\.aa; did you mean 'a'\?"):
        load(tmp_path)


def test_base_expressions_are_live(tmp_path: Path) -> None:
    """Oracle: mmengine 0.10.7; what the file changes in its base is merged."""
    write(
        tmp_path,
        base=BASE,
        child="""
        _base_ = 'base.py'
        m = dict(a=_base_.x, k={**_base_.m.a})
        _base_.m.l.append(3)
        t = _base_['m']['l'][0].p + 1
        for item in _base_.m.l[:2]:
            item.update(s=1)
        """,
    )
    with pytest.raises(ConfigError):  # y over a dict is fine, a dict over 1 would not be; a=1 replaces
        write(tmp_path, bad="_base_ = 'base.py'\nx = dict(a=1)")
        load(tmp_path, "bad.py")
    found = load(tmp_path)
    assert found["m"] == {"a": 1, "l": [{"p": 1, "s": 1}, {"q": 2, "s": 1}, 3], "k": {"y": 1, "z": 2}}
    assert found["t"] == 2


def test_placeholders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_A", "12")
    monkeypatch.setenv("SEGUE_B", "foo")
    monkeypatch.delenv("SEGUE_C", raising=False)
    write(
        tmp_path,
        base=BASE + "    name = '{{ fileBasename }}'\n",
        child="""
        _base_ = '{{fileDirname}}/base.py'
        own = '{{ fileBasenameNoExtension }}{{ fileExtname }}'
        k = {{ _base_.m.a }}
        s = '{{_base_.x}}'
        l = [{{_base_.m.l}}, {{_base_.x}} + 1]
        t = 'v{{_base_.x}}/q'
        e = ['{{$SEGUE_A:3}}', {{'$SEGUE_A:3'}}, '{{ $SEGUE_B : 3 }}/y', '{{$SEGUE_C:dflt}}', {{'$SEGUE_C:4'}}]
        keep = '{{ foo }}'
        """,
    )
    cfg = Config.fromfile(tmp_path / "child.py")
    assert cfg.name == "base.py" and cfg.own == "child.py"
    assert cfg.k == {"y": 1, "z": 2} and cfg.s == 1 and cfg.t == "v1/q"
    assert cfg.l == [[{"p": 1}, {"q": 2}], 2]
    assert cfg.e == ["12", 12, "foo/y", "dflt", 4]
    assert cfg.keep == "{{ foo }}"
    assert cfg.env_variables == {"SEGUE_A": "12", "SEGUE_B": "foo"}
    monkeypatch.setenv("SEGUE_A", "13")
    assert Config.fromfile(tmp_path / "child.py").e[1] == 13
    write(tmp_path, child="a = '{{$SEGUE_C:}}'")
    with pytest.raises(ConfigError, match=r"child\.py:1: the environment variable SEGUE_C is not set"):
        load(tmp_path)
    write(tmp_path, child="_base_ = 'base.py'\na = {{ _base_.mm }}")
    with pytest.raises(ConfigError, match=r"child\.py:2: the base has no 'mm'; did you mean 'm'\?"):
        load(tmp_path)
    write(tmp_path, child="_base_ = 'base.py'\na = 'x{{ _base_.m }}'")
    with pytest.raises(ConfigError, match="inside a longer text must be text or a number, not a LiveDict"):
        load(tmp_path)


def test_yaml_and_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_A", "12")
    write(
        tmp_path,
        base=BASE,
        mid_yaml="""
            _base_: base.py
            m: {a: {y: 3}}
            t: !!python/tuple [1, [2]]
            lr: 1e-3
            b: {{ _base_.m.a }}
            d: &d {p: 1, q: 2}
            e:
              <<: *d
              q: 3
        """,
        child_json="""
            {"_base_": ["mid.yaml"],
             "x": {{$SEGUE_A:3}},
             "s": "{{ _base_.lr }}",
             "m": {"_delete_": true, "v": {{ _base_.d }}}}
        """,
        last="_base_ = 'child.json'\nz = _base_.x",
    )
    found = load(tmp_path, "last.py")
    assert found == {
        "x": 12,
        "m": {"v": {"p": 1, "q": 2}},
        "n": None,
        "_u": 3,
        "t": (1, [2]),
        "lr": 0.001,
        "b": {"y": 1, "z": 2},
        "d": {"p": 1, "q": 2},
        "e": {"p": 1, "q": 3},
        "s": 0.001,
        "z": 12,
    }
    cfg = Config.fromfile(tmp_path / "last.py")
    assert cfg.origin("e.q") == (str(tmp_path / "mid.yaml"), 9)
    assert [cfg.origin(key).line for key in ("lr", "e.p", "s", "x")] == [4, 6, 3, 2]


def test_new_style(tmp_path: Path) -> None:
    """Oracle: mmengine 0.10.7's values; names of classes are text here, nothing is imported."""
    write(
        tmp_path,
        base=BASE,
        child="""
        from mmengine.config import read_base
        from torch.optim import SGD
        from mmseg.models import PSPHead as Head
        from mypkg.net import Net
        import mypkg

        with read_base():
            from .base import *
            from .base import x as renamed
        a = dict(x=dict(y=1, z=2))
        a.update(dict(x=dict(y=3)))
        m.update(dict(a=dict(y=5)))
        m.l[0].p = 7
        m.merge(dict(w=1))
        o = dict(type=SGD, h=Head, n=Net, q=mypkg.net.Other)
        """,
    )
    cfg = Config.fromfile(tmp_path / "child.py")
    assert cfg.to_dict() == {
        "x": 1,
        "m": {"a": {"y": 5, "z": 2}, "l": [{"p": 7}, {"q": 2}], "w": 1},
        "n": None,
        "_u": 3,
        "renamed": 1,
        "a": {"x": {"y": 3}},
        "o": {"type": "SGD", "h": "PSPHead", "n": "mypkg.net.Net", "q": "mypkg.net.Other"},
    }
    assert (cfg.origin("m.a.z").line, cfg.origin("m.a.y").line, cfg.origin("m.l.0.p").line) == (2, 12, 13)
    write(
        tmp_path, bad="from mmengine.config import read_base\nwith read_base():\n    from .child import x\n    import y"
    )
    with pytest.raises(ConfigError, match=r"bad\.py:4: only `from \.file import name` may stand inside"):
        load(tmp_path, "bad.py")
    write(tmp_path, bad="from a.b import f\nx = dict(v=f(1))")
    with pytest.raises(ConfigError, match=r"bad\.py:2: calling the imported a\.b\.f is not part of"):
        load(tmp_path, "bad.py")
    write(tmp_path, bad="_base_ = 'child.py'")
    with pytest.raises(ConfigError, match="a new-style config"):
        load(tmp_path, "bad.py")


def test_external_bases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "segueext" / ".mim" / "configs" / "models"
    folder.mkdir(parents=True)
    (tmp_path / "segueext" / "__init__.py").write_text("raise SystemError('imported')")
    write(folder, net="model = dict(type='Net', head=dict(type='H'))\nloop = dict(by=[dict(type='L')])\nn = 1")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    write(tmp_path, child="_base_ = 'segueext::models/net.py'\nn = 2")
    assert load(tmp_path) == {
        "model": {"type": "Net", "head": {"type": "H"}, "_scope_": "segueext"},
        "loop": {"by": [{"type": "L", "_scope_": "segueext"}]},
        "n": 2,
    }
    write(tmp_path, child="_base_ = 'seguemissing::a.py'")
    with pytest.raises(ConfigError, match=r"child\.py:1: the base 'seguemissing::a\.py' was not found: the package"):
        load(tmp_path)
    write(tmp_path, child="_base_ = 'segueext::none.py'")
    with pytest.raises(ConfigError, match=r"there is no .*none\.py"):
        load(tmp_path)


def test_trusted_files_run_with_a_warning(tmp_path: Path) -> None:
    write(
        tmp_path,
        base=BASE,
        child="""
        _base_ = [
            'base.py']
        def double(v):
            return 2 * v
        x = double(_base_.x)
        m = dict(_delete_=True, here='{{ fileBasename }}')
        """,
    )
    with pytest.raises(ConfigError, match=r"child\.py:3: def is not part of the config language"):
        load(tmp_path)
    with pytest.warns(
        TrustedConfigWarning, match=r"executing .*child\.py as a trusted config, with all its rights: .*def"
    ):
        cfg = Config.fromfile(tmp_path / "child.py", trust=True)
    assert cfg.to_dict() == {"x": 2, "m": {"here": "child.py"}, "n": None, "_u": 3}
    assert cfg.origin("x").line == 5 and cfg.origin("n").file.endswith("base.py")
    assert Config.fromfile(tmp_path / "base.py", trust=True).x == 1  # interpreted, so no warning
    write(tmp_path, child="class A: pass\na = 1\nb = a / 0\n")
    with (
        pytest.warns(TrustedConfigWarning),
        pytest.raises(ConfigError, match=r"child\.py:3: the config failed: ZeroDivisionError: division by zero"),
    ):
        Config.fromfile(tmp_path / "child.py", trust=True)
    write(
        tmp_path,
        child="""
        from mmengine.config import read_base
        with read_base():
            from .base import *
        f = lambda: 1
        x = x + f()
        """,
    )
    with pytest.warns(TrustedConfigWarning):
        assert Config.fromfile(tmp_path / "child.py", trust=True).x == 2


def test_changed_files_are_read_again(tmp_path: Path) -> None:
    write(tmp_path, base="x = 1", child="_base_ = 'base.py'")
    first = Config.fromfile(tmp_path / "child.py")
    first.x = 5
    assert load(tmp_path)["x"] == 1
    write(tmp_path, base="x = 2")
    assert load(tmp_path)["x"] == 2


def test_text_holds_every_source(tmp_path: Path) -> None:
    write(tmp_path, base="x = 1", child="_base_ = 'base.py'\ny = 2\n")
    folder = os.fspath(tmp_path)
    assert Config.fromfile(tmp_path / "child.py").text == (
        f"{folder}/base.py\nx = 1\n{folder}/child.py\n_base_ = 'base.py'\ny = 2\n"
    )


def test_deprecation(tmp_path: Path) -> None:
    write(tmp_path, child="_deprecation_ = dict(expected='new.py', reference='url')\na = 1")
    with pytest.warns(DeprecationWarning, match=r"child\.py is deprecated; use new\.py \(url\)"):
        assert load(tmp_path) == {"a": 1}


def test_from_string_needs_a_known_format() -> None:
    with pytest.raises(ConfigError, match="a config's format is one of"):
        Config.fromstring("a = 1", ".toml")


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.py", "x = {'a': 1,\n 'b': 2,\n 'a': 3}", ["a.py:3: the key 'a' is set a second time (first in line 1)"]),
        ("b.py", "x = dict(y=[{0: 1, 0: 255}])", ["b.py:1: the key '0' is set a second time (first in line 1)"]),
        ("c.yaml", "a: 1\nb:\n  c: 1\n  c: 2\na: 3\n", ["c.yaml:4: the key 'c'", "c.yaml:5: the key 'a'"]),
        ("d.json", '{"a": 1,\n"b": {"c": 1, "c": 2},\n"a": 3}', ["d.json:2: the key 'c'", "d.json:3: the key 'a'"]),
        ("e.json", '{"a": 1, "a": 3}' + " " * 300_000, ["e.json: the key 'a' is set a second time; the last"]),
        (
            "f.py",
            "_base_ = []\n_base_ = ['x.py']",
            ["f.py:2: this _base_ is ignored, as by mmengine: the one in line 1"],
        ),
        ("g.py", "x = {**{'a': 1}, 'a': 2}\ny = dict(x, a=3)\ny['a'] = 4\nx = 1", []),
        ("h.yaml", "a: &one {b: 1, c: 2}\nd:\n  <<: *one\n  b: 2\n", []),
    ],
)
def test_what_stands_twice_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    name: str, text: str, lines: list[str],
) -> None:  # fmt: skip
    """As Python, YAML's reader and mmengine have it, one of the two counts; the other must not be lost in silence."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(text)
    with caplog.at_level(logging.WARNING, "segue"):
        load(tmp_path, name)
    assert len(caplog.messages) == len(lines)
    assert all(message.startswith(line) for message, line in zip(sorted(caplog.messages), lines, strict=True))


def test_few_lines_are_said_of_many(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.py").write_text("x = {" + "\n".join(f"'a{i}': 1, 'a{i}': 2," for i in range(1000)) + "}")
    with caplog.at_level(logging.WARNING, "segue"):
        load(tmp_path, "a.py")
    assert len(caplog.messages) == 20
