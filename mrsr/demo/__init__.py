"""The demo: training, evaluation and enlarging on the embedded sample, and the report that tells what came of it."""
