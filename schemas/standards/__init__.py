"""The code tables of national standards, packaged with the program; see NOTICE."""
