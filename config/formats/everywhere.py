"""How times are shown on pages: one way in every language, with the zone said, as authorities of three zones read them."""

DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = r"Y-m-d H:i:s \U\T\C"
