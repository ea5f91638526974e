"""Example data: the demo domain (MovieLens-100k with Wikidata's film facts) and synthetic domains of any size.

Both are written as a user's data would be: tables beside a `domain.yaml`. The package holds no data; downloads go to
the user's cache.
"""
