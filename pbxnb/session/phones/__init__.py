"""The phones of a handle: extensions that a page or the kernel speaks through, each on a socket of its own."""
