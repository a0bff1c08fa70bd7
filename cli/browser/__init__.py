"""The feature browser: pages over a graph in Neo4j, made by Dash and served to this machine only.

`app` puts the pages together, `guard` decides who is answered, `site` is what every page is given, and `views` holds
one module for each page.
"""
