"""Video files to a data set of clips: what is found, what is measured of it, what is kept, and how it is written."""
