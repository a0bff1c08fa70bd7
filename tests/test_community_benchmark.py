"""The benchmark of communities measures every step of finding them, on a real server with the memory that it says."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from benchmarks import communities
from benchmarks.figures import Figure, Kind
from benchmarks.loading import empty_server

from saedb.cypher.communities.weighted import Weighted
from saedb.cypher.connection import Connection

HEAP = """
CALL dbms.queryJmx('java.lang:type=Memory') YIELD attributes
RETURN attributes.HeapMemoryUsage.value.properties.max AS most
"""
DEFAULTS = "MATCH (p:Partition {is_default: true}) RETURN p.algorithm AS algorithm, p.features AS features"
NUMBERED = "MATCH (f:Feature) WHERE f.community IS NOT NULL RETURN count(f) AS n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    figures: list[Figure]
    heap: int
    defaults: list[dict[str, object]]
    numbered: int

    def of(self, kind: Kind) -> list[Figure]:
        return [figure for figure in self.figures if figure.kind is kind]

    def value(self, kind: Kind) -> float:
        (figure,) = self.of(kind)
        assert figure.value is not None
        return figure.value


@pytest.fixture(scope="module")
def measured() -> Measured:
    with empty_server(communities.OWN_SETTINGS) as server:
        figures = list(communities.on_server(server, communities.QUICK))
        with Connection(server.address()) as connection:
            return Measured(
                figures=figures,
                heap=connection.read(HEAP)[0]["most"],
                defaults=connection.read(DEFAULTS),
                numbered=connection.read(NUMBERED)[0]["n"],
            )


def test_the_server_has_the_memory_that_is_said(measured: Measured) -> None:
    assert measured.heap == 4 << 30


def test_planted_communities_gave_way_to_those_that_were_found(measured: Measured) -> None:
    assert [row["algorithm"] for row in measured.defaults] == ["leiden"]
    assert measured.defaults[0]["features"] == measured.numbered > 2_000


def test_the_steps_of_finding_communities_add_up_to_the_whole(measured: Measured) -> None:
    seconds = {figure.case.partition(",")[0]: figure.value for figure in measured.of(communities.STAGE)}
    whole = seconds.pop("whole")
    assert tuple(seconds) == communities.STEPS
    assert all(value is not None and value > 0 for value in seconds.values())
    assert sum(value or 0 for value in seconds.values()) == pytest.approx(whole)
    assert measured.value(communities.MEMORY) > 1


def test_the_server_is_held_against_leidenalg(measured: Measured) -> None:
    server, local = measured.value(communities.SERVER), measured.value(communities.LOCAL)
    assert measured.value(communities.AGAINST) == pytest.approx(local / server)
    assert measured.value(communities.MODULARITY) < 0.05
    assert measured.value(communities.AGREEMENT) < 0.2


def test_partitions_that_are_the_same_are_not_apart_and_others_are() -> None:
    graph = two_triangles()
    triangles, others = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 0, 1, 0, 1])
    same = list(communities.alike("two triangles", graph, triangles, triangles))
    assert [(figure.value, figure.met) for figure in same] == [(0.0, True), (pytest.approx(0.0), True)]
    apart = list(communities.alike("two triangles", graph, others, triangles))
    # of 7 edges 6 are inside the triangles and 2 inside the others, whose features have as many edges
    assert apart[0].value == pytest.approx(4 / 7)
    assert [figure.met for figure in apart] == [False, False]


def two_triangles() -> Weighted:
    source, target = np.array([[0, 1], [0, 2], [1, 2], [3, 4], [3, 5], [4, 5], [2, 3]]).T
    features = pd.DataFrame({"id": [f"1/{place}" for place in range(6)]})
    return Weighted(features=features, source=source, target=target, weight=np.ones(7))
