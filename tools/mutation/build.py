"""Compiles a project in which one source is another, and puts it in the place of the original."""

import gc
from functools import cached_property
from pathlib import Path
from typing import Any

import boa
import eth.vm.forks.spurious_dragon.computation as code_limit
from boa.contracts.vyper.vyper_contract import VyperContract, VyperDeployer
from vyper import ast as vy_ast
from vyper.cli.vyper_compile import get_search_paths
from vyper.codegen import core as codegen
from vyper.codegen import module
from vyper.codegen.ir_node import IRnode
from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle
from vyper.compiler.phases import CompilerData, generate_assembly, generate_bytecode
from vyper.compiler.settings import Settings, anchor_settings
from vyper.ir import optimizer
from vyper.ir.compile_ir import reset_symbols
from vyper.semantics.analysis.imports import ImportAnalyzer

# an array written out is optimized anew for each of its elements otherwise: half of the time
_optimized: Any = cached_property(lambda node: optimizer.optimize(node))
_optimized.__set_name__(IRnode, "_optimized")

NO_SOURCE_MAP: dict[str, dict[int, Any]] = {"pc_raw_ast_map": {}, "error_map": {}}


class _Changed(FilesystemInputBundle):
    """Reads one file's text from here, everything else from disk."""

    def __init__(self, changed: Path, text: str) -> None:
        super().__init__(get_search_paths(None))
        self.changed = changed
        self.text = text

    def _load_from_path(self, resolved_path: Path, original_path: Path) -> Any:
        found = super()._load_from_path(resolved_path, original_path)
        if resolved_path != self.changed:
            return found
        return FileInput(found.source_id, original_path, resolved_path, self.text)


class Analysed:
    """The original's syntax trees as the compiler has analysed them, for contracts in which another
    source changes: what does not import the changed one is not read again. For one compilation in
    a process, which uses them up."""

    def __init__(self, contract: Path) -> None:
        data = _data(contract, contract, contract.read_text())
        with anchor_settings(data.settings):
            top = data.annotated_vyper_module
        self.trees: dict[Path, Any] = {}
        self.needs: dict[Path, set[Path]] = {}
        self._add(top)

    def _add(self, tree: Any) -> set[Path]:
        path = Path(tree.resolved_path)
        if path not in self.needs:
            self.trees[path] = tree
            needs = {path}
            for statement in tree.get_children((vy_ast.Import, vy_ast.ImportFrom)):
                imported = statement._metadata["import_info"].parsed
                if isinstance(imported, vy_ast.Module):
                    needs |= self._add(imported)
            self.needs[path] = needs
        return self.needs[path]

    def use(self, changed: Path) -> None:
        """From now on, imports of what does not need this path find the analysed tree."""
        usable = {
            path: tree
            for path, tree in self.trees.items()
            if changed.resolve() not in self.needs[path]
        }
        parse = ImportAnalyzer._ast_from_file

        def found(analyzer: ImportAnalyzer, file: FileInput) -> Any:
            return usable.get(file.resolved_path) or parse(analyzer, file)

        ImportAnalyzer._ast_from_file = found


def compile_changed(contract: Path, changed: Path, text: str) -> tuple[bytes, bytes]:
    """The creation code of a contract, constructor and all, and its runtime code, if one of its
    sources had this text. Without the compiler's hash of the sources, so that equal code is
    equal."""
    data = _data(contract, changed, text)
    with anchor_settings(data.settings):
        return bytes(data.bytecode), bytes(data.bytecode_runtime)


def compile_runtime(contract: Path, changed: Path, text: str) -> bytes:
    """The runtime code alone, in half the time: for a change that no constructor can see."""
    data = _data(contract, changed, text)
    with anchor_settings(data.settings):
        codegen.reset_names()
        reset_symbols()
        ir = optimizer.optimize(_runtime_ir(data.global_ctx))
        return bytes(generate_bytecode(generate_assembly(ir, data.settings.optimize), None))


