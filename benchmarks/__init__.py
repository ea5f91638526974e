"""Scripts behind the published figures; run from the checkout as `python -m benchmarks.NAME`. See README.md here.

The scripts measure the commands from outside, as processes of their own, and have lists scored by a program that is
not part of the project. Only what they share is here as modules: `running` (a command's time and memory), `commands`
(the commands of `whypath` over one store), `yardsticks` (the given splits and their scorer), `records` (what is kept).
"""
