"""The classifier: encoder, pooling, head; its tokens and its files."""
