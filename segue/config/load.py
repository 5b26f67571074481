"""Loads a config file with its bases: read, substitute, interpret, merge."""

from __future__ import annotations

import logging
import os
import stat
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from segue.config.language.budget import MAX_DEPTH, MAX_FILE, MAX_FILES, Budget
from segue.config.language.documents import read_json, read_yaml
from segue.config.language.external import add_scope, find_external, find_module, known_base, scope_of
from segue.config.language.parse import Module, parse
from segue.config.language.placeholders import Template, fill, find_base, substitute
from segue.config.language.read import Reader
from segue.config.language.trusted import execute
from segue.config.marks import Origin, origin
from segue.config.tree import ConfigDict, copy_tree, merge_into, nest
from segue.errors import ConfigError, Problem
from segue.system.near import near_path

EXTENSIONS = (".py", ".yaml", ".yml", ".json")
RESERVED = ("filename", "text", "pretty_text", "env_variables")


@dataclass(frozen=True)
class LoadOptions:
    """How templates and untrusted files are treated; ``alone`` refuses every other file that a config asks for."""

    predefined: bool = True
    environment: bool = True
    trust: bool = False
    alone: bool = False


@dataclass
class Loaded:
    """A file merged with its bases, and the text of all of them, bases first."""

    tree: ConfigDict
    text: str
    lazy: bool = False
    classic: bool = False  # has _base_
    known: bool = False  # it is no file, but what Segue's recipes say
    tools: Mapping[str, Any] = field(default_factory=dict)  # what it imports, for files that read it by read_base


@dataclass
class _Interpreted:
    module: Module
    tree: ConfigDict
    steps: int


#: What files that depend on nothing else say, by path and text: the bases of a zoo are read once.
_cache: dict[tuple[str, str, LoadOptions], _Interpreted] = {}
_CACHED_FILES = 1024
_CACHED_STEPS = 50_000


def load_file(path: str, options: LoadOptions) -> tuple[Loaded, dict[str, str]]:
    """Load a config file; returns it with the environment variables that were used."""
    load = _Load(options)
    return load.checked(load.file(os.path.abspath(path), [])), load.environment


def load_text(text: str, extension: str, options: LoadOptions, name: str = "<string>") -> tuple[Loaded, dict[str, str]]:
    """Load a config from text, called ``name`` in messages; its bases are relative to the working directory."""
    if extension not in EXTENSIONS:
        raise ConfigError(f"a config's format is one of {', '.join(EXTENSIONS)}, not {extension!r}")
    load = _Load(options)
    check_text(text, name)
    loaded = load.content(text, name, os.path.join(os.getcwd(), "<string>" + extension), [])
    return load.checked(loaded), load.environment


def read_text(path: str) -> str:
    """The text of a config file, or a ConfigError that says why it cannot be one."""
    if os.path.splitext(path)[1] not in EXTENSIONS:
        raise _fault(path, f"a config's name ends in {', '.join(EXTENSIONS)}")
    try:
        info = os.stat(path)
        if not stat.S_ISREG(info.st_mode):
            raise _fault(path, "this is not a file")
        if info.st_size > 4 * MAX_FILE:
            raise _fault(path, f"the file has {info.st_size} bytes; a config has at most {MAX_FILE} characters")
        with open(path, encoding="utf-8-sig", newline=None) as stream:
            text = stream.read()
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise _fault(
                path, f"the file is not UTF-8 text: byte {error.start} is {error.object[error.start]:#x}"
            ) from None
        reason = getattr(error, "strerror", None) or str(error)
        near = near_path(path, EXTENSIONS) if isinstance(error, FileNotFoundError) else ""
        raise _fault(path, f"the file cannot be read: {reason}{near}") from None
    check_text(text, path)
    return text


def check_text(text: str, path: str) -> None:
    """Refuse what no config's text is."""
    if len(text) > MAX_FILE:
        raise _fault(path, f"the text has {len(text)} characters; a config has at most {MAX_FILE}")
    if "\0" in text:
        raise ConfigError(
            Problem("", "the text holds a NUL byte", str(Origin(path, text[: text.index("\0")].count("\n") + 1)))
        )


def _fault(path: str, message: str) -> ConfigError:
    return ConfigError(Problem("", message, str(Origin(path, 0))))


def _is_there(name: str, path: str) -> bool:
    if "::" in name:
        return find_external(name)[0] is not None
    return os.path.exists(os.path.join(os.path.dirname(path), os.path.expanduser(name)))


