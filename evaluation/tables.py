"""Write the tables of `evaluation/README.md` from every protocol's `results.json`.

python evaluation/tables.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import metrics_table  # noqa: E402
from results import table  # noqa: E402

MARK = "<!-- made by tables.py from here on -->"


def main(folder: Path = HERE) -> None:
    """Replace what stands below the mark."""
    page = folder / "README.md"
    head = page.read_text().split(MARK)[0]
    parts = [head + MARK + "\n"]
    for path in sorted(folder.glob("*/results.json")):
        facts = json.loads(path.read_text())
        parts.append(
            f"\n## {facts['protocol']}\n\nCommit {facts['commit']}, {facts['date']}, "
            f"{facts['machine']}. [Protocol]({path.parent.name}/README.md).\n\n" + _made_of(facts)
        )
        if path.with_suffix(".svg").exists():
            parts.append(f"\n![{facts['protocol']}]({path.parent.name}/results.svg)\n")
    page.write_text("".join(parts))


def _made_of(facts: dict[str, Any]) -> str:
    """The tables of one protocol; of planted faults one of metrics, with all they were asked."""
    if facts["protocol"] != "planted-faults":
        return table(facts["rows"])
    known = metrics_table.metrics()
    others = [row for row in facts["rows"] if row["model"] not in known]
    return f"{table(others)}\n{metrics_table.HEAD}\n\n{metrics_table.text(facts['rows'])}"


if __name__ == "__main__":
    main()
