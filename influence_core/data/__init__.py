"""From a source of labelled texts to `examples.parquet`."""
