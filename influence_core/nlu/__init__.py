"""A voice assistant's stack: the domain, intent and slots of a text, and the errors in each."""
