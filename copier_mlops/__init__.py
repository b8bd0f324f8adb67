"""The command `copier-mlops`: makes repositories from the template, and raises and updates them."""
