"""The description of a domain: `domain.yaml` as pydantic models, with errors that name file, field and fix.

Start with `DomainSchema.read(path)`. The package does not depend on databases, readers or torch.
"""

from kg.schema.availability import AvailableRule
from kg.schema.columns_read import columns_read
from kg.schema.domain import DomainSchema
from kg.schema.errors import SchemaError
from kg.schema.existing import Direction, GraphSource, PathSpec, RelationshipSpec
from kg.schema.fields import FieldSpec, FieldType
from kg.schema.formats import ReaderKind, SourceFormat
from kg.schema.interactions import EventColumns, EventRule, InteractionKind, LinkingTable
from kg.schema.nodes import LinkColumn, ListColumn, NodeKind, Role
from kg.schema.relations import EdgeColumns, RelationKind, RelationSpec
from kg.schema.sources import IdMap, SourceSpec
from kg.schema.unused import unused_by_models

__all__ = [
    "AvailableRule",
    "Direction",
    "DomainSchema",
    "EdgeColumns",
    "EventColumns",
    "EventRule",
    "FieldSpec",
    "FieldType",
    "GraphSource",
    "IdMap",
    "InteractionKind",
    "LinkColumn",
    "LinkingTable",
    "ListColumn",
    "NodeKind",
    "PathSpec",
    "ReaderKind",
    "RelationKind",
    "RelationSpec",
    "RelationshipSpec",
    "Role",
    "SchemaError",
    "SourceFormat",
    "SourceSpec",
    "columns_read",
    "unused_by_models",
]
