"""Files made from the code and committed: event schemas and the AsyncAPI document."""

from tierflow_shared.generate.asyncapi import asyncapi_document
from tierflow_shared.generate.files import GeneratedFiles
from tierflow_shared.generate.schemas import event_schema, event_schemas

__all__ = ["GeneratedFiles", "asyncapi_document", "event_schema", "event_schemas"]
