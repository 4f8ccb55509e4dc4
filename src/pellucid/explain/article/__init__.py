"""The article of a network: its mathematics, its numbers, and the proof that they agree."""

from pellucid.explain.article.article import Article, article_of, form_of
from pellucid.explain.article.writing import Progress

__all__ = ["Article", "Progress", "article_of", "form_of"]
