"""Prints the rows of a Delta table as JSON, read by a library that is not ours."""

import json
import sys

from deltalake import DeltaTable

rows = DeltaTable(sys.argv[1]).to_pyarrow_table().to_pylist()
print(json.dumps(rows, default=str))
