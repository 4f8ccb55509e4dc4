from __future__ import annotations

from collections import Counter

from tests.hostile import onnx_files
from tests.hostile.guarded import guarded
from tests.hostile.outcome import READ, REFUSED


def test_a_sample_of_hostile_onnx_files_is_refused_or_read_for_what_it_says() -> None:
    outcomes = guarded("onnx_files", 20 * len(onnx_files.MUTATIONS), seed=2, seconds=300)
    assert [outcome for outcome in outcomes if outcome.failed] == []
    assert Counter(outcome.mutation for outcome in outcomes) == dict.fromkeys(onnx_files.MUTATIONS, 20)
    results = Counter(outcome.result for outcome in outcomes)
    assert results[REFUSED] > 90
    assert results[READ] > 20
