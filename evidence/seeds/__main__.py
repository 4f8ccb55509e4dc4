"""``python -m evidence.seeds``: what `make articles` runs.

Writes the pages of docs/articles, and the articles of the networks to build/articles; these hold real images
and are therefore not part of the repository.
"""

import sys
from pathlib import Path

from evidence.seeds.articles import build_article
from evidence.seeds.pages import FOLDER, SEEDS, write_pages

BUILT = Path(__file__).parents[2] / "build" / "articles"


def main() -> int:
    """Write everything, and return how many formulas are not where a page says that they are."""
    write_pages()
    print(f"pages: {FOLDER}", flush=True)
    failures = 0
    for seed in SEEDS:
        path, missing = build_article(seed, BUILT)
        print(f"{seed.network.name}: {path}, {path.stat().st_size:,} bytes", flush=True)
        for said in missing:
            print(f"  lacks the {said.what}", file=sys.stderr)
        failures += len(missing)
    return failures


if __name__ == "__main__":
    sys.exit(main() > 0)