def _data(contract: Path, changed: Path, text: str) -> CompilerData:
    contract, changed = contract.resolve(), changed.resolve()
    own = text if contract == changed else contract.read_text()
    file = FileInput(source_id=-1, path=contract, resolved_path=contract, contents=own)
    return CompilerData(file, _Changed(changed, text), Settings(), no_bytecode_metadata=True)


def _runtime_ir(module_t: Any) -> IRnode:
    """What `vyper.codegen.module.generate_ir_for_module` makes of the runtime, for a contract
    without a fallback function. `tests/unit/test_mutation.py` compares."""
    found = module._runtime_reachable_functions(module_t, module.IDGenerator())
    internal = [each.ast_def for each in found if each.is_internal]
    external = [each.ast_def for each in found if not each.is_internal and not each.is_constructor]
    codes = [
        IRnode.from_list(module._ir_for_internal_function(each, module_t, False))
        for each in internal
    ]
    selectors = module._selector_section_dense(external, module_t)
    fallback = IRnode.from_list(["revert", 0, 0])
    label = ["label", "fallback", ["var_list"], fallback]
    return IRnode.from_list(["seq", selectors, ["goto", "fallback"], label, *codes])


def constructed(data: CompilerData) -> set[tuple[str, str]]:
    """File and name of every function that runs in the constructor."""
    first = data.global_ctx.init_function
    functions = [first, *first.reachable_internal_functions]
    nodes = [each.ast_def for each in functions]
    return {(str(node.module_node.resolved_path), str(node.name)) for node in nodes}


def be_quick() -> None:
    """Makes the compiler take half of its time: its own memory is never worth collecting in a
    process that compiles once, and no node is optimized twice."""
    IRnode._optimized = _optimized
    # the hash of all sources, of which the code is without anyway
    ImportAnalyzer._calculate_integrity_sum_r = lambda self, tree: "00"
    gc.collect()
    gc.freeze()
    gc.disable()


def lift_code_limit() -> None:
    """A mutant a few bytes longer than what a chain takes is to be judged by what it does."""
    code_limit.EIP170_CODE_SIZE_LIMIT = 10**6


class Deployers:
    """What `boa.load_partial` gives: the originals, compiled once, or in their place a mutant.

    A mutant is its creation code behind the original's interface; the map from code to source,
    which would be the original's, is left empty, so that no failure is explained by a wrong line.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.originals: dict[Path, Any] = {}
        self.replaced: dict[Path, Any] = {}
        self._load = boa.load_partial

    def install(self) -> None:
        """From now on, for everybody who loads contracts in this process."""
        boa.load_partial = self.load
        VyperContract._deployment_source_map = NO_SOURCE_MAP
        lift_code_limit()

    def load(self, filename: str, *arguments: Any, **options: Any) -> Any:
        """As `boa.load_partial`."""
        path = Path(filename).resolve()
        if path in self.replaced:
            return self.replaced[path]
        if path not in self.originals:
            self.originals[path] = self._load(filename, *arguments, **options)
        return self.originals[path]

    def replace(self, name: str, creation: bytes | None, runtime: bytes) -> None:
        """Puts this code in the place of a contract's. Without creation code the original's runs,
        and the runtime code takes the place of what it deployed."""
        path = (self.root / name).resolve()
        data = _copied(self.load(str(path)).compiler_data)
        if creation is not None:
            data.__dict__["bytecode"] = creation
        data.__dict__["bytecode_runtime"] = runtime
        data.source_map = NO_SOURCE_MAP
        self.replaced[path] = (_Deployer if creation is None else VyperDeployer)(data, str(path))


class _Deployer(VyperDeployer):
    def deploy(self, *arguments: Any, **options: Any) -> Any:
        """Deploys the original, then changes its code behind its immutables."""
        contract = super().deploy(*arguments, **options)
        evm = contract.env.evm
        immutables = self.compiler_data.global_ctx.immutable_section_bytes
        deployed = evm.get_code(contract.address)
        code = self.compiler_data.bytecode_runtime + deployed[len(deployed) - immutables :]
        evm.set_code(contract.address, code)
        contract.bytecode = code
        return contract


def _copied(data: CompilerData) -> Any:
    copied = CompilerData.__new__(CompilerData)
    copied.__dict__.update(data.__dict__)
    return copied
