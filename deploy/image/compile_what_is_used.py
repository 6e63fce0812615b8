"""Imports every module of Tierflow in the image that is being built, and compiles what that brought in.

A module that cannot be imported fails the build, so nothing that is needed can be trimmed away. Bytecode of what is
never imported would only make the image larger. Run by the Python of the image, in its site-packages.
"""

import importlib
import pkgutil
import sys
from pathlib import Path
from py_compile import PycInvalidationMode, compile
from typing import Final

PACKAGES: Final = (
    "tierflow_shared", "tierflow_events", "tierflow_scoring", "tierflow_contact_planner", "tierflow_suitability",
    "tierflow_embedded",
)  # fmt: skip
# Left out of the image: pictures are drawn by `tierflow demo` and `tierflow report` alone.
LEFT_OUT: Final = frozenset({"matplotlib"})


def import_everything() -> None:
    """All modules but those that start a program.

    Raises:
        ImportError: something that is needed is not here.
    """
    for package in PACKAGES:
        found = importlib.import_module(package)
        for one in pkgutil.walk_packages(found.__path__, f"{package}."):
            if one.name.endswith(".__main__"):
                continue
            try:
                importlib.import_module(one.name)
            except ModuleNotFoundError as error:
                if error.name not in LEFT_OUT:
                    raise


def compile_imported(folder: Path) -> int:
    """Writes bytecode that is never checked against its source; returns for how many modules."""
    files = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
    used = sorted(file for file in files if file.endswith(".py") and Path(file).is_relative_to(folder))
    for file in used:
        compile(file, doraise=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    return len(used)


if __name__ == "__main__":
    import_everything()
    print(f"compiled {compile_imported(Path.cwd())} modules")  # noqa: T201 - for the log of the build
