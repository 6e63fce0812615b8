"""Every rule function by the name under which packs use it."""

from collections.abc import Mapping
from typing import Final

from tierflow_suitability.domain.rules.base import Check
from tierflow_suitability.domain.rules.core import CORE_CHECKS
from tierflow_suitability.domain.rules.level import LEVEL_CHECKS
from tierflow_suitability.domain.rules.protection import PROTECTION_CHECKS

CHECKS: Final[Mapping[str, Check]] = {**CORE_CHECKS, **LEVEL_CHECKS, **PROTECTION_CHECKS}

__all__ = ["CHECKS"]
