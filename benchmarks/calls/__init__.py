"""Calls measured as people have them: real browsers, codecs and links, a server of its own for each command."""