@dataclass
class _Load:
    """One load: the budget, the environment read, and the steps from a path to a merged tree."""

    options: LoadOptions
    budget: Budget = field(default_factory=Budget)
    environment: dict[str, str] = field(default_factory=dict)

    def checked(self, loaded: Loaded) -> Loaded:
        """Refuse the names that a Config needs for itself."""
        for name in RESERVED:
            if name in loaded.tree:
                where = origin(loaded.tree._marks.get(name))
                message = f"the name is reserved ({', '.join(RESERVED)}); rename the variable"
                raise ConfigError(Problem(name, message, str(where or "")))
        return loaded

    def file(self, path: str, chain: list[str]) -> Loaded:
        """A file with its bases. ``chain`` holds the files that led here."""
        if self.options.alone:
            message = f"it asks for the file {path}; a config inside another file stands alone"
            raise ConfigError(Problem("", message, str(self.budget.at)))
        real = os.path.realpath(path)
        if real in chain:
            names = " -> ".join(str(Origin(name, 0)) for name in [*chain[chain.index(real) :], real])
            raise _fault(path, f"the bases form a circle: {names}")
        if len(chain) >= MAX_FILES:
            raise _fault(path, f"the chain of bases is longer than {MAX_FILES} files")
        self.budget.at = Origin(path, 0)
        self.budget.charge(100)
        return self.content(read_text(path), path, path, [*chain, real])

    def content(self, text: str, file: str, path: str, chain: list[str]) -> Loaded:
        """A text with its bases. ``file`` names it in messages, ``path`` places it for relative bases."""
        self.budget.at = Origin(file, 0)
        self.budget.charge_text(len(text))
        extension = os.path.splitext(path)[1]
        template = substitute(text, path, predefined=self.options.predefined, environment=self.options.environment)
        self.environment.update(template.environment)
        if extension == ".py":
            loaded = self.python(text, template, file, path, chain)
        else:
            loaded = self.document(template, file, path, chain, read_json if extension == ".json" else read_yaml)
        loaded.text = f"{loaded.text}{path}\n{text}" + ("" if text.endswith("\n") else "\n")
        self.deprecation(loaded.tree, file)
        return loaded

    def python(self, text: str, template: Template, file: str, path: str, chain: list[str]) -> Loaded:
        """A .py config."""
        key = (path, text, self.options)
        cached = _cache.get(key)
        if cached is not None:
            self.budget.charge(cached.steps)
            base = self.bases(cached.module.bases, file, path, chain)
            return Loaded(self.merged(base.tree, cached.tree), base.text, classic=cached.module.has_bases)
        before = self.budget.left
        module = parse(template.text, file, self.budget)
        steps = before - self.budget.left
        base = self.bases(module.bases, file, path, chain)
        before = self.budget.left
        imported: list[Loaded] = []
        reader = Reader(
            module,
            template,
            self.budget,
            base=base.tree if module.has_bases else None,
            use_environment=self.options.environment,
            import_base=lambda dotted, line: self.imported(dotted, line, file, path, chain, imported),
        )
        try:
            tree = reader.run()
            changed = reader.changed_base()
        except ConfigError as error:
            if not self.options.trust:
                raise
            base.text += "".join(part.text for part in imported)
            return self.trusted(template.text, file, base, module, imported, str(error))
        self.environment.update(reader.environment)
        steps += before - self.budget.left
        alone = not (template.tokens or template.depends or reader.depends or module.lazy or reader.reads_base)
        if alone and file == path and steps < _CACHED_STEPS:
            if len(_cache) >= _CACHED_FILES:
                _cache.clear()
            _cache[key] = _Interpreted(module, tree, steps)
        text_before = base.text + "".join(part.text for part in imported)
        return Loaded(
            self.merged(changed if changed is not None else ConfigDict(), tree),
            text_before,
            module.lazy,
            module.has_bases,
            tools=reader.tools(),
        )

    def trusted(
        self, text: str, file: str, base: Loaded, module: Module, imported: list[Loaded], reason: str
    ) -> Loaded:
        """Execute a .py config that could not be interpreted."""
        names = ConfigDict()
        for part in imported:
            names.update(part.tree)
        tree = execute(text, file, copy_tree(base.tree) if module.has_bases else None, names, reason)
        return Loaded(self.merged(base.tree, tree), base.text, module.lazy, module.has_bases)

    def document(self, template: Template, file: str, path: str, chain: list[str], read: Any) -> Loaded:
        """A .yaml or .json config; its bases are read first, so that placeholders can be replaced."""
        tokens_of = template.tokens
        probe = read(template.text, file, self.budget, lambda text, where: text)
        names = probe.pop("_base_", [])
        bases = [names] if isinstance(names, str) else names
        if not isinstance(bases, list | tuple) or not all(isinstance(name, str) for name in bases):
            raise ConfigError(Problem("_base_", "must be a path or a list of paths", str(Origin(file, 1))))
        base = self.bases([(name, 0) for name in bases], file, path, chain)
        if tokens_of:

            def value_of(dotted: str, where: str) -> Any:
                value, _ = find_base(base.tree if bases else None, dotted, where)
                self.budget.charge(self.budget.weigh(value) // 64)
                return copy_tree(value)

            def replace(text: str, where: str) -> Any:
                return fill(text, template, where, lambda dotted: value_of(dotted, where))

            probe = read(template.text, file, self.budget, replace)
            probe.pop("_base_")
        return Loaded(self.merged(base.tree, probe), base.text)

    def bases(self, names: list[tuple[str, int]], file: str, path: str, chain: list[str]) -> Loaded:
        """The bases of a file, merged; no top-level key may come from two of them."""
        result = Loaded(ConfigDict(), "")
        for name, line in names:
            where = str(Origin(file, line))
            loaded = self.known(name, path, where) or self.file(self.locate(name, path, where), chain)
            if loaded.lazy:
                message = f"{name} is a new-style config (read_base); it cannot be a `_base_`"
                raise ConfigError(Problem("", message, where))
            if "::" in name and not loaded.known:
                add_scope(loaded.tree, scope_of(name))
            for key in loaded.tree:
                if key in result.tree:
                    first, second = (origin(tree._marks.get(key)) for tree in (result.tree, loaded.tree))
                    message = f"two bases set it ({first} and {second}); only one of the files in _base_ may"
                    raise ConfigError(Problem(str(key), message, where))
                result.tree.put(key, dict.__getitem__(loaded.tree, key), loaded.tree._marks.get(key))
            result.text += loaded.text
        return result

    def locate(self, name: str, path: str, where: str) -> str:
        """The path of a base, which must exist."""
        if "::" in name:
            found, reason = find_external(name)
            if found is None:
                recipe = ", and no recipe of Segue has its name" if scope_of(name) == "mmseg" else ""
                message = f"the base {name!r} was not found: {reason}{recipe}; install the package or copy the file"
                raise ConfigError(Problem("", message, where))
            return str(found)
        target = os.path.normpath(os.path.join(os.path.dirname(path), os.path.expanduser(name)))
        if "\0" in name or not os.path.exists(target):
            near = "" if "\0" in name else near_path(target, EXTENSIONS)
            raise ConfigError(Problem("", f"the base {name!r} does not exist (looked for {target!r}){near}", where))
        if not os.path.isfile(target):
            raise ConfigError(Problem("", f"the base {name!r} is not a file", where))
        return target

    def known(self, name: str, path: str, where: str) -> Loaded | None:
        """A base of mmseg's that is no file here, as Segue's recipes say it, which one line tells; None for others."""
        if self.options.alone or "\0" in name or _is_there(name, path):
            return None
        try:
            found = known_base(name)
        except ConfigError as error:
            raise ConfigError([Problem(p.key, p.message, p.where or where) for p in error.problems]) from None
        if found is None:
            return None
        sections, recipe = found
        self.budget.charge(1000)
        if name != recipe:
            logging.getLogger("segue").warning(f"{where}: there is no {name}; it is taken from the recipe {recipe}")
        tree = nest(sections, Origin(f"<recipe {recipe}>", 0))
        return Loaded(tree, f"# {name}: the recipe {recipe}\n", known=True)

    def imported(
        self, dotted: str, line: int, file: str, path: str, chain: list[str], loaded: list[Loaded]
    ) -> tuple[ConfigDict, Mapping[str, Any]]:
        """The base that a new-style config imports, and what it imports itself."""
        where = str(Origin(file, line))
        found, reason = find_module(dotted, path)
        if found is None and dotted.startswith("mmseg.configs."):
            base = self.known("mmseg::" + "/".join(dotted.split(".")[2:]) + ".py", path, where)
            if base is not None:
                loaded.append(base)
                return base.tree, base.tools
        if found is None:
            raise ConfigError(Problem("", f"the base {dotted!r} was not found: {reason}", where))
        base = self.file(str(found), chain)
        if base.classic:
            message = f"{dotted} uses `_base_`; a new-style config cannot inherit from it"
            raise ConfigError(Problem("", message, where))
        loaded.append(base)
        return base.tree, base.tools

    def merged(self, base: ConfigDict, tree: ConfigDict) -> ConfigDict:
        """Merge a file's own tree into its bases'."""
        try:
            merge_into(base, tree)
        except RecursionError:
            raise self.budget.refuse(f"values are nested more than {MAX_DEPTH} levels deep") from None
        return base

    def deprecation(self, tree: ConfigDict, file: str) -> None:
        """Tell about a config that its authors replaced by another."""
        note = tree.pop("_deprecation_")
        if isinstance(note, dict):
            expected = note.get("expected", "another config")
            reference = f" ({note['reference']})" if "reference" in note else ""
            warnings.warn(f"{file} is deprecated; use {expected}{reference}", DeprecationWarning, stacklevel=2)
