"""Network files of the trade: SNDlib, GraphML, GeoJSON, GeoPackage, Open Fibre Data Standard.

:mod:`rahdari.sources.networks.files` reads any of them by its content and writes them.
"""
