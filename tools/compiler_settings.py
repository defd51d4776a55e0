"""What the compiler's settings make of the escrow: bytes and gas of each, as a table.

    python tools/compiler_settings.py

Each setting is measured in a copy of the project in which only the pragma of `contracts/Escrow.vy`
is another, on an anvil that takes code of any length; about a minute a setting.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
PRAGMA = "# pragma optimize codesize\n"
SETTINGS = {
    "optimize codesize": PRAGMA,
    "optimize gas": "# pragma optimize gas\n",
    "optimize none": "# pragma optimize none\n",
    "experimental, codesize": PRAGMA + "# pragma experimental-codegen\n",
    "experimental, gas": "# pragma optimize gas\n# pragma experimental-codegen\n",
}
KEYS = (
    "runtime_bytes",
    "deploy_gas",
    "resolve_one_model_marginal",
    "resolve_split_marginal",
    "pay_due_marginal",
    "pay_signed_marginal",
    "relay_rebalance_marginal",
    "set_stakes_two_models",
)
MEASURE = "--measure"
CODE_BYTES = 60_000


def main() -> None:
    """Prints the table; a setting that does not compile has the compiler's last words instead."""
    if sys.argv[1:] == [MEASURE]:
        measure()
        return
    measured = {setting: json.loads(measured_apart(pragma)) for setting, pragma in SETTINGS.items()}
    compiled = {setting: found for setting, found in measured.items() if isinstance(found, dict)}
    table = Table("key", *compiled)
    for column in table.columns[1:]:
        column.justify = "right"
    for key in KEYS:
        table.add_row(key, *(f"{figures[key]:,}" for figures in compiled.values()))
    console = Console(width=120)
    console.print(table)
    for setting in measured.keys() - compiled.keys():
        console.print(f"{setting}: does not compile, {measured[setting]}")


def measured_apart(pragma: str) -> str:
    """The figures with this pragma as JSON, or why there are none."""
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(ROOT / "contracts", copy / "contracts")
        shutil.copy(ROOT / "ape-config.yaml", copy)
        escrow = copy / "contracts" / "Escrow.vy"
        source = escrow.read_text()
        assert source.count(PRAGMA) == 1, "the pragma of the escrow is another one: change PRAGMA"
        escrow.write_text(source.replace(PRAGMA, pragma))
        compiled = _run(["vyper", "-f", "bytecode_runtime", "contracts/Escrow.vy"], copy)
        if compiled.returncode:
            words = [
                line for line in compiled.stderr.splitlines() if "Exception" in line or ":" in line
            ]
            named = [line for line in words if line.startswith("vyper.exceptions.")]
            return json.dumps((named or words)[-1].strip()[:80])
        done = _run([sys.executable, __file__, MEASURE], copy)
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout.splitlines()[-1]


def measure() -> None:
    """Prints the figures of the project in the working directory as one line of JSON."""
    from ape.logging import LogLevel, logger

    from sluice import bench
    from sluice.local_chain import anvil_chain

    logger.set_level(LogLevel.ERROR)
    with anvil_chain(code_bytes=CODE_BYTES) as chain:
        print(json.dumps(bench.measure_sluice(bench.build_world(chain))))


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


if __name__ == "__main__":
    main()
