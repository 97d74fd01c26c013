"""Made-up feeds of five districts, in three real formats; dates follow today, so the demo never ages.

Towns and their postcodes are real. Every organisation, street, address and text is invented; numbers are from the
ranges that the regulator keeps free for films.
"""
