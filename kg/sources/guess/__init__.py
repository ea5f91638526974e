"""Guess a first domain description from files: `guess_domain` reads them, `write_domain` writes the result."""

from kg.sources.guess.guessed import Guess, GuessError, write_domain
from kg.sources.guess.guessing import guess_domain

__all__ = ["Guess", "GuessError", "guess_domain", "write_domain"]
