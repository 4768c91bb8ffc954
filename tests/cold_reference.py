"""A process that tags one file with scikit-learn: a model by joblib, a text, its scores.

python -m tests.cold_reference MODEL FILE
"""

from __future__ import annotations

import sys
from pathlib import Path

import joblib

if __name__ == "__main__":
    pipeline = joblib.load(sys.argv[1])
    print(pipeline.scores([Path(sys.argv[2]).read_text(encoding="utf-8")]).tolist())
