"""``python -m evidence.seeds``: what `make articles` runs.

Writes the pages of docs/articles, and the articles of the networks to build/articles; these hold real images
and are therefore not part of the repository.
"""

from pathlib import Path

from evidence.seeds.articles import build_article
from evidence.seeds.pages import FOLDER, SEEDS, write_pages

BUILT = Path(__file__).parents[2] / "build" / "articles"

if __name__ == "__main__":
    write_pages()
    print(f"pages: {FOLDER}", flush=True)
    for seed in SEEDS:
        path = build_article(seed, BUILT)
        print(f"{seed.network.name}: {path}, {path.stat().st_size:,} bytes", flush=True)
