"""The rules of the house as functions of source text, so that `test_house` can hold the house to them, and can show
with planted mistakes that they notice.

``python -m tests.house_rules`` draws the order of rooms into docs/design.md.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "segue"
#: The rooms from the top of the house to its floor, and the idea of each. A file imports from rooms below its own.
ORDER: dict[str, str] = {
    "__main__": "`python -m segue`",
    "cli": "the command `segue`: one small file per verb",
    "demo": "the first thing that a newcomer sees",
    "__init__": "the public names, loaded when they are asked for",
    "api": "the verbs as functions",
    "migration": "tries a project that was built on mmseg",
    "compat": "the import names of others, by package",
    "reference": "what mmseg, mmengine and mmcv name, as tables",
    "training": "the only room that imports Lightning",
    "inference": "from an image to its labels",
    "export": "models as files of other runtimes, with the proof that they are the model",
    "convert": "public datasets and annotations of other tools",
    "recipes": "the zoo as data, and where a config gets ready for use",
    "doctor": "what is wrong with images and labels, and what mends it",
    "report": "pictures and pages",
    "datasets": "which files make a dataset",
    "transforms": "the steps of a data pipeline",
    "metrics": "what measures predictions",
    "packs": "images and labels decoded once",
    "backbones": "one file per family",
    "necks": "one file per method",
    "heads": "one file per method",
    "losses": "one file per loss",
    "models": "how backbone, neck and heads make a model",
    "config": "Config and its tree, the language, the builder, configs of 0.x",
    "masks": "label maps, whatever their format",
    "images": "from a file to an array",
    "layers": "blocks that two or more components use",
    "checkpoints": "the reader that runs nothing, downloads, keys of other projects",
    "types": "what the rooms hand each other",
    "system": "what the machine offers: whole files, cores, bars, locks",
    "errors": "what a user can mend",
    "version": "its number",
}
#: Imports that go up, each within a function; nothing else may.
UPWARD = {
    ("recipes/open.py", "compat"): "user code that a config imports may have been written for mmseg",
    ("models/__init__.py", "api"): "segue.models('ocrnet*') is a call of the room",
}
COMPONENTS = ("backbones", "necks", "heads", "losses", "datasets", "transforms", "metrics", "models")
#: Component rooms whose files make use of each other: a dataset extends its base, a wrapper runs transforms.
SHARING = (("datasets", "datasets"), ("datasets", "transforms"), ("transforms", "transforms"), ("models", "models"))
#: In the other component rooms: a published derivative and its original.
DERIVATIVES = {
    "backbones/icnet.py": "resnet",
    "backbones/mae.py": "beit",
    "backbones/resnest.py": "resnet",
    "backbones/resnext.py": "resnet",
    "backbones/svt.py": "pcpvt",
    "heads/a2.py": "fcn",
    "heads/cc.py": "fcn",
    "heads/depthwise_separable_aspp.py": "aspp",
    "heads/depthwise_separable_fcn.py": "fcn",
    "heads/dnl.py": "fcn nl",
    "heads/gc.py": "fcn",
    "heads/iterative_decode.py": "kernel_update",
    "heads/kernel_update.py": "kernel_updator",
    "heads/mask2former.py": "maskformer",
    "heads/nl.py": "fcn",
    "heads/pmt.py": "eomt",
    "heads/stdc.py": "fcn",
}
#: Files that import modules by a name they compute, and what the name is of.
COMPUTED = {
    "__init__.py": "a public name",
    "cli/__init__.py": "a verb",
    "compat/components.py": "a row of reference/places.py, or a class of the user",
    "compat/finder.py": "a row of reference/places.py",
    "compat/mmseg/backbone_blocks.py": "a backbone whose blocks user code imports",
    "compat/forks/overlay.py": "a module of the project's copy of mmseg",
    "compat/mmengine/tools.py": "a module of the user",
    "config/builder/find.py": "a component",
    "config/builder/register.py": "a module of the user",
    "config/language/external.py": "the recipes, which know mmseg's own configs",
    "config/trust.py": "a class that a config names, once it may",
    "convert/dataset.py": "a converter",
    "training/trackers.py": "a package that a tracker needs",
    "migration/work.py": "a module of the user",
    "recipes/grammar.py": "a method or a dataset",
}

Files = Mapping[str, ast.Module]


def read_files(package: Path = PACKAGE) -> dict[str, ast.Module]:
    """The syntax trees of a package by path, ``heads/psp.py``."""
    found = {path.relative_to(package).as_posix(): path for path in sorted(package.rglob("*.py"))}
    return {name: ast.parse(path.read_text(encoding="utf-8"), name) for name, path in found.items()}


def room_of(file: str) -> str:
    """First part of a path: ``heads``, or ``api`` for ``api.py``."""
    return file.split("/")[0].removesuffix(".py")


@dataclass(frozen=True)
class Arrow:
    """An import: ``file`` names ``target``, a file of the house or a module outside it; ``lazy`` within a function."""

    file: str
    line: int
    target: str
    lazy: bool

    @property
    def inside(self) -> bool:
        """Whether the target is a file of the house."""
        return self.target.endswith(".py")


def arrows(files: Files) -> list[Arrow]:
    """Every import of every file: under ``TYPE_CHECKING``, within functions, and ``from segue import x`` as well.

    A package's name stands for its ``__init__.py``; ``from package import file`` for the file.
    """
    modules = {"segue" if f == "__init__.py" else _module(f): f for f in files}
    found = []
    for file, tree in files.items():
        for node, lazy in _nodes(tree, False):
            for name in _imported(node, modules):
                found.append(Arrow(file, node.lineno, modules.get(name, name), lazy))  # type: ignore[attr-defined]
    return [arrow for arrow in found if arrow.target != arrow.file]


def _nodes(node: ast.AST, lazy: bool) -> Iterator[tuple[ast.AST, bool]]:
    """All nodes, each with whether it is within a function."""
    for child in ast.iter_child_nodes(node):
        yield child, lazy
        yield from _nodes(child, lazy or isinstance(child, ast.FunctionDef))


def _module(file: str) -> str:
    return "segue." + file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(node: ast.AST, modules: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = "." * node.level + (node.module or "")  # a relative import is no name of the house
        for alias in node.names:
            yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules else base
    elif isinstance(node, ast.Call) and _called(node) == "import_module" and isinstance(node.args[0], ast.Constant):
        yield str(node.args[0].value)


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def unknown_targets(files: Files) -> list[str]:
    """Relative imports, and names of the house that have no file."""
    wrong = [a for a in arrows(files) if not a.inside and re.match(r"\.|segue\b", a.target)]
    return [f"{a.file}:{a.line} imports {a.target}" for a in wrong]


def upward(files: Files) -> list[str]:
    """Imports of rooms that do not stand below the file's own, but for those in ``UPWARD``."""
    order = list(ORDER)
    wrong = [f"{room}: draw the room into ORDER" for room in sorted({room_of(f) for f in files} - set(order))]
    for arrow in arrows(files):
        own, other = room_of(arrow.file), room_of(arrow.target)
        if not arrow.inside or own == other or wrong:
            continue
        if order.index(other) < order.index(own) and not (arrow.lazy and (arrow.file, other) in UPWARD):
            wrong.append(f"{arrow.file}:{arrow.line} imports {arrow.target}, which is above it")
    return wrong


