"""Files of rows that people and other systems give and take: the estate and the products list.

`estate` and `products` are the two kinds of row; `table` reads and writes either as CSV or as
JSON lines, by the end of the file's name. Parquet is not read yet.
"""
