"""Scripts behind the published figures; run from the checkout as `python -m benchmarks.NAME`. See README.md here.

The scripts measure the commands from outside, as separate processes, and lists are scored by a program that is not part
of the project. Modules that they share: `running` (a command's time and memory), `commands` (the commands of `whypath`
on one store), `yardsticks` (the given splits and their scorer), `records` (records of results).
"""
