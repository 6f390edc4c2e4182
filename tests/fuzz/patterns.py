"""Every regular expression of the readers, found in their modules, and whether its text is searched or matched."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import NamedTuple

PACKAGES = ("simulator.inputs", "simulator.evidence", "simulator.images")
#: Readers of what files say that live with their tables.
MODULES = ("simulator.hypervisor", "simulator.mtrr", "simulator.statement")
_FUNCTIONS = ("compile", "search", "match", "fullmatch", "finditer", "findall", "sub", "split")
#: What tries every position of a text; the others begin where they are told.
_SEARCHES = ("search", "finditer", "findall", "sub", "split")


class Found(NamedTuple):
    """A pattern, the module that has it, and whether it is searched for at every position of a text."""

    module: str
    pattern: re.Pattern[str] | re.Pattern[bytes]
    is_searched: bool

    @property
    def key(self) -> tuple[str, str]:
        """Module and the pattern's beginning: enough to tell it from all others."""
        return self.module.removeprefix("simulator."), str(self.pattern.pattern)[:60]


def modules() -> Iterator[ModuleType]:
    """The modules of all readers."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for found in pkgutil.iter_modules(package.__path__):
            if found.name != "__main__":  # that one runs when it is imported
                yield importlib.import_module(f"{name}.{found.name}")
    yield from map(importlib.import_module, MODULES)


def patterns_of(module: ModuleType) -> list[Found]:
    """The patterns of a module: compiled ones, wherever its tables hold them, and those of calls to re.

    Raises AssertionError for a call whose pattern is known neither from the module's names nor from its tables.
    """
    tree = ast.parse(inspect.getsource(module))
    found: dict[tuple[str | bytes, int], bool] = {}
    for name, value in vars(module).items():
        for pattern in _within(value, set()):
            is_searched = _is_searched(tree, name)
            key = pattern.pattern, pattern.flags
            found[key] = found.get(key, False) or is_searched
    for call, function in _calls(tree):
        try:
            pattern = _evaluated(call, module)
        except NameError:
            assert function == "compile", f"{module.__name__}:{call.lineno}: a pattern that is not known beforehand"
            continue  # the row of a table, or what a closure holds: found above
        key = pattern.pattern, pattern.flags
        found[key] = found.get(key, False) or function in _SEARCHES
    return [Found(module.__name__, re.compile(*key), is_searched) for key, is_searched in found.items()]


def _within(value: object, seen: set[int]) -> Iterator[re.Pattern[str]]:
    """The patterns that a module's value holds, at any depth, or that a function of its own keeps."""
    if id(value) in seen or isinstance(value, ModuleType | type):
        return
    seen.add(id(value))
    inner: list[object] = []
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        inner = [*value.values()]
    elif isinstance(value, tuple | list | set | frozenset):
        inner = [*value]
    elif isinstance(value, FunctionType) and value.__closure__:
        inner = [cell.cell_contents for cell in value.__closure__]
    for one in inner:
        yield from _within(one, seen)


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    """The calls of functions of re."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            owner, function = _method(node)
            if owner == "re" and function in _FUNCTIONS:
                yield node, function


def _method(call: ast.Call) -> tuple[str, str]:
    """The name whose method is called, and the method's; empty where it is no method of a name."""
    function = call.func
    is_method = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
    return (function.value.id, function.attr) if is_method else ("", "")  # type: ignore[attr-defined]


def _evaluated(call: ast.Call, module: ModuleType) -> re.Pattern[str]:
    """The pattern of a call, with its flags, from the module's own names."""
    flags: list[ast.expr] = [keyword.value for keyword in call.keywords if keyword.arg == "flags"]
    place = {"compile": 1, "sub": 3, "split": 3}.get(call.func.attr, 2)  # type: ignore[attr-defined]
    flags += call.args[place : place + 1]
    values = [eval(compile(ast.Expression(one), "", "eval"), dict(vars(module))) for one in (call.args[0], *flags)]
    return re.compile(*values)


def _is_searched(tree: ast.Module, name: str) -> bool:
    """Whether a module searches with one of its names, or gives it to another module, which may."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    is_given = any(isinstance(one, ast.Name) and one.id == name for call in calls for one in call.args)
    return is_given or any(owner == name and function in _SEARCHES for owner, function in map(_method, calls))
