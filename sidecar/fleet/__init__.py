"""Several sidecars and one verdict: what they tell a shared store, and who judges it."""
