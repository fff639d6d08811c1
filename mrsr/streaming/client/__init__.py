"""A participant of a call as a program: for load, for measurements and for tests; it speaks as a browser does."""
