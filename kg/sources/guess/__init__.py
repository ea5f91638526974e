"""A first domain description out of files: `guess_domain` looks, `write_domain` writes. Nothing is asked."""

from kg.sources.guess.guessing import Guess, GuessError, guess_domain, write_domain

__all__ = ["Guess", "GuessError", "guess_domain", "write_domain"]
