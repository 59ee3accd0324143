"""How fast a recipe trains and a model translates on this machine, beside what the machine can do."""
