import io
import zipfile

from saedb.cypher.library import shipped
from saedb.cypher.neo4jbrowser import favourites


def test_every_query_that_a_statement_answers_is_a_favourite() -> None:
    names = {f.name for f in favourites.favourites() if f.folder not in ("holds", "pictures")}
    assert names == {query.name for query in shipped().values() if query.cypher is not None}


def test_ids_are_unique_and_folders_known() -> None:
    found = favourites.favourites()
    assert len({f.id for f in found}) == len(found)
    assert {favourites.folder_id(f.folder) for f in found} == set(favourites.folders())


def test_the_first_line_is_the_title_because_browser_shows_it_as_the_name() -> None:
    titles = {query.name: query.title for query in shipped().values()}
    for favourite in favourites.favourites():
        first = favourite.content.splitlines()[0]
        assert first.startswith("// ")
        if favourite.folder not in ("holds", "pictures"):
            assert first == f"// {titles[favourite.name]}."


def test_the_archive_has_them_in_folders_and_is_always_the_same() -> None:
    archive = favourites.archive()
    assert archive == favourites.archive()
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert len(files.namelist()) == len(favourites.favourites())
        assert "saedb gates/and-gates.cypher" in files.namelist()
        assert files.read("saedb pictures/chains.cypher").decode().startswith("// The longest chains")
