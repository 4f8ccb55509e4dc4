"""The formulas of the five seeds, each in the language of formulas with the line where it stands.

The seeds are five texts from which this project began; each describes a convolutional network by hand. Each
module ``seed_00X`` holds what one of them says, as data: its equations in its own letters, and what these
letters stand for in the network that pellucid builds for it. `matching` brings an equation into the letters
of the network and compares it, by structure, with pellucid's own; `pages` writes docs/articles.
"""
