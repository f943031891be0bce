"""The special cases, one file each. A consideration looks at the situation and adds to the draft what it calls for."""
