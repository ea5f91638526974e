"""A first domain description out of files: `guess_domain` looks, `write_domain` writes. Nothing is asked."""

from kg.sources.guess.guessed import Guess, GuessError, write_domain
from kg.sources.guess.guessing import guess_domain

__all__ = ["Guess", "GuessError", "guess_domain", "write_domain"]
