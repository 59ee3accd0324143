"""Pages of HTML that need nothing else, and what is drawn on them."""
