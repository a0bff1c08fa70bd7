import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from saedb.cypher.neo4jbrowser import GUIDE, LOGIN, favourites, site, style
from saedb.cypher.server import jars

pytestmark = pytest.mark.skipif(not site._jar().file.exists(), reason="no jar of Neo4j Browser yet: saedb up")


def _seeded(script: str) -> dict[str, dict[str, object]]:
    found = re.match(r"const saedb = (.*);\n", script)
    assert found is not None
    return json.loads(found[1])


def test_the_folder_has_all_of_browser_and_saedbs_files(tmp_path: Path) -> None:
    site.write(tmp_path / "web")
    browser = tmp_path / "web" / "browser"
    assert (browser / GUIDE).is_file()
    assert (browser / LOGIN).is_file()
    assert (browser / "LICENSE").is_file()
    assert "saedb changed it" in (browser / "saedb" / "NOTICE.txt").read_text()
    scripts = re.findall(r'<script src="([^"]+)">', (browser / "index.html").read_text())
    assert scripts[0] == "saedb/seed.js"
    assert all((browser / script).is_file() for script in scripts)


def test_pages_have_no_script_of_their_own_which_the_server_would_forbid(tmp_path: Path) -> None:
    site.write(tmp_path / "web")
    for page in (tmp_path / "web" / "browser").glob("**/*.html"):
        assert not re.findall(r"<script(?![^>]*\bsrc=)", page.read_text()), page


def test_it_is_made_once_and_again_for_another_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "web"
    site.write(folder)
    mark = folder / "browser" / "mark"
    mark.touch()
    site.write(folder)
    assert mark.exists()
    before = (folder / "browser" / "saedb" / "style.grass").read_text()
    monkeypatch.setitem(style.CIRCLES, "Feature", replace(style.CIRCLES["Feature"], diameter=66))
    site.write(folder)
    assert not mark.exists()
    assert (folder / "browser" / "saedb" / "style.grass").read_text() != before
    assert [file.name for file in tmp_path.iterdir()] == ["web"]


def test_what_was_half_made_is_made_again(tmp_path: Path) -> None:
    folder, draft = tmp_path / "web", tmp_path / "web.draft"
    (draft / "browser").mkdir(parents=True)
    (draft / "browser" / "rest").touch()
    folder.mkdir()
    site.write(folder)
    assert (folder / "browser" / "index.html").is_file()
    assert not (folder / "browser" / "rest").exists()
    assert not draft.exists()


def test_another_browser_without_its_first_script_is_noticed(tmp_path: Path) -> None:
    index = tmp_path / "index.html"
    index.write_text("<script src='other.js'></script>")
    with pytest.raises(ValueError, match="ui-libs"):
        site._seed_first(index)


def test_the_seed_has_style_favourites_and_settings_under_a_version_of_its_content(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seed = _seeded(site.seed())
    assert seed["objects"]["grass"] == style.rules()
    documents = seed["lists"]["documents"]
    assert isinstance(documents, list)
    assert [document["id"] for document in documents] == [f.id for f in favourites.favourites()]
    assert seed["version"] == _seeded(site.seed())["version"]
    monkeypatch.setitem(site._SETTINGS, "initialNodeDisplay", 1)
    assert seed["version"] != _seeded(site.seed())["version"]


def test_the_jar_is_that_of_the_lock() -> None:
    assert site._jar().version == jars.version("org.neo4j.client", "neo4j-browser")
