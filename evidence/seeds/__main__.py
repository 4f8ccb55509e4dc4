"""``python -m evidence.seeds``: what `make articles` runs."""

from evidence.seeds.pages import write_pages

if __name__ == "__main__":
    write_pages()
