import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest

from saedb.cypher import schema
from saedb.cypher.library import shipped
from saedb.cypher.neo4jbrowser import guide, question
from saedb.cypher.neo4jbrowser.question import Blank, Question

HOSTILE = "</script><script>window.hacked=1</script> <img src=x onerror=alert(1)> \"'&"


def _runnable(html: str) -> list[str]:
    """Return the text of every block that can be run, as Browser reads it."""
    blocks = re.findall(r'<pre class="code runnable[^>]*>(.*?)</pre>', html, re.DOTALL)
    return [unescape(re.sub(r"</?span[^>]*>", "", block)).strip() for block in blocks]


def _asked() -> list[Question]:
    return [*question.own(), *question.library()]


def test_the_guide_has_every_query_of_the_library_once() -> None:
    html = unescape(guide.html())
    assert {q.name for q in question.library()} == set(shipped())
    for item in question.library():
        times = html.count(f"<h4>{item.title}</h4>")
        assert times == 1, item.title


def test_every_statement_can_be_run_and_names_no_run() -> None:
    found = _runnable(guide.html())
    for item in _asked():
        if item.marked is None:
            assert f"<code>{item.command}</code>" in guide.html()
        else:
            expected = item.marked.strip()
            for blank in item.blanks:
                expected = expected.replace(blank.mark, blank.example)
            assert expected in found
    assert not [text for text in found if re.search(r"\$\w+|«|»", text)]
    assert all("Run {status: 'ready'}" in text for text in found)


def test_no_statement_ends_in_what_browser_refuses_to_run() -> None:
    assert not [text for text in _runnable(guide.html()) if text.endswith((" null", ":null"))]


def test_every_input_has_its_places_and_no_place_lacks_its_input() -> None:
    seen: set[str] = set()
    for slide in guide.html().split("<slide>")[1:]:
        inputs = re.findall(r'value-for="([^"]+)"', slide)
        assert len(inputs) == len(set(inputs))
        assert set(re.findall(r'value-key="([^"]+)"', slide)) == set(inputs)
        seen.update(inputs)
    assert len(seen) == sum(len(item.blanks) for item in _asked())


def test_the_guide_tells_of_every_label_and_type() -> None:
    html = guide.html()
    for item in (*schema.NODES, *schema.RELATIONSHIPS):
        assert (item.meaning in unescape(html)) == (item is not schema.LANE)


def test_the_guide_is_whole_and_loads_nothing() -> None:
    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []
            self.seen: set[str] = set()

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen.add(tag)
            assert not {name for name, _ in attrs} & {"src", "onclick", "srcset"}
            if not self.get_starttag_text().endswith("/>"):  # pyright: ignore[reportOptionalMemberAccess]
                self.open.append(tag)

        def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen.add(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    reader = Reader()
    reader.feed(guide.html())
    assert reader.open == []
    assert not reader.seen & {"script", "style", "link", "img", "iframe", "form"}


@pytest.mark.parametrize("field", ["title", "description", "nothing", "marked"])
def test_a_strange_text_is_only_shown(field: str) -> None:
    item = replace(question.library()[0], **{field: HOSTILE})
    block = "".join(guide._block(item))
    assert "<script" not in block
    assert "<img" not in block
    assert HOSTILE in unescape(block)


def test_a_strange_example_leaves_its_input_and_its_place() -> None:
    blank = Blank(name="text", meaning=HOSTILE, example=HOSTILE)
    item = replace(question.library()[0], blanks=(blank,), marked=f"RETURN {blank.mark}")
    block = "".join(guide._block(item))
    (value,) = re.findall(r'<input value-for="[^"]*" value="([^"]*)"', block)
    assert unescape(value) == HOSTILE
    assert _runnable(block) == [f"RETURN {HOSTILE}"]
