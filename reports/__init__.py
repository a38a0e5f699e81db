"""The judgement: everything between an answer and a decision. Knows no target; opens no socket but to announce."""