def circles(files: Files) -> list[str]:
    """Files that reach each other by their imports: the strongly connected components with more than one file."""
    graph: dict[str, set[str]] = {file: set() for file in files}
    for arrow in arrows(files):
        if arrow.inside:
            graph[arrow.file].add(arrow.target)
    reached = {file: _reach(graph, file) for file in graph}
    found = {tuple(sorted(b for b in reached[a] if a in reached[b])) for a in graph if a in reached[a]}
    return [" <-> ".join(circle) for circle in sorted(found)]


def _reach(graph: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting += graph[file]
    return seen


def entangled(files: Files) -> list[str]:
    """Component files that import another one which is neither shared nor their original."""
    wrong = []
    for arrow in arrows(files):
        own, other = room_of(arrow.file), room_of(arrow.target)
        if not arrow.inside or own not in COMPONENTS or other not in COMPONENTS or (own, other) in SHARING:
            continue
        if own != other or Path(arrow.target).stem not in DERIVATIVES.get(arrow.file, "").split():
            wrong.append(f"{arrow.file}:{arrow.line} imports {arrow.target}")
    return wrong


def computed(files: Files) -> list[str]:
    """Files that import what they compute; no other rule sees such an import."""
    calls = [
        (file, node)
        for file, tree in files.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__")
    ]
    return sorted({file for file, node in calls if not isinstance(node.args[0], ast.Constant)})


def lightning(files: Files) -> list[str]:
    """Imports of Lightning outside ``training``; those for the type checker are allowed to ``api``, whose users pass
    callbacks.
    """
    found = [a for a in arrows(files) if a.target.split(".")[0] in ("lightning", "pytorch_lightning")]
    return [f"{a.file}:{a.line}" for a in found if room_of(a.file) != "training"]


#: where ``pickle.dump`` is called: writing runs nothing
WRITERS = (("checkpoints/safe/objects.py", "pickle"),)


def forbidden(files: Files) -> list[str]:
    """Calls and imports that run what a file says; ``model.eval()`` is a method, not the builtin."""
    risky = ("pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib")
    wrong = [
        f"{a.file}:{a.line} imports {a.target}"
        for a in arrows(files)
        if a.target.split(".")[0] in risky and (a.file, a.target) not in WRITERS
    ]
    for file, tree in files.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            text = ast.unparse(node.func)
            bare = isinstance(node.func, ast.Name) and text in ("eval", "exec", "compile", "__import__")
            if bare or text in ("torch.load", "pickle.load", "pickle.loads") or text.endswith(".extractall"):
                wrong.append(f"{file}:{node.lineno} calls {text}")
    return wrong


#: Documented for everybody in spite of their names.
PUBLIC = {"_exit"}


def foreign_privates(files: Files) -> dict[str, list[str]]:
    """Private names of other packages that the code leans on, each with its places: attributes ``x._name`` that the
    house does not define itself, and imports of private names.
    """
    own = set(PUBLIC)
    for tree in files.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                own.add(node.name)
            elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Store):
                own.add(node.attr if isinstance(node, ast.Attribute) else node.id)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                own.add(node.value)  # given to setattr
    found: dict[str, list[str]] = {}
    for file, tree in files.items():
        for node in ast.walk(tree):
            names = [node.attr] if isinstance(node, ast.Attribute) else []
            if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(("segue", "__future__")):
                names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            for name in names:
                if re.match(r"_[a-z_]*[a-zA-Z]", name) and not name.startswith("__") and name not in own:
                    found.setdefault(name, []).append(f"{file}:{node.lineno}")  # type: ignore[attr-defined]
    return found


