"""`python -m tests.k8s_check`: builds every overlay and says what is wrong with it; exit code 1 when anything is."""

import sys
import time

from tests.k8s_check.all_checks import check_all
from tests.k8s_check.tools import ToolError


def main() -> int:
    started = time.monotonic()
    try:
        counts, findings = check_all()
    except ToolError as error:
        sys.stderr.write(f"k8s-check: {error}\n")
        return 2
    for overlay, one in findings:
        sys.stdout.write(f"{overlay}: {one.check}: {one.where}: {one.what}\n")
    built = ", ".join(f"{name} ({count} objects)" for name, count in counts.items())
    sys.stdout.write(f"k8s-check: {built}; {len(findings)} findings in {time.monotonic() - started:.1f} s\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
