"""`python -m copier_mlops` is `copier-mlops`."""

from copier_mlops.cli import main

main()
