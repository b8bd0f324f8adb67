"""What the tests share: the template's sources, rendered projects, and the programs that they run against."""
