"""Engines' specifications as they are stored and as agents are told them."""

from hypothesis import given
from hypothesis import strategies as st

from cadence.domain.melodium.specification import ContainerSpec, WorkerSpec
from cadence.domain.pipelines import plan
from cadence.domain.pipelines.specification import TreatmentSpec

texts = st.text(min_size=1, max_size=8)
containers = st.builds(
    ContainerSpec,
    name=texts,
    image=texts,
    cpu=st.none() | st.integers(1, 9000),
    mounts=st.dictionaries(texts, texts, max_size=2),
    env=st.dictionaries(texts, texts, max_size=2),
    command=st.none() | st.lists(texts, max_size=2).map(tuple),
)
workers = st.builds(
    WorkerSpec,
    version=texts,
    group_id=texts,
    parent_id=st.none() | texts,
    duration=st.none() | st.integers(1, 9000),
    volumes=st.dictionaries(texts, st.integers(0, 9), max_size=2),
    containers=st.lists(containers, max_size=2).map(tuple),
    services=st.lists(containers, max_size=2).map(tuple),
    tags=st.lists(texts, max_size=2).map(tuple),
)


@given(workers)
def test_a_worker_is_read_as_it_was_written(worker: WorkerSpec) -> None:
    spec = TreatmentSpec(name="worker", engine=worker)
    assert plan.decode(plan.encode([spec])) == (spec,)
