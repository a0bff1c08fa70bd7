import re
import stat
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from saedb.cypher.address import Address
from saedb.cypher.neo4jbrowser import loginpage

STRANGE = "a&b#c?d=e +%\"'<script>ü"


def _address(password: str) -> Address:
    return Address(
        uri="bolt://127.0.0.1:21001", username="neo4j", password=password, database="neo4j", origin="a test", home=None
    )


def _link(file: Path) -> str:
    (link,) = re.findall(r'href="([^"]*)"', file.read_text(encoding="utf-8"))
    return unescape(link)


def test_the_link_has_the_login_behind_the_hash_only(tmp_path: Path) -> None:
    file = tmp_path / "login.html"
    loginpage.write(file, _address(STRANGE), "http://127.0.0.1:21000/browser/")
    link = urlsplit(_link(file))
    assert (link.netloc, link.path, link.query) == ("127.0.0.1:21000", "/browser/saedb/login.html", "")
    assert parse_qs(link.fragment) == {"bolt": ["21001"], "username": ["neo4j"], "password": [STRANGE]}
    assert "<script>ü" not in file.read_text(encoding="utf-8")


def test_the_page_is_its_owners_only_even_where_one_of_other_rights_was(tmp_path: Path) -> None:
    file = tmp_path / "login.html"
    for made in (file, file.with_suffix(".draft")):
        made.touch(mode=0o644)
    loginpage.write(file, _address("one"), "http://127.0.0.1:1/browser/")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["login.html"]


def test_a_closed_page_has_no_password_and_one_that_never_was_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "login.html"
    loginpage.close(file)
    assert not file.exists()
    loginpage.write(file, _address("secret"), "http://127.0.0.1:1/browser/")
    loginpage.close(file)
    text = file.read_text()
    assert "secret" not in text
    assert "saedb up" in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
