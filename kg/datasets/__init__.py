"""Data to try WhyPath on: the demo domain (MovieLens-100k with Wikidata's film facts) and synthetic domains of any
size.

Both end as what a user would bring: ordinary tables beside a `domain.yaml`. The package holds no data; what is
fetched goes to the user's cache.
"""