#: Files at the top of the house.
LOOSE = ("__init__.py", "__main__.py", "api.py", "demo.py", "errors.py", "types.py", "version.py")
LONGEST, LONGEST_FAMILY = 350, 500


def loose(files: Files) -> list[str]:
    """Files at the top that have no room."""
    return [file for file in files if "/" not in file and file not in LOOSE]


def too_long(lengths: Mapping[str, int]) -> dict[str, int]:
    """Files that are more than one idea, by their lines; a backbone's family may be longer."""
    limits = {file: LONGEST_FAMILY if room_of(file) == "backbones" else LONGEST for file in lengths}
    return {file: count for file, count in lengths.items() if count > limits[file]}


# The drawing.

_BEGIN, _END = "<!-- rooms: python -m tests.house_rules -->", "<!-- end of rooms -->"


def drawn() -> str:
    """The order as a table of docs/design.md: a line per room, and what it may import."""
    lines = ["| room | its idea | may import |", "|---|---|---|"]
    for room, idea in ORDER.items():
        shared = [other for own, other in SHARING if own == room]
        if any(file.startswith(f"{room}/") for file in DERIVATIVES):
            shared.append("a derivative its original")
        below = "what is below" if room not in COMPONENTS else "what is below and no component"
        up = [f"`{other}` (above: {why})" for (file, other), why in UPWARD.items() if room_of(file) == room]
        extra = [*(f"`{other}`" if other in ORDER else other for other in shared), *up]
        name = f"`{room}.py`" if (PACKAGE / f"{room}.py").is_file() else f"`{room}/`"
        lines.append(f"| {name} | {idea} | {'; '.join([below, *extra]) if room != list(ORDER)[-1] else 'nothing'} |")
    return "\n".join([_BEGIN, *lines, _END])


def with_drawing(text: str) -> str:
    """The text of docs/design.md with the order as it is now."""
    assert _BEGIN in text and _END in text, "docs/design.md has no place for the rooms"
    return text[: text.index(_BEGIN)] + drawn() + text[text.index(_END) + len(_END) :]


if __name__ == "__main__":
    page = ROOT / "docs" / "design.md"
    page.write_text(with_drawing(page.read_text(encoding="utf-8")), encoding="utf-8")
