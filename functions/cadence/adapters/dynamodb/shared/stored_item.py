"""What all items of all tables share.

Each table has a base of its own that names it, each kind of item is a subclass of that.
"""

from pynamodb.attributes import TTLAttribute, UnicodeAttribute
from pynamodb.models import Model


class StoredItem(Model):
    """An item; its keys are in docs/architecture/storage.md. One with `expires_at` is removed some time after it."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    expires_at = TTLAttribute(null=True)
