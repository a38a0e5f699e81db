"""Rules of a bake: the runs of a window are pooled, with their doubts."""
