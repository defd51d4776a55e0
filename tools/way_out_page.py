"""Runs the rehearsals of docs/way-out.md and writes what they answer: `python
tools/way_out_page.py`.

A command is a line that begins with `$ ape run rehearse-exit` in a fenced block; what follows in
the block is its answer."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "way-out.md"
COLUMNS = 110

_BLOCK = re.compile(r"```console\n\$ (ape run rehearse-exit[^\n]*)\n.*?```", re.DOTALL)


def answer(command: str) -> str:
    """What a command prints, without the spaces at the ends of lines."""
    program, *arguments = shlex.split(command)
    finished = subprocess.run(
        [Path(sys.executable).parent / program, *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": str(COLUMNS), "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return "\n".join(line.rstrip() for line in finished.stdout.strip().splitlines())


def filled(page: str) -> str:
    """The page with every answer made anew."""
    return _BLOCK.sub(
        lambda block: f"```console\n$ {block.group(1)}\n{answer(block.group(1))}\n```", page
    )


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
