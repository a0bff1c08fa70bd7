"""Neo4j Browser, ready to use: colours and captions, a guide, favourites, and a link that logs in.

All of it is made of the schema, the library of queries and a few statements that return pictures.
"""

from typing import Final

GUIDE: Final = "saedb/guide.html"
LOGIN: Final = "saedb/login.html"
"""Where the local server has these, behind ``/browser/``."""
