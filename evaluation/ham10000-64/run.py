"""Protocol ham10000-64: see README.md beside this file.

python evaluation/ham10000-64/run.py --data ../shared/data/ham10000 --epsilons 10 --seeds 1
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import picture_protocol  # noqa: E402
from protocol import stated  # noqa: E402

RECIPE = HERE.parents[1] / "models/image-gan/recipe-64.toml"
LESIONS: Any = stated("ham10000")

PROTOCOL = replace(
    LESIONS,
    name="ham10000-64",
    folder=HERE,
    schema=picture_protocol.sized(LESIONS.schema, 64),
    settings={"image-gan": tomllib.loads(RECIPE.read_text())["settings"]},
)


def main(words: list[str] | None = None) -> None:
    """Add the rows that are missing, then print the table."""
    picture_protocol.main(PROTOCOL, words)


if __name__ == "__main__":
    main()
