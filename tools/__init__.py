"""Programs for the work on the project itself. No package of the product imports them."""
