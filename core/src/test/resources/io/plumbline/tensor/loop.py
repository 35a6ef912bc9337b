"""Has a statement that no kernel file may have."""

for _ in range(3):
    print("no kernel")
