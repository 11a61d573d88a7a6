"""Maps: examples as points of a plane, laid out by what the encoder makes of them."""
