"""An audit that needs nobody's word: the escrow rebuilt from its events, and held against what the
chain stores (docs/audit.md)."""

from sluice.audit.auditor import Auditor, Report, Totals
from sluice.audit.checkpoints import Checkpoint, CheckpointError, Checkpoints
from sluice.audit.findings import Check, Finding
from sluice.audit.node import BlockId, Node, NodeFailure
from sluice.audit.rebuild import Rebuild
from sluice.audit.report import document, page

__all__ = [
    "Auditor",
    "BlockId",
    "Check",
    "Checkpoint",
    "CheckpointError",
    "Checkpoints",
    "Finding",
    "Node",
    "NodeFailure",
    "Rebuild",
    "Report",
    "Totals",
    "document",
    "page",
]
