"""Readers of the open data that installed packages carry, one file a package.

Each reader returns plain tables or arrays, fetches nothing, and offers its rows of the
``sources`` table, so that every figure made from it names its publisher and licence.
"""

from __future__ import annotations
