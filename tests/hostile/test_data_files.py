from __future__ import annotations

from collections import Counter

from tests.hostile.data_files import MUTATIONS
from tests.hostile.data_samples import FORMATS
from tests.hostile.guarded import guarded
from tests.hostile.outcome import READ, REFUSED


def test_a_sample_of_hostile_image_sets_is_refused_or_read_for_what_it_says() -> None:
    pairs = {(format, mutation) for format in FORMATS for mutation in MUTATIONS}
    outcomes = guarded("data_files", 2 * len(pairs), seed=0, seconds=300)
    assert [outcome for outcome in outcomes if outcome.failed] == []
    assert Counter((outcome.format, outcome.mutation) for outcome in outcomes) == dict.fromkeys(pairs, 2)
    results = Counter(outcome.result for outcome in outcomes)
    assert results[REFUSED] > 60
    assert results[READ] > 10
