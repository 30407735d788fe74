"""Layers that no open source gives, modelled and labelled: people, cell sites, existing fibre.

Pure functions from tables to tables.  Nothing here reads a file, and nothing depends on row order.
"""

PLACES_SOURCE_ID = "synthetic-places"
SITES_SOURCE_ID = "synthetic-sites"
FIBRE_SOURCE_ID = "synthetic-fibre"
SOURCES = (
    {
        "source_id": PLACES_SOURCE_ID,
        "title": "Population beyond gazetteer towns, spread on H3 cells by terrain, road and town",
        "publisher": "Rahdari",
        "licence": "as the census and gazetteer spread",
        "kind": "synthetic",
        "locator": "rahdari.sources.synthetic.people",
        "note": "Sums exactly to the census of every district; within a district it is a model, not an observation",
    },
    {
        "source_id": SITES_SOURCE_ID,
        "title": "Cell sites shared out over places to meet published national totals",
        "publisher": "Rahdari",
        "licence": "as the totals met",
        "kind": "synthetic",
        "locator": "rahdari.sources.synthetic.sites",
        "note": "Right in sum and in kind of place, never about one tower",
    },
    {
        "source_id": FIBRE_SOURCE_ID,
        "title": "Existing fibre assumed along main roads to meet published long-haul kilometres; sea lanes for cables",
        "publisher": "Rahdari",
        "licence": "as the ways followed",
        "kind": "synthetic",
        "locator": "rahdari.sources.synthetic.fibre",
        "note": "Several operators' fibres lie in one way; no duct position is known or implied",
    },
)
