"""natrix with two gaps of 0.1.9 closed: `python tools/natrix_lint.py FILE...`.

It breaks off at a module that uses several stateful modules, and it asks for `view` or `pure` where
a function's only effect is a call, an event or to be payable, which the compiler would refuse.
"""

import sys
from pathlib import Path
from typing import Any

import natrix
from natrix import ast_tools
from natrix.rules.common import Issue

UNINITIALIZED = "is used but never initialized!"
EFFECTS = ("extcall ", "raw_call(", "raw_log(", "send(", "log ")
MUTABILITY = {"NTX4", "NTX5"}

_compile = ast_tools.vyper_compile
_lint_file = natrix.lint_file


def compile_module(filename: str, formatting: str, extra_paths: tuple[str, ...] = ()) -> Any:
    """As natrix does it, but several uninitialized modules are reported like a single one."""
    try:
        return _compile(filename, formatting, extra_paths=extra_paths)
    except Exception as error:
        if UNINITIALIZED not in str(error):
            raise
        raise RuntimeError(f"vyper.exceptions.InitializerException: {UNINITIALIZED}") from error


def lint_file(file_path: str, *args: Any, **kwargs: Any) -> list[Issue]:
    """The file's issues without those about functions that have an effect."""
    lines = Path(file_path).read_text(encoding="utf-8").splitlines()
    return [
        issue
        for issue in _lint_file(file_path, *args, **kwargs)
        if issue.code not in MUTABILITY or not has_effect(lines, issue)
    ]


def has_effect(lines: list[str], issue: Issue) -> bool:
    """True if the function that the issue is about calls, logs or takes ether."""
    if issue.start_position is None or issue.end_position is None:
        return False
    first, last = issue.start_position[0], issue.end_position[0]
    body = [line.split("#")[0].strip() for line in lines[first - 1 : last]]
    decorators = [line.strip() for line in lines[max(0, first - 4) : first - 1]]
    return "@payable" in decorators or any(effect in line for line in body for effect in EFFECTS)


if __name__ == "__main__":
    ast_tools.vyper_compile = compile_module
    natrix.lint_file = lint_file
    sys.argv.insert(1, "lint")
    sys.exit(natrix.main())
