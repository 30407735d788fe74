"""Tables on disk: GeoParquet and a manifest; the result cache; the only reader of tables."""
