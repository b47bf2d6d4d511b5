"""Tables of finished runs."""

from __future__ import annotations

from typing import Any

from sah import _sah


class Rows(_sah.Rows):
    """A table of Arrow: pandas, polars, pyarrow and duckdb open it without a copy."""

    def to_pandas(self) -> Any:
        """As a DataFrame of pandas, which must be installed."""
        import pandas

        if hasattr(pandas.DataFrame, "from_arrow"):
            return pandas.DataFrame.from_arrow(self)
        import pyarrow

        return pyarrow.table(self).to_pandas()

    def to_polars(self) -> Any:
        """As a DataFrame of polars, which must be installed."""
        import polars

        return polars.DataFrame(self)
