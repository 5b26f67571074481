"""A mypy plugin: a call of a module has the signature of its ``forward``.

To mypy, ``Module.__call__`` is ``Callable[..., Any]``, so every ``self.conv(x)`` would be unchecked. With this plugin
it is what ``Conv2d.forward`` says: the arguments are checked and the result has a type. Where ``forward`` has no
annotations, or the class is not known (a plain ``nn.Module``, an element of a ``ModuleList``), the call stays ``Any``.

``Sequential.forward`` has no annotations. Here it takes a tensor and returns one, and whoever makes a ``Sequential`` or
adds to it is held to that: a module that is known to want or to give anything else is an error. A subclass writes its
own ``forward``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mypy.maptype import map_instance_to_supertype
from mypy.nodes import ARG_POS, ARG_STAR, TypeInfo
from mypy.plugin import AttributeContext, FunctionContext, MethodContext, Plugin
from mypy.subtypes import find_member, is_subtype
from mypy.types import CallableType, FunctionLike, Instance, TupleType, Type, UnionType, get_proper_type

MODULE = "torch.nn.modules.module.Module"
SEQUENTIAL = "torch.nn.modules.container.Sequential"
ADDING = {f"{SEQUENTIAL}.{name}" for name in ("append", "insert", "extend")}


class ModuleCalls(Plugin):
    """Gives ``module(...)`` the signature of ``module.forward(...)``."""

    def get_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        """The hook of ``Module.__call__``."""
        return self.call_of_module if fullname == f"{MODULE}.__call__" else None

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        """The hook of ``Sequential(...)``."""
        return self.check_parts if fullname == SEQUENTIAL else None

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        """The hook of what adds to a ``Sequential``."""
        return self.check_parts if fullname in ADDING else None

    def call_of_module(self, context: AttributeContext) -> Type:
        """The type of ``module.__call__``: that of ``module.forward`` where it is known."""
        module = get_proper_type(context.type)
        known = self.forward_of(module) if isinstance(module, Instance) else None
        return known or context.default_attr_type

    def check_parts(self, context: FunctionContext | MethodContext) -> Type:
        """Report the modules put into a ``Sequential`` that do not turn a tensor into a tensor."""
        if (wanted := self.tensor_to_tensor()) is None:
            return context.default_return_type
        for types, kinds in zip(context.arg_types, context.arg_kinds, strict=True):
            for given, kind in zip(types, kinds, strict=True):
                for module in modules_in(given, unpack=kind == ARG_STAR):
                    forward = self.forward_of(module)
                    if forward is not None and not is_subtype(forward, wanted):
                        problem = f'"{module.type.name}" in a Sequential must turn a Tensor into a Tensor'
                        context.api.fail(problem, context.context)
        return context.default_return_type

    def forward_of(self, module: Instance) -> FunctionLike | None:
        """The bound ``forward`` of a module, None where its types are not known."""
        method = module.type.get_method("forward")
        if method is None:  # of nn.Module itself: a variable
            return None
        if module.type.fullname == SEQUENTIAL:
            return self.tensor_to_tensor()
        forward = get_proper_type(find_member("forward", module, module))
        if not isinstance(forward, FunctionLike) or (isinstance(forward, CallableType) and forward.implicit):
            return None
        return forward

    def tensor_to_tensor(self) -> CallableType | None:
        """``Callable[[Tensor], Tensor]``, None before mypy has read torch."""
        found = [self.lookup_fully_qualified(name) for name in ("torch._tensor.Tensor", "builtins.function")]
        nodes = [symbol.node for symbol in found if symbol and isinstance(symbol.node, TypeInfo)]
        if len(nodes) != 2:
            return None
        tensor, function = (Instance(node, []) for node in nodes)
        return CallableType([tensor], [ARG_POS], [None], tensor, function, name="forward of Sequential")


def modules_in(given: Type, unpack: bool) -> Iterator[Instance]:
    """The modules that an argument may hold: itself, those of a union, and those of a tuple, iterable or mapping."""
    given = get_proper_type(given)
    if isinstance(given, UnionType):
        for item in given.items:
            yield from modules_in(item, unpack)
    elif isinstance(given, TupleType):
        for item in given.items:
            yield from modules_in(item, unpack=False)
    elif isinstance(given, Instance):
        bases = {base.fullname: base for base in given.type.mro}
        if MODULE in bases and not unpack:
            yield given
        elif held := bases.get("typing.Mapping") or bases.get("typing.Iterable"):
            yield from modules_in(map_instance_to_supertype(given, held).args[-1], unpack=False)


def plugin(version: str) -> type[Plugin]:
    """Where mypy finds the plugin."""
    return ModuleCalls
