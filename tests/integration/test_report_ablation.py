"""The chapter on ablations, of a graph whose effects are known."""

from collections.abc import Iterator

import pytest
from known_graph import BARE, KNOWN, loaded, whole

from saedb.cli.report import ablation
from saedb.cli.report.page import page
from saedb.cli.wording import short_id
from saedb.cypher.graph import Graph
from saedb.cypher.server.local import LocalServer


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield graph


def test_effects_stand_beside_those_of_the_paper(graph: Graph) -> None:
    chapter = ablation.chapter(graph, KNOWN)
    effects, causes = chapter.sections
    assert [section.anchor for section in chapter.sections] == ["effects", "causes"]
    assert [table.title for table in effects.tables] == ["By pearson", "By necessity", "By sufficiency"], (
        "none is known"
    )
    (pearson, necessity, _) = (table.rows for table in effects.tables)
    assert pearson["edges"].tolist() == [4]
    assert pearson["effect"].tolist() == pytest.approx([(0.9 + 0.02 + 0.5 + 0.4) / 4])
    assert pearson["paper, GPT-2"].tolist() == [6.977]
    assert necessity["paper, GPT-2"].tolist() == [0.958, 2.419, 6.217]
    assert "Of 3 edges whose error is known, 67%" in effects.text[0]
    assert effects.text[1].endswith("with the direction `sae`; there are no others.")
    assert effects.figure is not None
    assert effects.data is not None
    assert causes.tables[0].rows["target"].tolist()[:2] == [short_id(whole("1/0")), short_id(whole("2/0"))]
    assert causes.tables[1].rows["source"].tolist()[0] == short_id(whole("0/1"))
    content = page(KNOWN, "", [chapter])
    assert 'id="effects-figure"' in content
    assert f"{KNOWN}-effects.csv" in content


def test_a_run_without_effects_says_how_to_find_them(graph: Graph) -> None:
    (section,) = ablation.chapter(graph, BARE).sections
    assert section.note == f"No edge of this run was tried. This does: `saedb ablate {BARE}`"
