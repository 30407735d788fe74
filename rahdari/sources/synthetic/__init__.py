"""Layers that no open source gives, modelled and labelled: people, cell sites, existing fibre.

Pure functions from tables to tables.  Nothing here reads a file, and nothing depends on row order.
"""
