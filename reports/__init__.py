"""The judgement: everything between an answer and a decision. Knows no target; opens no socket but to announce."""

VERSION = "0.1.0"  # pyproject.toml's; a verdict names it
