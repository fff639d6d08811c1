"""A model measured on clips: degradations, truth and input of every route, rows of figures, tables and pictures."""
