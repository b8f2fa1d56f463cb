"""Web pages for people: the same verbs as the API, told in 中文 or English, usable without JavaScript."""
